import sys

from rockpool.cli import main

sys.exit(main())
