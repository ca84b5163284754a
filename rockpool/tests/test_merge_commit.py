"""Merge commit: requests of one window are one transaction."""
import json
import threading

import pytest
import requests

from rockpool.tests.pool import basic

PK = "PRIMARY KEY(id)"
COLUMNS = "id INT NOT NULL, name VARCHAR(100) NULL, score INT NOT NULL"
MERGE = {"enable_merge_commit": "true", "merge_commit_interval_ms": "600", "merge_commit_parallel": "1"}


def at_once(*calls):
    found = [None] * len(calls)

    def run(n):
        found[n] = calls[n]()
    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(calls))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return found


def document(n, **more):
    return json.dumps({"id": n, "name": f"n{n}", "score": n, **more})


def test_requests_of_a_window_share_a_transaction(scene):
    scene.table(COLUMNS, PK)
    found = at_once(*[lambda n=n: scene.json(document(n), label=f"mine_{n}", **MERGE) for n in (1, 2, 3)])
    assert [(f["Status"], f["Message"]) for f in found] == [("Success", "OK")] * 3
    assert len({f["TxnId"] for f in found}) == len({f["Label"] for f in found}) == 1
    assert found[0]["Label"].startswith("merge_commit_")
    assert sorted(f["RequestId"] for f in found) == ["mine_1", "mine_2", "mine_3"]
    assert list(found[0])[-2:] == ["RequestId", "LeftTimeMs"]
    assert scene.value("SELECT count(*) FROM t") == "3"
    assert scene.state("mine_1") == "UNKNOWN" and scene.state(found[0]["Label"]) == "VISIBLE"
    row = scene.sql("SELECT STATE, TYPE, SCAN_ROWS, SINK_ROWS, PROGRESS FROM information_schema.loads WHERE LABEL = "
                    f"'{found[0]['Label']}'")
    assert row == [["FINISHED", "MERGE_COMMIT", "3", "3", "Merge Window 100.00%"]]


def test_a_label_gives_no_idempotency(scene):
    scene.table(COLUMNS, "DUPLICATE KEY(id)")
    for _ in range(2):
        scene.ok(scene.json(document(1), label="same", **{**MERGE, "merge_commit_interval_ms": "1"}))
    assert scene.value("SELECT count(*) FROM t") == "2"


def test_other_parameters_are_another_transaction(scene):
    scene.table(COLUMNS, PK)
    found = at_once(lambda: scene.json(document(1), **MERGE), lambda: scene.json(document(2), strict_mode="true", **MERGE),
                    lambda: scene.load("3,c,3\n4,d,4\n", **MERGE))
    assert len({f["TxnId"] for f in found}) == 3
    assert scene.value("SELECT count(*) FROM t") == "4"


def test_csv_bodies_run_into_each_other_without_a_last_delimiter(scene):
    scene.table(COLUMNS, PK)
    at_once(lambda: scene.load("1,a,1", **MERGE), lambda: scene.load("2,b,2", **MERGE))
    assert scene.value("SELECT count(*) FROM t") == "0"


def test_async_answers_before_the_window_ends(scene):
    scene.table(COLUMNS, PK)
    found = scene.ok(scene.json(document(1), merge_commit_async="true", **MERGE))
    assert found["LeftTimeMs"] > 0 and scene.state(found["Label"]) == "PREPARE"
    scene.wait(lambda: scene.state(found["Label"]) == "VISIBLE", 5)
    assert scene.value("SELECT count(*) FROM t") == "1"


def test_one_bad_request_fails_them_all(scene):
    scene.table(COLUMNS, PK)
    found = at_once(lambda: scene.json(document(1), **MERGE), lambda: scene.json(document(2, score=None), **MERGE))
    assert {f["Status"] for f in found} == {"Fail"} and scene.value("SELECT count(*) FROM t") == "0"
    message = found[0]["Message"]
    assert message.startswith("Load is aborted, reason: There is a data quality issue. Please check the tracking URL or "
                              "SQL for details. Tracking URL: http://")
    assert message.endswith(f"SELECT tracking_log FROM information_schema.load_tracking_logs WHERE JOB_ID={found[0]['TxnId']}")
    log = scene.value(f"SELECT tracking_log FROM information_schema.load_tracking_logs WHERE JOB_ID={found[0]['TxnId']}")
    assert log.strip() == "Error: NULL value in non-nullable column 'score'. Row: [2, n2, NULL, 0]"


def test_a_window_can_be_cancelled(scene):
    scene.table(COLUMNS, PK)
    found = scene.ok(scene.json(document(1), merge_commit_async="true", **{**MERGE, "merge_commit_interval_ms": "600000"}))
    answer = requests.post(f"{scene.pool.fe}/api/{scene.name}/t/_cancel?label={found['Label']}",
                           headers={"Authorization": basic()}, timeout=10)
    assert answer.json() == {"status": "OK", "code": "0", "msg": "Success", "message": "OK"}
    assert scene.state(found["Label"]) == "ABORTED" and scene.value("SELECT count(*) FROM t") == "0"
    assert scene.value(f"SELECT STATE FROM information_schema.loads WHERE LABEL = '{found['Label']}'") == "CANCELLED"


def test_a_merge_condition_works(scene):
    scene.table(COLUMNS, PK)
    scene.ok(scene.json(document(1, score=5)))
    scene.ok(scene.json(document(1, score=4, name="old"), merge_condition="score", **MERGE))
    assert scene.sql("SELECT * FROM t") == [["1", "n1", "5"]]


@pytest.mark.parametrize("headers", [{"merge_commit_interval_ms": None}, {"merge_commit_interval_ms": "0"},
                                     {"merge_commit_parallel": None}, {"enable_merge_commit": "perhaps"}])
def test_parameters_that_are_none(scene, headers):
    scene.table(COLUMNS, PK)
    found = scene.json(document(1), **{**MERGE, **headers})
    assert "FAIL" in (found.get("Status") or found.get("status")).upper()


def test_other_mistakes(scene):
    scene.table(COLUMNS, PK)
    assert "unknown table" in scene.json(document(1), table="none", **MERGE)["Message"]
    found = scene.json(document(1), columns="id, w = id", **MERGE)
    assert found["Message"] == "Load is aborted, reason: Mapping column is not in table. column: w"


def test_before_3_4_the_header_is_unknown(own):
    from rockpool.tests.pool import Scene
    scene = Scene(own("--version", "3.3.9"), "old")
    scene.table(COLUMNS, PK)
    assert scene.ok(scene.json(document(1), label="mine", **MERGE), 1)["Label"] == "mine"
