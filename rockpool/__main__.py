import os
import sys

from rockpool.cli import main

code = main()
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)  # everything is closed; the libraries' own ends only take time and complain
