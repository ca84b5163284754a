"""SQL over HTTP, and query plans for readers."""
import json
import zlib

import pytest

from rockpool.tests.pool import call
from rockpool.tests.scan_client import plan_of, planned, rows_of, unpacked

DUP = "DUPLICATE KEY(id)"
ONE = "PROPERTIES('replication_num'='1')"


def post(scene, query, **more):
    return call(f"{scene.pool.fe}/api/v1/catalogs/default_catalog/databases/{scene.name}/sql", "POST", {},
                json.dumps({"query": query, **more}))


def test_sql_over_http(scene):
    scene.table("id INT NOT NULL, b BOOLEAN, l LARGEINT, d DECIMAL(9,2), f FLOAT, h DATE, s VARCHAR(20)", DUP)
    scene.sql("INSERT INTO t VALUES (1, true, -5, 1.5, 3273.8, '2020-01-27', 'x'), (2, NULL, NULL, NULL, NULL, NULL, NULL)")
    found = [json.loads(x) for x in post(scene, "SELECT * FROM t ORDER BY id;", onlyOutputResultRaw=True).text.splitlines()]
    assert [c["type"] for c in found[0]["meta"]][:6] == ["int(11)", "boolean", "largeint(40)", "decimal(9, 2)", "float", "date"]
    assert found[1:] == [{"data": [1, 1, "-5", "1.50", 3273.800048828125, "2020-01-27", "x"]}, {"data": [2] + [None] * 6}]
    assert json.loads(post(scene, "SHOW TABLES").text.splitlines()[2]) == {"data": ["t"]}


def test_sql_over_http_refuses(scene):
    for query, text in (("SELECT 1; SELECT 2", "does not support execute multiple query"), ("DROP TABLE t", "only support SELECT"),
                        ("", "query can not be empty"), ("SELECT * FROM nowhere", "Unknown table")):
        found = post(scene, query).json()
        assert found["status"] == "FAILED" and text in found["msg"]
    assert call(f"{scene.pool.fe}/api/v1/catalogs/default_catalog/databases/{scene.name}/sql", "POST", {}, b"{}",
                user=None).status_code == 401


# ---------------------------------------------------------------- query plans
def test_query_plans_name_the_tablets(scene):
    scene.table("id INT NOT NULL, v INT NULL", DUP, by="DISTRIBUTED BY HASH(id) BUCKETS 3")
    scene.sql("INSERT INTO t VALUES (1, 2)")
    answer = plan_of(scene, "select id, v from {db}.t where v > 1")
    assert answer.headers["Content-Type"].startswith("application/json")
    found = answer.json()
    assert list(found) == ["partitions", "opaqued_query_plan", "status"] and found["status"] == 200
    assert len(found["partitions"]) == 3 and all(t.isdigit() for t in found["partitions"])
    for place in found["partitions"].values():
        assert sorted(place) == ["routings", "schemaHash", "version"] and place["version"] == 2
    ports = scene.pool.ports["thrift"]
    assert {p["routings"][0] for p in found["partitions"].values()} == {f"127.0.0.1:{p}" for p in ports}


def test_query_plans_by_get(scene):
    scene.table("id INT NOT NULL", DUP)
    scene.sql("INSERT INTO t VALUES (1)")
    assert len(plan_of(scene, "select * from {db}.t", method="GET").json()["partitions"]) == 1


def test_a_table_without_rows_has_no_tablets_to_scan(scene):
    scene.table("id INT NOT NULL", DUP, by="DISTRIBUTED BY HASH(id) BUCKETS 3")
    found = planned(scene, "select * from {db}.t")
    assert found["partitions"] == {} and found["opaqued_query_plan"]


@pytest.mark.parametrize("sql, ids", [
    ("SELECT `id`,`v` FROM `{db}`.`t` WHERE (`id` > 1) AND (`v` IS NOT NULL)", [2]), ("select id,v from {db}.t where v is null;", [3]),
    ("select id from t where id in (1,3)", [1, 3]), ("select t.id from {db}.t where t.name like 'b%'", [2]), ("select * from {db}.t x where x.id = 2", [2]),
    ("select id from {db}.t where not (id = 1) and (name = 'c' or v <= 5)", [2, 3]), ("select id from {db}.t where d = '2024-01-02'", [2]),
    ("select id from {db}.t where d >= '2024-01-02' and t <> '2024-01-03 00:00:00'", [2]), ("select id from default_catalog.{db}.t where x > 1.5", [3])])
def test_statements_as_connectors_write_them(scene, sql, ids):
    scene.table("id INT NOT NULL, v INT NULL, name VARCHAR(9), d DATE, t DATETIME, x DECIMAL(9,2)", DUP)
    scene.sql("INSERT INTO t VALUES (1, 4, 'a', '2024-01-01', '2024-01-01 00:00:00', 0.5), (2, 5, 'b', '2024-01-02', '2024-01-02 00:00:00', 1.5), "
              "(3, NULL, 'c', '2024-01-03', '2024-01-03 00:00:00', 2.5)")
    assert sorted(r["id"] for r in rows_of(scene, sql)) == ids


def test_the_opaque_plan_is_a_query_plan_info(scene):
    """The fields that readers of such plans look at: versions of tablets, slots with types, names, the query's id."""
    scene.table("id INT NOT NULL, d DECIMAL(20,3), a ARRAY<INT>", DUP, by="DISTRIBUTED BY HASH(id) BUCKETS 2")
    scene.sql("INSERT INTO t VALUES (1, 2, [3])")
    found = planned(scene, "select d, a as list from {db}.t")
    info = unpacked(found["opaqued_query_plan"])
    assert {(t, v.f2, v.f3, v.f4) for t, v in info.f2.items()} == {
        (int(t), p["version"], 0, p["schemaHash"]) for t, p in found["partitions"].items()}
    assert info.f5 == [b"d", b"list"] and info.f4.f1 and info.f4.f2
    slots = info.f3.f1
    assert [s.f8 for s in slots] == [b"d", b"a"]
    assert (slots[0].f3.f1[0].f2.f1, slots[0].f3.f1[0].f2.f3, slots[0].f3.f1[0].f2.f4) == (23, 20, 3)
    assert [node.f1 for node in slots[1].f3.f1] == [1, 0]  # an array of a scalar


def test_buckets_are_pruned(scene):
    scene.table("id INT NOT NULL, name VARCHAR(10)", DUP, by="DISTRIBUTED BY HASH(id, name) BUCKETS 8")
    scene.sql("INSERT INTO t VALUES " + ",".join(f"({n},'n{n}')" for n in range(50)))
    for condition, tablets, rows in (("id = 7 and name = 'n7'", 1, 1), ("id in (7, 8) and 'n7' = name", 2, 1), ("id = 7", 8, 1),
                                     ("id = 7 or name = 'n7'", 8, 1), ("id > 7 and name = 'n9'", 8, 1)):
        sql = "select * from {db}.t where " + condition
        assert len(planned(scene, sql)["partitions"]) <= tablets and len(rows_of(scene, sql)) == rows, condition
    assert len(planned(scene, "select * from {db}.t where id = 7")["partitions"]) == 8


@pytest.mark.parametrize("kind, bytes_of_7", [
    ("BIGINT", (7).to_bytes(8, "little")), ("VARCHAR(9)", b"7"), ("SMALLINT", (7).to_bytes(2, "little")),
    ("LARGEINT", (7).to_bytes(16, "little")), ("DECIMAL(9,1)", (70).to_bytes(4, "little")), ("BOOLEAN", b"\1")])
def test_rows_are_divided_by_crc32_of_their_bytes(scene, kind, bytes_of_7):
    """As StarRocks does it: the tablet that is left for a value is the one of the hash."""
    scene.table(f"id {kind} NOT NULL", DUP, by="DISTRIBUTED BY HASH(id) BUCKETS 16")
    scene.sql("INSERT INTO t VALUES ('7')" if "CHAR" in kind else "INSERT INTO t VALUES (true)" if kind == "BOOLEAN" else
              "INSERT INTO t VALUES (7)")
    value = {"VARCHAR(9)": "'7'", "BOOLEAN": "true"}.get(kind, "7")
    every = sorted(planned(scene, "select * from {db}.t")["partitions"], key=int)
    left = list(planned(scene, f"select * from {{db}}.t where id = {value}")["partitions"])
    assert left == [every[zlib.crc32(bytes_of_7) % 16]] and len(rows_of(scene, f"select * from {{db}}.t where id = {value}")) == 1


def check_pruned(scene, cases):
    """cases: condition -> (tablets that are left, rows they give)"""
    for condition, wanted in cases.items():
        sql = "select * from {db}.t where " + condition
        assert (len(planned(scene, sql)["partitions"]), len(rows_of(scene, sql))) == wanted, condition


def test_partitions_are_pruned(scene):
    scene.sql(f"CREATE TABLE t (id INT NOT NULL, d DATE NOT NULL) DUPLICATE KEY(id) PARTITION BY RANGE(d) ("
              f"PARTITION p1 VALUES LESS THAN ('2024-02-01'), PARTITION p2 VALUES LESS THAN ('2024-03-01'), "
              f"PARTITION p3 VALUES LESS THAN (MAXVALUE)) DISTRIBUTED BY HASH(id) BUCKETS 2 {ONE}")
    scene.sql("INSERT INTO t VALUES " + ",".join(f"({n}, '2024-0{1 + n % 4}-15')" for n in range(40)))
    assert len(planned(scene, "select * from {db}.t")["partitions"]) == 6
    check_pruned(scene, {
        "d = '2024-01-15'": (2, 10), "d < '2024-02-01'": (2, 10), "d >= '2024-02-01' and d < '2024-03-01'": (2, 10),
        "d in ('2024-01-15', '2024-02-15')": (4, 20), "d between '2024-02-15' and '2024-04-15'": (4, 30),
        "'2024-03-01' <= d": (2, 20), "d > '2024-01-01' or id = 3": (6, 40)})


def test_list_partitions_are_pruned(scene):
    scene.sql(f"CREATE TABLE t (id INT NOT NULL, c VARCHAR(9) NOT NULL) DUPLICATE KEY(id) PARTITION BY LIST(c) ("
              f"PARTITION pa VALUES IN ('a', 'b'), PARTITION pc VALUES IN ('c')) DISTRIBUTED BY HASH(id) BUCKETS 2 {ONE}")
    scene.sql("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'c')")
    check_pruned(scene, {"c = 'b'": (2, 1), "c in ('a', 'c')": (4, 3), "c > 'b'": (2, 2), "id > 0": (4, 4)})


def test_partitions_that_loads_make_have_tablets_of_their_own(scene):
    scene.sql(f"CREATE TABLE t (id INT NOT NULL, d DATETIME NOT NULL) DUPLICATE KEY(id) PARTITION BY date_trunc('month', d) "
              f"DISTRIBUTED BY HASH(id) BUCKETS 2 {ONE}")
    scene.sql("INSERT INTO t VALUES (1, '2024-01-15 00:00:00'), (2, '2024-03-15 00:00:00')")
    first = planned(scene, "select * from {db}.t")["partitions"]
    scene.sql("INSERT INTO t VALUES (3, '2024-04-15 00:00:00')")
    second = planned(scene, "select * from {db}.t")["partitions"]
    assert len(first) == 4 and len(second) == 6 and set(first) < set(second)
    assert sorted(r["id"] for r in rows_of(scene, "select * from {db}.t where d > '2024-02-01 00:00:00'")) == [2, 3]


def test_a_random_table_is_divided_too(scene):
    scene.table("id INT NOT NULL", DUP, by="DISTRIBUTED BY RANDOM BUCKETS 4")
    scene.sql("INSERT INTO t VALUES " + ",".join(f"({n})" for n in range(40)))
    assert len(planned(scene, "select * from {db}.t")["partitions"]) == 4
    assert sorted(r["id"] for r in rows_of(scene, "select * from {db}.t")) == list(range(40))


def test_tablets_are_those_that_sql_shows(scene):
    scene.table("id INT NOT NULL", DUP, by="DISTRIBUTED BY HASH(id) BUCKETS 3")
    scene.sql("INSERT INTO t VALUES (1)")
    ids = sorted(planned(scene, "select * from {db}.t")["partitions"])
    assert sorted(row[0] for row in scene.sql("SHOW TABLET FROM t")) == ids
    assert scene.sql(f"SHOW TABLET {ids[0]}")[0][:3] == [scene.name, "t", "t"]
    table = scene.sql(f"SHOW TABLET {ids[0]}")[0][5]
    assert sorted(row[0] for row in scene.sql(f"SELECT TABLET_ID FROM information_schema.be_tablets WHERE TABLE_ID = {table}")) == ids


def test_a_dead_backend_is_not_named(scene):
    scene.sql("CREATE TABLE t (id INT) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 2 PROPERTIES('replication_num'='2')")
    scene.sql("CREATE TABLE u (id INT) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 2 PROPERTIES('replication_num'='1')")
    scene.sql("INSERT INTO t VALUES (1)", "INSERT INTO u VALUES (1)")
    try:
        scene.pool.control("POST", "backends", {"dead": [1]})
        found = planned(scene, "select * from {db}.t")
        assert {r for p in found["partitions"].values() for r in p["routings"]} == {f"127.0.0.1:{scene.pool.ports['thrift'][0]}"}
        assert plan_of(scene, "select * from {db}.u", "u").json() == {"status": 500, "exception": "The Sql is invalid"}
    finally:
        scene.pool.control("POST", "backends", {"dead": []})


ONLY, NEEDED = "only support single table filter-prune-scan, but found [ ", "Select statement needed, but found ["


@pytest.mark.parametrize("sql, status, text", [
    ("select count(*) from {db}.t", 400, ONLY), ("select id from {db}.t limit 1", 400, ONLY), ("select max(v) from {db}.t", 400, ONLY),
    ("select distinct id from {db}.t", 400, ONLY), ("select id from {db}.t order by id", 400, ONLY),
    ("select id from {db}.t limit 1 offset 2", 400, ONLY), ("select row_number() over (order by id) from {db}.t", 400, ONLY),
    ("select v from {db}.t group by v", 400, ONLY), ("explain select id from {db}.t", 400, ONLY),
    ("select id from {db}.u", 400, "requested database and table must consistent with sql: request [ {db}.t]and sql [{db}.u]"),
    ("drop table {db}.t", 400, NEEDED), ("insert into {db}.t values (1, 2)", 400, NEEDED), ("show tables", 400, NEEDED),
    ("select t.id from {db}.t, {db}.u", 400, "Select statement must have only one table"),
    ("select t.id from {db}.t join {db}.u on t.id = u.id", 400, "Select statement must have only one table"),
    ("select id from {db}.t where id in (select id from {db}.u)", 400, "Select statement must have only one table"),
    ("select id from (select id from {db}.t) x", 400, "Select statement must not embed another statement"),
    ("selec", 500, "The Sql is invalid"), ("select nothing from {db}.t", 500, "The Sql is invalid"),
    ("select id from {db}.nowhere", 500, "The Sql is invalid"), ("select id from", 500, "The Sql is invalid"),
    ("select id from {db}.t where 1 = 2", 500, "Planner should plan just only one ScanNode but found [ 0]"),
    ("", 400, "POST body must contains [sql] root object")])
def test_query_plans_refuse(scene, sql, status, text):
    scene.table("id INT NOT NULL, v INT NULL", DUP)
    scene.table("id INT NOT NULL, v INT NULL", DUP, name="u")
    answer = plan_of(scene, sql)
    assert answer.status_code == status and answer.json()["status"] == status
    assert answer.json()["exception"].startswith(text.format(db=scene.name)), answer.text


@pytest.mark.parametrize("body, text", [("", "POST body must contains [sql] root object"), ("{}", "POST body must contains [sql] root object"),
                                        ("{\"sql\": ", "malformed json [ {\"sql\":  ]"), ("[1]", "malformed json [ [1] ]")])
def test_bodies_of_query_plans(scene, body, text):
    scene.table("id INT NOT NULL", DUP)
    answer = call(f"{scene.pool.fe}/api/{scene.name}/t/_query_plan", "POST", {}, body)
    assert (answer.status_code, answer.json()) == (400, {"status": 400, "exception": text})


def test_who_may_plan_and_what(scene):
    scene.table("id INT NOT NULL", DUP)
    scene.sql("CREATE VIEW w AS SELECT id FROM t", f"CREATE USER IF NOT EXISTS scan_nobody IDENTIFIED BY 'x'")
    url = f"{scene.pool.fe}/api/{scene.name}"
    body = json.dumps({"sql": f"select * from {scene.name}.t"})
    for user in (None, ("root", "wrong"), ("scan_nobody", "x")):
        answer = call(f"{url}/t/_query_plan", "POST", {}, body, user=user)
        assert answer.status_code == 401 and answer.json()["status"] == "FAILED", answer.text
    assert plan_of(scene, "select * from {db}.w", "w").status_code == 403
    assert plan_of(scene, "select * from {db}.x", "x").json() == {"status": 404, "exception": "Table [x] does not exists"}
    answer = call(f"{scene.pool.fe}/api/nowhere/t/_query_plan", "POST", {}, body)
    assert (answer.status_code, answer.json()["exception"]) == (404, "Database [nowhere] does not exists")
    scene.sql(f"GRANT SELECT ON TABLE {scene.name}.t TO scan_nobody")
    assert call(f"{url}/t/_query_plan", "POST", {}, body, user=("scan_nobody", "x")).status_code == 200


def test_schema_and_count_are_json(scene):
    scene.table("id INT NOT NULL", DUP)
    for what in ("_schema", "_count"):
        answer = call(f"{scene.pool.fe}/api/{scene.name}/t/{what}", "GET", {})
        assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("application/json")


# ---------------------------------------------------------------- result columns over MySQL
RESULTS = [  # type, value, code, length, charset, decimals, text
    ("BOOLEAN", "true", 1, 1, 63, 0, "1"), ("TINYINT", "-5", 1, 4, 63, 0, "-5"), ("SMALLINT", "5", 2, 6, 63, 0, "5"),
    ("INT", "5", 3, 11, 63, 0, "5"), ("BIGINT", "5", 8, 20, 63, 0, "5"), ("LARGEINT", "5", 254, 40, 33, 0, "5"),
    ("FLOAT", "0.1", 4, 12, 63, 31, "0.1"), ("DOUBLE", "0.1", 5, 22, 63, 31, "0.1"),
    ("DECIMAL(9,2)", "1.5", 246, 13, 63, 2, "1.50"), ("DECIMAL(9,0)", "1", 246, 12, 63, 0, "1"),
    ("DATE", "'2024-01-02'", 10, 10, 63, 0, "2024-01-02"), ("DATETIME", "'2024-01-02 03:04:05.5'", 12, 19, 63, 0, "2024-01-02 03:04:05.500000"),
    ("VARCHAR(7)", "'x'", 253, 7, 33, 0, "x"), ("CHAR(3)", "'x'", 254, 3, 33, 0, "x"), ("VARBINARY", "x'00ff'", 252, None, 63, 0, b"\x00\xff"),
    ("JSON", "parse_json('{\"a\":4,\"b\":false}')", 254, None, 33, 0, '{"a": 4, "b": false}'),
    ("ARRAY<STRING>", "['a', null, 'b\"c\\\\d']", 253, None, 63, 0, r'["a",null,"b\"c\\d"]'),
    ("MAP<STRING,INT>", "map{'k': 1}", 253, None, 63, 0, '{"k":1}')]


@pytest.mark.parametrize("kind, value, code, length, charset, decimals, text", RESULTS, ids=[r[0] for r in RESULTS])
def test_result_columns(scene, kind, value, code, length, charset, decimals, text):
    scene.table(f"id INT NOT NULL, c {kind} NULL", DUP)
    scene.sql(f"INSERT INTO t VALUES (1, {value})")
    with scene.connection.cursor() as cursor:
        cursor.execute("SELECT c FROM t")
        shown, (row,) = cursor._result.fields[0], cursor.fetchall()
    assert (shown.type_code, shown.charsetnr, shown.scale) == (code, charset, decimals)
    assert length is None or shown.length == length
    assert (shown.flags, shown.catalog, shown.db, shown.table_name) == (0, b"def", b"", "")
    assert row[0] == (text.encode() if isinstance(row[0], bytes) and isinstance(text, str) else text)


def test_sketches_print_as_null(scene):
    scene.table("id INT NOT NULL, b BITMAP BITMAP_UNION, h HLL HLL_UNION", "AGGREGATE KEY(id)")
    scene.ok(scene.load("1,5", columns="id, x, b = to_bitmap(x), h = hll_hash(x)"))
    assert scene.sql("SELECT id, b, h FROM t") == [["1", None, None]]


def test_json_and_binary_inside_nested_values(scene):
    scene.table("id INT NOT NULL, a ARRAY<JSON> NULL", DUP)
    scene.sql("INSERT INTO t VALUES (1, [parse_json('{\"a\":1}'), null])")
    assert scene.value("SELECT a FROM t") == """['{"a": 1}',null]"""


# ---------------------------------------------------------------- more of SQL over HTTP
def test_session_variables_and_further_lines(scene):
    found = post(scene, "SELECT @@sql_mode AS m", sessionVariables={"sql_mode": "ANSI_QUOTES"})
    lines = [json.loads(x) for x in found.text.splitlines()]
    assert list(lines[0]) == ["connectionId"] and lines[1]["meta"][0]["name"] == "m" and lines[2]["data"] == ["ANSI_QUOTES"]
    assert list(lines[3]) == ["statistics"] and lines[3]["statistics"]["returnRows"] == 1
    raw = post(scene, "SELECT 1 AS a", onlyOutputResultRaw=True).text.splitlines()
    assert [list(json.loads(x)) for x in raw] == [["meta"], ["data"]]


def test_sql_over_http_without_json(scene):
    answer = call(f"{scene.pool.fe}/api/v1/catalogs/default_catalog/databases/{scene.name}/sql", "POST", {}, b"{nothing")
    assert answer.json()["status"] == "FAILED" and answer.json()["msg"].startswith("malformed json [ {nothing ]")


def test_before_3_2_there_is_no_sql_over_http(own):
    pool = own("--version", "3.1.9")
    answer = call(f"{pool.fe}/api/v1/catalogs/default_catalog/databases/information_schema/sql", "POST", {},
                  json.dumps({"query": "SELECT 1"}))
    assert answer.status_code == 404
