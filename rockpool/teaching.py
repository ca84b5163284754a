"""What `rockpool --help` teaches: how to start it, look around, load, order faults, and read what arrived."""
from rockpool.faults import POINTS, STEPS

ABOUT = """rockpool is a local stand-in for StarRocks, for tests of programs that talk to it. It is not StarRocks.

It serves the HTTP port of one frontend, the HTTP ports of two backends and the MySQL port on 127.0.0.1, for the user
root without a password. When it serves, it prints one line on stdout:

    {"fe_http": 8030, "be_http": [8040, 8041], "mysql": 9030}

Everything else goes to stderr. Data is kept in DIR. It ends on SIGTERM or SIGINT."""
EXAMPLES = """examples:
  build/rockpool --data /tmp/pool                                  free ports
  build/rockpool --data /tmp/pool --fe-http 8030 --mysql 9030      fixed ports
  mysql -h 127.0.0.1 -P 9030 -u root                               look around
  curl -u root: -H 'Expect: 100-continue' --location-trusted -T rows.csv -H 'column_separator:,' \\
       http://127.0.0.1:8030/api/db/t/_stream_load                 load
  curl http://127.0.0.1:8030/_rockpool/stats                       what arrived
  curl -X POST -d '{"point": "lost_answer", "at": "commit", "count": 1}' http://127.0.0.1:8030/_rockpool/faults

fault points (POST /_rockpool/faults; keys: point, at, table, label, count, after, probability and what is named here):
{points}
steps for `at`: {steps}
"""


def lessons():
    points = "\n".join(f"  {name:20}{meaning}" for name, meaning in POINTS.items())
    return EXAMPLES.replace("{points}", points).replace("{steps}", ", ".join(STEPS))
