"""Faults by script, with a seed, at moments; what they do to connections, servers and the clock; and watched rows."""
import json
import time

import pymysql
import pytest
import requests

from rockpool.tests.pool import Scene, basic, call, raw_exchange, serves
from rockpool.tests.test_restart import program

PAIR = "id INT NOT NULL, v VARCHAR(40) NULL"


def lost(work):
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        work()


# ---------------------------------------------------------------- by script, with a seed
def test_a_script_of_rules_holds_from_the_start(own, tmp_path):
    script = tmp_path / "faults.jsonl"
    script.write_text('# two rules\n{"point": "fail", "at": "begin", "message": "first", "count": 1}\n\n'
                      '{"point": "too_many_versions", "table": "t", "count": 1}\n')
    pool = own("--faults", str(script))
    scene = Scene(pool, "d")
    scene.table(PAIR)
    assert scene.txn("begin", "x")["Message"] == "first" and scene.txn("begin", "x")["Status"] == "OK"
    assert "too many versions" in scene.load("1,a\n")["Message"]
    scene.ok(scene.load("1,a\n"))


def test_a_script_may_be_one_array_and_mistakes_are_named(tmp_path):
    script = tmp_path / "faults.json"
    for text, wanted in (('[{"point": "nothing"}]', "rule 1: point 'nothing' is not known"), ("{oops}", "faults.json:"),
                         ('[{"point": "cut", "ms": 1}]', "unknown keys of cut: ms"),
                         ('[{"point": "cut", "count": "x"}]', "count is a number"),
                         ('[{"point": "cut", "when": "noon"}]', "when 'noon' is not known"),
                         ('[{"point": "cut", "label": "("}]', "label is no regular expression")):
        script.write_text(text)
        found = program("--data", str(tmp_path / "x"), "--faults", str(script))
        assert found.returncode == 1 and wanted in found.stderr, found.stderr
    assert program("--data", str(tmp_path / "x"), "--faults", str(tmp_path / "none")).returncode == 1
    for word in ("--faults", "--seed", "leader_switch", "clock_jump", "cut_answer"):
        assert word in program("--help").stdout


def test_probabilities_are_drawn_from_the_seed(tmp_path):
    from rockpool.faults import Faults

    def strikes(seed):
        faults = Faults(seed=seed)
        faults.add({"point": "cut", "probability": 0.5})
        faults.add({"point": "fail", "probability": 0.3})
        return [(bool(faults.fire("cut")), bool(faults.fire("fail"))) for _ in range(200)]
    assert strikes(1) == strikes(1) != strikes(2)
    assert 60 < sum(cut for cut, _ in strikes(1)) < 140


def test_rules_are_for_a_database_too(place):
    other = Scene(place.pool, place.name + "x")
    other.table(PAIR)
    place.pool.fault(point="fail", at="begin", database=other.name)
    assert place.txn("begin", "x")["Status"] == "OK" and other.txn("begin", "x")["Message"] == "begin failed"
    other.close()


# ---------------------------------------------------------------- connections
def test_a_connection_cut_in_the_body_aborts_the_load(place):
    place.pool.fault(point="cut_request", at="stream_load", bytes=100, count=1)
    lost(lambda: place.load("1,a\n" * 100_000, label="torn"))
    place.wait(lambda: place.state("torn") == "ABORTED")
    place.txn("begin", "x")
    place.pool.fault(point="cut_request", at="load", count=1)
    lost(lambda: place.txn("load", "x", "1,a\n"))
    place.wait(lambda: place.state("x") == "ABORTED")
    assert place.value("SELECT count(*) FROM t") == "0"


def test_a_connection_cut_in_the_answer_comes_after_the_work(place):
    place.pool.fault(point="cut_answer", at="stream_load", bytes=30, count=1)
    lost(lambda: place.load("1,a\n", label="done"))
    assert place.state("done") == "VISIBLE" and place.value("SELECT count(*) FROM t") == "1"
    place.txn("begin", "x")
    place.txn("load", "x", "2,b\n")
    place.pool.fault(point="cut_answer", at="prepare", count=1)
    lost(lambda: place.txn("prepare", "x"))
    assert place.state("x") == "PREPARED"


def test_100_continue_may_be_slow_and_the_answer_too(place):
    place.pool.fault(point="slow", at="stream_load", where="continue", ms=400, count=1)
    head = (f"PUT /api/{place.name}/t/_stream_load HTTP/1.1\r\nHost: x\r\nAuthorization: {basic()}\r\nlabel: slow\r\n"
            "Expect: 100-continue\r\ncolumn_separator: ,\r\nContent-Length: 4\r\n\r\n").encode()
    begun = time.monotonic()
    s, got = raw_exchange(place.pool.ports["be_http"][0], head)
    assert got.startswith(b"HTTP/1.1 100") and time.monotonic() - begun >= 0.4
    s.sendall(b"1,a\n")
    assert b"Success" in s.recv(65536)
    s.close()
    place.pool.fault(point="slow", at="get_load_state", where="answer", ms=300, count=1)
    begun = time.monotonic()
    assert place.state("slow") == "VISIBLE" and time.monotonic() - begun >= 0.3


def test_label_states_and_cancels_can_fail_too(place):
    place.pool.fault(point="http_500", at="get_load_state", status=503, count=1)
    assert call(f"{place.pool.fe}/api/{place.name}/get_load_state?label=x", "GET", {}).status_code == 503
    place.txn("begin", "x")
    place.pool.fault(point="lost_answer", at="cancel", count=1)
    lost(lambda: call(f"{place.pool.fe}/api/{place.name}/t/_cancel?label=x", "POST", {}))
    assert place.state("x") == "ABORTED"


def test_statements_fail_too(place):
    place.pool.fault(point="fail", at="sql", label="^INSERT", message="not now", count=1)
    assert place.value("SELECT 1") == "1"
    assert place.error("INSERT INTO t VALUES (1, 'a')") == (1064, "not now")
    place.pool.fault(point="slow", at="sql", ms=300, count=1)
    begun = time.monotonic()
    place.value("SELECT 1")
    assert time.monotonic() - begun >= 0.3
    place.pool.fault(point="lost_answer", at="sql", label="^INSERT", count=1)
    with pytest.raises(pymysql.OperationalError):
        place.sql("INSERT INTO t VALUES (2, 'b')")
    place.connection = place.pool.connect(place.name)
    assert place.sql("SELECT id FROM t") == [["2"]]
    place.pool.fault(point="cut", at="sql", count=1)
    with pytest.raises(pymysql.OperationalError):
        place.sql("INSERT INTO t VALUES (3, 'c')")
    place.connection = place.pool.connect(place.name)
    assert place.value("SELECT count(*) FROM t") == "1"


def test_every_step_can_be_told_to_fail(place):
    def order(at):
        place.pool.fault(point="fail", at=at, message="as told", count=1)
    order("stream_load")
    assert place.load("1,a\n", label="s")["Message"] == "as told" and place.state("s") == "ABORTED"
    place.txn("begin", "x")
    order("rollback")
    assert place.txn("rollback", "x")["Message"] == "as told" and place.state("x") == "PREPARE"
    place.txn("load", "x", "1,a\n")
    place.txn("prepare", "x")
    for operation in ("rollback", "commit"):
        order(operation)
        assert place.txn(operation, "x")["Message"].endswith(": as told") and place.state("x") == "PREPARED"
    order("get_load_state")
    answer = call(f"{place.pool.fe}/api/{place.name}/get_load_state?label=x", "GET", {}).json()
    assert (answer["status"], answer["msg"]) == ("FAILED", "as told")


# ---------------------------------------------------------------- what fails a load
def test_disks_schema_changes_and_refused_rows(place):
    for rule, wanted in (({"point": "disk_full"}, "exceed limit usage"), ({"point": "schema_change"}, "under schema change"),
                         ({"point": "schema_change", "message": "own words"}, "own words")):
        place.pool.fault(table="t", count=1, **rule)
        found = place.load("1,a\n", label="again")
        assert found["Status"] == "Fail" and wanted in found["Message"] and place.state("again") == "ABORTED"
    place.pool.fault(point="reject_rows", rows=2, count=1, database=place.name)
    found = place.load("1,a\n2,b\n", max_filter_ratio="0.5")
    assert (found["Status"], found["NumberFilteredRows"], found["NumberTotalRows"]) == ("Success", 2, 4)


# ---------------------------------------------------------------- servers
@pytest.mark.parametrize("when, answered, state", [("before", "TXN_NOT_EXISTS", "PREPARE"), ("during", None, "PREPARED"),
                                                   ("after", "OK", "PREPARED")])
def test_a_backend_restarts_before_during_or_after_a_step(place, when, answered, state):
    place.txn("begin", "x")
    place.txn("load", "x", "1,a\n")
    place.pool.fault(point="restart_be", at="prepare", when=when, count=1)
    if answered is None:
        lost(lambda: place.txn("prepare", "x"))
    else:
        assert place.txn("prepare", "x")["Status"] == answered
    assert place.state("x") == state


def test_a_backend_restarts_between_two_steps(place):
    place.txn("begin", "x")
    place.pool.fault(point="restart_be", at="load", when="after", count=1)
    assert place.txn("load", "x", "1,a\n")["Status"] == "OK"
    assert place.txn("prepare", "x")["Status"] == "TXN_NOT_EXISTS"
    assert place.state("x") == "PREPARE"


def test_a_restarted_backend_may_be_away_for_a_while(place):
    place.txn("begin", "x")
    port = int(place.hops[-1].split(":")[1])
    number = place.pool.ports["be_http"].index(port)
    place.pool.control("POST", f"restart_be?be={number}&seconds=0.7")
    lost(lambda: place.txn("load", "x", "1,a\n"))  # the frontend still sends there
    assert requests.get(place.pool.be(1 - number) + "/api/health", timeout=5).ok
    place.wait(lambda: serves(place.pool.be(number)), 5)
    assert place.txn("load", "x", "1,a\n")["Status"] == "TXN_NOT_EXISTS" and place.state("x") == "PREPARE"


def test_a_server_that_nobody_reaches_forgets_nothing(place):
    place.txn("begin", "x")
    number = place.pool.ports["be_http"].index(int(place.hops[-1].split(":")[1]))
    place.pool.fault(point="away_be", at="load", seconds=0.5, count=1)
    lost(lambda: place.txn("load", "x", "1,a\n"))
    place.wait(lambda: serves(place.pool.be(number)), 5)
    assert place.txn("load", "x", "1,a\n")["Status"] == "OK"
    place.pool.fault(point="away_fe", at="get_load_state", seconds=0.5, count=1)
    lost(lambda: place.state("x"))
    assert not serves(place.pool.fe) and serves(place.pool.be())
    place.wait(lambda: serves(place.pool.fe), 5)
    assert place.txn("commit", "x")["NumberLoadedRows"] == 1
    place.connection = place.pool.connect(place.name)


def test_a_plain_load_dies_with_its_backend_and_its_label_stays_open(place):
    head = (f"PUT /api/{place.name}/t/_stream_load HTTP/1.1\r\nHost: x\r\nAuthorization: {basic()}\r\nlabel: dies\r\n"
            "Expect: 100-continue\r\ncolumn_separator: ,\r\nContent-Length: 8\r\n\r\n").encode()
    s, got = raw_exchange(place.pool.ports["be_http"][0], head)
    assert b"100" in got
    place.pool.control("POST", "restart_be?be=0&seconds=0.3")
    assert s.recv(100) == b""
    s.close()
    assert place.state("dies") == "PREPARE"
    place.wait(lambda: serves(place.pool.be()), 5)
    assert place.load("1,a\n", label="dies")["ExistingJobStatus"] == "RUNNING"


# ---------------------------------------------------------------- the clock
def test_the_clock_moves_timeouts_and_now(place):
    before = int(place.value("SELECT unix_timestamp(now())"))
    place.txn("begin", "x", timeout="100")
    place.pool.fault(point="clock_jump", at="load", seconds=3600, count=1)
    assert place.txn("load", "x", "1,a\n")["Status"] == "TXN_NOT_EXISTS"  # it ran out of time just before
    assert place.state("x") == "ABORTED"
    place.wait(lambda: 3590 < int(place.value("SELECT unix_timestamp(now())")) - before < 3700, 3)
    entry = place.pool.control("GET", "stats?last=1")["history"][0]
    assert entry["finished"] - entry["begun"] > 3000
    answer = requests.post(place.pool.fe + "/_rockpool/clock", json={"hours": 1}, timeout=5)
    assert answer.status_code == 400
    place.pool.control("POST", "clock", {"seconds": -3600})
    assert place.pool.control("POST", "clock", {"seconds": 0})["ahead"] == 0


# ---------------------------------------------------------------- what arrived
def test_stats_have_the_times_of_every_step(place):
    place.pool.fault(point="publish_timeout", count=1, seconds=0.3, label="^x$")
    for operation, body in (("begin", ""), ("load", "1,a\n"), ("prepare", "")):
        place.txn(operation, "x", body)
    assert place.txn("commit", "x", timeout="5")["Status"] == "OK"
    entry = place.pool.control("GET", "stats?last=1")["history"][0]
    assert entry["begun"] <= entry["prepared"] <= entry["committed"] < entry["visible"] <= entry["finished"]
    assert entry["visible"] - entry["committed"] > 0.25


def test_watched_rows_tell_when_they_became_visible(place):
    table = f"{place.name}.t"
    place.pool.control("POST", "watch", {"table": table, "column": "id", "values": [1, 2]})
    begun = time.time()
    place.ok(place.load("1,a\n3,c\n", label="one"))
    place.ok(place.load("1,b\n", label="two"))
    rows = place.pool.control("GET", "watch")[table]["rows"]
    assert set(rows) == {"1"} and rows["1"]["label"] == "two" and rows["1"]["times"] == 2
    assert begun <= rows["1"]["first"] <= rows["1"]["visible"] <= time.time()
    place.pool.control("POST", "watch", {"table": table})
    place.ok(place.load("7,x\n"))
    assert set(place.pool.control("GET", "watch")[table]["rows"]) == {"7"}
    place.pool.control("DELETE", "watch")
    for wrong in ({"table": "none.none"}, {"table": table, "column": "nope"}, {}):
        assert requests.post(place.pool.fe + "/_rockpool/watch", json=wrong, timeout=5).status_code == 400


def test_settings_are_named_when_they_are_wrong(pool):
    answer = requests.post(pool.fe + "/_rockpool/settings", json={"nothing": 1}, timeout=5)
    assert answer.status_code == 400 and "tablet_max_versions" in json.dumps(answer.json())
    assert pool.control("POST", "settings", {})["settings"]["label_keep_max_num"] == 1000
