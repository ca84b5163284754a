"""Every row of the table of label and transaction rules, asked of rockpool (tests/support/transaction_rules.json)."""
import json
import socket
import time
from urllib.parse import urlsplit

import pytest

from rockpool.tests.pool import ROOT, Pool, Scene, basic, call

TABLE = json.loads((ROOT / "tests/support/transaction_rules.json").read_text())
DAY = 86400


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    pool = Pool(tmp_path_factory.mktemp("rules") / "data")
    found = Scene(pool, "rules")
    yield found
    pool.stop()


def title(row):
    return "-".join(filter(None, (row["state"], row["call"], row["when"].replace(" ", "_"))))


@pytest.mark.parametrize("row", TABLE["rows"], ids=title)
def test_rule(scene, row):
    case = Case(scene, row)
    case.reach()
    case.disturb()
    try:
        answer, by = case.ask()
    finally:
        case.calm()
    text = answer.get("Message", answer.get("msg", ""))
    given = answer.get("state") if row["call"] == "get_load_state" else answer.get("Status", answer.get("status"))
    assert (given, by) == (row["answer"], row["by"]), answer
    assert row["message"] in text, answer
    assert answer.get("ExistingJobStatus") == row.get("existing"), answer
    known = row["then"] if row["then"] not in ("none", "forgotten") else "UNKNOWN"
    assert scene.state(case.label) == known, answer


def test_every_state_meets_every_call():
    found = {(r["state"], r["call"]) for r in TABLE["rows"] if r["when"] == ""}
    assert len(found) == 7 * 8 and {r["when"] for r in TABLE["rows"]} - {""} == set(TABLE["whens"])


class Case:
    """One row: a label and a table of its own."""

    def __init__(self, scene, row):
        self.scene, self.row, self.pool = scene, row, scene.pool
        scene.numbers += 1
        self.label = self.table = f"r{scene.numbers}"
        scene.table("id INT NOT NULL, v VARCHAR(40) NULL", name=self.table)
        self.backend = None
        self.running = None

    def txn(self, operation, body=b"", **headers):
        headers = {"table": self.table, **headers}
        answer = self.scene.txn(operation, self.label, body, **headers)
        if operation == "begin":
            self.backend = self.pool.ports["be_http"].index(urlsplit("//" + self.scene.hops[-1]).port)
        return answer

    # ------------------------------------------------------------ the state before
    def reach(self):
        state, when = self.row["state"], self.row["when"]
        if state == "none":
            return
        timeouts = {"idle_transaction_timeout": "5"} if when == "idle timed out" else {}
        assert self.txn("begin", **timeouts)["Status"] == "OK"
        if not when.startswith("no data"):
            rows = b"1,a\nx,b\n" if when == "bad rows" else b"1,a\n"
            assert self.txn("load", rows, **({"strict_mode": "true"} if when == "bad rows" else {}))["Status"] == "OK"
        if state in ("ABORTED", "forgotten"):
            assert self.txn("rollback")["Status"] == "OK"
        if state in ("PREPARED", "COMMITTED", "VISIBLE"):
            assert self.txn("prepare", prepared_timeout="50" if when == "timed out" else None)["Status"] == "OK"
        if state == "COMMITTED":
            self.hold(self.label)
        if state in ("COMMITTED", "VISIBLE"):
            self.txn("commit", timeout="0" if state == "COMMITTED" else None)
        if state == "forgotten":
            self.pool.control("POST", "settings", {"label_keep_max_num": 0})
            self.pool.control("POST", "tick")
            self.pool.control("POST", "settings", {"label_keep_max_num": 1000})
            assert self.scene.state(self.label) == "UNKNOWN"
        else:
            assert self.scene.state(self.label) == state

    def hold(self, label):
        self.pool.fault(point="publish_timeout", label=f"^{label}$", count=1, seconds=3600)

    # ------------------------------------------------------------ what is special
    def disturb(self):
        when, control = self.row["when"], self.pool.control
        if when == "coordinator restarted":
            control("POST", f"restart_be?be={self.backend}")
        elif when == "leader restarted":
            control("POST", "restart_fe")
        elif when == "coordinator taken for dead":
            control("POST", "backends", {"dead": [self.backend]})
        elif when == "no backend alive":
            control("POST", "backends", {"dead": [0, 1]})
        elif when == "limit reached":
            control("POST", "settings", {"max_running_txn_num_per_db": 0})
        elif when in ("timed out", "idle timed out"):
            control("POST", "clock", {"seconds": {"timed out": 700, "idle timed out": 60}[when]})
        elif when == "publication is slow":
            self.hold(self.label)
        elif when == "an earlier commit of the table is in publication":
            self.hold(self.label + "_earlier")
            assert self.scene.load("7,x\n", table=self.table, label=self.label + "_earlier")["Status"] == "Publish Timeout"
        elif when == "another call runs":
            self.hang()

    def hang(self):
        """A load of which only the head and half of the body have come."""
        self.running = socket.create_connection(("127.0.0.1", self.pool.ports["be_http"][self.backend]), 5)
        self.running.sendall((f"PUT /api/transaction/load HTTP/1.1\r\nHost: x\r\nAuthorization: {basic()}\r\n"
                              f"label: {self.label}\r\ndb: {self.scene.name}\r\ntable: {self.table}\r\n"
                              "column_separator: ,\r\nContent-Length: 40\r\n\r\n2,b").encode())
        time.sleep(0.1)

    def calm(self):
        if self.running is not None:
            self.state_while_it_runs = self.scene.state(self.label)
            if self.row["then"] == "PREPARE":
                self.running.sendall(b"\n" * 37)  # the load ends well
                assert b'"OK"' in self.running.recv(65536)
            self.running.close()
        if self.row["when"] == "limit reached":
            self.pool.control("POST", "settings", {"max_running_txn_num_per_db": 1000})
        if self.row["when"] in ("no backend alive", "coordinator taken for dead"):
            self.pool.control("POST", "backends", {"dead": []})
        self.pool.control("DELETE", "faults")

    # ------------------------------------------------------------ the call
    def ask(self):
        row, scene = self.row, self.scene
        if row["call"] == "get_load_state":
            answer = call(f"{self.pool.fe}/api/{scene.name}/get_load_state?label={self.label}", "GET", {})
            return answer.json(), "frontend"
        if row["call"] == "cancel":
            answer = call(f"{self.pool.fe}/api/{scene.name}/{self.table}/_cancel?label={self.label}", "POST", {})
            return answer.json(), "frontend"
        if row["call"] == "stream_load":
            bad = {"strict_mode": "true"} if row["when"] == "bad rows" else {}
            body = "x,a\n" if row["when"] == "bad rows" else "5,e\n"
            answer = scene.load(body, table=self.table, label=self.label, **bad)
        elif row["when"] == "wrong coordinator":
            return self.straight(1 - self.backend), "backend"
        else:
            answer = scene.txn(row["call"], self.label, b"3,c\n" if row["call"] == "load" else b"", **self.headers())
        return answer, "backend" if scene.hops else "frontend"

    def headers(self):
        when, found = self.row["when"], {"table": self.table}
        if when == "other options":
            found["columns"] = "v, id"
        elif when == "no data; options cannot be planned":
            found["columns"] = "id, v, w = nothing"
        elif when == "other table":
            found["table"] = "r1" if self.table != "r1" else "r2"
        elif when == "other database":
            found["db"] = "information_schema"
            self.scene.sql("CREATE DATABASE IF NOT EXISTS elsewhere")
            found["db"] = "elsewhere"
        elif when in ("publication is slow", "an earlier commit of the table is in publication"):
            found["timeout"] = "0"
        return found

    def straight(self, number):
        send = {"label": self.label, "db": self.scene.name, "table": self.table, "column_separator": ","}
        method = "PUT" if self.row["call"] == "load" else "POST"
        return call(f"{self.pool.be(number)}/api/transaction/{self.row['call']}", method, send,
                    b"3,c\n" if method == "PUT" else b"").json()
