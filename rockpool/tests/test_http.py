"""The two hops of a load: who answers what, before and after the redirect."""
import base64
import json
from urllib.parse import urlsplit

import requests

from rockpool.tests.pool import basic, call, raw_exchange

PAIR = "id INT NOT NULL, v VARCHAR(40) NULL"


def put(scene, **more):
    return call(f"{scene.pool.fe}/api/{scene.name}/t/_stream_load?x=1", "PUT", {"Expect": "100-continue"}, b"", **more)


def test_the_frontend_redirects_loads_to_both_backends_in_turn(scene):
    scene.table(PAIR)
    found = [put(scene, follow=False) for _ in range(4)]
    places = [urlsplit(a.headers["Location"]) for a in found]
    assert {a.status_code for a in found} == {307}
    assert {p.port for p in places} == set(scene.pool.ports["be_http"])
    assert {(p.scheme, p.username, p.path, p.query) for p in places} == {("http", None, f"/api/{scene.name}/t/_stream_load",
                                                                          "x=1")}


def test_the_frontend_refuses_wrong_credentials_with_401(scene):
    scene.table(PAIR)
    answer = put(scene, user=None)
    assert answer.status_code == 401 and answer.json()["msg"] == "Need auth information."
    assert answer.headers["WWW-Authenticate"] == 'Basic realm=""'
    answer = put(scene, user=("root", "wrong"))
    assert answer.status_code == 401 and answer.json()["msg"].startswith("Access denied for root@")


def test_a_backend_refuses_wrong_credentials_with_200(scene):
    scene.table(PAIR)
    url = f"{scene.pool.be()}/api/{scene.name}/t/_stream_load"
    answer = call(url, "PUT", {}, b"1,a\n", user=None)
    assert (answer.status_code, answer.json()["Status"]) == (200, "Fail")
    assert answer.json()["Message"] == "no valid Basic authorization"
    assert call(url, "PUT", {}, b"1,a\n", user=("root", "no")).json()["Message"].startswith("Access denied for root@")


def test_credentials_are_split_at_the_first_colon_and_the_cluster_is_dropped(scene):
    scene.sql("CREATE USER IF NOT EXISTS colon IDENTIFIED BY 'a:b'", "GRANT INSERT ON *.* TO USER colon")
    scene.table(PAIR)
    send = {"Expect": "100-continue", "Authorization": "Basic " + base64.b64encode(b"colon@c:a:b").decode()}
    answer = requests.put(f"{scene.pool.fe}/api/{scene.name}/t/_stream_load", headers=send, allow_redirects=False, timeout=5)
    assert answer.status_code == 307


def test_the_frontend_wants_expect_and_never_sends_100(scene):
    scene.table(PAIR)
    path = f"/api/{scene.name}/t/_stream_load"
    answer = call(scene.pool.fe + path, "PUT", {})
    assert (answer.status_code, answer.json()["Status"]) == (200, "FAILED")
    assert answer.json()["Message"] == "class com.starrocks.common.DdlException: There is no 100-continue header"
    head = (f"PUT {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {basic()}\r\nExpect: 100-continue\r\n"
            "Content-Length: 4\r\n\r\n").encode()
    s, got = raw_exchange(scene.pool.ports["fe_http"], head)
    s.close()
    assert got.startswith(b"HTTP/1.1 307")


def be_head(scene, label, more=""):
    return (f"PUT /api/{scene.name}/t/_stream_load HTTP/1.1\r\nHost: x\r\nAuthorization: {basic()}\r\n"
            f"Expect: 100-continue\r\ncolumn_separator: ,\r\nlabel: {label}\r\n{more}Content-Length: 4\r\n\r\n").encode()


def test_a_backend_sends_100_only_when_the_head_is_good(scene):
    scene.table(PAIR)
    s, got = raw_exchange(scene.pool.ports["be_http"][0], be_head(scene, "h1"))
    assert got == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert scene.state("h1") == "PREPARE"  # the transaction is open before the body
    s.sendall(b"1,a\n")
    assert b'"Status": "Success"' in s.recv(65536)
    s.close()
    for label, more, text in (("h1", "", "Label Already Exists"), ("h2", "columns: id, w = nothing\r\n", "Fail"),
                              ("h 3", "", "Label format error")):
        s, got = raw_exchange(scene.pool.ports["be_http"][0], be_head(scene, label, more), b"}")
        s.close()
        assert got.startswith(b"HTTP/1.1 200") and text.encode() in got


def test_a_client_that_goes_away_in_mid_body_leaves_an_aborted_label(scene):
    scene.table(PAIR)
    s, got = raw_exchange(scene.pool.ports["be_http"][0], be_head(scene, "cut"))
    assert b"100" in got
    s.sendall(b"1,")
    s.close()
    scene.wait(lambda: scene.state("cut") == "ABORTED")
    assert scene.value("SELECT count(*) FROM t") == "0"


def test_health_of_both_kinds(pool):
    assert requests.get(pool.fe + "/api/health", timeout=5).json() == {"status": "OK", "total_backend_num": 2,
                                                                       "online_backend_num": 2}
    assert requests.get(pool.be(1) + "/api/health", timeout=5).json() == {"status": "OK", "msg": "To Be Added"}
    assert requests.get(pool.fe + "/api/bootstrap", timeout=5).json()["status"] == "OK"


def test_a_dead_backend_gets_no_loads_and_none_is_told(scene):
    scene.table(PAIR)
    try:
        scene.pool.control("POST", "backends", {"dead": [0]})
        ports = {urlsplit(put(scene, follow=False).headers["Location"]).port for _ in range(4)}
        assert ports == {scene.pool.ports["be_http"][1]}
        scene.pool.control("POST", "backends", {"dead": [0, 1]})
        assert put(scene).json()["Message"].endswith("No backend alive.")
    finally:
        scene.pool.control("POST", "backends", {"dead": []})


def test_schema_and_count_of_a_table(scene):
    scene.table("id INT NOT NULL COMMENT 'k', d DECIMAL(12, 3) NULL, s VARCHAR(5) NULL")
    scene.ok(scene.load("1,1.5,a\n2,2,b\n"))
    base = f"{scene.pool.fe}/api/{scene.name}"
    assert call(base + "/t/_schema", "GET", {}).json() == {"status": 200, "properties": [
        {"name": "id", "type": "INT", "comment": "k"},
        {"name": "d", "type": "DECIMAL64", "comment": "", "precision": "12", "scale": "3"},
        {"name": "s", "type": "VARCHAR", "comment": ""}]}
    assert call(base + "/t/_count", "GET", {}).json() == {"status": 200, "size": 2}
    answer = call(base + "/none/_count", "GET", {})
    assert (answer.status_code, answer.json()["exception"]) == (404, "Table [none] does not exists")
    assert call(base + "/t/_schema", "GET", {}, user=None).status_code == 401


def test_answers_are_pretty_with_keys_in_order(scene):
    scene.table(PAIR)
    answer = call(f"{scene.pool.fe}/api/{scene.name}/t/_stream_load", "PUT", {"Expect": "100-continue", "column_separator": ","},
                  b"1,a\n")
    assert list(json.loads(answer.text)) == [
        "TxnId", "Label", "Status", "Message", "NumberTotalRows", "NumberLoadedRows", "NumberFilteredRows",
        "NumberUnselectedRows", "LoadBytes", "LoadTimeMs", "BeginTxnTimeMs", "StreamLoadPlanTimeMs", "ReadDataTimeMs",
        "WriteDataTimeMs", "CommitAndPublishTimeMs"]
    assert answer.text.startswith('{\n    "TxnId"')
