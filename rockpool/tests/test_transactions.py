"""Load transactions of one table and of many: states, answers, routing, timeouts."""
import threading
import time

import requests

from rockpool.tests.pool import basic, call

PAIR = "id INT NULL, v VARCHAR(40) NULL"
DUP = "DUPLICATE KEY(id)"


def status(answer):
    return answer["Status"]


def test_two_phases(scene):
    scene.table(PAIR, DUP)
    found = scene.txn("begin", "x")
    assert list(found) == ["Status", "Message", "Label", "TxnId", "BeginTxnTimeMs"] and found["Message"] == ""
    number = found["TxnId"]
    found = scene.txn("load", "x", "1,a\n2,b\n")
    assert list(found) == ["Status", "Message", "Label", "TxnId", "LoadBytes", "StreamLoadPlanTimeMs", "ReceivedDataTimeMs"]
    assert (found["LoadBytes"], found["TxnId"]) == (8, number)
    found = scene.txn("prepare", "x")
    assert list(found) == ["Status", "Message", "Label", "TxnId", "NumberTotalRows", "NumberLoadedRows", "NumberFilteredRows",
                           "NumberUnselectedRows", "LoadBytes", "LoadTimeMs", "StreamLoadPlanTimeMs", "ReceivedDataTimeMs",
                           "WriteDataTimeMs", "CommitAndPublishTimeMs"]
    assert scene.value("SELECT count(*) FROM t") == "0" and scene.state("x") == "PREPARED"
    found = scene.txn("commit", "x", table=None)
    assert list(found) == ["Label", "Status", "TxnId", "Message"]
    assert scene.hops == []  # the frontend answers by itself
    assert scene.state("x") == "VISIBLE" and scene.value("SELECT count(*) FROM t") == "2"


def test_every_call_of_a_label_goes_to_its_backend(scene):
    scene.table(PAIR, DUP)
    places = set()
    for n in range(4):
        label, hops = f"s{n}", []
        for operation, body in (("begin", ""), ("load", "1,a\n"), ("load", "2,b\n"), ("begin", ""), ("prepare", "")):
            scene.txn(operation, label, body)
            hops += scene.hops
        assert len(set(hops)) == 1
        places |= set(hops)
    assert len(places) == 2


def test_outcomes_after_commit_rollback_and_failure(scene):
    scene.table("id INT NULL, v VARCHAR(40) NULL, must BIGINT NOT NULL", DUP)

    def late(label):
        return [status(scene.txn(o, label, b)) for o, b in (("commit", ""), ("load", "2,b,3\n"), ("rollback", ""),
                                                           ("begin", ""))]
    scene.txn("begin", "c")
    scene.txn("load", "c", "1,a,1\n")
    scene.txn("commit", "c")
    assert late("c") == ["OK", "TXN_NOT_EXISTS", "FAILED", "LABEL_ALREADY_EXISTS"]
    scene.txn("begin", "r")
    scene.txn("load", "r", "1,a,1\n")
    scene.txn("rollback", "r")
    assert late("r") == ["FAILED", "TXN_NOT_EXISTS", "OK", "OK"]
    scene.txn("begin", "f")
    assert status(scene.txn("load", "f", "1,a\n", columns="id,v")) == "ANALYSIS_ERROR"
    assert late("f") == ["FAILED", "TXN_NOT_EXISTS", "OK", "OK"]
    assert [status(scene.txn(o, "never", "1,a,1\n")) for o in ("commit", "load", "rollback", "prepare")] == ["FAILED"] * 4
    assert scene.value("SELECT count(*) FROM t") == "1"


def test_texts_of_finished_transactions(scene):
    scene.table(PAIR, DUP)
    number = scene.txn("begin", "c")["TxnId"]
    scene.txn("load", "c", "1,a\n")
    scene.txn("prepare", "c")
    found = scene.txn("prepare", "c")  # the frontend sends every prepare to the backend, which has let go of it
    assert (found["Status"], found["Message"]) == ("TXN_NOT_EXISTS", "transaction with label c not exists")
    scene.txn("commit", "c")
    assert scene.txn("commit", "c")["Message"] == f"Transaction {number} has already committed, label is c"
    number = scene.txn("begin", "r")["TxnId"]
    scene.txn("rollback", "r")
    assert scene.txn("rollback", "r")["Message"] == f"Transaction {number} has already aborted, label is r"
    assert scene.txn("commit", "r")["Message"].endswith(f"Can not commit ABORTED transaction {number}, label is r")
    assert scene.txn("commit", "none")["Message"].endswith(f"No transaction found with db[{scene.name}] and label[none]")


def test_nothing_loaded_cannot_be_prepared_or_committed(scene):
    scene.table(PAIR, DUP)
    for operation in ("prepare", "commit"):
        scene.txn("begin", operation)
        found = scene.txn(operation, operation)
        assert (found["Status"], list(found)) == ("INTERNAL_ERROR", ["Status", "Message"])
        assert "hasn't send any data yet" in found["Message"] and scene.state(operation) == "ABORTED"
        assert status(scene.txn("rollback", operation)) == "OK"


def test_bodies_are_one_stream_of_csv_but_json_bodies_stand_alone(scene):
    scene.table(PAIR, DUP)
    scene.txn("begin", "c")
    for piece in ("1,a\n2,", "b\n3,c", "c\n"):
        assert status(scene.txn("load", "c", piece)) == "OK"
    assert scene.txn("commit", "c")["NumberLoadedRows"] == 3
    assert scene.sql("SELECT v FROM t ORDER BY id") == [["a"], ["b"], ["cc"]]
    scene.txn("begin", "j")
    for _ in range(2):
        assert status(scene.txn("load", "j", '[{"id": 9}]', format="json", strip_outer_array="true")) == "OK"
    assert status(scene.txn("load", "j", '[{"id": ', format="json", strip_outer_array="true")) == "DATA_QUALITY_ERROR"


def test_options_of_all_loads_must_be_the_same(scene):
    scene.table(PAIR, DUP)
    scene.txn("begin", "x")
    scene.txn("load", "x", "1,a\n", strict_mode="true")
    found = scene.txn("load", "x", "2,b\n", strict_mode="false")
    assert (found["Status"], found["Message"]) == ("INTERNAL_ERROR", "load request not equal last.")
    assert scene.state("x") == "ABORTED"


def test_bad_rows_surface_at_prepare_with_an_error_url(scene):
    scene.table(PAIR, DUP)
    scene.txn("begin", "x")
    assert status(scene.txn("load", "x", "1,a\nz,b\n", strict_mode="true")) == "OK"
    found = scene.txn("prepare", "x")
    assert (found["Status"], found["Message"]) == ("INTERNAL_ERROR", "too many filtered rows")
    assert "Value: z" in requests.get(found["ErrorURL"], timeout=5).text and scene.state("x") == "ABORTED"


def test_missing_headers_and_wrong_names(scene):
    scene.table(PAIR, DUP)
    assert scene.txn("begin", None)["Message"] == "class com.starrocks.common.StarRocksException: Empty label."
    assert scene.txn("begin", "x", db=None)["Message"].endswith("No database selected.")
    assert scene.txn("begin", "x", db="nowhere")["Message"].endswith("Database[nowhere] does not exist.")
    assert "unknown table" in scene.txn("begin", "x", table="nothing")["Message"]
    assert "Unknown transaction operation: turn" in scene.txn("turn", "x")["Message"]
    scene.txn("begin", "x")
    scene.table(PAIR, DUP, name="u")
    found = scene.txn("load", "x", "1,a\n", table="u")
    assert (found["Status"], found["Message"]) == ("INVALID_ARGUMENT", "Request table u not equal transaction table t")
    probe = requests.post(scene.pool.fe + "/api/transaction/begin", auth=("root", ""), timeout=5)
    assert probe.json()["Status"] == "FAILED"
    assert call(scene.pool.fe + "/api/transaction/begin", "POST", {}, user=None).status_code == 401
    assert call(scene.pool.be() + "/api/transaction/begin", "POST", {"label": "q"}, user=None).json()["Message"] == (
        "no valid Basic authorization")


def test_overlapping_calls_of_one_label_are_told_to_retry(scene):
    scene.table(PAIR, DUP)
    scene.txn("begin", "x")
    place = call(f"{scene.pool.fe}/api/transaction/load", "PUT", {"label": "x", "db": scene.name, "table": "t"},
                 follow=False).headers["Location"]
    go = threading.Event()

    def body():
        yield b"1,a\n"
        go.wait(10)
        yield b"2,b\n"
    answers = []
    headers = {"label": "x", "db": scene.name, "table": "t", "column_separator": ",", "Authorization": basic()}
    thread = threading.Thread(target=lambda: answers.append(requests.put(place, headers=headers, data=body(), timeout=20)))
    thread.start()
    scene.wait(lambda: status(scene.txn("load", "x", "3,c\n")) == "TXN_IN_PROCESSING", 5)
    found = scene.txn("prepare", "x")
    assert (found["Status"], found["Label"]) == ("TXN_IN_PROCESSING", "x")
    go.set()
    thread.join()
    assert answers[0].json()["Status"] == "OK"
    rows = scene.txn("commit", "x")["NumberLoadedRows"]
    assert rows == len(scene.sql("SELECT * FROM t"))


def test_begin_twice_leaves_the_first_alive(scene):
    scene.table(PAIR, DUP)
    scene.txn("begin", "x")
    assert status(scene.txn("begin", "x")) == "LABEL_ALREADY_EXISTS"
    scene.txn("load", "x", "1,a\n")
    assert status(scene.txn("commit", "x")) == "OK"


def test_rollback_of_a_prepared_transaction(scene):
    scene.table(PAIR, DUP)
    scene.txn("begin", "x")
    scene.txn("load", "x", "1,a\n")
    scene.txn("prepare", "x")
    assert status(scene.txn("rollback", "x")) == "OK" and scene.hops == []
    assert scene.state("x") == "ABORTED" and scene.value("SELECT count(*) FROM t") == "0"


def test_every_timeout_aborts(scene):
    scene.table(PAIR, DUP)
    scene.txn("begin", "plain", timeout="1")
    scene.txn("begin", "idle", idle_transaction_timeout="1")
    scene.txn("begin", "prepared")
    scene.txn("load", "prepared", "1,a\n")
    assert 'NumberFormatException: For input string: "x"' in scene.txn("prepare", "prepared", prepared_timeout="x")["Message"]
    assert "Invalid prepared_timeout: 0" in scene.txn("prepare", "prepared", prepared_timeout="0")["Message"]
    scene.txn("prepare", "prepared", prepared_timeout="1")
    for label in ("plain", "idle", "prepared"):
        scene.wait(lambda label=label: scene.state(label) == "ABORTED", 6, label)
    assert status(scene.txn("load", "plain", "1,a\n")) == "TXN_NOT_EXISTS"
    assert status(scene.txn("commit", "prepared")) == "FAILED"
    rows = scene.sql(f"SHOW PROC '/transactions/{scene.name}/finished'")
    assert "timeout by txn manager" in {r[10] for r in rows}
    for bad in ("0", "259201", "x"):
        assert status(scene.txn("begin", "never", timeout=bad)) != "OK"


def test_transactions_are_shown(scene):
    scene.table(PAIR, DUP)
    number = scene.txn("begin", "x")["TxnId"]
    scene.txn("load", "x", "1,a\n")
    scene.txn("prepare", "x", prepared_timeout="300")
    assert scene.sql(f"SHOW PROC '/transactions/{scene.name}'") == [["running", "1"], ["finished", "0"]]
    row = scene.sql(f"SHOW PROC '/transactions/{scene.name}/running'")[0]
    assert row[:5] == [str(number), "x", "BE: 127.0.0.1", "PREPARED", "BACKEND_STREAMING"] and "300000" in row
    assert scene.sql(f"SHOW TRANSACTION FROM {scene.name} WHERE ID = {number}")[0][1] == "x"
    assert "Where clause should looks like" in scene.error(f"SHOW TRANSACTION FROM {scene.name} WHERE label = 'x'")[1]


def test_a_transaction_of_two_million_rows_in_several_bodies(scene):
    scene.table("id INT NOT NULL, v INT NULL")
    scene.txn("begin", "big")
    for n in range(10):
        body = "".join(f"{n * 200_000 + k},{k}\n" for k in range(200_000))
        assert status(scene.txn("load", "big", body, strict_mode="true")) == "OK"
    assert scene.txn("prepare", "big")["NumberLoadedRows"] == 2_000_000
    assert scene.value("SELECT count(*) FROM t") == "0"
    scene.txn("commit", "big")
    assert scene.sql("SELECT count(*), sum(id), sum(v) FROM t") == [["2000000", "1999999000000", "199999000000"]]


# ---------------------------------------------------------------- many tables
def multi(scene, operation, label, body="", table=None, **more):
    return scene.txn(operation, label, body, table=table, transaction_type="multi", **more)


def test_many_tables_become_visible_together(scene):
    scene.table(PAIR, DUP)
    scene.table(PAIR, DUP, name="u")
    assert multi(scene, "begin", "m") == {"Status": "OK", "Message": ""}
    assert status(multi(scene, "load", "m", "1,a\n", "t")) == "OK"
    assert status(multi(scene, "load", "m", "2,b\n3,c\n", "u")) == "OK"
    assert scene.value("SELECT count(*) FROM t") == "0"
    assert "Unsupported operation" in multi(scene, "prepare", "m")["Message"]
    found = multi(scene, "commit", "m")
    assert list(found) == ["Label", "Status", "TxnId", "ChannelId", "Message", "Prepared Channel Num"]
    assert scene.sql("SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u)") == [["1", "2"]]
    assert [status(multi(scene, o, "m", b, "t")) for o, b in (("commit", ""), ("load", "1,a\n"), ("rollback", ""),
                                                              ("begin", ""))] == [
        "OK", "FAILED", "FAILED", "LABEL_ALREADY_EXISTS"]


def test_one_failed_load_poisons_the_whole(scene):
    scene.table("id INT, must INT NOT NULL", DUP)
    scene.table(PAIR, DUP, name="u")
    multi(scene, "begin", "p" + scene.name)
    assert status(multi(scene, "load", "p" + scene.name, "1,a\n", "u")) == "OK"
    assert status(multi(scene, "load", "p" + scene.name, "1\n", "t", columns="id")) == "FAILED"
    assert status(multi(scene, "load", "p" + scene.name, "1,a\n", "u")) == "FAILED"
    assert status(multi(scene, "commit", "p" + scene.name)) == "FAILED"
    assert scene.value("SELECT count(*) FROM u") == "0"


def test_rejected_rows_surface_at_commit(scene):
    scene.table("id INT NOT NULL, n INT NULL", DUP)
    multi(scene, "begin", "q" + scene.name)
    multi(scene, "load", "q" + scene.name, "1,x\n", "t", strict_mode="true")
    found = multi(scene, "commit", "q" + scene.name)
    assert found["Status"] == "FAILED" and "Failed to load table t" in found["Message"] and "tracking_url" in found["Message"]


def test_a_rolled_back_label_stays_used_and_the_default_timeout_is_short(scene):
    scene.table(PAIR, DUP)
    multi(scene, "begin", "r" + scene.name)
    assert [status(multi(scene, "rollback", "r" + scene.name)) for _ in range(2)] == ["OK", "OK"]
    assert status(multi(scene, "begin", "r" + scene.name)) == "LABEL_ALREADY_EXISTS"
    multi(scene, "begin", "t" + scene.name, timeout="1")
    time.sleep(1.2)
    assert status(multi(scene, "load", "t" + scene.name, "1,a\n", "t")) == "FAILED"
    found = call(scene.pool.be() + "/api/transaction/commit", "POST", {"label": "z", "db": scene.name,
                                                                       "transaction_type": "multi"}).json()
    assert found["Status"] == "INVALID_ARGUMENT" and "can only be sent to FE nodes" in found["Message"]
