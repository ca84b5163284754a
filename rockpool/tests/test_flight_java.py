"""Arrow's JDBC driver, as StarRocks' documentation uses it."""
from pathlib import Path

import pytest

from rockpool.tests import java_tools
from rockpool.tests.pool import Pool

SOURCES = Path(__file__).parent / "java" / "flight"
DRIVER = "org.apache.arrow:flight-sql-jdbc-driver:18.3.0"


@pytest.fixture(scope="module")
def program():
    return java_tools.compile(SOURCES, java_tools.fetch_jars(DRIVER))


def test_statements_by_jdbc(program, tmp_path):
    pool = Pool(tmp_path / "data", "--arrow-flight", "0")
    try:
        lines = java_tools.run(
            program, "Flight", pool.ports["arrow_flight"], "root", "", "CREATE DATABASE j", "USE j",
            "CREATE TABLE t (id INT, name STRING, d DATE, x DECIMAL(9,2)) PRIMARY KEY (id) DISTRIBUTED BY HASH(id) BUCKETS 1 "
            "PROPERTIES ('replication_num' = '1')",
            "INSERT INTO t VALUES (1, 'Alice', '2024-02-29', 1.5), (2, 'Bob', NULL, NULL)", "SELECT * FROM t ORDER BY id",
            "SHOW TABLES", "SELECT * FROM nowhere")
    finally:
        pool.stop()
    assert lines[:4] == ["row|0"] * 4
    assert lines[4:7] == ["row|1|Alice|2024-02-29|1.50", "row|2|Bob|null|null", "row|t"]
    assert lines[7].startswith("failed") and "nowhere" in lines[7]
