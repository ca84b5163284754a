"""What outlives a restart, and a kill."""
import json
import signal
import subprocess
import sys
import os

import pytest

from rockpool.tests.pool import ROOT, Scene

PAIR = "id INT NOT NULL, v VARCHAR(40) NULL"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_rows_labels_and_prepared_transactions_survive(own, number):
    pool = own()
    scene = Scene(pool, "d")
    scene.table(PAIR)
    scene.table(PAIR, "DUPLICATE KEY(id)", name="dup")
    scene.sql("CREATE TABLE dropped LIKE t", "INSERT INTO dropped VALUES (1, 'x')", "DROP TABLE dropped",
              "CREATE VIEW seen AS SELECT id FROM t", "CREATE USER keeper IDENTIFIED BY 'pw'")
    scene.ok(scene.load("1,a\n2,b\n", label="one"))
    scene.ok(scene.load("1,a\n", table="dup"))
    scene.value("SELECT count(*) FROM t")  # these rows are merged, the next ones are not yet
    scene.ok(scene.load("2,B\n3,c\n", label="two"))
    scene.ok(scene.load("1,a\n", table="dup"))
    for label in ("open", "prepared", "gone"):
        scene.txn("begin", label)
        scene.txn("load", label, f"{len(label)},{label}\n")
    scene.txn("prepare", "prepared")
    scene.txn("prepare", "gone")
    scene.txn("rollback", "gone")
    big = "".join(f"{n},{'y' * 50}\n" for n in range(100, 200_000))
    scene.txn("begin", "big")
    scene.txn("load", "big", big)
    scene.txn("prepare", "big")
    pool.restart(number)
    scene.connection = pool.connect("d")
    assert [scene.state(x) for x in ("one", "two", "open", "prepared", "gone")] == [
        "VISIBLE", "VISIBLE", "UNKNOWN", "PREPARED", "ABORTED"]  # PREPARE is not in the frontends' journal
    assert scene.sql("SELECT * FROM t ORDER BY id") == [["1", "a"], ["2", "B"], ["3", "c"]]
    assert scene.value("SELECT count(*) FROM dup") == "2" and scene.value("SELECT count(*) FROM seen") == "3"
    assert scene.load("9,z\n", label="one")["Status"] == "Label Already Exists"
    assert "FE leader is started or switched" in scene.txn("load", "open", "7,z\n")["Message"]
    assert scene.txn("begin", "open")["Status"] == "OK" and scene.txn("rollback", "open")["Status"] == "OK"
    for label in ("prepared", "big"):
        assert scene.txn("commit", label)["Status"] == "OK"
    assert scene.sql("SELECT v FROM t WHERE id = 8") == [["prepared"]]
    assert scene.value("SELECT count(*) FROM t") == str(3 + 1 + 199_900)
    scene.sql("RECOVER TABLE dropped")
    assert scene.value("SELECT v FROM dropped") == "x"
    pool.connect(user="keeper", password="pw").close()


def test_committed_rows_are_not_doubled_by_kills(own):
    pool = own()
    scene = Scene(pool, "d")
    scene.table("id INT, v INT", "DUPLICATE KEY(id)")
    for turn in range(3):
        for n in range(5):
            scene.ok(scene.load(f"{turn},{n}\n"))
            if n == 2:
                scene.value("SELECT count(*) FROM t")
        pool.restart(signal.SIGKILL)
        scene.connection = pool.connect("d")
        assert scene.value("SELECT count(*) FROM t") == str(5 * (turn + 1))


def test_transaction_ids_and_object_ids_never_repeat(own):
    pool = own()
    scene = Scene(pool, "d")
    scene.table(PAIR)
    first = scene.ok(scene.load("1,a\n"))["TxnId"]
    number = scene.value("SELECT table_id FROM information_schema.tables_config WHERE table_name = 't'")
    pool.restart(signal.SIGKILL)
    scene.connection = pool.connect("d")
    assert scene.ok(scene.load("2,a\n"))["TxnId"] > first
    scene.table(PAIR, name="u")
    assert int(scene.value("SELECT table_id FROM information_schema.tables_config WHERE table_name = 'u'")) > int(number)


def test_a_backend_restart_loses_open_loads_only(own):
    pool = own()
    scene = Scene(pool, "d")
    scene.table(PAIR)
    for label in ("open", "prepared"):
        scene.txn("begin", label)
        scene.txn("load", label, "1,a\n")
    scene.txn("prepare", "prepared")
    pool.control("POST", "restart_be")
    assert scene.txn("load", "open", "1,a\n")["Status"] == "TXN_NOT_EXISTS"
    assert scene.txn("rollback", "open")["Status"] == "TXN_NOT_EXISTS" and scene.state("open") == "PREPARE"
    assert scene.txn("commit", "prepared")["Status"] == "OK"


def test_the_restart_of_the_other_backend_does_not_matter(own):
    pool = own()
    scene = Scene(pool, "d")
    scene.table(PAIR)
    scene.txn("begin", "x")
    mine = pool.ports["be_http"].index(int(scene.hops[-1].split(":")[1]))
    scene.txn("load", "x", "1,a\n")
    pool.control("POST", f"restart_be?be={1 - mine}")
    assert scene.txn("load", "x", "2,b\n")["Status"] == "OK" and scene.txn("commit", "x")["NumberLoadedRows"] == 2


# ---------------------------------------------------------------- the program
def program(*options):
    return subprocess.run([sys.executable, "-P", "-m", "rockpool", *options], capture_output=True, text=True, timeout=30,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_the_ready_line_and_a_clean_end(own, tmp_path):
    pool = own()
    assert set(pool.ports) == {"fe_http", "be_http", "mysql", "thrift"} and len(pool.ports["be_http"]) == 2
    assert pool.stop(signal.SIGINT) == 0
    assert "This is not StarRocks" in pool.folder.with_suffix(".log").read_text()


def test_a_port_or_folder_in_use_is_named(own, tmp_path):
    pool = own()
    found = program("--data", str(tmp_path / "other"), "--mysql", str(pool.ports["mysql"]))
    assert found.returncode == 1 and f"port {pool.ports['mysql']} of --mysql" in found.stderr and found.stdout == ""
    found = program("--data", str(pool.folder))
    assert found.returncode == 1 and "in use by another rockpool" in found.stderr


def test_wrong_options_are_named(tmp_path):
    for options, text in ((["--version", "1.2.3"], "older than 2.5"), (["--version", "new"], "not of the form X.Y.Z"),
                          (["--be-http", "1"], "two backends")):
        found = program("--data", str(tmp_path / "x"), *options)
        assert found.returncode == 2 and text in found.stderr
    assert json.dumps("point") and "lost_answer" in program("--help").stdout


@pytest.mark.parametrize("number, mysql, begins", [("3.1.0", "5.1.0", "3.1.0-"), ("3.5.2", "8.0.33", "3.5.2-")])
def test_versions_differ(own, number, mysql, begins):
    pool = own("--version", number)
    scene = Scene(pool, "d")
    assert scene.value("SELECT version()") == mysql and scene.value("SELECT current_version()").startswith(begins)
    code, _ = scene.error("SELECT * FROM nowhere")
    assert code == (1064 if number < "3.4" else 5502)
    scene.table(PAIR)
    found = scene.txn("begin", "m", transaction_type="multi")
    assert "Label" in found or found["Status"] != "OK"  # unknown before 4.0: a backend sees the header
