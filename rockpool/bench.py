"""How fast a rockpool takes loads, answers checks and starts: python -m rockpool.bench

The client is cheap (requests made beforehand, plain sockets) and has a core of its own, rockpool has another. Next to
wall time stands the processor time of the rockpool process, which other programs on the machine disturb little, and
a ceiling measured in the same run: the least that plain Python must do for the same bytes.
"""
import argparse
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from base64 import b64encode
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pymysql
from isal import isal_zlib

ROOT = Path(__file__).resolve().parents[1]
TICKS = os.sysconf("SC_CLK_TCK")
AUTHORIZATION = "Basic " + b64encode(b"root:").decode()
COLUMNS = ("id BIGINT NOT NULL, a INT NULL, b INT NULL, price DECIMAL(12, 2) NULL, rate DOUBLE NULL, day DATE NULL, "
           "at DATETIME NULL, name VARCHAR(64) NULL, note VARCHAR(200) NULL, done BOOLEAN NULL")
NAMES = ["id", "a", "b", "price", "rate", "day", "at", "name", "note", "done"]
MODELS = {"dup": "DUPLICATE KEY(id)", "pk": "PRIMARY KEY(id)"}
BODY_BYTES = 10_000_000
RECEIVE_BYTES = 256 << 10


# ---------------------------------------------------------------- rows
def row(n, rng):
    return (str(n), str(rng.randrange(1 << 31)), str(rng.randrange(1000)), f"{rng.randrange(10 ** 9) / 100:.2f}",
            repr(rng.random() * 1000), f"2024-{n % 12 + 1:02}-{n % 28 + 1:02}",
            f"2024-{n % 12 + 1:02}-{n % 28 + 1:02} {n % 24:02}:{n % 60:02}:{n * 7 % 60:02}.{n % 1000000:06}",
            f"customer {rng.randrange(100000)}", f"note {n} of the bench, as long as notes are", str(n % 2))


def csv_rows(first, count, fields=b"\t", rows=b"\n", op=None):
    rng = random.Random(first)
    more = () if op is None else (op,)
    return rows.join(fields.join(v.encode() for v in row(n, rng) + more) for n in range(first, first + count)) + rows


def json_rows(first, count):
    rng = random.Random(first)
    return json.dumps([dict(zip(NAMES, row(n, rng))) for n in range(first, first + count)]).encode()


# ---------------------------------------------------------------- the two sides
class Pool:
    """A rockpool on a core of its own, and what the kernel says of it."""

    def __init__(self, folder, core, *options):
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "rockpool", "--data", folder, "--quiet", *options], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
            preexec_fn=lambda: os.sched_setaffinity(0, [core]))
        self.ports = json.loads(self.process.stdout.readline())
        self.start_seconds = time.perf_counter() - begun
        self.connection = pymysql.connect(host="127.0.0.1", port=self.ports["mysql"], user="root", autocommit=True)
        self.sql("CREATE DATABASE bench")

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self):
        """(now, most so far) in MB"""
        lines = dict(l.split(":", 1) for l in Path(f"/proc/{self.process.pid}/status").read_text().splitlines())
        return tuple(int(lines[k].split()[0]) // 1024 for k in ("VmRSS", "VmHWM"))

    def sql(self, text):
        with self.connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall()

    def table(self, name, model):
        self.sql(f"CREATE TABLE bench.{name} ({COLUMNS}) {MODELS[model]} DISTRIBUTED BY HASH(id) BUCKETS 1 "
                 "PROPERTIES('replication_num'='1')")

    def set(self, **settings):
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.ports['fe_http']}/_rockpool/settings",
                                                      json.dumps(settings).encode(), method="POST"), timeout=10).close()

    def stop(self):
        self.connection.close()
        self.process.terminate()
        self.process.wait(60)
        self.process.stdout.close()


class Client:
    """One kept connection to a backend, and one to the frontend, which commits what is prepared."""

    def __init__(self, pool, port=None):
        self.socket = socket.create_connection(("127.0.0.1", port or pool.ports["be_http"][0]))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.numbers = 0
        self.frontend = Client(pool, pool.ports["fe_http"]) if port is None else None

    def call(self, method, path, headers, body=b""):
        head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: {AUTHORIZATION}\r\n" + \
            "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + f"Content-Length: {len(body)}\r\n\r\n"
        if len(body) < 10_000:
            self.socket.sendall(head.encode() + body)
        else:
            self.socket.sendall(head.encode())
            self.socket.sendall(body)
        got = b""
        while (end := got.find(b"\r\n\r\n")) < 0:
            got += self.socket.recv(65536)
        length = int(got[:end].lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(got) < end + 4 + length:
            got += self.socket.recv(65536)
        answer = json.loads(got[end + 4:end + 4 + length])
        if answer["Status"] not in ("OK", "Success"):
            raise RuntimeError(f"{path}: {answer}")
        return answer

    def label(self):
        self.numbers += 1
        return f"bench_{id(self)}_{self.numbers}"

    def load(self, table, body, headers):
        return self.call("PUT", f"/api/bench/{table}/_stream_load", {"label": self.label(), **headers}, body)

    def transaction(self, table, body, headers):
        head = {"label": self.label(), "db": "bench", "table": table}
        self.call("POST", "/api/transaction/begin", head)
        answer = self.call("PUT", "/api/transaction/load", {**head, **headers}, body)
        self.call("POST", "/api/transaction/prepare", head)
        self.frontend.call("POST", "/api/transaction/commit", head)
        return answer


class Measure:
    """Wall time and the processor time of rockpool over a piece of work."""

    def __init__(self, pool):
        self.pool = pool

    def __enter__(self):
        self.begun, self.cpu = time.perf_counter(), self.pool.cpu_seconds()
        return self

    def __exit__(self, *_):
        self.wall = time.perf_counter() - self.begun
        self.cpu = max(self.pool.cpu_seconds() - self.cpu, 1 / TICKS)


# ---------------------------------------------------------------- ceilings
def receiving_ceiling(bodies, core, delimiter):
    """Seconds of processor time to receive bodies into one buffer, to sum and to count them."""
    listener = socket.create_server(("127.0.0.1", 0))
    found = []

    def take():
        os.sched_setaffinity(0, [core])
        connection, _ = listener.accept()
        buffer = bytearray(RECEIVE_BYTES)
        view, values = memoryview(buffer), np.frombuffer(buffer, np.uint8)
        cpu, checksum, rows = time.thread_time(), 0, 0
        while size := connection.recv_into(buffer):
            checksum = isal_zlib.crc32(view[:size], checksum)
            rows += int(np.count_nonzero(values[:size] == delimiter[0]))
        found.append(time.thread_time() - cpu)
    if (child := os.fork()) == 0:
        with socket.create_connection(listener.getsockname()) as out:
            for body in bodies:
                out.sendall(body)
        os._exit(0)
    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    os.waitpid(child, 0)
    listener.close()
    return found[0]


def storing_ceiling(body, folder, core, rounds):
    """Seconds of processor time of Arrow's CSV reader and DuckDB's insert, one thread, for one body."""
    pa.set_cpu_count(1)
    os.sched_setaffinity(0, [core])
    db = duckdb.connect(os.path.join(folder, "ceiling.duckdb"), config={"threads": 1})
    parse = pa.csv.ParseOptions(delimiter="\t", quote_char=False)
    made = False
    cpu = time.process_time()
    for _ in range(rounds):
        rows = pa.csv.read_csv(pa.BufferReader(body), pa.csv.ReadOptions(use_threads=False, column_names=NAMES), parse)
        db.register("delta", rows)
        db.execute("INSERT INTO t SELECT * FROM delta" if made else "CREATE TABLE t AS SELECT * FROM delta")
        db.unregister("delta")
        made = True
    cpu = time.process_time() - cpu
    db.close()
    return cpu / rounds


# ---------------------------------------------------------------- the parts
class Bench:
    def __init__(self, args):
        self.args = args
        self.folder = args.data or tempfile.mkdtemp(prefix="rockpool-bench-")
        self.pools = []

    def pool(self, name, *options):
        self.pools.append(Pool(os.path.join(self.folder, name), self.args.core, *options))
        return self.pools[-1]

    def close(self):
        """Ends what a part that failed has left behind."""
        for pool in self.pools:
            if pool.process.poll() is None:
                pool.process.terminate()
                pool.process.wait(60)

    @staticmethod
    def say(name, **figures):
        print(f"{name:34}" + "  ".join(f"{k.replace('_', ' ')} {v:,.2f}" if isinstance(v, float) else
                                       f"{k.replace('_', ' ')} {v:,}" for k, v in figures.items()), flush=True)

    def said(self, name, m, loads, rows, size, ceiling=None):
        figures = dict(loads=loads, rows_per_s=int(rows / m.wall), rows_per_cpu_s=int(rows / m.cpu),
                       GB_per_cpu_s=size / m.cpu / 1e9)
        if ceiling:
            figures["of_ceiling"] = ceiling / m.cpu
        self.say(name, **figures)

    def start(self):
        pool = self.pool("start")
        self.say("start", seconds=pool.start_seconds, cpu_seconds=pool.cpu_seconds(), MB=pool.memory()[0])
        pool.stop()

    def count(self):
        pool = self.pool("count", "--count")
        client = Client(pool)
        pool.table("t", "pk")
        bodies = {"csv": (csv_rows(0, 60_000)[:BODY_BYTES], {}, b"\n"),
                  "csv x01 x02": (csv_rows(0, 60_000, b"\x01", b"\x02")[:BODY_BYTES],
                                  {"column_separator": "\\x01", "row_delimiter": "\\x02"}, b"\x02"),
                  "json": (json_rows(0, 30_000), {"format": "json", "strip_outer_array": "true"}, b"{")}
        loads = max(4, int(200 * self.args.scale))
        for name, (body, headers, mark) in bodies.items():
            ceiling = receiving_ceiling([body] * loads, self.args.core, mark)
            self.say(f"ceiling: receive, crc, count {name}", GB_per_cpu_s=len(body) * loads / ceiling / 1e9)
            for way, load in (("load", client.load), ("txn", client.transaction)):
                with Measure(pool) as m:
                    for _ in range(loads):
                        answer = load("t", body, headers)
                rows = answer.get("NumberLoadedRows") or body.count(mark)
                self.said(f"count {name} by {way}", m, loads, rows * loads, len(body) * loads, ceiling)
        self.say("count memory", MB=pool.memory()[0], most_MB=pool.memory()[1])
        pool.stop()

    def store(self):
        pool = self.pool("store")
        client = Client(pool)
        count, loads = 60_000, max(2, int(25 * self.args.scale))
        bodies = [csv_rows(n * count, count) for n in range(loads)]
        size = sum(map(len, bodies))
        child = os.fork()
        if child == 0:
            cpu = storing_ceiling(bodies[0], self.folder, self.args.core, min(loads, 10))
            Path(self.folder, "ceiling").write_text(str(cpu * loads))
            os._exit(0)
        os.waitpid(child, 0)
        ceiling = float(Path(self.folder, "ceiling").read_text())
        self.say("ceiling: Arrow CSV and DuckDB", rows_per_cpu_s=int(count * loads / ceiling))
        for name, model in (("duplicate", "dup"), ("primary insert", "pk")):
            pool.table(model, model)
            self.stored(f"store {name}", pool, client.load, model, bodies, {}, count, ceiling)
        upserts = [csv_rows(n * count, count, op=str(int(n % 5 == 4))) for n in range(loads)]
        self.stored("store primary upsert, 1/5 deletes", pool, client.load, "pk", upserts,
                    {"columns": ",".join(NAMES) + ",__op"}, count, ceiling)
        pool.table("marks", "dup")
        marks = [b.replace(b"\t", b"\x01").replace(b"\n", b"\x02") for b in bodies]
        self.stored("store csv x01 x02 by txn", pool, client.transaction, "marks", marks,
                    {"column_separator": "\\x01", "row_delimiter": "\\x02"}, count, ceiling)
        pool.table("documents", "dup")
        documents = [json_rows(n * count // 4, count // 4) for n in range(loads)]
        self.stored("store json", pool, client.load, "documents", documents,
                    {"format": "json", "strip_outer_array": "true"}, count // 4, None)
        self.say("store memory", MB=pool.memory()[0], most_MB=pool.memory()[1], body_bytes=size)
        pool.stop()

    def stored(self, name, pool, load, table, bodies, headers, count, ceiling):
        """Loads, and reads once at the end: what waits in a queue must be paid for, too."""
        with Measure(pool) as m:
            for body in bodies:
                load(table, body, headers)
            pool.sql(f"SELECT count(*) FROM bench.{table}")
        self.said(name, m, len(bodies), count * len(bodies), sum(map(len, bodies)), ceiling)

    def small(self):
        pool = self.pool("small")
        pool.set(tablet_max_versions=1_000_000)  # a real server refuses a thousand loads a second into one table
        client = Client(pool)
        for n in range(200):
            pool.table(f"t{n}", "pk")
        loads = max(50, int(2000 * self.args.scale))
        for name, load, tables in (("1 row, 1 table, by load", client.load, 1), ("1 row, 1 table, by txn",
                                   client.transaction, 1), ("1 row, 200 tables, by txn", client.transaction, 200)):
            bodies = [csv_rows(n, 1) for n in range(loads)]
            with Measure(pool) as m:
                for n, body in enumerate(bodies):
                    load(f"t{n % tables}", body, {})
            calls = loads * (1 if load == client.load else 4)
            self.say(f"small: {name}", loads_per_s=int(loads / m.wall), calls_per_s=int(calls / m.wall),
                     calls_per_cpu_s=int(calls / m.cpu))
        waits = []
        for n in range(200):
            client.load("t0", csv_rows(10_000_000 + n, 1), {})
            begun = time.perf_counter()
            found = pool.sql(f"SELECT a FROM bench.t0 WHERE id = {10_000_000 + n}")
            waits.append(time.perf_counter() - begun)
            assert len(found) == 1
        waits.sort()
        self.say("small: read after write", median_ms=waits[100] * 1000, p99_ms=waits[197] * 1000)
        pool.stop()

    def select(self):
        pool = self.pool("select")
        client = Client(pool)
        pool.table("t", "pk")
        rows, count = int(6_000_000 * self.args.scale), 60_000
        body = csv_rows(0, count).split(b"\n")[:-1]
        for first in range(0, rows, count):
            client.load("t", b"".join(b"%d\t%b\n" % (first + n, r.split(b"\t", 1)[1]) for n, r in enumerate(body)), {})
        pool.sql("SELECT count(*) FROM bench.t")
        for name, text in (("count", "count(*)"), ("sum", "sum(a), sum(price), min(day), max(at)"),
                           ("bit_xor of murmur", "bit_xor(murmur_hash3_32(concat_ws('|', id, a, price, name)))"),
                           ("bit_xor of xx_hash3_64", "bit_xor(xx_hash3_64(concat_ws('|', id, a, price, name)))"),
                           ("md5 in pieces",
                            "bit_xor(conv(substr(md5(concat_ws('|', id, a, price, name)), 1, 8), 16, 10))")):
            try:
                with Measure(pool) as m:
                    pool.sql(f"SELECT {text} FROM bench.t")
                self.say(f"select {name}", rows=rows, seconds=m.wall, rows_per_cpu_s=int(rows / m.cpu))
            except pymysql.MySQLError as e:
                print(f"select {name}: {e}")
        self.say("select memory", MB=pool.memory()[0], most_MB=pool.memory()[1])
        pool.stop()

    def memory(self):
        """Memory over many loads of all kinds: after a first part it must not grow."""
        pool = self.pool("memory")
        client = Client(pool)
        pool.table("t", "pk")
        loads, after = max(20, int(150 * self.args.scale)), []
        for n in range(loads):
            client.load("t", csv_rows(n % 20 * 30_000, 30_000), {})
            if n % (loads // 5) == 0:
                after.append(pool.memory()[0])
        print(f"{'memory':34}loads {loads}  MB {after}  most MB {pool.memory()[1]}", flush=True)
        pool.stop()


PARTS = ("start", "count", "store", "small", "select", "memory")


def main():
    p = argparse.ArgumentParser(prog="python -m rockpool.bench", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)} (default: all)")
    p.add_argument("--scale", type=float, default=1.0, help="share of the full amount of work (default 1)")
    p.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)),
                   help="rockpool's core; the client has the others")
    p.add_argument("--data", metavar="DIR", help="folder for the rockpools (default: a fresh one, removed at the end)")
    args = p.parse_args()
    if unknown := set(args.parts) - set(PARTS):
        p.error(f"unknown part {unknown.pop()}; there are {', '.join(PARTS)}")
    os.sched_setaffinity(0, os.sched_getaffinity(0) - {args.core} or {args.core})
    bench = Bench(args)
    try:
        for part in args.parts or PARTS:
            getattr(bench, part)()
    finally:
        bench.close()
        if args.data is None:
            shutil.rmtree(bench.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
