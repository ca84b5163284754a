"""What a version has and the one before it has not: one rockpool per version, asked the same."""
import pytest

from rockpool.tests.pool import Pool, Scene

ONE = "PROPERTIES('replication_num'='1')"
BY = f"DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 {ONE}"


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """A database in a rockpool of each version, made when it is asked for."""
    made = {}

    def of(number):
        if number not in made:
            made[number] = Scene(Pool(tmp_path_factory.mktemp("v") / "data", "--version", number), "d")
            made[number].sql(f"CREATE TABLE t (id INT NOT NULL, v INT NULL) PRIMARY KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 {ONE}")
        return made[number]
    yield of
    for scene in made.values():
        scene.connection.close()
        scene.pool.stop()


def works(scene, statement):
    try:
        scene.sql(statement.format(name=f"t{abs(hash(statement)) % 10**9}"))
    except Exception as e:
        assert e.args[0] != 1105 and "Error:" not in str(e.args[1])[:20], e
        return False
    return True


@pytest.mark.parametrize("before, since, statement", [
    ("2.5.3", "3.0.2", f"CREATE TABLE {{name}} (id INT, b VARBINARY) {BY}"),
    ("2.5.3", "3.0.2", f"CREATE TABLE {{name}} (id BIGINT NOT NULL AUTO_INCREMENT, v INT) {BY}"),
    ("2.5.3", "3.0.2", f"CREATE TABLE {{name}} (id INT) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) {ONE}"),
    ("3.0.2", "3.1.4", f"CREATE TABLE {{name}} (id INT, m MAP<INT, INT>) {BY}"),
    ("3.0.2", "3.1.4", f"CREATE TABLE {{name}} (id INT, s STRUCT<a INT>) {BY}"),
    ("3.0.2", "3.1.4", f"CREATE TABLE {{name}} (id INT) DUPLICATE KEY(id) DISTRIBUTED BY RANDOM {ONE}"),
    ("3.0.2", "3.1.4", f"CREATE TABLE {{name}} (id INT) DUPLICATE KEY(id) {ONE}"),
    ("3.0.2", "3.1.4", "CREATE TABLE {name} (id INT, c VARCHAR(9) NOT NULL) DUPLICATE KEY(id) PARTITION BY LIST(c) (PARTITION p VALUES IN "
                       f"('a')) DISTRIBUTED BY HASH(id) BUCKETS 1 {ONE}"),
    ("3.0.2", "3.1.4", "ALTER TABLE t COMMENT = 'x'"),
    ("3.0.2", "3.1.4", "SELECT count(*) FROM information_schema.loads"),
    ("3.1.4", "3.2.3", "PREPARE p FROM SELECT 1"),
    ("3.2.3", "3.2.7", "SELECT count(*) FROM information_schema.partitions_meta"),
    ("3.2.7", "3.3.1", f"CREATE TABLE {{name}} (id INT, v INT) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 ORDER BY (v) {ONE}"),
    ("3.2.7", "3.3.1", f"CREATE TEMPORARY TABLE {{name}} (id INT) {BY}"),
    ("3.2.7", "3.3.1", "CREATE DATABASE `{name}-@#`"),
    ("3.3.1", "3.3.2", "ALTER TABLE t RENAME COLUMN v TO w"),
    ("3.3.2", "3.4.0", "INSERT INTO t BY NAME SELECT 1 AS v, 2 AS id"),
    ("3.3.2", "3.4.0", "INSERT INTO t PROPERTIES('strict_mode' = 'true') VALUES (3, 3)"),
    ("3.5.0", "4.0.5", f"CREATE TABLE {{name}} (id INT, d DECIMAL(50, 2)) {BY}"),
])
def test_statements_come_with_their_version(scenes, before, since, statement):
    assert (works(scenes(before), statement), works(scenes(since), statement)) == (False, True)


@pytest.mark.parametrize("number", ["2.5.3", "3.1.4"])
def test_before_3_2_a_new_column_is_a_job_that_rewrites(scenes, number):
    scene = scenes(number)
    scene.sql(f"CREATE TABLE slow (id INT, v INT) {BY}")
    scene.txn("begin", "open", table="slow")  # a job that rewrites waits for it
    scene.sql("ALTER TABLE slow ADD COLUMN n INT")
    assert len(scene.sql("DESC slow")) == 2
    scene.txn("rollback", "open", table="slow")
    scene.wait(lambda: len(scene.sql("DESC slow")) == 3, 20)


@pytest.mark.parametrize("number", ["2.5.3", "3.3.2"])
def test_nearly_every_error_is_1064_before_3_4(scenes, number):
    scene = scenes(number)
    for statement in ("SELECT * FROM nowhere", "USE nowhere", "CREATE DATABASE d", "DROP DATABASE nowhere", "SELECT ghost FROM t", "FOO",
                      "SELECT @@no_such", f"CREATE TABLE t (id INT) {BY}", "INSERT INTO t VALUES (1)", "DROP TABLE nowhere"):
        assert scene.error(statement)[0] == 1064, statement
    assert scenes("3.4.0").error("SELECT * FROM nowhere")[0] == 5502


def test_loads_are_shown_by_the_columns_of_their_version(scenes):
    for number, wanted in (("3.1.4", "JOB_ID"), ("3.4.0", "ID")):
        scene = scenes(number)
        with scene.connection.cursor() as cursor:
            cursor.execute("SELECT * FROM information_schema.loads")
            assert cursor.description[0][0] == wanted
        scene.ok(scene.load("7,7\n", label="seen", columns="id, x"))
        shown = scene.sql("SELECT count(*) FROM information_schema.loads WHERE label = 'seen'")
        assert shown == [["0" if number == "3.1.4" else "1"]]  # stream loads are in it from 3.4


def test_newer_headers_of_loads_are_unknown_before(scenes):
    old = scenes("2.5.3")
    old.sql(f"CREATE TABLE h (id INT, v VARCHAR(9)) {BY}")
    old.ok(old.load('1,"a"\n', table="h", skip_header="1", enclose='"', enable_merge_commit="true", transaction_type="multi"), 1)
    assert old.sql("SELECT v FROM h") == [['"a"']]


def test_the_type_of_a_decimal_is_printed_with_its_width_before_3_3(scenes):
    found = {}
    for number in ("3.1.4", "3.4.0"):
        scene = scenes(number)
        scene.sql(f"CREATE TABLE dec (id INT, d DECIMAL(10, 2)) {BY}")
        found[number] = scene.sql("SHOW CREATE TABLE dec")[0][1].split("`d` ")[1].split(" NULL")[0]
    assert found == {"3.1.4": "decimal64(10, 2)", "3.4.0": "decimal(10, 2)"}
