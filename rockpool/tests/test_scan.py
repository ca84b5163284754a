"""The scanner service: the calls of a connector on the Thrift port of each backend."""
import base64
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from thrift.Thrift import TApplicationException, TType

from rockpool.tests.pool import Scene
from rockpool.tests.scan_client import Reader, planned, rows_of, tables_of

DUP = "DUPLICATE KEY(id)"
THREE = "DISTRIBUTED BY HASH(id) BUCKETS 3"


@pytest.fixture
def numbers(scene):
    scene.table("id INT NOT NULL, v INT NULL, name VARCHAR(20) NULL", DUP, by=THREE)
    scene.sql("INSERT INTO t VALUES " + ",".join(f"({n},{n % 10},'n{n}')" for n in range(1, 101)))
    return scene


@pytest.fixture
def opened(numbers):
    """(reader, the answer of open_scanner, the tablet) of one tablet of `SELECT * FROM t`."""
    plan, tablet, reader = first_tablet(numbers)
    yield reader, reader.open(plan["opaqued_query_plan"], [tablet]), tablet
    reader.end()


def first_tablet(scene, sql="select * from {db}.t"):
    plan = planned(scene, sql)
    tablet, place = next(iter(plan["partitions"].items()))
    return plan, int(tablet), Reader(port_of(place))


def port_of(place, at=0):
    return int(place["routings"][at].rsplit(":", 1)[1])


def refused(status, code, text):
    assert status.status_code == code, status
    assert text in status.error_msgs[0].decode(), status.error_msgs


def test_the_tablets_are_disjoint_and_together_the_table(numbers):
    found = tables_of(numbers, "select id from {db}.t")
    assert len({tablet for tablet, _ in found}) == 3
    ids = [row["id"] for _, batch in found for row in batch.to_pylist()]
    assert sorted(ids) == list(range(1, 101))


def test_equal_keys_are_in_one_tablet_whatever_else_is_in_the_row(scene):
    scene.table("id INT NOT NULL, v INT NULL", DUP, by="DISTRIBUTED BY HASH(id) BUCKETS 7")
    scene.sql("INSERT INTO t VALUES " + ",".join(f"({n % 13},{n})" for n in range(200)))
    places = {}
    for tablet, batch in tables_of(scene, "select id from {db}.t"):
        for row in batch.to_pylist():
            places.setdefault(row["id"], set()).add(tablet)
    assert len(places) == 13 and all(len(p) == 1 for p in places.values())


def test_tablets_are_spread_over_both_backends(numbers):
    plan = planned(numbers, "select * from {db}.t")
    assert {port_of(p) for p in plan["partitions"].values()} == set(numbers.pool.ports["thrift"])


def test_a_tablet_is_served_only_where_it_has_a_replica(numbers):
    plan, tablet, reader = first_tablet(numbers)
    other = next(p for p in numbers.pool.ports["thrift"] if p != port_of(plan["partitions"][str(tablet)]))
    answer = Reader(other).open(plan["opaqued_query_plan"], [tablet])
    refused(answer.status, 6, f"failed to get tablet. tablet_id={tablet}")
    reader.end()


def test_two_replicas_are_served_by_both(scene):
    scene.sql("CREATE TABLE t (id INT) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 PROPERTIES('replication_num'='2')")
    scene.sql("INSERT INTO t VALUES (1), (2)")
    plan = planned(scene, "select * from {db}.t")
    (tablet, place), = plan["partitions"].items()
    assert len(place["routings"]) == 2
    for at in (0, 1):
        reader = Reader(port_of(place, at))
        assert len(reader.rows(reader.open(plan["opaqued_query_plan"], [int(tablet)]))) == 2


def test_a_plan_is_opened_many_times_with_different_tablets(numbers):
    plan = planned(numbers, "select id from {db}.t")
    at = [(int(t), port_of(p)) for t, p in plan["partitions"].items()]
    both = [t for t, port in at if port == at[0][1]]
    reader = Reader(at[0][1])
    together = reader.rows(reader.open(plan["opaqued_query_plan"], both))
    apart = [row for t in both for row in reader.rows(reader.open(plan["opaqued_query_plan"], [t]))]
    assert sorted(r["id"] for r in together) == sorted(r["id"] for r in apart)


def test_no_tablets_are_an_empty_result(numbers):
    plan, _, reader = first_tablet(numbers)
    assert reader.rows(reader.open(plan["opaqued_query_plan"], [])) == []


def test_conditions_and_columns(numbers):
    rows = rows_of(numbers, "select name, id from {db}.t where v = 3 and id < 50 or name = 'n100'")
    assert sorted(r["id"] for r in rows) == [3, 13, 23, 33, 43, 100]
    assert list(rows[0]) == ["name", "id"]


def test_selected_columns_are_in_order_of_the_select_list(numbers):
    plan, tablet, reader = first_tablet(numbers, "select name, id as number from {db}.t")
    answer = reader.open(plan["opaqued_query_plan"], [tablet])
    assert [(c.name, c.type) for c in answer.selected_columns] == [(b"name", 15), (b"number", 5)]
    reader.end()


def test_the_status_of_what_went_well_is_the_default_one(opened):
    reader, answer, _ = opened
    assert vars(answer.status) == {"status_code": 0, "error_msgs": None} and answer.context_id
    batch = reader.next(answer.context_id.decode(), 0)
    assert vars(batch.status) == {"status_code": 0, "error_msgs": None} and batch.eos is False and batch.rows
    assert vars(reader.close(answer.context_id.decode()).status) == {"status_code": 0, "error_msgs": None}


def test_the_offset_must_be_the_rows_delivered(opened):
    reader, answer, _ = opened
    context = answer.context_id.decode()
    refused(reader.next(context, 5).status, 31, f"context_id={context}, send_offset=5, context_offset=0")
    batch = reader.next(context, 0)
    assert batch.rows
    refused(reader.next(context, 0).status, 31, f"context_id={context}, send_offset=0, context_offset=")
    reader.close(context)


def test_the_end_may_be_asked_for_again(opened):
    reader, answer, _ = opened
    context, offset = answer.context_id.decode(), 0
    batch = reader.next(context, offset)
    offset += pa.ipc.open_stream(batch.rows).read_all().num_rows
    for _ in range(2):
        batch = reader.next(context, offset)
        assert batch.eos is True and batch.rows is None
    reader.close(context)


def test_unknown_and_closed_contexts(opened):
    reader, answer, _ = opened
    context = answer.context_id.decode()
    refused(reader.next("none", 0).status, 31, "context_id: none not found")
    reader.close(context)
    refused(reader.next(context, 0).status, 31, f"context_id: {context} not found")
    assert reader.close(context).status.status_code == 0


def test_a_context_belongs_to_its_backend(numbers, opened):
    reader, answer, _ = opened
    other = next(p for p in numbers.pool.ports["thrift"] if p != reader.socket.port)
    refused(Reader(other).next(answer.context_id.decode(), 0).status, 31, "not found")


def test_a_tablet_that_is_not_in_the_plan(numbers):
    plan, tablet, reader = first_tablet(numbers)
    answer = reader.open(plan["opaqued_query_plan"], [tablet, 77])
    refused(answer.status, 31, "tablet_id: 77 not found")
    assert answer.context_id  # comes even then, and may be closed
    refused(reader.next(answer.context_id.decode(), 0).status, 6, "fragment_instance_id does not exists")
    assert reader.close(answer.context_id.decode()).status.status_code == 0


@pytest.mark.parametrize("plan", ["", "no base64!", "aGVsbG8=", "DAABAA=="])
def test_bad_plans(numbers, plan):
    _, tablet, reader = first_tablet(numbers)
    answer = reader.open(plan, [tablet])
    refused(answer.status, 33, "error, should not be modified after returned StarRocks FE processed")
    assert answer.context_id


def test_a_changed_plan_is_refused(numbers):
    plan, tablet, reader = first_tablet(numbers)
    packed = base64.b64decode(plan["opaqued_query_plan"])
    changed = packed.replace(b"WHERE", b"where").replace(b"FROM", b"from")
    refused(reader.open(base64.b64encode(changed).decode(), [tablet]).status, 33, "deserialize error")


@pytest.mark.parametrize("columns", ["id + 1", "1", "upper(name)", "id, v * 2"])
def test_select_lists_with_more_than_columns(numbers, columns):
    plan, tablet, reader = first_tablet(numbers, f"select {columns} from {{db}}.t")
    refused(reader.open(plan["opaqued_query_plan"], [tablet]).status, 33, "output expr is not slot ref")


def test_user_password_and_limit_are_ignored(numbers):
    plan = planned(numbers, "select id from {db}.t")
    rows = []
    for tablet, place in plan["partitions"].items():
        reader = Reader(port_of(place))
        rows += reader.rows(reader.open(plan["opaqued_query_plan"], [int(tablet)], user="nobody", passwd="wrong", limit=1))
    assert len(rows) == 100


def test_batches_have_at_least_4096_rows(scene):
    scene.table("id INT NOT NULL", DUP)
    scene.ok(scene.load("\n".join(map(str, range(10_000)))))
    sizes = [batch.num_rows for _, batch in tables_of(scene, "select id from {db}.t", batch_size=10)]
    assert sizes == [4096, 4096, 1808]
    assert [batch.num_rows for _, batch in tables_of(scene, "select id from {db}.t", batch_size=6000)] == [6000, 4000]


@pytest.mark.parametrize("size, text", [(None, "batch_size is not set"), (0, "must be in the range (0, 65535]"),
                                        (65536, "current value is [65536]")])
def test_batch_sizes_out_of_range(numbers, size, text):
    plan, tablet, reader = first_tablet(numbers)
    refused(reader.open(plan["opaqued_query_plan"], [tablet], batch_size=size).status, 33, text)


def test_many_rows_come_whole_and_once(scene):
    scene.table("id INT NOT NULL, name VARCHAR(40)", "PRIMARY KEY(id)", by="DISTRIBUTED BY HASH(id) BUCKETS 4")
    scene.ok(scene.load("\n".join(f"{n},name {n}" for n in range(60_000))))
    scene.ok(scene.load("\n".join(f"{n},new {n}" for n in range(0, 60_000, 3))))
    scene.sql("DELETE FROM t WHERE id % 5 = 1")
    found = {r["id"]: r["name"] for r in rows_of(scene, "select * from {db}.t")}
    assert found == {n: f"new {n}" if n % 3 == 0 else f"name {n}" for n in range(60_000) if n % 5 != 1}


# ---------------------------------------------------------------- versions
def read(plan):
    rows = []
    for tablet, place in plan["partitions"].items():
        reader = Reader(port_of(place))
        rows += reader.rows(reader.open(plan["opaqued_query_plan"], [int(tablet)]))
    return sorted(r["id"] for r in rows)


@pytest.mark.parametrize("key", [DUP, "PRIMARY KEY(id)"])
def test_a_plan_pins_its_version(scene, key):
    scene.table("id INT NOT NULL, v INT NULL", key, by=THREE)
    scene.ok(scene.load("1,1\n2,2\n3,3"))
    old = planned(scene, "select id from {db}.t")
    scene.ok(scene.load("4,4"))
    scene.sql("DELETE FROM t WHERE id = 1")
    new = planned(scene, "select id from {db}.t")
    versions = [{p["version"] for p in plan["partitions"].values()} for plan in (old, new)]
    assert versions[0] == {2} and len(versions[1]) == 1 and versions[1].pop() > 2
    assert read(old) == [1, 2, 3] and read(new) == [2, 3, 4]


def test_an_open_scan_goes_on_with_its_version(opened, numbers):
    reader, answer, _ = opened
    numbers.sql("INSERT INTO t VALUES (1000, 1, 'late')", "ALTER TABLE t ADD COLUMN more INT DEFAULT '1'")
    rows = reader.rows(answer)
    assert rows and 1000 not in {r["id"] for r in rows} and "more" not in rows[0]


def test_a_version_that_is_gone_must_be_planned_again(own):
    pool = own()
    scene = Scene(pool, "d")
    scene.table("id INT NOT NULL", DUP)
    scene.sql("INSERT INTO t VALUES (1)")
    plan, tablet, _ = first_tablet(scene)
    pool.restart()
    reader = Reader(port_of(plan["partitions"][str(tablet)]))
    assert len(reader.rows(reader.open(plan["opaqued_query_plan"], [tablet]))) == 1  # nothing changed: it is still there
    Scene(pool, "e").sql("INSERT INTO d.t VALUES (2)")
    pool.restart()
    reader = Reader(port_of(plan["partitions"][str(tablet)]))
    answer = reader.open(plan["opaqued_query_plan"], [tablet])
    refused(answer.status, 31, "get_applied_rowsets(version 2) failed")


def test_truncate_and_drop_take_the_tablets_away(numbers):
    plan, tablet, reader = first_tablet(numbers)
    numbers.sql("TRUNCATE TABLE t")
    assert planned(numbers, "select * from {db}.t")["partitions"] == {}
    assert reader.open(plan["opaqued_query_plan"], [tablet]).status.status_code in (6, 31)
    numbers.sql("INSERT INTO t VALUES (1, 1, 'x')")
    new = planned(numbers, "select * from {db}.t")
    assert not set(new["partitions"]) & set(plan["partitions"]) and len(read(new)) == 1
    numbers.sql("DROP TABLE t FORCE")
    place = next(iter(new["partitions"].items()))
    refused(Reader(port_of(place[1])).open(new["opaqued_query_plan"], [int(place[0])]).status, 6, "failed to get tablet")


# ---------------------------------------------------------------- contexts over time
def test_idle_scans_are_dropped(opened, numbers):
    plan, tablet, reader = first_tablet(numbers)
    short = reader.open(plan["opaqued_query_plan"], [tablet], keep_alive_min=0).context_id.decode()
    time.sleep(0.05)
    numbers.pool.control("POST", "tick")
    refused(reader.next(short, 0).status, 31, f"context_id: {short} not found")
    assert opened[0].next(opened[1].context_id.decode(), 0).rows  # the default is 5 minutes


def test_a_restarted_backend_knows_no_scans(opened, numbers):
    reader, answer, _ = opened
    numbers.pool.control("POST", "restart_be")
    refused(reader.next(answer.context_id.decode(), 0).status, 31, "not found")


def test_time_drops_idle_scans_and_a_backend_may_be_away(own):
    scene = Scene(own(), "d")
    scene.table("id INT NOT NULL", DUP)
    scene.sql("INSERT INTO t VALUES (1)")
    plan, tablet, reader = first_tablet(scene)
    context = reader.open(plan["opaqued_query_plan"], [tablet]).context_id.decode()
    longer = reader.open(plan["opaqued_query_plan"], [tablet], keep_alive_min=10).context_id.decode()
    scene.pool.control("POST", "clock", {"seconds": 400})
    scene.wait(lambda: reader.next(context, 9).status.error_msgs[0].endswith(b"not found"), what="the end of an idle scan")
    assert reader.next(longer, 0).rows
    scene.pool.control("POST", "restart_be?seconds=0.5")
    scene.wait(lambda: not serves(reader.socket.port), what="a closed port")
    scene.wait(lambda: serves(reader.socket.port), what="an open port")


def serves(port):
    try:
        return Reader(port).close("x").status.status_code == 0
    except Exception:
        return False


# ---------------------------------------------------------------- the wire
def test_an_unknown_method_is_an_application_exception(numbers):
    reader = Reader(numbers.pool.ports["thrift"][0])
    with pytest.raises(TApplicationException) as found:
        reader.call("submit_export_task", context_id=(1, TType.STRING, "x"))
    assert found.value.type == TApplicationException.UNKNOWN_METHOD and "submit_export_task" in found.value.message
    refused(reader.next("none", 0).status, 31, "not found")  # the connection goes on


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x00\x00\x00\x2b\x80\x01\x00\x01\x00\x00\x00\x0bclose_scanner"
                                  + bytes(32), b"\xff" * 64])
def test_what_is_no_call_closes_the_connection(numbers, sent):
    with socket.create_connection(("127.0.0.1", numbers.pool.ports["thrift"][0]), 5) as s:
        s.sendall(sent)
        s.shutdown(socket.SHUT_WR)
        while s.recv(4096):
            pass
    assert Reader(numbers.pool.ports["thrift"][0]).close("x").status.status_code == 0


def test_a_call_without_a_required_field_closes_the_connection(numbers):
    reader = Reader(numbers.pool.ports["thrift"][0])
    with pytest.raises(Exception):
        reader.call("open_scanner", cluster=(1, TType.STRING, "c"))


def test_one_connection_waits_for_its_call_while_others_go_on(scene):
    scene.table("id INT NOT NULL, v INT", DUP, by=THREE)
    scene.ok(scene.load("\n".join(f"{n},{n}" for n in range(30_000))))
    plan = planned(scene, "select * from {db}.t")

    def tablet(item):
        reader = Reader(port_of(item[1]))
        return len(reader.rows(reader.open(plan["opaqued_query_plan"], [int(item[0])])))
    with ThreadPoolExecutor(6) as threads:
        counts = list(threads.map(tablet, list(plan["partitions"].items()) * 3))
    assert sum(counts) == 90_000


def test_the_ports_are_those_of_show_backends(pool, scene):
    assert [int(row[3]) for row in scene.sql("SHOW BACKENDS")] == pool.ports["thrift"]


