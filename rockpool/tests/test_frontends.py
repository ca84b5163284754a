"""Several frontends: who answers what, a leader switch, a restart of the leader, ports that are closed for a while."""
from urllib.parse import urlsplit

import pymysql
import pytest
import requests

from rockpool.tests.conftest import NUMBERS
from rockpool.tests.pool import Pool, Scene, call, serves

PAIR = "id INT NOT NULL, v VARCHAR(40) NULL"


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    pool = Pool(tmp_path_factory.mktemp("three") / "data", "--frontends", "3")
    yield pool
    pool.stop()


@pytest.fixture
def scene(three):
    found = Scene(three, f"f{next(NUMBERS)}")
    found.table(PAIR)
    yield found
    three.control("DELETE", "faults")
    three.control("POST", "leader?fe=0")
    found.close()


def fe(pool, number):
    return f"http://127.0.0.1:{pool.ports['frontends'][number]['fe_http']}"


def txn(scene, number, operation, label, body=b"", **headers):
    send = {"label": label, "db": scene.name, "table": "t", "column_separator": ",", "Expect": "100-continue", **headers}
    answer = call(f"{fe(scene.pool, number)}/api/transaction/{operation}", "PUT" if operation == "load" else "POST", send,
                  body)
    scene.hops = answer.hops
    return answer.json()


def test_the_ready_line_names_all_and_the_first_leads(three):
    assert len(three.ports["frontends"]) == 3
    assert three.ports["frontends"][0] == {"fe_http": three.ports["fe_http"], "mysql": three.ports["mysql"]}


def test_any_frontend_sends_plain_loads_to_a_backend(scene):
    for number in range(3):
        answer = call(f"{fe(scene.pool, number)}/api/{scene.name}/t/_stream_load", "PUT",
                      {"Expect": "100-continue", "column_separator": ","}, b"1,a\n")
        assert answer.json()["Status"] == "Success" and len(answer.hops) == 1


def test_transactions_and_label_states_are_redirected_to_the_leader(scene):
    leader = urlsplit(fe(scene.pool, 0)).netloc
    assert txn(scene, 1, "begin", "x")["Status"] == "OK" and scene.hops[0] == leader and len(scene.hops) == 2
    assert txn(scene, 2, "load", "x", b"1,a\n")["Status"] == "OK" and scene.hops[0] == leader
    assert txn(scene, 1, "prepare", "x")["Status"] == "OK"
    for path, method in ((f"/api/{scene.name}/get_load_state?label=x", "GET"), (f"/api/{scene.name}/t/_cancel?label=q", "POST")):
        answer = call(fe(scene.pool, 2) + path, method, {})
        assert answer.hops == [leader] and answer.status_code == 200
    assert txn(scene, 2, "commit", "x")["Status"] == "OK" and scene.hops == [leader]
    refused = requests.post(fe(scene.pool, 1) + "/api/transaction/begin", timeout=5, allow_redirects=False)
    assert refused.status_code == 401  # the password is checked before the redirect


def test_sql_of_any_frontend_sees_the_same(scene):
    port = scene.pool.ports["frontends"][2]["mysql"]
    with pymysql.connect(host="127.0.0.1", port=port, user="root", database=scene.name) as c, c.cursor() as cursor:
        cursor.execute("CREATE TABLE made_there (id INT) DUPLICATE KEY(id) PROPERTIES('replication_num'='1')")
        cursor.execute("SHOW FRONTENDS")
        names = [d[0] for d in cursor.description]
        rows = [dict(zip(names, row)) for row in cursor.fetchall()]
    assert [r["Role"] for r in rows] == ["LEADER", "FOLLOWER", "FOLLOWER"] and {r["Alive"] for r in rows} == {"true"}
    assert [int(r["HttpPort"]) for r in rows] == [f["fe_http"] for f in scene.pool.ports["frontends"]]
    assert scene.sql("SHOW TABLES LIKE 'made_there'") == [["made_there"]]


def test_a_new_leader_forgets_what_is_open_and_keeps_what_is_prepared(scene):
    for label in ("open", "ready"):
        txn(scene, 0, "begin", label)
        txn(scene, 0, "load", label, b"1,a\n")
    txn(scene, 0, "prepare", "ready")
    scene.pool.control("POST", "leader?fe=1")
    assert scene.sql("SHOW FRONTENDS")[1][6] == "LEADER"
    assert scene.state("open") == "UNKNOWN" and scene.state("ready") == "PREPARED"
    found = txn(scene, 0, "load", "open", b"2,b\n")
    assert found["Status"] == "FAILED" and "1. FE leader is started or switched" in found["Message"]
    assert "No transaction found with db" in txn(scene, 0, "commit", "open")["Message"]
    assert txn(scene, 2, "commit", "ready")["Status"] == "OK" and scene.value("SELECT count(*) FROM t") == "1"


def test_a_backend_still_holds_what_the_leader_forgot(scene):
    begun = txn(scene, 0, "begin", "old")
    place = "http://" + scene.hops[-1]
    assert begun["Status"] == "OK"
    scene.pool.control("POST", "leader?fe=1")
    send = {"label": "old", "db": scene.name, "table": "t", "Expect": "100-continue", "column_separator": ","}
    again = call(place + "/api/transaction/begin", "POST", send).json()
    assert (again["Status"], again["ExistingJobStatus"], again["Message"]) == ("LABEL_ALREADY_EXISTS", "", "")
    assert call(place + "/api/transaction/load", "PUT", send, b"1,a\n").json()["Message"].startswith("txn does not exist")
    assert call(place + "/api/transaction/begin", "POST", send).json()["Status"] == "OK"  # that failure rolled it back
    call(place + "/api/transaction/load", "PUT", send, b"1,a\n")
    scene.pool.control("POST", "leader?fe=2")
    assert call(place + "/api/transaction/commit", "POST", send).json()["Message"] == "transaction not found"
    assert scene.value("SELECT count(*) FROM t") == "0"


def test_while_nobody_leads_redirects_lead_nowhere_and_loads_fail(scene):
    answer = requests.post(fe(scene.pool, 1) + "/_rockpool/leader?fe=1&seconds=1", timeout=5)
    assert answer.ok
    with pytest.raises(requests.ConnectionError):
        requests.get(fe(scene.pool, 0) + "/api/health", timeout=5)
    sent = requests.get(f"{fe(scene.pool, 2)}/api/{scene.name}/get_load_state?label=x", auth=("root", ""), timeout=5,
                        allow_redirects=False)
    assert sent.status_code == 307 and urlsplit(sent.headers["Location"]).netloc == urlsplit(fe(scene.pool, 0)).netloc
    found = call(f"{fe(scene.pool, 2)}/api/{scene.name}/t/_stream_load", "PUT",
                 {"Expect": "100-continue", "column_separator": ","}, b"1,a\n").json()
    assert found["Status"] == "Fail" and "call frontend service failed" in found["Message"]
    with pytest.raises(requests.ConnectionError):
        txn(scene, 1, "begin", "later")
    port = scene.pool.ports["frontends"][2]["mysql"]
    with pymysql.connect(host="127.0.0.1", port=port, user="root", database=scene.name) as c, c.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM t")  # a follower reads, and forwards what writes
        with pytest.raises(pymysql.err.MySQLError, match="leader"):
            cursor.execute("CREATE DATABASE not_now")
    scene.wait(lambda: serves(fe(scene.pool, 0)), 5)
    assert txn(scene, 1, "begin", "later")["Status"] == "OK" and len(scene.hops) == 1  # it leads
    assert txn(scene, 0, "rollback", "later")["Status"] == "OK"
    scene.connection = scene.pool.connect(scene.name)


def test_a_leader_switch_as_a_fault_point(scene):
    scene.pool.fault(point="leader_switch", at="prepare", label="^s$", when="after", count=1)
    for operation, body in (("begin", b""), ("load", b"1,a\n"), ("prepare", b"")):
        assert txn(scene, 0, operation, "s", body)["Status"] == "OK"
    scene.wait(lambda: scene.sql("SHOW FRONTENDS")[1][6] == "LEADER", 3)
    assert txn(scene, 0, "commit", "s")["Status"] == "OK"


def test_a_transaction_of_many_tables_is_cancelled_by_a_new_leader(scene):
    label = scene.name + "multi"
    multi = {"transaction_type": "multi"}
    txn(scene, 0, "begin", label, **multi)
    assert txn(scene, 1, "load", label, b"1,a\n", **multi)["Status"] == "OK"
    scene.pool.control("POST", "leader?fe=1")
    found = txn(scene, 0, "load", label, b"1,a\n", **multi)
    assert found["Message"] == f"stream load task {label} has already been cancelled: cancelled after FE restart"
    assert txn(scene, 0, "commit", label, **multi)["Status"] == "FAILED"


def test_one_frontend_alone_cannot_hand_over(pool):
    answer = requests.post(pool.fe + "/_rockpool/leader", timeout=5)
    assert answer.status_code == 400 and "--frontends 3" in answer.json()["message"]


def test_a_follower_that_restarts_changes_nothing(scene):
    txn(scene, 0, "begin", "x")
    txn(scene, 0, "load", "x", b"1,a\n")
    assert requests.post(fe(scene.pool, 1) + "/_rockpool/restart_fe?fe=2&seconds=0.3", timeout=5).ok
    scene.wait(lambda: not serves(fe(scene.pool, 2)), 3)
    assert [r[9] for r in scene.sql("SHOW FRONTENDS")] == ["true", "true", "false"]
    scene.wait(lambda: serves(fe(scene.pool, 2)), 5)
    assert txn(scene, 2, "load", "x", b"2,b\n")["Status"] == "OK" and txn(scene, 2, "commit", "x")["Status"] == "OK"
    assert scene.value("SELECT count(*) FROM t") == "2"


# ---------------------------------------------------------------- one frontend
def test_a_backend_that_cannot_reach_the_leader_does_not_know_how_a_commit_ended(own):
    pool = own()
    scene = Scene(pool, "d")
    scene.table(PAIR)
    scene.txn("begin", "x")
    place = "http://" + scene.hops[-1]
    scene.txn("load", "x", "1,a\n")
    pool.control("POST", "restart_fe?seconds=0.5")
    send = {"label": "x", "db": "d", "table": "t"}
    found = call(place + "/api/transaction/commit", "POST", send).json()
    assert found["Status"] == "THRIFT_RPC_ERROR"
    assert found["Message"].endswith("Transaction status unknown, you can retry with same label.")
    scene.wait(lambda: serves(pool.fe), 5)
    assert scene.state("x") == "UNKNOWN"


def test_the_restart_of_a_frontend_closes_its_ports_and_keeps_what_is_prepared(own):
    pool = own()
    scene = Scene(pool, "d")
    scene.table(PAIR)
    for label in ("open", "ready"):
        scene.txn("begin", label)
        scene.txn("load", label, "1,a\n")
    scene.txn("prepare", "ready")
    pool.fault(point="restart_fe", at="get_load_state", seconds=0.6, count=1)
    with pytest.raises(requests.ConnectionError):
        scene.state("open")
    assert requests.get(pool.be() + "/api/health", timeout=5).ok
    found = call(f"{pool.be()}/api/d/t/_stream_load", "PUT", {"column_separator": ","}, b"1,a\n").json()
    assert "call frontend service failed" in found["Message"]
    scene.wait(lambda: serves(pool.fe), 5)
    assert [scene.state("open"), scene.state("ready")] == ["UNKNOWN", "PREPARED"]
    scene.connection = pool.connect("d")
    assert scene.txn("commit", "ready")["Status"] == "OK" and scene.value("SELECT count(*) FROM t") == "1"
