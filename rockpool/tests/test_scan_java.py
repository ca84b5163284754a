"""StarRocks' own published Java classes of the scanner service read a rockpool."""
from pathlib import Path

import pytest

from rockpool.tests import java_tools
from rockpool.tests.scan_client import planned

SOURCES = Path(__file__).parent / "java" / "scan"
JARS = ("com.starrocks:starrocks-thrift-sdk:1.0.1", "org.apache.arrow:arrow-vector:15.0.2",
        "org.apache.arrow:arrow-memory-unsafe:15.0.2", "org.slf4j:slf4j-nop:2.0.11")


@pytest.fixture(scope="module")
def program():
    return java_tools.compile(SOURCES, java_tools.fetch_jars(*JARS))


@pytest.fixture
def shop(scene):
    scene.table("id INT NOT NULL, price DECIMAL(10,2) NULL, name VARCHAR(20) NULL, made DATETIME NULL, big LARGEINT NULL, ok BOOLEAN",
                "PRIMARY KEY(id)", by="DISTRIBUTED BY HASH(id) BUCKETS 3")
    scene.sql("INSERT INTO t VALUES (1, 1.5, 'ann', '2024-01-31 10:00:00', 170141183460469231731687303715884105727, true), "
              "(2, NULL, NULL, NULL, NULL, NULL)", "INSERT INTO t (id, name) SELECT 3, 'bob'")
    return scene


def run(program, tmp_path, scene, sql, what):
    plan = planned(scene, sql)
    (tmp_path / "plan").write_text(plan["opaqued_query_plan"])
    lines = []
    for number, port in enumerate(scene.pool.ports["thrift"]):
        tablets = [t for t, p in plan["partitions"].items() if p["routings"][0].endswith(f":{port}")]
        lines += java_tools.run(program, "Scan", port, tmp_path / "plan", ",".join(tablets), what)
    return lines


def test_the_rows_of_both_backends(program, tmp_path, shop):
    lines = run(program, tmp_path, shop, "select * from {db}.t", "read")
    assert lines.count("open OK") == 2 and lines.count("close OK") == 2
    assert [x for x in lines if x.startswith("column")][:6] == [
        "column id INT", "column price DECIMAL64", "column name VARCHAR", "column made DATETIME", "column big LARGEINT",
        "column ok BOOLEAN"]
    assert sorted(x for x in lines if x.startswith("row|")) == [
        "row|1|1.50|ann|2024-01-31 10:00:00|170141183460469231731687303715884105727|true",
        "row|2|null|null|null|null|null", "row|3|null|bob|null|null|null"]
    assert sum(int(x.split()[1]) for x in lines if x.startswith("rows")) == 3


def test_conditions_and_columns(program, tmp_path, shop):
    lines = run(program, tmp_path, shop, "select name, id from {db}.t where price > 1", "read")
    assert [x for x in lines if x.startswith("row|")] == ["row|ann|1"]


def test_errors_are_its_status_codes(program, tmp_path, shop):
    assert [x for x in run(program, tmp_path, shop, "select id from {db}.t", "offset") if x.startswith("next NOT_FOUND [context_id=")]
    assert [x for x in run(program, tmp_path, shop, "select id from {db}.t", "unknown") if x == "next NOT_FOUND [context_id: nobody not found]"]
    assert "open INVALID_ARGUMENT" in run(program, tmp_path, shop, "select id + 1 from {db}.t", "read")
