"""The command line: build/rockpool --data DIR"""
import argparse
import asyncio
import fcntl
import gc
import json
import os
import signal
import sys

from rockpool.faults import POINTS, STEPS
from rockpool.version import NEWEST, Version

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


def ports(text):
    found = [int(p) for p in text.split(",")]
    if len(found) == 1 and found[0] == 0:
        found = [0, 0]
    if len(found) != 2:
        raise argparse.ArgumentTypeError(f"{text!r}: there are two backends, give two ports as PORT,PORT")
    return found


def points():
    return "\n".join(f"  {name:20}{meaning}" for name, meaning in POINTS.items())


def version(text):
    try:
        return Version(text)
    except ValueError as e:
        raise argparse.ArgumentTypeError(str(e)) from None


def arguments(given=None):
    more = EXAMPLES.replace("{points}", points()).replace("{steps}", ", ".join(STEPS))
    p = argparse.ArgumentParser(prog="rockpool", description=ABOUT, epilog=more,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True, metavar="DIR", help="folder that keeps tables, rows and labels")
    p.add_argument("--fe-http", type=int, default=0, metavar="PORT", help="HTTP port of the frontend (0: a free one)")
    p.add_argument("--be-http", type=ports, default=[0, 0], metavar="PORT,PORT", help="HTTP ports of the two backends")
    p.add_argument("--mysql", type=int, default=0, metavar="PORT", help="MySQL port")
    p.add_argument("--version", type=version, default=Version(), metavar="X.Y.Z",
                   help=f"the StarRocks version to behave like (2.5.0 to {NEWEST}, default {NEWEST})")
    p.add_argument("--count", action="store_true", help="count rows and bytes of loads instead of storing them")
    p.add_argument("--quiet", action="store_true", help="no line per load on stderr")
    return p.parse_args(given)


def lock(folder):
    """One rockpool per folder."""
    os.makedirs(folder, exist_ok=True)
    held = open(os.path.join(folder, "lock"), "w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(f"rockpool: the folder {folder} is in use by another rockpool; stop it or give another --data")
    return held


async def serve(args):
    from rockpool.server import PortTaken, World
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    world = World(args.data, args.version, args.count, args.quiet)
    try:
        ready = await world.start(args.fe_http, args.be_http, args.mysql)
    except PortTaken as e:
        print(f"rockpool: {e}", file=sys.stderr)
        await world.stop()
        return 1
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
    print(json.dumps(ready), flush=True)
    await stop.wait()
    world.log("rockpool ends")
    await world.stop()
    return 0


def main(given=None):
    args = arguments(given)
    held = lock(args.data)
    print(f"rockpool: a local stand-in, behaves like StarRocks {args.version.text}. This is not StarRocks.",
          file=sys.stderr, flush=True)
    try:
        return asyncio.run(serve(args))
    except KeyboardInterrupt:
        return 0
    finally:
        held.close()
