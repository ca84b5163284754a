"""The command line: build/rockpool --data DIR"""
import argparse
import asyncio
import fcntl
import gc
import json
import os
import re
import signal
import sys

from rockpool import teaching
from rockpool.faults import read_script
from rockpool.mysql import tls
from rockpool.version import NEWEST, Version


def ports(text):
    found = some_ports(text)
    if len(found) == 1 and found[0] == 0:
        found = [0, 0]
    if len(found) != 2:
        raise argparse.ArgumentTypeError(f"{text!r}: there are two backends, give two ports as PORT,PORT")
    return found


def some_ports(text):
    try:
        found = [int(p) for p in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no port, nor a list of ports") from None
    if not all(0 <= p <= 65535 for p in found):
        raise argparse.ArgumentTypeError(f"{text!r}: ports are 0 to 65535")
    return found


def port(text):
    found = some_ports(text)
    if len(found) != 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not one port")
    return found[0]


def version(text):
    try:
        return Version(text)
    except ValueError as e:
        raise argparse.ArgumentTypeError(str(e)) from None


class Options(argparse.ArgumentParser):
    def error(self, message):
        """One line, and where to read on."""
        self.exit(2, f"rockpool: {message}; rockpool --help tells what there is\n")


def memory(text):
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?[KMGT]i?B", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size: give a number and MB or GB, such as 500MB")
    return text


def arguments(given=None):
    p = Options(prog="rockpool", description=teaching.ABOUT, epilog=teaching.lessons(),
                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True, metavar="DIR", help="folder that keeps tables, rows and labels")
    p.add_argument("--fe-http", type=some_ports, default=[0], metavar="PORT[,PORT]",
                   help="HTTP port of the frontend, of each one when there are several (0: a free one)")
    p.add_argument("--be-http", type=ports, default=[0, 0], metavar="PORT,PORT", help="HTTP ports of the two backends")
    p.add_argument("--thrift", type=ports, default=[0, 0], metavar="PORT,PORT",
                   help="Thrift ports of the two backends: the scanner service that connectors read from")
    p.add_argument("--arrow-flight", type=port, metavar="PORT",
                   help="port of Arrow Flight SQL on the frontend (0: a free one; from 3.5.1; without it there is none)")
    p.add_argument("--mysql", type=some_ports, default=[0], metavar="PORT[,PORT]", help="MySQL port, one per frontend")
    p.add_argument("--frontends", type=int, choices=range(1, 10), default=1, metavar="N",
                   help="so many frontends: the first leads, the others follow (1 to 9, default 1)")
    p.add_argument("--version", type=version, default=Version(), metavar="X.Y.Z",
                   help=f"the StarRocks version to behave like (2.5.0 to {NEWEST}, default {NEWEST})")
    tls.add_options(p)
    p.add_argument("--faults", metavar="FILE", help="fault rules from the start: a JSON array, or one JSON object per line")
    p.add_argument("--seed", type=int, default=0, metavar="N", help="what the probabilities of fault rules are drawn from")
    p.add_argument("--count", action="store_true", help="count rows and bytes of loads instead of storing them")
    p.add_argument("--memory", type=memory, metavar="SIZE", help="memory of the row store, such as 500MB or 4GB; what does not "
                   "fit is kept on disk in DIR (default 2GB; the process needs about 300MB besides)")
    p.add_argument("--quiet", action="store_true", help="no line per load on stderr")
    args = p.parse_args(given)
    if max(len(args.fe_http), len(args.mysql)) > args.frontends:
        p.error(f"more ports than frontends; give --frontends {max(len(args.fe_http), len(args.mysql))}")
    return args


def ordered_faults(path):
    try:
        return read_script(path) if path else []
    except (OSError, ValueError) as e:
        sys.exit(f"rockpool: {e}")


def lock(folder):
    """One rockpool per folder."""
    try:
        os.makedirs(folder, exist_ok=True)
        held = open(os.path.join(folder, "lock"), "w")
    except OSError as e:
        sys.exit(f"rockpool: the folder {folder} of --data cannot be used: {e.strerror or e}")
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
    world = World(args.data, args.version, args.count, args.quiet, args.frontends, args.seed,
                  args.memory)
    for rule in args.rules:
        world.faults.add(rule)
    world.tls, world.require_tls, world.fe_https = args.tls_context, args.require_tls, args.fe_https
    world.reading.thrift_wanted, world.reading.flight_wanted = args.thrift, args.arrow_flight
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
    args.rules = ordered_faults(args.faults)
    try:
        args.tls_context = tls.of_options(args)
    except (ValueError, OSError) as e:
        sys.exit(f"rockpool: {e}")
    print(f"rockpool: a local stand-in, behaves like StarRocks {args.version.text}. This is not StarRocks.",
          file=sys.stderr, flush=True)
    try:
        return asyncio.run(serve(args))
    except KeyboardInterrupt:
        return 0
    finally:
        held.close()
