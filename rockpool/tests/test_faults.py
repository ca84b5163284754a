"""Faults that tests order, and what is shown of what arrived."""
import time

import pytest
import requests

from rockpool.tests.pool import Scene

PAIR = "id INT NOT NULL, v VARCHAR(40) NULL"


@pytest.fixture
def place(scene):
    scene.table(PAIR)
    return scene


def lost(work):
    with pytest.raises(requests.ConnectionError):
        work()


def test_a_lost_answer_comes_after_the_work(place):
    pool = place.pool
    place.txn("begin", "x")
    pool.fault(point="lost_answer", at="load", table="t", count=1)
    lost(lambda: place.txn("load", "x", "1,a\n"))
    pool.fault(point="lost_answer", at="prepare", table="t", count=1)
    lost(lambda: place.txn("prepare", "x"))
    assert place.state("x") == "PREPARED"
    pool.fault(point="lost_answer", at="commit", label="^x$", count=1)
    lost(lambda: place.txn("commit", "x"))
    assert place.state("x") == "VISIBLE" and place.value("SELECT count(*) FROM t") == "1"
    pool.fault(point="lost_answer", at="stream_load", count=1)
    lost(lambda: place.load("2,b\n", label="y"))
    assert place.state("y") == "VISIBLE"


def test_a_cut_comes_before_the_work(place):
    place.txn("begin", "x")
    place.txn("load", "x", "1,a\n")
    place.pool.fault(point="cut", at="commit", count=1)
    lost(lambda: place.txn("commit", "x"))
    assert place.state("x") == "PREPARE"
    assert place.txn("commit", "x")["Status"] == "OK"


def test_publish_timeout_is_committed_and_visible_later(place):
    place.pool.fault(point="publish_timeout", count=2, seconds=1)
    found = place.load("1,a\n", label="p")
    assert found["Status"] == "Publish Timeout" and found["Message"].startswith("Publish timeout. The data will be visible")
    assert place.state("p") == "COMMITTED" and place.value("SELECT count(*) FROM t") == "0"
    place.txn("begin", "q")
    place.txn("load", "q", "2,b\n")
    place.txn("prepare", "q")
    found = place.txn("commit", "q", timeout="0")
    assert found["Status"] == "FAILED" and "publish timeout" in found["Message"]
    place.wait(lambda: place.state("q") == "VISIBLE" == place.state("p"), 4)
    assert place.value("SELECT count(*) FROM t") == "2" and place.txn("commit", "q")["Status"] == "OK"


def test_too_many_versions_aborts_and_frees_the_label(place):
    place.pool.fault(point="too_many_versions", table="t", count=1)
    found = place.load("1,a\n", label="v")
    assert found["Status"] == "Fail" and "too many versions" in found["Message"]
    place.ok(place.load("1,a\n", label="v"))


def test_proxies_and_server_errors(place):
    place.pool.fault(point="http_500", at="begin", count=1)
    place.pool.fault(point="html", at="begin", count=1)
    answers = []
    for _ in range(2):
        try:
            answers.append(place.txn("begin", "h"))
        except ValueError:
            answers.append("no json")
    assert answers == ["no json", "no json"] and place.txn("begin", "h")["Status"] == "OK"


def test_slow_stop_and_clear(place):
    begun = time.monotonic()
    place.pool.fault(point="slow", at="begin", ms=300, count=1)
    place.txn("begin", "s")
    assert time.monotonic() - begun >= 0.3
    place.pool.fault(point="stop", seconds=0.5)
    begun = time.monotonic()
    place.value("SELECT 1")
    assert time.monotonic() - begun >= 0.4
    place.pool.fault(point="slow", at="commit", ms=60_000)
    place.pool.control("DELETE", "faults")
    place.txn("load", "s", "1,a\n")
    assert place.txn("commit", "s")["Status"] == "OK"


def test_other_faults(place):
    pool = place.pool
    pool.fault(point="redirect_dead", at="begin", count=1)
    lost(lambda: place.txn("begin", "r"))
    pool.fault(point="fail", at="begin", message="no luck", count=1)
    assert place.txn("begin", "r")["Message"] == "no luck"
    place.txn("begin", "r")
    pool.fault(point="restart_be", at="load", count=1)
    assert place.txn("load", "r", "1,a\n")["Status"] == "TXN_NOT_EXISTS"
    pool.fault(point="reject_rows", table="t", count=1)
    assert place.load("1,a\n")["Message"] == "too many filtered rows"
    pool.fault(point="fail", at="prepare", count=1, after=1)
    for label, wanted in (("n1", "OK"), ("n2", "INTERNAL_ERROR"), ("n3", "OK")):
        place.txn("begin", label)
        place.txn("load", label, "1,a\n")
        assert place.txn("prepare", label)["Status"] == wanted


def test_rules_are_checked_and_shown(pool):
    answer = requests.post(pool.fe + "/_rockpool/faults", json={"point": "nonsense"}, timeout=5)
    assert answer.status_code == 400 and "known points" in answer.json()["message"]
    assert requests.post(pool.fe + "/_rockpool/faults", json={"point": "slow", "at": "noon"}, timeout=5).status_code == 400
    assert requests.post(pool.fe + "/_rockpool/faults", json={"point": "slow", "x": 1}, timeout=5).status_code == 400
    pool.fault(point="slow", at="rollback", ms=1, table="nobody")
    assert pool.control("GET", "faults")["rules"][0]["point"] == "slow"
    pool.control("DELETE", "faults")


def test_stats_tell_what_arrived(place):
    place.ok(place.load("1,a\n2,b\n", label="s1"))
    place.load("z\n", label="s2")
    shown = place.pool.control("GET", "stats?last=2")
    first, second = shown["history"]
    assert (first["label"], first["tables"], first["state"], first["rows"], first["bytes"]) == ("s1", ["t"], "VISIBLE", 2, 8)
    assert first["begun"] <= first["visible"] <= time.time() and second["state"] == "ABORTED" and second["reason"]
    assert shown["counts"]["visible"] >= 1
    assert "not StarRocks" in requests.get(place.pool.fe + "/", timeout=5).text


# ---------------------------------------------------------------- counting
def test_counting_mode_counts_without_storing(own):
    pool = own("--count")
    scene = Scene(pool, "d")
    scene.table(PAIR)
    assert scene.sql("SHOW TABLES") == [["t"]]
    bodies = ["1,a\n2,b\n", "\n\n3,c\n\n4,d", "5,e\n\n"]
    counts = [scene.ok(scene.load(b))["NumberLoadedRows"] for b in bodies]
    assert counts == [2, 2, 1]
    assert scene.ok(scene.load("1,a\x02\x032,b\x02\x03\x02\x033,c", row_delimiter="\\x0203"), 3)
    assert scene.ok(scene.load("1,a||||2,b||", row_delimiter="||"), 2)
    scene.txn("begin", "x")
    for piece in ("1,a\n2,", "b\n", "\n3,c"):
        scene.txn("load", "x", piece)
    assert scene.txn("prepare", "x")["NumberLoadedRows"] == 3
    before = pool.control("GET", "stats")["counting"]["d.t"]["rows"]
    scene.txn("commit", "x")
    after = pool.control("GET", "stats")["counting"]["d.t"]
    assert (before, after["rows"], after["loads"]) == (10, 13, 6)
    scene.ok(scene.json('[{"id": 1}, {"id": 2}]', strip_outer_array="true"), 2)
    scene.ok(scene.json('{"id": 1}\n{"id": 2}\n'), 2)
    assert scene.value("SELECT count(*) FROM t") == "0"
    assert scene.state("x") == "VISIBLE"


@pytest.mark.parametrize("mark", ["\n", "\x01\x02", "\x03\x03"])
def test_counting_agrees_with_storing_wherever_chunks_are_cut(mark):
    import random

    from rockpool.loads import counting, csv_rows
    from rockpool.loads.options import LoadOptions

    class Plan:
        options = LoadOptions(row_delimiter=mark, column_separator=",")
    source = random.Random(5)
    for _ in range(200):
        body = "".join(source.choice(["a", mark, "b,c", mark * 2, "\x01", ""]) for _ in range(12)).encode()
        stream, csv, rows = counting.CountStream(Plan), csv_rows.Csv(Plan.options, 1), 0
        at = 0
        while at < len(body):
            step = source.randint(1, 5)
            stream.feed(body[at:at + step])
            at += step
        stream.end_body()
        stream.finish()
        for block in filter(None, (csv.feed(body), csv.finish())):
            rows += block.rows + block.refused_count
        assert stream.counts.loaded == rows, body
