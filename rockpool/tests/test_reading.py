"""SQL over HTTP, and query plans for readers."""
import json

import pytest

from rockpool.tests.pool import call

DUP = "DUPLICATE KEY(id)"


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


def test_query_plans_name_the_tablets(scene):
    scene.table("id INT NOT NULL, v INT NULL", DUP, by="DISTRIBUTED BY HASH(id) BUCKETS 3")
    url = f"{scene.pool.fe}/api/{scene.name}/t/_query_plan"
    found = call(url, "POST", {}, json.dumps({"sql": f"select id, v from {scene.name}.t where v > 1"})).json()
    assert found["status"] == 200 and len(found["partitions"]) == 3 and found["opaqued_query_plan"]
    assert {p["routings"][0] for p in found["partitions"].values()} == {"127.0.0.1:9060", "127.0.0.1:9061"}


@pytest.mark.parametrize("sql, status, text", [
    ("select count(*) from {db}.t", 400, "only support single table filter-prune-scan"), ("select id from {db}.t limit 1", 400, "only support"),
    ("select id from {db}.u", 400, "must consistent"), ("drop table {db}.t", 400, "Select statement needed"),
    ("select id from {db}.t, {db}.t as x", 400, "only one table"), ("selec", 400, "Select statement needed"), (None, 400, "[sql] root object")])
def test_query_plans_refuse(scene, sql, status, text):
    scene.table("id INT NOT NULL, v INT NULL", DUP)
    body = json.dumps({"sql": sql.format(db=scene.name)} if sql else {})
    answer = call(f"{scene.pool.fe}/api/{scene.name}/t/_query_plan", "POST", {}, body)
    assert answer.status_code == status and text in answer.json()["exception"], answer.text
