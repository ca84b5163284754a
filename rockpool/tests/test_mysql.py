"""The MySQL port: logins, packets, sessions, prepared statements, users."""
import shutil
import struct
import subprocess

import pymysql
import pytest

from rockpool.mysql import wire


def refused(pool, **given):
    with pytest.raises(pymysql.MySQLError) as found:
        pool.connect(**given)
    return found.value.args


def test_wrong_names_and_passwords_are_1045(pool):
    assert refused(pool, password="x") == (1045, "Access denied for user 'root' (using password: YES)")
    assert refused(pool, user="nobody")[:2] == (1045, "Access denied for user 'nobody' (using password: NO)")


def test_users_have_passwords_and_rights(scene):
    scene.table("id INT NOT NULL, v INT NULL")
    scene.sql("CREATE USER 'right_reader'@'%' IDENTIFIED BY 'pw'", f"GRANT SELECT ON TABLE {scene.name}.t TO USER 'right_reader'@'%'")
    assert refused(scene.pool, user="right_reader", password="wrong")[0] == 1045
    with scene.pool.connect(scene.name, "right_reader", "pw") as c, c.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM t")
        assert cursor.fetchall() == (("0",),)
        for statement in ("INSERT INTO t VALUES (1, 1)", "DROP TABLE t", "TRUNCATE TABLE t", "ALTER TABLE t ADD COLUMN x INT",
                          "CREATE TABLE u (id INT) DUPLICATE KEY(id)", "SHOW BACKENDS", "CREATE USER z"):
            with pytest.raises(pymysql.MySQLError) as found:
                cursor.execute(statement)
            assert found.value.args[0] == 5203 and "Access denied; you need" in found.value.args[1], statement
    refusal = scene.load("1,1\n", user=("right_reader", "pw"))
    assert refusal["status"] == "FAILED" and "INSERT privilege" in refusal["msg"]
    scene.sql(f"GRANT INSERT ON ALL TABLES IN DATABASE {scene.name} TO USER right_reader")
    scene.ok(scene.load("1,1\n", user=("right_reader", "pw")))
    scene.sql("ALTER USER right_reader IDENTIFIED BY 'new'", "SET PASSWORD FOR 'right_reader' = PASSWORD('newer')")
    scene.pool.connect(user="right_reader", password="newer").close()
    assert "INSERT" in str(scene.sql("SHOW GRANTS FOR right_reader"))
    scene.sql("DROP USER right_reader")
    assert refused(scene.pool, user="right_reader", password="newer")[0] == 1045


def test_what_connectors_ask_first(scene):
    """The questions of Connector/J 8 and of SQLAlchemy's dialects."""
    row = scene.sql("/* mysql-connector-java-8.0.33 */SELECT @@session.auto_increment_increment AS auto_increment_increment, "
                    "@@character_set_client AS character_set_client, @@collation_server AS collation_server, @@init_connect AS "
                    "init_connect, @@interactive_timeout AS interactive_timeout, @@license AS license, "
                    "@@lower_case_table_names AS lower_case_table_names, @@max_allowed_packet AS max_allowed_packet, "
                    "@@net_write_timeout AS net_write_timeout, @@performance_schema AS performance_schema, @@sql_mode AS "
                    "sql_mode, @@system_time_zone AS system_time_zone, @@time_zone AS time_zone, @@transaction_isolation AS "
                    "transaction_isolation, @@wait_timeout AS wait_timeout")[0]
    assert row[0] == "1" and row[12] == "Asia/Shanghai"
    scene.sql("SET NAMES utf8mb4", "SET character_set_results = NULL", "SET autocommit=1", "SET sql_mode='STRICT_TRANS_TABLES'",
              "SET time_zone = '+00:00'", "SET @x = 5, query_timeout = 10")
    assert scene.sql("SELECT @x, @@query_timeout, @@time_zone, database(), connection_id() > 0") == [
        ["5", "10", "+00:00", scene.name, "1"]]
    assert scene.sql("SHOW VARIABLES LIKE 'query_timeout'") == [["query_timeout", "10"]]
    code, text = scene.error("SELECT @@default_storage_engine")
    assert code == 1193 and "Unknown system variable" in text
    assert scene.error("SET no_such = 1")[0] == 1193
    assert scene.sql("SELECT 1 AS one, 'a''b', \"c\", NULL") == [["1", "a'b", "c", None]]


def test_error_codes_and_texts(scene):
    for statement, code, text in (
            ("SELECT * FROM nope", 5502, "Unknown table"), ("USE nowhere", 5501, "Unknown database 'nowhere'"),
            ("DROP DATABASE nowhere", 1008, "database doesn't exist"), (f"CREATE DATABASE {scene.name}", 1007, "database exists"),
            ("SELECT ghost FROM (SELECT 1 AS a) AS q", 1064, "Column 'ghost' cannot be resolved"),
            ("FOO BAR", 1064, "Getting syntax error at line 1, column 0. Detail message: Unexpected input 'FOO'"),
            ("DROP TABLE t IF EXISTS", 1064, "Unexpected input 'IF', the most similar input is {<EOF>, ';'}.")):
        found = scene.error(statement)
        assert found[0] == code and text in found[1], found


def test_several_statements_in_one_text(scene):
    with scene.pool.connect(scene.name, client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS) as c, c.cursor() as cursor:
        cursor.execute("SELECT 1; SELECT 'a;b'; SELECT 3")
        found = [cursor.fetchall()]
        while cursor.nextset():
            found.append(cursor.fetchall())
    assert found == [(("1",),), (("a;b",),), (("3",),)]


def test_column_metadata(scene):
    scene.table("id INT NOT NULL, a BOOLEAN, b BIGINT, c LARGEINT, d DOUBLE, e DECIMAL(10,2), f DATE, g DATETIME, h VARCHAR(7), "
                "i VARBINARY, j JSON, k ARRAY<INT>")
    with scene.connection.cursor() as cursor:
        cursor.execute("SELECT * FROM t")
        codes = [d[1] for d in cursor.description]
        scales = [d[5] for d in cursor.description]
    assert codes == [3, 1, 8, 254, 5, 246, 10, 12, 253, 252, 254, 253]
    assert scales[5] == 2


def test_insert_tells_rows_and_label(scene):
    scene.table("id INT NOT NULL, v INT NULL")
    with scene.connection.cursor() as cursor:
        assert cursor.execute("INSERT INTO t WITH LABEL mine VALUES (1, 1), (2, 2)") == 2
        assert b"'label':'mine', 'status':'VISIBLE', 'txnId':'" in cursor._result.message


def test_packets_larger_than_16_mb(scene):
    text = "x" * (17 << 20)
    assert len(scene.value(f"SELECT '{text}'")) == len(text)


def test_connection_commands(scene):
    scene.connection.ping()
    scene.connection.select_db("information_schema")
    assert scene.value("SELECT database()") == "information_schema"
    with pytest.raises(pymysql.MySQLError) as found:
        scene.pool.connect("nowhere")
    assert found.value.args[0] == 5501


# ---------------------------------------------------------------- prepared statements, spoken by hand
def command(connection, code, body):
    connection._execute_command(code, body)


def packets(connection, count):
    return [connection._read_packet() for _ in range(count)]


def test_binary_protocol(scene):
    scene.table("id INT NOT NULL, s VARCHAR(9), d DOUBLE, day DATE, t DATETIME, n BIGINT, b BOOLEAN, e DECIMAL(9,2)")
    scene.sql("INSERT INTO t VALUES (1, 'a', 1.5, '2024-02-03', '2024-02-03 04:05:06.000007', 9007199254740993, true, 1.5), "
              "(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL)")
    c = scene.connection
    command(c, 0x16, "SELECT * FROM t WHERE id >= ? AND (s = ? OR s IS NULL) ORDER BY id")
    head = c._read_packet()._data
    number, columns, marks = struct.unpack("<IHH", head[1:9])
    assert (head[0], columns, marks) == (0, 8, 2)
    packets(c, marks + 1 + columns + 1)
    body = struct.pack("<IBI", number, 0, 1) + b"\0\1" + struct.pack("<HH", 3, 253) + struct.pack("<i", 1) + b"\1a"
    command(c, 0x17, body)
    assert c._read_packet()._data == b"\x08"
    definitions = packets(c, 9)
    rows = [p._data for p in packets(c, 3)]
    assert rows[2][0] == 0xFE and len(definitions) == 9
    first = rows[0]
    assert first[:3] == b"\0\0\0" and struct.unpack("<i", first[3:7])[0] == 1 and first[7:9] == b"\1a"
    assert struct.unpack("<d", first[9:17])[0] == 1.5 and first[17:22] == b"\4" + struct.pack("<HBB", 2024, 2, 3)
    assert first[22:34] == b"\x0b" + struct.pack("<HBBBBBI", 2024, 2, 3, 4, 5, 6, 7)
    assert struct.unpack("<q", first[34:42])[0] == 9007199254740993 and first[42:] == b"\1" + b"\x041.50"
    assert rows[1][1:3] == bytes([0b11111000, 0b11])
    assert scene.error("SELECT 1 +")[0] == 1064


def test_prepare_statement(scene):
    scene.table("id INT NOT NULL, v INT NULL")
    scene.sql("INSERT INTO t VALUES (1, 5), (2, 6)", "PREPARE p FROM SELECT v FROM t WHERE id = ?", "SET @a = 2")
    assert scene.sql("EXECUTE p USING @a") == [["6"]]
    scene.sql("DEALLOCATE PREPARE p")
    code, text = scene.error("PREPARE q FROM INSERT OVERWRITE t VALUES (?, ?)")
    assert code == 1295 and "not supported in the prepared statement protocol" in text


def test_values_of_parameters():
    def value(kind, raw):
        return wire.parameter(wire.Cursor(raw), kind)
    assert value(wire.TINY, b"\xff") == "-1" and value(wire.TINY | 0x8000, b"\xff") == "255"
    assert value(wire.VAR_STRING, b"\x03a'\\") == "'a''\\\\'"
    assert value(wire.DATETIME, b"\x07" + struct.pack("<HBBBBB", 2024, 1, 2, 3, 4, 5)) == "'2024-01-02 03:04:05'"
    assert value(wire.DOUBLE, struct.pack("<d", 0.1)) == "0.1" and value(wire.BLOB, b"\x01\xff") == "x'ff'"


@pytest.mark.skipif(not shutil.which("mysql"), reason="the mysql command line is not installed")
def test_the_mysql_command_line(scene):
    scene.table("id INT NOT NULL, v VARCHAR(9) NULL")
    scene.sql("INSERT INTO t VALUES (1, 'a'), (2, NULL)")
    found = subprocess.run(["mysql", "-h", "127.0.0.1", "-P", str(scene.pool.ports["mysql"]), "-u", "root", scene.name, "-N",
                            "-e", "SELECT * FROM t ORDER BY id; SHOW TABLES"], capture_output=True, text=True, timeout=20)
    assert found.stdout == "1\ta\n2\tNULL\nt\n", found.stderr
