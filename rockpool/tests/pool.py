"""A rockpool of its own for tests, and small clients: HTTP that keeps credentials over redirects, and MySQL."""
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pymysql
import requests
from pymysql.converters import encoders

ROOT = Path(__file__).resolve().parents[2]
ONE = "PROPERTIES('replication_num'='1')"


class Pool:
    def __init__(self, folder, *options):
        self.folder, self.options = Path(folder), options
        self.process = None
        self.ports = {}
        self.start()

    def start(self, *more):
        with open(self.folder.with_suffix(".log"), "a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "rockpool", "--data", str(self.folder), *self.options, *more],
                stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
        line = self.process.stdout.readline()
        assert line, self.folder.with_suffix(".log").read_text()[-3000:]
        self.ports = json.loads(line)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(20)
        self.process.stdout.close()
        return code

    def restart(self, number=signal.SIGTERM):
        """Starts it again on the same ports."""
        self.stop(number)
        be = ",".join(map(str, self.ports["be_http"]))
        self.start("--fe-http", str(self.ports["fe_http"]), "--be-http", be, "--mysql", str(self.ports["mysql"]),
                   "--thrift", ",".join(map(str, self.ports["thrift"])))

    @property
    def fe(self):
        return f"http://127.0.0.1:{self.ports['fe_http']}"

    def be(self, number=0):
        return f"http://127.0.0.1:{self.ports['be_http'][number]}"

    def connect(self, database=None, user="root", password="", **more):
        return pymysql.connect(host="127.0.0.1", port=self.ports["mysql"], user=user, password=password,
                               database=database, charset="utf8mb4", autocommit=True, conv=dict(encoders), **more)

    def control(self, method, path, body=None):
        answer = requests.request(method, self.fe + "/_rockpool/" + path, json=body, timeout=20)
        assert answer.ok, answer.text
        return answer.json()

    def fault(self, **rule):
        return self.control("POST", "faults", rule)


def basic(user="root", password=""):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def call(url, method, headers, body=b"", user=("root", ""), follow=True):
    """The answer behind all redirects; hops is the list of the servers that were sent to."""
    send = {k: str(v).encode() for k, v in headers.items() if v is not None}
    if user is not None:
        send["Authorization"] = basic(*user)
    hops = []
    for _ in range(5):
        answer = requests.request(method, url, headers=send, data=body, allow_redirects=False, timeout=60)
        answer.hops = hops
        if answer.status_code != 307 or not follow:
            return answer
        url = answer.headers["Location"]
        hops.append(urlsplit(url).netloc)
    raise AssertionError("too many redirects")


class Scene:
    """A database of its own in a shared pool."""

    def __init__(self, pool, name):
        self.pool, self.name = pool, name
        self.connection = pool.connect()
        self.sql(f"CREATE DATABASE {name}", f"USE {name}")
        self.numbers = 0

    def close(self):
        self.connection.close()
        with self.pool.connect() as c, c.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {self.name} FORCE")

    # ------------------------------------------------------------ MySQL
    def sql(self, *statements):
        rows = None
        for statement in statements:
            with self.connection.cursor() as cursor:
                cursor.execute(statement)
                rows = cursor.fetchall()
                self.affected = cursor.rowcount
        return [[v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in row] for row in rows or ()]

    def error(self, statement):
        """(code, text) of a statement that must fail."""
        try:
            self.sql(statement)
        except pymysql.MySQLError as e:
            return e.args[0], e.args[1]
        raise AssertionError(f"{statement} did not fail")

    def value(self, query):
        return self.sql(query)[0][0]

    def table(self, columns, key="PRIMARY KEY(id)", name="t", more="", by="DISTRIBUTED BY HASH(id) BUCKETS 1"):
        self.sql(f"CREATE TABLE {name} ({columns}) {key} {more} {by} {ONE}")

    # ------------------------------------------------------------ loads
    def label(self):
        self.numbers += 1
        return f"{self.name}_{self.numbers}"

    def load(self, body, table="t", user=("root", ""), **headers):
        """A plain stream load. CSV with commas unless told; a double underscore in a name is a hyphen."""
        send = {"Expect": "100-continue", "label": self.label(), "column_separator": ",",
                **{k.replace("__", "-"): v for k, v in headers.items()}}
        body = body.encode() if isinstance(body, str) else body
        answer = call(f"{self.pool.fe}/api/{self.name}/{table}/_stream_load", "PUT", send, body, user)
        self.hops = answer.hops
        return answer.json()

    def json(self, body, **headers):
        body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return self.load(body, **{"format": "json", **headers})

    def ok(self, found, rows=None):
        assert found["Status"] == "Success", found
        if rows is not None:
            assert found["NumberLoadedRows"] == rows, found
        return found

    def txn(self, operation, label, body=b"", table="t", user=("root", ""), **headers):
        send = {"label": label, "db": self.name, "table": table, "column_separator": "," if operation == "load" else None,
                **headers}
        if operation == "load":
            send["Expect"] = "100-continue"
        body = body.encode() if isinstance(body, str) else body
        answer = call(f"{self.pool.fe}/api/transaction/{operation}", "PUT" if operation == "load" else "POST", send, body,
                      user)
        self.hops = answer.hops
        return answer.json()

    def state(self, label):
        return call(f"{self.pool.fe}/api/{self.name}/get_load_state?label={label}", "GET", {}).json()["state"]

    def log_of(self, answer):
        return requests.get(answer["ErrorURL"], timeout=10).text

    def wait(self, test, seconds=10, what="the state"):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if test():
                return
            time.sleep(0.05)
        raise AssertionError(f"{what} was not reached in {seconds} s")


def serves(address):
    """Whether a server's HTTP port is open."""
    try:
        return requests.get(address + "/api/health", timeout=5).ok
    except requests.ConnectionError:
        return False


def raw_exchange(port, text, until=b"\r\n\r\n", seconds=5):
    """Sends bytes and returns (socket, what came first)."""
    s = socket.create_connection(("127.0.0.1", port), 5)
    s.settimeout(seconds)
    s.sendall(text)
    got = b""
    while until not in got:
        piece = s.recv(65536)
        if not piece:
            break
        got += piece
    return s, got
