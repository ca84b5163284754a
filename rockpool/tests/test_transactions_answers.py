"""Texts, keys and routing of the transaction addresses, one rule a test; and how older versions differ."""
import gzip
import json
import threading

import pytest
import requests

from rockpool.tests.pool import Pool, Scene, basic, call

PAIR = "id INT NULL, v VARCHAR(40) NULL"
DUP = "DUPLICATE KEY(id)"


def of_version(tmp_path_factory, version):
    pool = Pool(tmp_path_factory.mktemp("v") / "data", "--version", version)
    scene = Scene(pool, "d")
    scene.table(PAIR, DUP)
    return scene


@pytest.fixture(scope="module")
def v31(tmp_path_factory):
    scene = of_version(tmp_path_factory, "3.1.0")
    yield scene
    scene.pool.stop()


@pytest.fixture(scope="module")
def v352(tmp_path_factory):
    scene = of_version(tmp_path_factory, "3.5.2")
    yield scene
    scene.pool.stop()


@pytest.fixture(scope="module")
def v402(tmp_path_factory):
    scene = of_version(tmp_path_factory, "4.0.2")
    yield scene
    scene.pool.stop()


@pytest.fixture
def place(scene):
    scene.table(PAIR, DUP)
    return scene


def straight(scene, number, operation, label, body=b"", method=None, **headers):
    """A call sent to a backend itself."""
    send = {"label": label, "db": scene.name, "table": "t", "column_separator": ",", **headers}
    method = method or ("PUT" if operation == "load" else "POST")
    return call(f"{scene.pool.be(number)}/api/transaction/{operation}", method, send, body).json()


def home(scene):
    """The backend that the last call was sent to."""
    return scene.pool.ports["be_http"].index(int(scene.hops[-1].split(":")[1]))


def prepared(scene, label, body="1,a\n", **headers):
    for operation, given in (("begin", {}), ("load", headers), ("prepare", {})):
        assert scene.txn(operation, label, body if operation == "load" else "", **given)["Status"] == "OK"


# ---------------------------------------------------------------- addresses
def test_both_servers_take_post_and_put(place):
    send = {"label": "m", "db": place.name, "table": "t", "column_separator": ",", "Expect": "100-continue"}
    base = place.pool.fe + "/api/transaction/"
    for method, operation, body in (("PUT", "begin", b""), ("PUT", "load", b"1,a\n"), ("PUT", "prepare", b""),
                                    ("PUT", "commit", b"")):
        assert call(base + operation, method, send, body).json()["Status"] == "OK", operation
    send["label"] = "post"
    for operation in ("begin", "rollback"):
        assert call(base + operation, "POST", send).json()["Status"] == "OK"
    assert call(place.pool.be() + "/api/transaction/turn", "PUT", send).json() == {
        "Status": "INVALID_ARGUMENT", "Message": "unsupport transaction operation turn"}


def test_a_backend_lists_its_open_loads(place):
    number = place.txn("begin", "listed", timeout="77", idle_transaction_timeout="9")["TxnId"]
    found = requests.post(f"{place.pool.be(home(place))}/api/transaction/list", timeout=5).text
    decoder, at, entries = json.JSONDecoder(), 0, []
    while at < len(found):
        entry, at = decoder.raw_decode(found, at)
        entries.append(entry)
    mine = next(e for e in entries if e["Label"] == "listed")
    assert (mine["TxnId"], mine["InProcessing"], mine["TransactionTimeoutSec"], mine["IdleTransactionTimeoutSec"]) == (
        number, False, 77, 9)
    place.txn("rollback", "listed")


def test_what_connectors_send_is_taken(scene):
    scene.table("id INT NOT NULL, v VARCHAR(40) NULL", "PRIMARY KEY(id)")
    scene.txn("begin", "csv", timeout="600")
    for body in ("1\x01a\x010\x022\x01b\x010\x02", "1\x01\\N\x011\x02"):
        found = scene.txn("load", "csv", body, columns="`id`,`v`,`__op`", column_separator="\\x01", row_delimiter="\\x02",
                          timeout="600")
        assert found["Status"] == "OK", found
    assert scene.txn("prepare", "csv")["NumberLoadedRows"] == 3
    scene.txn("commit", "csv")
    assert scene.sql("SELECT id, v FROM t") == [["2", "b"]]
    scene.txn("begin", "json", timeout="600")
    send = {"label": "json", "db": scene.name, "table": "t", "format": "json", "ignore_json_size": "true",
            "strip_outer_array": "true", "compression": "gzip", "Expect": "100-continue", "Authorization": basic()}
    url = f"{scene.pool.be(home(scene))}/api/transaction/load"
    body = gzip.compress(b'[{"id": 3, "v": "c", "__op": 0}]')
    found = requests.put(url, headers=send, data=iter([body[:10], body[10:]]), timeout=10).json()  # chunked
    assert found["Status"] == "OK", found
    assert scene.txn("commit", "json")["NumberLoadedRows"] == 1


def test_partial_update_is_the_lower_case_word_here(scene):
    scene.table("id INT NOT NULL, v VARCHAR(40) NULL, w INT NULL DEFAULT '7'", "PRIMARY KEY(id)")
    scene.ok(scene.load("1,a,1\n"))
    prepared(scene, "upper", "1,b\n", columns="id,v", partial_update="TRUE")
    scene.txn("commit", "upper")
    assert scene.sql("SELECT * FROM t") == [["1", "b", "7"]]  # not partial: w took its default
    prepared(scene, "lower", "1,c\n", columns="id,v", partial_update="true")
    scene.txn("commit", "lower")
    assert scene.sql("SELECT * FROM t") == [["1", "c", "7"]]


def test_the_share_of_bad_rows_is_that_of_the_first_load(place):
    place.txn("begin", "x")
    assert place.txn("load", "x", "1,a\nz,b\n", max_filter_ratio="0.5", strict_mode="true")["Status"] == "OK"
    assert place.txn("load", "x", "2,c\n", max_filter_ratio="0", strict_mode="true")["Status"] == "OK"
    found = place.txn("prepare", "x")
    assert (found["Status"], found["NumberFilteredRows"], found["NumberLoadedRows"]) == ("OK", 1, 2)


# ---------------------------------------------------------------- routing
def test_another_backend_does_not_know_the_label(place):
    place.txn("begin", "x")
    other = 1 - home(place)
    for operation, text in (("load", "Transaction with label x not exists"), ("prepare", "transaction with label x not exists"),
                            ("commit", "transaction with label x not exists"),
                            ("rollback", "transaction with label x not exists")):
        found = straight(place, other, operation, "x", b"1,a\n" if operation == "load" else b"")
        assert found == {"Status": "TXN_NOT_EXISTS", "Message": text}
    assert straight(place, 1 - other, "load", "x", b"1,a\n")["Status"] == "OK"  # the coordinator can be asked directly
    assert straight(place, 1 - other, "commit", "x")["Status"] == "OK"


def test_a_label_never_begun_is_answered_by_the_frontend(place):
    assert place.txn("load", "unborn", "1,a\n")["Message"].endswith(
        f"Can't find the transaction with db [{place.name}] and label[unborn]. The possible reasons: 1. FE leader is started or "
        "switched; 2. The transaction timeouts and is cleaned.")
    for operation in ("prepare", "commit", "rollback"):
        assert place.txn(operation, "unborn")["Message"] == (
            f"class com.starrocks.common.StarRocksException: No transaction found with db[{place.name}] and label[unborn]")
        assert place.hops == []


def test_older_frontends_lose_the_way_to_a_label(v31, v352):
    for scene, text in ((v31, "class com.starrocks.common.UserException: transaction with op {} label {} has no node"),
                        (v352, "class com.starrocks.common.StarRocksException: Transaction with op[{}] and label[{}] has no node.")):
        prepared(scene, "p")
        scene.txn("begin", "open")
        assert scene.txn("load", "never", "1,a\n")["Message"] == text.format("load", "never")
        scene.pool.control("POST", "restart_fe")
        assert scene.txn("load", "open", "1,a\n")["Message"] == text.format("load", "open")
        assert scene.txn("load", "p", "1,a\n")["Message"] == text.format("load", "p")  # 3.5.3 looks into the transaction
        assert scene.txn("commit", "p")["Status"] == "OK"


def test_a_repeated_begin_goes_to_the_same_backend(v31, v352):
    for scene in (v31, v352):
        scene.txn("begin", "twice")
        first = home(scene)
        assert scene.txn("begin", "twice")["Status"] == "LABEL_ALREADY_EXISTS" and home(scene) == first
        assert scene.txn("load", "twice", "1,a\n")["Status"] == "OK"
        assert scene.txn("rollback", "twice")["Status"] == "OK"


def test_a_backend_asks_for_credentials_at_begin_alone(place):
    place.txn("begin", "x")
    url, send = f"{place.pool.be(home(place))}/api/transaction/", {"db": place.name, "table": "t", "column_separator": ","}
    assert call(url + "begin", "POST", {"label": "y", **send}, user=None).json() == {
        "Status": "INTERNAL_ERROR", "Message": "no valid Basic authorization"}
    for operation, method, body in (("load", "PUT", b"1,a\n"), ("commit", "POST", b"")):
        assert call(url + operation, method, {"label": "x", **send}, body, user=None).json()["Status"] == "OK"
    assert call(place.pool.fe + "/api/transaction/commit", "POST", {"label": "x", **send}, user=None).status_code == 401


# ---------------------------------------------------------------- answers of backends
def test_refusals_of_a_backend_have_a_status_and_a_message_alone(place):
    place.txn("begin", "x")
    number = home(place)
    for operation, headers, wanted in (
            ("prepare", {"label": None}, "empty label"), ("load", {"label": None}, "Invalid label "),
            ("load", {"db": "other"}, f"Request database other not equal transaction database {place.name}"),
            ("commit", {"db": "other"}, f"request db other transaction db {place.name} not match"),
            ("rollback", {"db": "other"}, f"request db other transaction db {place.name} not match"),
            ("load", {"table": None}, "Request table  not equal transaction table t"),
            ("begin", {"label": "y", "timeout": "soon"}, "Invalid timeout format"),
            ("begin", {"label": "y", "idle_transaction_timeout": "x"}, "Invalid timeout format"),
            ("begin", {"label": "y", "transaction_type": "single"},
             "Multi-statement transaction requests can only be sent to FE nodes, not BE nodes")):
        given = {"label": "x", **headers}
        found = straight(place, number, operation, given.pop("label"), b"1,a\n" if operation == "load" else b"", **given)
        assert found == {"Status": "INVALID_ARGUMENT", "Message": wanted}, operation
    assert place.txn("rollback", "x") == {"Status": "OK", "Message": "", "Label": "x"}


def test_a_label_in_use_at_begin(place):
    place.txn("begin", "x")
    number = home(place)
    assert straight(place, number, "begin", "x") == {"Status": "LABEL_ALREADY_EXISTS", "ExistingJobStatus": "", "Message": ""}
    found = straight(place, 1 - number, "begin", "x")
    assert list(found.items()) == [("Status", "LABEL_ALREADY_EXISTS"), ("ExistingJobStatus", "RUNNING"),
                                   ("Message", "Label [x] has already been used.")]
    place.ok(place.load("1,a\n", label="plain"))
    assert place.txn("begin", "plain")["ExistingJobStatus"] == "FINISHED"
    place.sql("INSERT INTO t WITH LABEL by_sql VALUES (1, 'a')")
    assert place.txn("begin", "by_sql")["Message"] == "Label [by_sql] has already been used."
    assert "Label [plain] has already been used" in place.error("INSERT INTO t WITH LABEL plain VALUES (1, 'a')")[1]


def test_a_rollback_breaks_off_the_load_that_runs(place):
    place.txn("begin", "x")
    place.txn("load", "x", "1,a\n")
    number, answers, go = home(place), [], threading.Event()

    def slow():
        yield b"2,b\n"
        go.wait(5)
        yield b"3,c\n"
    send = {"label": "x", "db": place.name, "table": "t", "column_separator": ",", "Authorization": basic()}
    thread = threading.Thread(target=lambda: answers.append(requests.put(
        f"{place.pool.be(number)}/api/transaction/load", headers=send, data=slow(), timeout=10).json()))
    thread.start()
    listed = f"{place.pool.be(number)}/api/transaction/list"
    place.wait(lambda: '"InProcessing": true' in requests.post(listed, timeout=5).text)
    busy = straight(place, number, "commit", "x")
    assert list(busy) == ["Status", "Label", "Message"]
    assert straight(place, number, "rollback", "x")["Status"] == "OK" and place.state("x") == "ABORTED"
    go.set()
    thread.join()
    assert answers[0] == {"Status": "ABORTED", "Message": "transaction is aborted by user."}
    assert place.txn("begin", "x")["Status"] == "OK"  # the label was free at once


def test_nothing_can_be_loaded_after_prepare(place):
    prepared(place, "x")
    assert place.txn("load", "x", "2,b\n") == {"Status": "TXN_NOT_EXISTS", "Message": "Transaction with label x not exists"}
    assert place.state("x") == "PREPARED"


def test_bodies_add_up_against_the_limit_of_json(place):
    place.txn("begin", "x")
    blanks = b" " * (60 << 20)
    options = {"format": "json"}
    assert place.txn("load", "x", b'{"id": 1}' + blanks, **options)["Status"] == "OK"
    found = place.txn("load", "x", b'{"id": 2}' + blanks, **options)
    assert found["Status"] == "INTERNAL_ERROR" and "exceed the max size [104857600]  of json type data" in found["Message"]
    assert place.state("x") == "ABORTED"


def test_the_size_of_all_bodies_is_limited_too(place):
    send = {"label": "huge", "db": place.name, "table": "t", "Content-Length": str(200 << 30)}
    place.txn("begin", "huge")
    head = "\r\n".join(("PUT /api/transaction/load HTTP/1.1", "Host: x", *(f"{k}: {v}" for k, v in send.items()), "", ""))
    from rockpool.tests.pool import raw_exchange
    s, got = raw_exchange(place.pool.ports["be_http"][home(place)], head.encode(), b"}")
    s.close()
    assert b"exceed limit: 107374182400" in got


# ---------------------------------------------------------------- answers of frontends
def test_a_finished_transaction_cannot_be_rolled_back(place, v31):
    for scene, text in ((place, "class com.starrocks.common.StarRocksException: Can not abort VISIBLE transaction {0}, label is x"),
                        (v31, "class com.starrocks.common.UserException: cannot abort committed transaction {0}, label x")):
        prepared(scene, "x")
        number = scene.txn("commit", "x")["TxnId"]
        assert scene.txn("rollback", "x") == {"Status": "FAILED", "Message": text.format(number)}


def test_older_frontends_take_the_label_to_cancel_from_the_path(v31):
    v31.txn("begin", "old")
    assert call(f"{v31.pool.fe}/api/d/t/_cancel?label=old", "POST", {}).json()["msg"] == "transaction not found: t"
    assert call(f"{v31.pool.fe}/api/d/old/_cancel", "POST", {}).json()["status"] == "OK" and v31.state("old") == "ABORTED"


def test_older_texts(v31):
    prepared(v31, "c")
    number = v31.txn("commit", "c")["TxnId"]
    assert v31.txn("commit", "c")["Message"] == f"label c transaction {number} has already committed"
    prepared(v31, "r")
    number = v31.txn("rollback", "r")["TxnId"]
    assert v31.txn("rollback", "r")["Message"] == f"label r transaction {number} has already aborted"
    assert v31.txn("commit", "r")["Message"] == (
        f"class com.starrocks.common.UserException: cannot commit aborted transaction {number}, label r ")
    for headers, text in (({"label": None}, "empty label."), ({"db": None}, "No database selected."),
                          ({"db": "nowhere"}, "database nowhere not exists")):
        label = headers.pop("label", "x")
        assert v31.txn("begin", label, **headers)["Message"] == "class com.starrocks.common.UserException: " + text


def test_headers_that_a_frontend_reads(place):
    for headers, text in (({"timeout": "soon"}, 'class java.lang.NumberFormatException: For input string: "soon"'),
                          ({"channel_num": "2"}, "class com.starrocks.common.DdlException: Must provide channel_id when stream "
                                                 "load begin."),
                          ({"channel_id": "0"}, "class com.starrocks.common.DdlException: Must provide channel_num when stream "
                                                "load begin."),
                          ({"source_type": "x"}, "class com.starrocks.common.StarRocksException: Invalid source type: x")):
        assert place.txn("begin", "x", **headers) == {"Status": "FAILED", "Message": text}
    assert place.txn("commit", "x", "no json")["Message"] == (
        "class com.starrocks.common.StarRocksHttpException: Malformed json tablets, label is x")


def test_before_3_5_4_prepared_timeout_is_ignored(v352):
    v352.txn("begin", "x")
    v352.txn("load", "x", "1,a\n")
    assert v352.txn("prepare", "x", prepared_timeout="1")["Status"] == "OK"
    v352.pool.control("POST", "clock", {"seconds": 100})
    assert v352.state("x") == "PREPARED"
    v352.pool.control("POST", "clock", {"seconds": 86400})
    assert v352.state("x") == "ABORTED"


# ---------------------------------------------------------------- timeouts by the servers' clock
def test_timeouts_count_from_begin_from_the_last_call_and_from_prepare(place):
    jump = lambda seconds: place.pool.control("POST", "clock", {"seconds": seconds})  # noqa: E731
    place.txn("begin", "default")
    place.txn("begin", "long", timeout="3000")
    place.txn("begin", "idle", timeout="3000", idle_transaction_timeout="100")
    place.txn("load", "long", "1,a\n")
    prepared(place, "ready")
    jump(90)
    place.txn("load", "idle", "1,a\n")
    jump(90)
    assert place.state("idle") == "PREPARE"  # the load was activity
    jump(430)
    assert [place.state(x) for x in ("default", "long", "idle", "ready")] == ["ABORTED", "PREPARE", "ABORTED", "PREPARED"]
    reasons = dict(place.sql("SELECT label, error_msg FROM information_schema.loads WHERE db_name = '" + place.name + "'"))
    stats = {h["label"]: h["reason"] for h in place.pool.control("GET", "stats?last=10")["history"]}
    assert stats["default"] == "timeout by txn manager" and reasons
    assert stats["idle"] == "transaction is aborted by idle timeout 100 seconds."
    jump(86400)
    assert place.state("ready") == "ABORTED"


# ---------------------------------------------------------------- many tables
def multi(scene, operation, label, body="", table=None, **more):
    return scene.txn(operation, label, body, table=table, transaction_type="multi", **more)


def test_answers_about_a_transaction_of_many_tables(place):
    label = place.name + "a"
    number = None
    assert multi(place, "begin", label) == {"Status": "OK", "Message": ""} and place.hops == []
    assert multi(place, "prepare", label)["Message"] == (
        "class com.starrocks.common.StarRocksException: Unsupported operation: TXN_PREPARE")
    found = multi(place, "begin", label)
    assert (found["Status"], found["ExistingJobStatus"]) == ("LABEL_ALREADY_EXISTS", "BEGIN")
    found = multi(place, "load", label, "1,a\n", "t")
    assert list(found) == ["Status", "Message", "Label", "TxnId", "LoadBytes", "StreamLoadPlanTimeMs", "ReceivedDataTimeMs"]
    assert len(place.hops) == 1
    number = found["TxnId"]
    found = multi(place, "commit", label)
    assert found == {"Label": label, "Status": "OK", "TxnId": number, "ChannelId": 0, "Message": "", "Prepared Channel Num": 1}
    assert place.hops == []
    assert multi(place, "commit", label)["Message"] == f"Transaction {number} has already committed, label is {label}"
    assert multi(place, "rollback", label)["Message"] == f"Can not abort VISIBLE transaction {number}, label is {label}"
    assert multi(place, "load", label, "1,a\n", "t")["Message"] == f"stream load task {label} has already been commited"
    assert multi(place, "begin", label)["ExistingJobStatus"] == "COMMITED"


def test_source_type_12_does_the_same(place):
    label = place.name + "s"
    for operation, body, table in (("begin", "", None), ("load", "1,a\n", "t"), ("commit", "", None)):
        assert place.txn(operation, label, body, table=table, source_type="12")["Status"] == "OK"
    assert place.value("SELECT count(*) FROM t") == "1"


def test_an_empty_transaction_of_many_tables_is_committed(place):
    label = place.name + "e"
    multi(place, "begin", label)
    assert multi(place, "commit", label) == {"Status": "OK", "Message": ""} and place.state(label) == "VISIBLE"


def test_a_rolled_back_transaction_of_many_tables(place):
    label = place.name + "r"
    multi(place, "begin", label)
    multi(place, "load", label, "1,a\n", "t")
    assert multi(place, "rollback", label) == {"Status": "OK", "Message": f"stream load {label} abort"}
    assert "has already aborted, label is" in multi(place, "rollback", label)["Message"]
    assert "Can not commit CANCELLED transaction" in multi(place, "commit", label)["Message"]
    assert place.state(label) == "ABORTED" and place.value("SELECT count(*) FROM t") == "0"
    other = Scene(place.pool, place.name + "z")
    other.table(PAIR, DUP)
    assert multi(other, "begin", label)["Status"] == "LABEL_ALREADY_EXISTS"  # in the whole cluster
    other.close()


def test_a_transaction_of_many_tables_never_begun(place):
    label = place.name + "n"
    for operation, text in (("load", f"stream load task {label} does not exist"),
                            ("commit", f"stream load task {label} does not exist"),
                            ("rollback", f"stream load task{label}does not exist")):
        found = multi(place, operation, label, "1,a\n" if operation == "load" else "", "t")
        assert found == {"Status": "FAILED", "Message": "class com.starrocks.common.StarRocksException: " + text}


def test_a_table_that_is_not_there_poisons_too(place):
    label = place.name + "p"
    multi(place, "begin", label)
    assert "Failed to find table nothing in db" in multi(place, "load", label, "1,a\n", "nothing")["Message"]
    assert place.hops == []  # planned by the frontend
    assert "has already been cancelled: Failed to find table" in multi(place, "load", label, "1,a\n", "t")["Message"]


def test_all_rows_refused_fails_the_whole_also_with_a_ratio_of_one(place):
    place.table("id INT NOT NULL, v VARCHAR(40) NULL", DUP, name="u")
    label = place.name + "q"
    multi(place, "begin", label)
    multi(place, "load", label, "1,a\n", "t")
    assert multi(place, "load", label, "x,a\n", "u", max_filter_ratio="1", strict_mode="true")["Status"] == "OK"
    found = multi(place, "commit", label)
    assert found["Status"] == "FAILED" and "Failed to load table u" in found["Message"] and "tracking_url:" in found["Message"]
    assert place.value("SELECT count(*) FROM t") == "0"
    where = f"FROM information_schema.loads WHERE db_name = '{place.name}' AND label = '{label}' AND table_name = 'u'"
    assert place.sql("SELECT state, sink_rows, filtered_rows " + where) == [["CANCELLED", "0", "1"]]
    job = place.value("SELECT id " + where)
    rows = place.sql(place.value("SELECT tracking_sql " + where))
    assert len(rows) == 1 and "x" in rows[0][0]
    assert place.value(f"SELECT count(*) FROM information_schema.load_tracking_logs WHERE job_id = {job}") == "1"


def test_the_default_timeout_of_many_tables_is_20_seconds(place):
    label = place.name + "t"
    multi(place, "begin", label)
    place.pool.control("POST", "clock", {"seconds": 18})
    assert multi(place, "load", label, "1,a\n", "t")["Status"] == "OK"
    place.pool.control("POST", "clock", {"seconds": 5})
    assert multi(place, "load", label, "1,a\n", "t")["Message"] == (
        f"stream load task {label} has already been cancelled: transaction timeout after 20000ms")
    assert multi(place, "commit", label)["Status"] == "FAILED"


def test_partitions_are_made_for_every_table(scene):
    for name in ("a", "b"):
        scene.sql(f"CREATE TABLE {name} (d DATETIME NOT NULL, v INT) DUPLICATE KEY(d) PARTITION BY date_trunc('day', d) "
                  "DISTRIBUTED BY HASH(v) BUCKETS 1 PROPERTIES('replication_num'='1')")
    label = scene.name + "d"
    multi(scene, "begin", label)
    for name in ("a", "b"):
        assert multi(scene, "load", label, "2024-01-02 03:04:05,1\n2024-02-02 00:00:00,2\n", name)["Status"] == "OK"
    assert multi(scene, "commit", label)["Status"] == "OK"
    assert scene.value("SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b)") == "4"
    assert len(scene.sql("SHOW PARTITIONS FROM a")) == 2


def test_before_4_0_5_a_rollback_of_many_tables_does_nothing(v402):
    multi(v402, "begin", "m")
    multi(v402, "load", "m", "1,a\n", "t")
    assert multi(v402, "begin", "m")["Status"] == "OK"  # looks at no state
    assert multi(v402, "rollback", "m")["Status"] == "OK" and v402.state("m") == "PREPARE"
    v402.pool.control("POST", "clock", {"seconds": 25})
    assert v402.state("m") == "ABORTED" and multi(v402, "load", "m", "1,a\n", "t")["Status"] == "OK"  # with a message
    assert "CANCELLED" in multi(v402, "commit", "m")["Message"]
    assert v402.value("SELECT count(*) FROM t") == "0"
