"""SQL transactions: BEGIN, COMMIT, ROLLBACK and what stands between them."""
import pymysql
import pytest

from rockpool.tests.pool import ONE


@pytest.fixture
def tables(scene):
    for name in "tu":
        scene.sql(f"CREATE TABLE {name} (id INT NOT NULL, v INT) PRIMARY KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 {ONE}")
    scene.sql("INSERT INTO t VALUES (1, 1), (2, 2)")
    return scene


def note(scene, statement):
    with scene.connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor._result.message.decode("utf-8", "replace")


def test_what_is_written_appears_together(tables):
    assert "'status':'PREPARE'" in note(tables, "BEGIN")
    assert "'status':'PREPARE'" in note(tables, "INSERT INTO t VALUES (3, 3)")
    note(tables, "INSERT INTO u VALUES (3, 3)")
    with tables.pool.connect(tables.name) as other, other.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM t")
        assert cursor.fetchone() == ("2",)
        label = note(tables, "BEGIN").split("'")[3]  # a second BEGIN goes on with the first
        assert [r[3] for r in tables.sql(f"SHOW PROC '/transactions/{tables.name}/running'") if r[1] == label] == ["PREPARE"]
        assert f"'label':'{label}', 'status':'VISIBLE'" in note(tables, "COMMIT")
        cursor.execute("SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u)")
        assert cursor.fetchone() == ("3", "1")
    assert [r[3] for r in tables.sql(f"SHOW PROC '/transactions/{tables.name}/finished'") if r[1] == label] == ["VISIBLE"]


def test_rollback_and_a_lost_connection(tables):
    tables.sql("START TRANSACTION", "INSERT INTO t VALUES (9, 9)")
    assert "'status':'ABORTED'" in note(tables, "ROLLBACK WORK")
    with tables.pool.connect(tables.name) as other, other.cursor() as cursor:
        cursor.execute("BEGIN WORK")
        cursor.execute("INSERT INTO t VALUES (9, 9)")
    tables.wait(lambda: not tables.sql(f"SHOW PROC '/transactions/{tables.name}/running'"), what="the end of the transaction")
    assert tables.value("SELECT count(*) FROM t") == "2"
    tables.sql("COMMIT", "ROLLBACK")  # without BEGIN: nothing happens
    assert "'status':'VISIBLE'" in note(tables, "BEGIN").replace("PREPARE", "VISIBLE") and "'status':'VISIBLE'" in note(tables, "COMMIT")


def test_what_may_stand_in_one(tables):
    tables.sql("BEGIN", "INSERT INTO t VALUES (3, 3)", "SET @a = 1", "SHOW TABLES", "SELECT count(*) FROM u", "INSERT INTO u SELECT 1, @a")
    for statement in ("SELECT * FROM t", "INSERT INTO u SELECT * FROM t"):
        assert tables.error(statement) == (5307, "SELECT cannot read table 't' modified earlier in the same transaction.")
    for statement in (f"CREATE TABLE w (id INT) {ONE}", "DROP TABLE u", "TRUNCATE TABLE u", "ALTER TABLE u ADD COLUMN w INT",
                      "INSERT OVERWRITE u VALUES (1, 1)"):
        assert tables.error(statement)[0] == 5305, statement
    tables.sql("COMMIT")
    assert tables.sql("SELECT * FROM u") == [["1", "1"]]


def test_one_database_only(tables):
    tables.sql(f"CREATE DATABASE {tables.name}_b", f"CREATE TABLE {tables.name}_b.t LIKE {tables.name}.t", "BEGIN", "INSERT INTO t VALUES (4, 4)")
    assert tables.error(f"INSERT INTO {tables.name}_b.t VALUES (1, 1)") == (
        5304, "Cannot execute cross-database transactions. All DML target tables must belong to the same db")
    tables.sql("COMMIT", f"DROP DATABASE {tables.name}_b FORCE")
    assert tables.value("SELECT count(*) FROM t") == "3"


def test_updates_come_first_and_once(tables):
    tables.sql("BEGIN")
    with tables.connection.cursor() as cursor:
        assert cursor.execute("UPDATE t SET v = 10 WHERE id = 1") == 1
    tables.sql("INSERT INTO t VALUES (1, 11), (5, 10)", "INSERT INTO t VALUES (6, 6)")
    assert tables.error("DELETE FROM t WHERE v = 10")[0] == 5306
    assert tables.error("UPDATE t SET v = 0 WHERE id = 2")[0] == 5306
    tables.sql("DELETE FROM u WHERE id > 0", "COMMIT")
    assert tables.sql("SELECT * FROM t ORDER BY id") == [["1", "11"], ["2", "2"], ["5", "10"], ["6", "6"]]
    tables.sql("BEGIN", "DELETE FROM t WHERE v = 10", "INSERT INTO t VALUES (7, 10)", "COMMIT")
    assert tables.sql("SELECT id FROM t ORDER BY id") == [["1"], ["2"], ["6"], ["7"]]  # what came later stays


def test_inserts_alone_in_3_5(own):
    pool = own("--version", "3.5.2")
    with pool.connect() as c, c.cursor() as cursor:
        for statement in ("CREATE DATABASE d", "USE d", f"CREATE TABLE t (id INT NOT NULL, v INT) PRIMARY KEY(id) DISTRIBUTED BY HASH(id) "
                          f"BUCKETS 1 {ONE}", "BEGIN", "INSERT INTO t VALUES (1, 1)"):
            cursor.execute(statement)
        for statement, code in (("INSERT INTO t VALUES (2, 2)", 5303), ("UPDATE t SET v = 2 WHERE id = 1", 5305),
                                ("DELETE FROM t WHERE id = 1", 5305)):
            with pytest.raises(pymysql.MySQLError) as found:
                cursor.execute(statement)
            assert found.value.args[0] == code
        cursor.execute("COMMIT")
        cursor.execute("SELECT count(*) FROM t")
        assert cursor.fetchone() == ("1",)


def test_no_transactions_before_3_5(own):
    """BEGIN is taken and means nothing."""
    pool = own("--version", "3.3.5")
    with pool.connect() as c, c.cursor() as cursor:
        for statement in ("CREATE DATABASE d", "USE d", f"CREATE TABLE t (id INT) DUPLICATE KEY(id) {ONE}", "BEGIN",
                          "INSERT INTO t VALUES (1)", "ROLLBACK", "SELECT count(*) FROM t"):
            cursor.execute(statement)
        assert cursor.fetchone() == ("1",)


def test_words_that_dumping_programs_use(tables):
    tables.sql("LOCK TABLES t READ, u WRITE", "START TRANSACTION WITH CONSISTENT SNAPSHOT", "INSERT INTO u VALUES (1, 1)",
               "COMMIT WORK AND NO CHAIN NO RELEASE", "BEGIN", "ROLLBACK RELEASE", "UNLOCK TABLES")
    assert tables.sql("SELECT 1 FROM DUAL") == [["1"]] and tables.value("SELECT count(*) FROM u") == "1"
    assert tables.error("SAVEPOINT a")[0] == 1064
