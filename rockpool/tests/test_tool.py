"""rockpool as a tool: how it starts, what it says when it cannot, its log, its page for people."""
import os
import re
import signal
import subprocess
import sys

import pytest
import requests

from rockpool.tests.pool import ROOT, Scene

PAIR = "id INT NOT NULL, v VARCHAR(40) NULL"


def program(*options):
    return subprocess.run([sys.executable, "-P", "-m", "rockpool", *options], capture_output=True, text=True, timeout=30,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})


# ---------------------------------------------------------------- the log
def log_of(pool):
    return pool.folder.with_suffix(".log").read_text()


def test_it_says_at_its_start_that_it_is_not_starrocks(own):
    pool = own()
    assert log_of(pool).splitlines()[0] == "rockpool: a local stand-in, behaves like StarRocks 4.1.2. This is not StarRocks."


def test_every_load_has_a_line_with_its_end_its_size_and_its_reason(own):
    pool = own()
    scene = Scene(pool, "d")
    scene.table(PAIR)
    scene.ok(scene.load("1,a\n2,b\n", label="good"))
    scene.load("z,a\n1,b\n", label="bad", strict_mode="true")
    scene.txn("begin", "gone")
    scene.txn("rollback", "gone")
    lines = [line for line in log_of(pool).splitlines() if "label=" in line]
    assert re.fullmatch(r"\d\d:\d\d:\d\d visible d\.t label=good rows=2 filtered=0 bytes=8 ms=\d+ txn=\d+", lines[0])
    assert re.fullmatch(r"\d\d:\d\d:\d\d aborted d\.t label=bad rows=1 filtered=1 bytes=8 ms=\d+ txn=\d+ "
                        r'reason="too many filtered rows"', lines[1])
    assert " aborted d.t label=gone " in lines[2] and ' reason="' in lines[2]


def test_quiet_says_nothing_about_loads(own):
    pool = own("--quiet")
    scene = Scene(pool, "d")
    scene.table(PAIR)
    scene.ok(scene.load("1,a\n"))
    assert "label=" not in log_of(pool)


# ---------------------------------------------------------------- what cannot be
@pytest.mark.parametrize("options, text", [
    (["--nonsense"], "unrecognized arguments: --nonsense"),
    (["--be-http", "x,y"], "'x,y' is no port, nor a list of ports"),
    (["--mysql", "70000"], "ports are 0 to 65535"),
    (["--frontends", "0"], "invalid choice: 0"),
    (["--fe-http", "1,2"], "more ports than frontends"),
])
def test_a_wrong_option_is_one_line(tmp_path, options, text):
    found = program("--data", str(tmp_path / "x"), *options)
    assert found.returncode == 2 and found.stdout == "" and len(found.stderr.splitlines()) == 1
    assert text in found.stderr and "rockpool --help" in found.stderr


def test_no_folder_at_all_is_told():
    assert "required: --data" in program().stderr


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_folder_that_cannot_be_is_one_line(tmp_path, place):
    (tmp_path / "file").write_text("")
    found = program("--data", str(tmp_path / place))
    assert found.returncode == 1 and len(found.stderr.splitlines()) == 1
    assert f"the folder {tmp_path / place} of --data cannot be used: " in found.stderr


def test_a_taken_port_is_one_line_and_the_others_are_free_again(own, tmp_path):
    pool = own()
    taken = pool.ports["be_http"][1]
    found = program("--data", str(tmp_path / "other"), "--be-http", f"0,{taken}")
    last = found.stderr.splitlines()[-1]
    assert found.returncode == 1 and last.startswith("rockpool: ") and str(taken) in last and "Traceback" not in found.stderr


def test_a_fault_script_that_cannot_be_read_is_one_line(tmp_path):
    (tmp_path / "script").write_text('{"point": "slow"}\n{"point": "nonsense"}\n')
    for name, text in (("none", "No such file"), ("script", "rule 2: point 'nonsense' is not known")):
        found = program("--data", str(tmp_path / "x"), "--faults", str(tmp_path / name))
        assert found.returncode == 1 and text in found.stderr and len(found.stderr.splitlines()) == 1


@pytest.mark.parametrize("method, path, body, text", [
    ("GET", "stats?last=x", None, "invalid literal"), ("POST", "restart_be?be=x", None, "invalid literal"),
    ("POST", "restart_be?seconds=x", None, "could not convert"), ("POST", "faults", "{nope", "Expecting property name"),
    ("POST", "faults", "[1]", "a rule is a JSON object"), ("POST", "watch", "{}", "'table' is missing"),
    ("POST", "backends", '{"dead": ["x"]}', "invalid literal"), ("POST", "backends", '{"dead": 5}', "not iterable"),
    ("POST", "settings", '{"nope": 1}', "setting nope is not known"), ("POST", "settings", "[5]", "no attribute"),
    ("POST", "clock", '{"seconds": "x"}', "seconds is a number")])
def test_what_cannot_be_meant_is_answered_with_400(pool, method, path, body, text):
    answer = requests.request(method, f"{pool.fe}/_rockpool/{path}", data=body, timeout=5)
    assert answer.status_code == 400 and text in answer.json()["message"], answer.text


# ---------------------------------------------------------------- the page
def page(pool):
    answer = requests.get(pool.fe + "/", timeout=5)
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")
    return answer.text


def test_the_page_shows_tables_loads_open_transactions_and_faults(own):
    pool = own()
    assert "No table yet" in page(pool)
    scene = Scene(pool, "shop")
    scene.table(PAIR, name="users")
    scene.ok(scene.load("1,a\n2,b\n", table="users", label="first"))
    scene.load("x,a\n", table="users", label="bad", strict_mode="true")
    scene.txn("begin", "still-open", table="users")
    pool.fault(point="slow", at="rollback", ms=1, count=7)
    text = page(pool)
    assert "This is not StarRocks" in text and re.search(r"<td>shop\.users<td class=\"n\">2<|<td>shop\.users</td><td class=\"n\">2<", text)
    for fragment in ("first", "VISIBLE", "ABORTED", "too many filtered rows", "still-open", "PREPARE", "slow", "at=rollback"):
        assert fragment in text


def test_the_page_renews_itself_and_asks_nobody_else(pool):
    text = page(pool)
    assert 'http-equiv="refresh"' in text
    assert not re.search(r"<(script|img|link)|https?://|url\(", text)


def test_the_page_escapes_what_clients_send(own):
    pool = own()
    pool.fault(point="fail", at="rollback", message="<script>alert(1)</script>")
    assert "<script>" not in page(pool) and "&lt;script&gt;" in page(pool)


def test_the_page_of_a_counting_rockpool_says_so_and_shows_counted_rows(own):
    pool = own("--count")
    scene = Scene(pool, "d")
    scene.table(PAIR)
    scene.ok(scene.load("1,a\n2,b\n3,c\n"))
    assert "stores nothing" in page(pool) and '<td class="n">3</td>' in page(pool)


def test_it_ends_on_both_signals_with_0(own):
    for number in (signal.SIGTERM, signal.SIGINT):
        assert own().stop(number) == 0
