"""What the feature levels change on the MySQL port."""
import pymysql
import pytest

from rockpool.tests.pool import ONE, Pool
from rockpool.tests.test_mysql_protocol import Wire, error_of
from rockpool.version import LEVELS, Version

TABLE = f"(id INT NOT NULL, v INT) PRIMARY KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 {ONE}"
VERSIONS = ("2.5.13", "3.1.9", "3.3.5", "3.5.2", "4.0.1")


@pytest.fixture(scope="module", params=VERSIONS)
def level(request, tmp_path_factory):
    """A rockpool of one version with a table d.t and the user reader, who may do nothing."""
    pool = Pool(tmp_path_factory.mktemp("level") / "data", "--version", request.param)
    pool.version = Version(request.param)
    with pool.connect() as c, c.cursor() as cursor:
        for statement in ("CREATE DATABASE d", f"CREATE TABLE d.t {TABLE}", "CREATE USER reader"):
            cursor.execute(statement)
    yield pool
    pool.stop()


def asked(pool, statement, user="root"):
    with pool.connect(user=user) as c, c.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def failure(pool, statement, user="root"):
    with pytest.raises(pymysql.MySQLError) as found:
        asked(pool, statement, user)
    return found.value.args[0], found.value.sqlstate, found.value.args[1]


def test_version_strings(level):
    shown = "8.0.33" if level.version.since(3, 4) else "5.1.0"
    assert Wire(level).version == shown
    assert asked(level, "SELECT version(), @@version, current_version(), @@version_comment") == (
        (shown, shown, *[f"{level.version.text}-79ee91d"] * 2),)


def test_error_codes(level):
    newer = level.version.since(3, 4)
    for statement, code, state, text in (
            ("CREATE DATABASE d", 1007, "HY000", "Can't create database 'd'; database exists"), ("USE ghost", 5501, "3F000", "Unknown database 'ghost'"),
            ("SELECT * FROM t", 1046, "3D000", "No database selected"), (f"CREATE TABLE d.t {TABLE}", 1050, "42S01", "Table 't' already exists"),
            ("SELECT * FROM d.ghost", 5502, "42602", "Unknown table 'd.ghost'"), ("SELECT @@ghost", 1193, "HY000", "Unknown system variable 'ghost'"),
            ("SET time_zone = 'x'", 1298, "HY000", "Unknown or incorrect time zone: 'x'"), ("KILL 999999", 1094, "HY000", "Unknown thread id: 999999")):
        found = failure(level, statement)
        assert found[:2] == ((code, state) if newer else (1064, "HY000")) and text in found[2], found


def test_wrong_passwords(level):
    assert error_of(Wire(level).login("nobody")) == (*((1045, "28000") if level.version.since(3, 4) else (1064, "HY000")),
                                                   "Access denied for user 'nobody' (using password: NO)")


def test_denials(level):
    code, state, text = failure(level, "SELECT * FROM d.t", "reader")
    version = level.version
    assert code == (5203 if version.since(3, 4) else 1252 if version.since(3, 2) else 1064)
    assert state == ("42000" if version.since(3, 2) else "HY000")
    if version.since(3, 0):
        assert text.startswith("Access denied; you need (at least one of) the SELECT privilege(s) on TABLE t for this operation")
        assert ("Inactivated role(s): NONE." in text) == version.since(3, 2)
    else:
        assert text == "SELECT command denied to user 'reader'@'127.0.0.1' for table 't'"


def test_prepared_statements(level):
    wire = Wire(level)
    wire.login()
    answer = wire.command(22, b"SELECT ?")
    if not level.version.since(3, 2):
        assert error_of(answer)[2] == "Unknown command(null)"
        assert "syntax error" in failure(level, "PREPARE p FROM SELECT 1")[2]
        return
    assert answer[0] == 0 and answer[5:9] == b"\1\0\1\0"
    for _ in range(4):
        wire.read()
    answer = wire.command(22, b"DELETE FROM d.t WHERE id = ?")
    if level.version.since(3, 4):
        assert error_of(answer)[0] == 1295
    elif level.version.since(3, 3):
        assert error_of(answer)[2].startswith("This command is not supported in the prepared statement protocol")


BY = f"DISTRIBUTED BY HASH(id) BUCKETS 1 {ONE}"


SINCE = (
    ((2, 5, 7), f"CREATE TABLE d.u (id INT) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) {ONE}"),
    ((3, 0), f"CREATE TABLE d.u (id INT, b VARBINARY) DUPLICATE KEY(id) {BY}"),
    ((3, 0), f"CREATE TABLE d.u (id INT, b BIGINT NOT NULL AUTO_INCREMENT) DUPLICATE KEY(id) {BY}"),
    ((3, 0), f"CREATE TABLE d.u (id INT NOT NULL, b INT) PRIMARY KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 ORDER BY(b) {ONE}"),
    ((3, 0), "DELETE FROM d.t WHERE id IN (SELECT id FROM d.t WHERE id > 100)"),
    ((3, 1), f"CREATE TABLE d.u (id INT, b MAP<INT,INT>) DUPLICATE KEY(id) {BY}"),
    ((3, 1), f"CREATE TABLE d.u (id INT, b STRUCT<a INT>) DUPLICATE KEY(id) {BY}"),
    ((3, 1), f"CREATE TABLE d.u (id INT) DUPLICATE KEY(id) DISTRIBUTED BY RANDOM BUCKETS 2 {ONE}"),
    ((3, 1), f"CREATE TABLE d.u (id INT, c VARCHAR(5) NOT NULL) DUPLICATE KEY(id) PARTITION BY LIST(c) (PARTITION p VALUES IN ('a')) {BY}"),
    ((3, 1), "ALTER TABLE d.t COMMENT = 'x'"), ((3, 1), "SELECT count(*) FROM information_schema.loads"),
    ((3, 1), f"CREATE TABLE d.u (id INT, b BIGINT AS (id + 1)) DUPLICATE KEY(id) {BY}"),
    ((3, 2), "PREPARE p FROM SELECT 1"), ((3, 2, 4), "SELECT count(*) FROM information_schema.partitions_meta"),
    ((3, 3), f"CREATE TABLE d.u (id INT, b INT) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 ORDER BY(b) {ONE}"),
    ((3, 3), f"CREATE TEMPORARY TABLE d.temporary (id INT) DUPLICATE KEY(id) {BY}"),
    ((3, 4), "INSERT INTO d.t PROPERTIES('strict_mode' = 'true') VALUES (1, 1)"), ((3, 4), "INSERT INTO d.t BY NAME SELECT 2 AS id, 2 AS v"),
    ((4, 0), f"CREATE TABLE d.u (id INT, b DECIMAL(50, 2)) DUPLICATE KEY(id) {BY}"))


def test_statements_by_the_version_that_brought_them(level):
    with level.connect() as c, c.cursor() as cursor:
        for first, statement in SINCE:
            try:
                cursor.execute(statement)
                taken = True
            except pymysql.MySQLError:
                taken = False
            assert taken == level.version.since(*first), statement
            cursor.execute("DROP TABLE IF EXISTS d.u FORCE")


def test_columns_are_renamed_from_3_3_2(level):
    if level.version.since(3, 3, 2):
        asked(level, "ALTER TABLE d.t RENAME COLUMN v TO w")
        asked(level, "ALTER TABLE d.t RENAME COLUMN w TO v")
    else:
        assert failure(level, "ALTER TABLE d.t RENAME COLUMN v TO w")[0] == 1064


def test_loads_of_streams_are_listed_from_3_4(level):
    from rockpool.tests.pool import call
    asked(level, f"CREATE TABLE IF NOT EXISTS d.streamed {TABLE}")
    call(f"{level.fe}/api/d/streamed/_stream_load", "PUT", {"Expect": "100-continue", "label": "streamed", "column_separator": ","}, b"1,1\n")
    if not level.version.since(3, 1):
        return
    column = "DB_NAME" if level.version.since(3, 4) else "DATABASE_NAME"
    found = asked(level, f"SELECT count(*) FROM information_schema.loads WHERE {column} = 'd' AND LABEL = 'streamed'")
    assert found == ((("1" if level.version.since(3, 4) else "0"),),)


def test_http_sql_from_3_2(level):
    import requests
    answer = requests.post(f"{level.fe}/api/v1/catalogs/default_catalog/databases/d/sql", json={"query": "SELECT 1;"}, auth=("root", ""), timeout=20)
    assert answer.ok == level.version.since(3, 2)


def test_tls_is_offered_from_3_4(tmp_path):
    import subprocess
    import sys
    ended = subprocess.run([sys.executable, "-m", "rockpool", "--data", str(tmp_path / "d"), "--version", "3.3.0", "--tls"],
                           capture_output=True, text=True, timeout=20)
    assert ended.returncode and "StarRocks 3.3.0 has no TLS; 3.4 and newer have" in ended.stderr


def test_levels_are_ordered():
    for name, first in LEVELS.items():
        assert Version(".".join(map(str, first))).has(name) or first < (2, 5)
        assert not Version("2.5.0").has(name) or first <= (2, 5)
