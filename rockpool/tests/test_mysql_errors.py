"""Error codes, SQLSTATEs and texts that clients are told by, and names that are taken or not."""
import pymysql
import pytest

from rockpool.tests.pool import ONE

TABLE = f"(id INT NOT NULL, v INT) PRIMARY KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 {ONE}"


def failure(connection, statement):
    """(code, SQLSTATE, text)"""
    with pytest.raises(pymysql.MySQLError) as found, connection.cursor() as cursor:
        cursor.execute(statement)
    return found.value.args[0], found.value.sqlstate, found.value.args[1]


@pytest.mark.parametrize("statement, code, state, text", (
    ("CREATE DATABASE {db}", 1007, "HY000", "Can't create database '{db}'; database exists"),
    ("DROP DATABASE ghost", 1008, "HY000", "Can't drop database 'ghost'; database doesn't exist"),
    ("USE ghost", 5501, "3F000", "Unknown database 'ghost'"), ("SELECT * FROM ghost.t", 5501, "3F000", "Unknown database 'ghost'"),
    ("CREATE TABLE t " + TABLE, 1050, "42S01", "Table 't' already exists"), ("DROP TABLE ghost", 5502, "42602", "Unknown table 'ghost'"),
    ("SELECT * FROM ghost", 5502, "42602", "Unknown table '{db}.ghost'"),
    ("SELECT ghost FROM t", 1064, "HY000", "Column 'ghost' cannot be resolved"),
    ("INSERT INTO t VALUES (1)", 5604, "42601", "Inserted target column count: 2 doesn't match select/value column count: 1."),
    (f"CREATE TABLE u (a INT, A INT) {ONE}", 1060, "42S21", "Duplicate column name 'A'"), ("SELEC 1", 1064, "HY000", "Getting syntax error at line 1"),
    ("CREATE DATABASE `1x`", 1102, "42000", "Incorrect database name '1x'"),
    (f"CREATE TABLE u (`a=b` INT) {ONE}", 1166, "42000", "Incorrect column name 'a=b'"),
    (f"CREATE TABLE u (__starrocks_shadow_a INT) {ONE}", 1166, "42000", "Incorrect column name '__starrocks_shadow_a'"),
    ("CREATE TABLE u (" + ", ".join(f"c{n} INT" for n in range(10001)) + f") {ONE}", 1117, "42000", "Too many columns"),
    ("SELECT @@ghost", 1193, "HY000", "Unknown system variable 'ghost'"), ("SET time_zone = 'ghost'", 1298, "HY000", "Unknown or incorrect time zone: 'ghost'"),
    ("INSERT INTO t VALUES (NULL, 1)", 5610, "22000", "Insert has filtered data"), ("KILL 99999999", 1094, "HY000", "Unknown thread id: 99999999"),
    ("PREPARE p FROM INSERT INTO t VALUES (?, 1)", 1295, "HY000", "This command is not supported in the prepared statement protocol yet")))
def test_codes_states_and_texts(scene, statement, code, state, text):
    scene.sql("CREATE TABLE t " + TABLE)
    found = failure(scene.connection, statement.replace("{db}", scene.name))
    assert found[:2] == (code, state) and text.replace("{db}", scene.name) in found[2], found


def test_no_database(pool):
    with pool.connect() as c:
        assert failure(c, "SELECT * FROM t") == (1046, "3D000", "No database selected")
        assert failure(c, "CREATE TABLE t " + TABLE)[:2] == (1046, "3D000")


def test_a_query_s_time_is_over(scene):
    scene.sql(f"CREATE TABLE n (n INT) DUPLICATE KEY(n) {ONE}", "INSERT INTO n VALUES " + ", ".join(f"({k})" for k in range(300)),
              "SET query_timeout = 1")
    long = "SELECT sum(a.n * b.n + c.n * d.n) FROM n AS a CROSS JOIN n AS b CROSS JOIN n AS c CROSS JOIN n AS d"
    assert failure(scene.connection, long) == (
        5024, "53400", "Query reached its timeout of 1 seconds, please increase the 'query_timeout' session variable and retry")
    assert scene.value("SELECT count(*) FROM n") == "300"


def test_a_killed_query_leaves_its_connection(scene):
    import threading
    scene.sql(f"CREATE TABLE n (n INT) DUPLICATE KEY(n) {ONE}", "INSERT INTO n VALUES " + ", ".join(f"({k})" for k in range(300)))
    victim, found = scene.pool.connect(scene.name), []

    def ask():
        found.append(failure(victim, "SELECT sum(a.n * b.n + c.n * d.n) FROM n AS a CROSS JOIN n AS b CROSS JOIN n AS c CROSS JOIN n AS d"))
    asking = threading.Thread(target=ask)
    asking.start()
    scene.wait(lambda: any("sum(a.n" in (r[8] or "") for r in scene.sql("SHOW FULL PROCESSLIST") if r[0] == str(victim.thread_id())),
               what="the query")
    while asking.is_alive():
        scene.sql(f"KILL QUERY {victim.thread_id()}")
        asking.join(0.2)
    assert "killed" in found[0][2]
    with victim.cursor() as cursor:
        assert cursor.execute("SELECT 1") == 1
    victim.close()


def test_names_that_are_taken(scene):
    scene.sql(f"CREATE TABLE `a b.c` (`select` INT, `x.y` INT, `\u0433\u0440\u0443\u043f\u043f\u0430` INT) {ONE}",
              f"CREATE TABLE `\u0442\u0430\u0431\u043b\u0438\u0446\u0430` (id INT) {ONE}",
              "INSERT INTO `a b.c` (`select`, `x.y`, `\u0433\u0440\u0443\u043f\u043f\u0430`) VALUES (1, 2, 3)")
    assert scene.sql("SELECT `select`, `x.y`, `\u0433\u0440\u0443\u043f\u043f\u0430` FROM `a b.c`") == [["1", "2", "3"]]
    assert sorted(r[0] for r in scene.sql("SHOW TABLES")) == ["a b.c", "\u0442\u0430\u0431\u043b\u0438\u0446\u0430"]
    long = "t" * 1024
    scene.sql(f"CREATE TABLE {long} (id INT) {ONE}")
    assert scene.error(f"CREATE TABLE {long}x (id INT) {ONE}")[0] == 1104


def test_reserved_words_need_backticks(scene):
    for statement in (f"CREATE TABLE t (order INT) {ONE}", f"CREATE TABLE select (id INT) {ONE}",
                      f"CREATE TABLE t (id INT, k INT) DUPLICATE KEY(key) {ONE}"):
        code, text = scene.error(statement)
        assert code == 1064 and "the most similar input is {a legal identifier}" in text
    scene.sql(f"CREATE TABLE `select` (`order` INT, db INT) DUPLICATE KEY(`order`) {ONE}", "INSERT INTO `select` (`order`) VALUES (1)")
    assert scene.sql("SELECT `order`, db FROM `select`") == [["1", None]]
    scene.ok(scene.load("2,3\n", "select", columns="`order`,db"), 1)


def test_names_of_partitions(scene):
    def table(partition):
        return (f"CREATE TABLE p (id INT, d DATE) DUPLICATE KEY(id) PARTITION BY RANGE(d) (PARTITION {partition} VALUES LESS THAN "
                f"('2024-01-01')) DISTRIBUTED BY HASH(id) BUCKETS 1 {ONE}")
    for name in ("`1x`", "`a b`", "p" * 65, "__"):
        assert "Incorrect partition name" in scene.error(table(name))[1], name
    scene.sql(table("p" * 64), "DROP TABLE p FORCE", table("_1x"))


def test_older_database_names(own):
    with own("--version", "3.1.0").connect() as c, c.cursor() as cursor:
        for name in ("a", "_1x", "a" * 256):
            cursor.execute(f"CREATE DATABASE {name}")
        for name in ("`1a`", "`a b`", "`a-b`", "__"):
            assert "Incorrect database name" in failure(c, f"CREATE DATABASE {name}")[2], name


def test_database_names_from_3_3(scene):
    name = "`" + scene.name + "-~!@#$%^&<>=+`"
    scene.sql(f"CREATE DATABASE {name}", f"USE {name}", f"DROP DATABASE {name}")


def test_unknown_partitions(scene):
    scene.sql(f"CREATE TABLE p (id INT, d DATE) DUPLICATE KEY(id) PARTITION BY RANGE(d) (PARTITION p1 VALUES LESS THAN ('2024-01-01')) "
              f"DISTRIBUTED BY HASH(id) BUCKETS 1 {ONE}")
    assert "Unknown partition 'ghost' in table 'p'" in scene.error("INSERT INTO p PARTITION (ghost) VALUES (1, '2023-01-01')")[1]
    assert scene.error("ALTER TABLE p DROP PARTITION ghost")[0] == 1507


def test_a_dead_backend_is_not_alive(own):
    pool = own()
    pool.control("POST", "backends", {"dead": [1]})
    with pool.connect() as c, c.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute("SHOW BACKENDS")
        assert [r["Alive"] for r in cursor.fetchall()] == ["true", "false"]
