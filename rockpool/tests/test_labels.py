"""Labels: who holds them, for how long, and what a client is told."""
from rockpool.tests.pool import Scene, call

PAIR = "id INT NOT NULL, v VARCHAR(40) NULL"


def test_a_finished_label_is_refused_and_says_so(scene):
    scene.table(PAIR)
    scene.ok(scene.load("1,a\n", label="one"))
    found = scene.load("2,b\n", label="one")
    assert {k: found[k] for k in ("TxnId", "Label", "Status", "ExistingJobStatus", "Message")} == {
        "TxnId": -1, "Label": "one", "Status": "Label Already Exists", "ExistingJobStatus": "FINISHED",
        "Message": "Label [one] has already been used."}
    assert list(found)[2:4] == ["Status", "ExistingJobStatus"]


def test_a_running_label_is_refused_as_running(scene):
    scene.table(PAIR)
    scene.txn("begin", "run")
    assert scene.load("1,a\n", label="run")["ExistingJobStatus"] == "RUNNING"
    scene.txn("load", "run", "1,a\n")
    scene.txn("prepare", "run")
    assert scene.load("1,a\n", label="run")["ExistingJobStatus"] == "RUNNING"


def test_an_aborted_label_is_free_again(scene):
    scene.table(PAIR)
    assert scene.load("x,a\n", label="again", strict_mode="true")["Status"] == "Fail"
    assert scene.state("again") == "ABORTED"
    scene.ok(scene.load("1,a\n", label="again"))
    assert scene.state("again") == "VISIBLE"


def test_labels_belong_to_their_database(scene, pool):
    scene.table(PAIR)
    scene.ok(scene.load("1,a\n", label="shared"))
    other = Scene(pool, scene.name + "_b")
    other.table(PAIR)
    other.ok(other.load("1,a\n", label="shared"))
    other.close()


def test_label_syntax_and_generated_labels(scene):
    scene.table(PAIR)
    for bad in ("a b", "a.b", "x" * 129, "ä"):
        assert "Label format error. regex: ^[-\\w]{1,128}$" in scene.load("1,a\n", label=bad)["Message"]
    scene.ok(scene.load("1,a\n", label="x" * 128))
    assert len(scene.ok(scene.load("1,a\n", label=None))["Label"]) == 36


def test_only_the_newest_finished_labels_are_remembered(own):
    pool = own()
    scene = Scene(pool, "d")
    scene.table(PAIR)
    pool.control("POST", "settings", {"label_keep_max_num": 3})
    for n in range(6):
        scene.ok(scene.load("1,a\n", label=f"l{n}"))
    assert scene.state("l0") == "VISIBLE"  # cleaning runs every half minute
    pool.control("POST", "tick")
    assert [scene.state(f"l{n}") for n in range(6)] == ["UNKNOWN"] * 3 + ["VISIBLE"] * 3
    scene.ok(scene.load("1,a\n", label="l0"))


def test_the_limit_of_running_transactions_is_per_database(own):
    pool = own()
    scene, other = Scene(pool, "d"), Scene(pool, "e")
    scene.table(PAIR)
    other.table(PAIR)
    scene.sql('ADMIN SET FRONTEND CONFIG ("max_running_txn_num_per_db" = "2")')
    assert scene.sql("ADMIN SHOW FRONTEND CONFIG LIKE 'max_running_txn_num_per_db'")[0][2] == "2"
    assert scene.txn("begin", "a")["Status"] == "OK"
    assert scene.txn("begin", "b")["Status"] == "OK"
    refused = scene.load("1,a\n")
    assert refused["Status"] == "Fail" and "current running txns on db" in refused["Message"]
    assert "is 2, larger than limit 2" in refused["Message"]
    other.ok(other.load("1,a\n"))
    scene.txn("rollback", "a")
    scene.ok(scene.load("1,a\n"))


def test_cancel_aborts_an_open_transaction(scene):
    scene.table(PAIR)
    scene.txn("begin", "c")
    scene.txn("load", "c", "1,a\n")
    base = f"{scene.pool.fe}/api/{scene.name}"
    assert call(f"{base}/t/_cancel?label=c", "POST", {}).json() == {"status": "OK", "code": "0", "msg": "Success",
                                                                  "message": "OK"}
    assert scene.state("c") == "ABORTED"
    scene.txn("begin", "p")
    scene.txn("load", "p", "1,a\n")
    scene.txn("prepare", "p")
    assert call(f"{base}/t/_cancel?label=p", "POST", {}).json()["msg"] == "transaction not found: p"
    assert scene.txn("load", "c", "1,a\n")["Status"] == "TXN_NOT_EXISTS"
    assert scene.txn("commit", "c")["Status"] == "FAILED"
    assert "transaction not found: nope" in call(f"{base}/t/_cancel?label=nope", "POST", {}).json()["msg"]
    scene.ok(scene.load("1,a\n", label="v"))
    assert call(f"{base}/t/_cancel?label=v", "POST", {}).json()["status"] == "FAILED"


def test_load_state_of_unknown_things(scene):
    base = f"{scene.pool.fe}/api"
    found = call(f"{base}/{scene.name}/get_load_state?label=never", "GET", {}).json()
    assert (found["state"], found["status"], found["code"], found["msg"]) == ("UNKNOWN", "OK", "0", "Success")
    assert call(f"{base}/{scene.name}/get_load_state", "GET", {}).json()["msg"] == "No label selected."
    assert call(f"{base}/nodb/get_load_state?label=x", "GET", {}).json()["msg"] == "unknown database, database=nodb"
    assert call(f"{base}/{scene.name}/get_load_state?label=x", "GET", {}, user=None).status_code == 401
