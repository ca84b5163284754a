"""The forms of HTTP: methods, paths, names with escapes, header limits, content types, closed connections, by version."""
import base64
import json
from urllib.parse import urlsplit

import pytest
import requests

from rockpool.tests.pool import Pool, Scene, basic, call, raw_exchange

PAIR = "id INT NOT NULL, v VARCHAR(40) NULL"


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """A 3.1: before Expect was read closely, before JSON had a type and names were decoded by backends."""
    pool = Pool(tmp_path_factory.mktemp("old") / "data", "--version", "3.1.0")
    scene = Scene(pool, "d")
    scene.table(PAIR)
    yield scene
    pool.stop()


def head(scene, method, path, *more):
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: {basic()}", *more, "", "")).encode()


def load_path(scene, table="t"):
    return f"/api/{scene.name}/{table}/_stream_load"


# ---------------------------------------------------------------- addresses and methods
def test_a_frontend_has_nothing_at_wrong_paths_and_for_wrong_methods(scene):
    scene.table(PAIR)
    for method, path in (("GET", "/api/none"), ("POST", load_path(scene)), ("GET", load_path(scene)), ("HEAD", load_path(scene)),
                         ("HEAD", f"/api/{scene.name}/get_load_state?label=x"), ("HEAD", "/api/health"),
                         ("GET", "/api/transaction/begin"), ("DELETE", "/api/transaction/begin")):
        answer = requests.request(method, scene.pool.fe + path, auth=("root", ""), timeout=5)
        assert (answer.status_code, answer.content) == (404, b""), (method, path)


def test_a_backend_says_not_found(scene):
    for method, path in (("GET", "/api/none"), ("GET", load_path(scene)), ("POST", "/api/x/y/_stream_load")):
        answer = requests.request(method, scene.pool.be() + path, timeout=5)
        assert (answer.status_code, answer.text) == (404, "Not Found")


def test_empty_names_in_the_path(scene):
    for path in ("/api//t/_stream_load", f"/api/{scene.name}//_stream_load"):
        answer = requests.put(scene.pool.fe + path, auth=("root", ""), headers={"Expect": "100-continue"}, timeout=5)
        assert answer.status_code == 404 or "selected." in answer.json()["Message"]


def test_names_in_the_path_have_case_and_escapes(scene):
    scene.table(PAIR)
    found = call(f"{scene.pool.fe}/api/{scene.name}/T/_stream_load", "PUT", {"Expect": "100-continue"}, b"1\ta\n").json()
    assert found["Message"] == f'unknown table "{scene.name}.T"'
    for written in ("%74", "t"):
        answer = call(scene.pool.fe + load_path(scene, written), "PUT", {"Expect": "100-continue", "column_separator": ","},
                      b"1,a\n")
        assert answer.json()["Status"] == "Success"


def test_a_name_outside_ascii_is_decoded_by_backends_from_3_5_1(scene, old):
    path = "/api/d/t%C3%A4/_stream_load"
    found = call(scene.pool.be() + path, "PUT", {}, b"").json()["Message"]
    assert found == "unknown database, database=d"  # the name of the table is not reached
    scene.table(PAIR)
    found = call(f"{scene.pool.be()}/api/{scene.name}/t%C3%A4/_stream_load", "PUT", {}, b"").json()["Message"]
    assert found == f'unknown table "{scene.name}.t\u00e4"'
    assert call(old.pool.be() + path, "PUT", {}, b"").json()["Message"] == 'unknown table "d.t%C3%A4"'


def test_the_redirect_keeps_path_and_query_as_java_builds_them(scene):
    scene.table(PAIR)
    sent = requests.put(f"{scene.pool.fe}/api/{scene.name}/%74/_stream_load?a=b%20c&d=%22", auth=("root", ""),
                        headers={"Expect": "100-continue"}, timeout=5, allow_redirects=False)
    place = urlsplit(sent.headers["Location"])
    assert (sent.status_code, place.path, place.query) == (307, load_path(scene), "a=b%20c&d=%22")


# ---------------------------------------------------------------- limits of a frontend
def test_a_first_line_over_4096_bytes_is_refused(scene):
    s, got = raw_exchange(scene.pool.ports["fe_http"], head(scene, "GET", "/api/health?x=" + "y" * 4200))
    s.close()
    assert got.startswith(b"HTTP/1.") and b" 400 " in got[:20]
    assert requests.get(scene.pool.fe + "/api/health?x=" + "y" * 3900, timeout=5).ok


def test_headers_over_32768_bytes_together_are_refused(scene):
    scene.table(PAIR)
    send = {"Expect": "100-continue", "columns": "x" * 20_000, "jsonpaths": "y" * 13_000}
    answer = requests.put(scene.pool.fe + load_path(scene), auth=("root", ""), headers=send, timeout=5)
    assert answer.status_code == 400 and "32768" in answer.text
    assert call(scene.pool.fe + load_path(scene), "PUT", {"Expect": "100-continue", "where": "id > 0" + " AND id > 0" * 1800},
                b"1\ta\n").json()["Status"] == "Success"


# ---------------------------------------------------------------- Expect, and connections that end
def test_expect_must_be_100_continue_from_3_4_and_anything_before(scene, old):
    scene.table(PAIR)
    answer = requests.put(scene.pool.fe + load_path(scene), auth=("root", ""), headers={"Expect": "later"}, timeout=5)
    assert answer.status_code in (200, 417) and "100-continue" in answer.text
    s, got = raw_exchange(scene.pool.ports["fe_http"], head(scene, "PUT", load_path(scene), "Content-Length: 0").replace(
        b"HTTP/1.1", b"HTTP/1.0"))
    s.close()
    assert b" 307 " in got  # HTTP/1.0 knows no Expect
    s, got = raw_exchange(old.pool.ports["fe_http"], head(old, "PUT", load_path(old), "Expect: 100-continue",
                                                         "Content-Length: 0"))
    s.close()
    assert b" 307 " in got
    s, got = raw_exchange(old.pool.ports["fe_http"], head(old, "PUT", load_path(old), "Content-Length: 0").replace(
        b"HTTP/1.1", b"HTTP/1.0"), b"header")
    s.close()
    assert b"There is no 100-continue header" in got


def test_a_frontend_ends_the_connection_after_a_load_from_3_4(scene, old):
    scene.table(PAIR)
    for where, ends in ((scene, True), (old, False)):
        for more in (("Expect: 100-continue",), ()):
            s, got = raw_exchange(where.pool.ports["fe_http"], head(where, "PUT", load_path(where), *more, "Content-Length: 0"))
            assert (b"connection: close" in got.lower()) is ends
            s.close()


def test_body_bytes_sent_early_to_a_frontend_do_not_disturb(scene):
    scene.table(PAIR)
    body = b"1,a\n" * 1000
    s, got = raw_exchange(scene.pool.ports["fe_http"], head(scene, "PUT", load_path(scene), "Expect: 100-continue",
                                                           f"Content-Length: {len(body)}") + body)
    s.close()
    assert got.startswith(b"HTTP/1.1 307") and b"100 Continue" not in got


# ---------------------------------------------------------------- content types and forms
def test_content_types(scene, old):
    scene.table(PAIR)
    for where, kind in ((scene, "application/json"), (old, "text/html")):
        answer = call(where.pool.fe + load_path(where), "PUT", {"Expect": "100-continue", "column_separator": ","}, b"1,a\n")
        assert answer.json()["Status"] == "Success" and answer.headers["Content-Type"].startswith(kind)
        for path, method in ((f"/api/{where.name}/get_load_state?label=x", "GET"), (f"/api/{where.name}/t/_cancel?label=x", "POST"),
                             ("/api/transaction/begin", "POST")):
            assert call(where.pool.fe + path, method, {}).headers["Content-Type"].startswith("text/html")
        assert requests.get(where.pool.fe + "/api/health", timeout=5).headers["Content-Type"].startswith("application/json")
    assert "reason" not in call(f"{old.pool.fe}/api/d/get_load_state?label=x", "GET", {}).json()
    refused = call(scene.pool.be() + "/api/transaction/load", "PUT", {"label": "none", "db": "d", "table": "t"})
    assert refused.headers["Content-Type"].startswith("text/html")


def test_refusals_of_a_frontend_are_compact(scene):
    scene.table(PAIR)
    answer = call(scene.pool.fe + load_path(scene), "PUT", {"Expect": "100-continue"}, user=None)
    assert answer.status_code == 401 and answer.text == (
        '{"status":"FAILED","code":"1","msg":"Need auth information.","message":"Need auth information."}')
    state = call(f"{scene.pool.fe}/api/{scene.name}/get_load_state?label=x", "GET", {}).text
    assert state == '{"state":"UNKNOWN","reason":"","status":"OK","code":"0","msg":"Success","message":"OK"}'


def test_answers_about_transactions_are_pretty(scene):
    answer = call(scene.pool.fe + "/api/transaction/begin", "POST", {})
    assert answer.text == json.dumps(answer.json(), indent=2) and answer.status_code == 200
    answer = call(scene.pool.be() + "/api/transaction/begin", "POST", {})
    assert answer.text == json.dumps({"Status": "INVALID_ARGUMENT", "Message": "empty label"}, indent=4)


def test_health_says_how_many_backends_live(scene):
    try:
        scene.pool.control("POST", "backends", {"dead": [1]})
        assert requests.get(scene.pool.fe + "/api/health", timeout=5).json() == {
            "status": "OK", "total_backend_num": 2, "online_backend_num": 1}
    finally:
        scene.pool.control("POST", "backends", {"dead": []})
    assert requests.get(scene.pool.be() + "/api/health", timeout=5).text == '{"status": "OK","msg": "To Be Added"}'
    found = requests.get(scene.pool.fe + "/api/bootstrap", timeout=5).json()
    assert (found["status"], found["replayedJournalId"], found["msg"]) == ("OK", 0, "Success")


# ---------------------------------------------------------------- who asks
@pytest.mark.parametrize("text, fe, be", [
    ("Bearer " + base64.b64encode(b"root:").decode(), 307, "no valid Basic authorization"),  # a frontend reads word two
    ("basic " + base64.b64encode(b"root:").decode(), 307, "no valid Basic authorization"),
    ("Basic " + base64.b64encode(b"root@c:").decode(), 307, None),
    ("Basic " + base64.b64encode(b"root").decode(), 401, "no valid Basic authorization"),
    ("Basic !!", 401, "no valid Basic authorization"), ("Basic", 401, "no valid Basic authorization")])
def test_odd_credentials(scene, text, fe, be):
    scene.table(PAIR)
    send = {"Expect": "100-continue", "Authorization": text}
    answer = requests.put(scene.pool.fe + load_path(scene), headers=send, timeout=5, allow_redirects=False)
    assert answer.status_code == fe
    found = requests.put(scene.pool.be() + load_path(scene), headers={**send, "column_separator": ","}, data=b"1,a\n",
                         timeout=5).json()
    assert found["Message"] == be if be else found["Status"] == "Success"


def test_a_user_without_insert_is_told_so_by_each_server(scene):
    scene.table(PAIR)
    scene.sql("CREATE USER IF NOT EXISTS reader IDENTIFIED BY 'a:b'", f"GRANT SELECT ON {scene.name}.t TO USER reader")
    answer = call(scene.pool.fe + load_path(scene), "PUT", {"Expect": "100-continue"}, user=("reader", "a:b"))
    assert answer.status_code == 401 and "INSERT privilege" in answer.json()["msg"]
    answer = call(scene.pool.be() + load_path(scene), "PUT", {}, b"1\ta\n", user=("reader", "a:b"))
    assert answer.json()["Status"] == "Fail" and "(at least one of) the INSERT privilege(s)" in answer.json()["Message"]
    send = {"label": "x", "db": scene.name, "table": "t"}
    found = call(scene.pool.fe + "/api/transaction/begin", "POST", send, user=("reader", "a:b"))
    assert found.json()["Status"] == "ANALYSIS_ERROR" and len(found.hops) == 1  # the backend's begin finds out
