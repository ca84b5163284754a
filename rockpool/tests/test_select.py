"""Reading and writing by SQL: what a person types at a copy, and how values are printed."""
import pytest

ONE = "PROPERTIES('replication_num'='1')"
DUP = "DUPLICATE KEY(id)"


@pytest.fixture
def shop(scene):
    scene.table("id INT NOT NULL, name VARCHAR(20) NULL, made DATETIME NULL", name="users")
    scene.table("id INT NOT NULL, user_id INT NULL, price DECIMAL(10,2) NULL, tags ARRAY<STRING> NULL, more JSON NULL", name="orders")
    scene.sql("INSERT INTO users VALUES (1, 'ann', '2024-01-31 10:00:00'), (2, 'bob', '2024-03-01 00:00:00'), (3, NULL, NULL)",
              "INSERT INTO orders VALUES (1, 1, 9.5, ['a', 'b'], parse_json('{\"k\": 1, \"l\": [1, 2]}')), (2, 1, 0.5, [], NULL), "
              "(3, 2, 100, NULL, json_object('k', 'x'))")
    return scene


def test_joins_groups_windows_and_subqueries(shop):
    assert shop.sql("SELECT u.name, count(*) AS n, sum(o.price) AS total FROM users u JOIN orders AS o ON u.id = o.user_id GROUP BY u.name "
                    "ORDER BY total DESC") == [["bob", "1", "100.00"], ["ann", "2", "10.00"]]
    assert shop.sql("SELECT id, row_number() OVER (PARTITION BY user_id ORDER BY price) FROM orders ORDER BY id") == [
        ["1", "2"], ["2", "1"], ["3", "1"]]
    assert shop.sql("WITH big AS (SELECT * FROM orders WHERE price > 1) SELECT count(*) FROM big WHERE user_id IN (SELECT id FROM users)") == [["2"]]
    assert shop.sql("SELECT id FROM users WHERE NOT EXISTS (SELECT 1 FROM orders WHERE user_id = users.id) UNION ALL SELECT 9 ORDER BY 1") == [
        ["3"], ["9"]]
    assert shop.sql(f"SELECT max(id) FROM {shop.name}.users LIMIT 1") == [["3"]]
    assert shop.sql("SELECT name FROM users ORDER BY name LIMIT 1, 1") == [["ann"]]
    assert shop.sql("SELECT sum(price) / 3, avg(id), 7 DIV 2, 7 % 2 FROM orders")[0][2:] == ["3", "1"]


def test_functions(shop):
    for expression, wanted in (
            ("ifnull(NULL, 'x')", "x"), ("if(1 > 2, 'a', 'b')", "b"), ("concat('a', 1)", "a1"), ("upper('aä')", "Aä"),
            ("length('ä')", "2"), ("char_length('ä')", "1"), ("substr('hello', 2, 3)", "ell"), ("md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
            ("date_format('2024-01-31', '%Y-%m')", "2024-01"), ("date_add('2024-01-31', INTERVAL 1 DAY)", "2024-02-01 00:00:00"),
            ("days_diff('2024-03-01', '2024-02-01')", "29"), ("days_add('2024-02-28', 2)", "2024-03-01 00:00:00"),
            ("hex('hi')", "6869"), ("coalesce(NULL, 3)", "3"), ("greatest(1, 3, 2)", "3"), ("round(2.567, 2)", "2.57"),
            ("CAST('12' AS INT) + 1", "13"), ("CASE WHEN 1 = 1 THEN 'y' ELSE 'n' END", "y"), ("'a' LIKE 'A'", "0"), ("1 <=> NULL", "0"),
            ("datediff('2024-03-01', '2024-02-28')", "2"), ("year('2024-03-01')", "2024"), ("get_json_string('{\"a\": \"b\"}', '$.a')", "b"),
            ("cast(true AS STRING)", "1"), ("cast(CAST(2 AS DOUBLE) AS VARCHAR)", "2"), ("concat_ws(',', true, CAST(1 AS DOUBLE), 'x')", "1,1,x"),
            ("CAST(CAST('2024-01-01 00:00:00.5' AS DATETIME) AS STRING)", "2024-01-01 00:00:00.500000"), ("murmur_hash3_32('hello')", "1321743225"),
            ("timestampdiff(MONTH, '2024-01-31', '2024-03-30')", "1"), ("'2024-01-01' + INTERVAL 1 DAY", "2024-01-02 00:00:00"),
            ("unix_timestamp('1970-01-01 08:00:00')", "0"), ("from_unixtime(0)", "1970-01-01 08:00:00"), ("get_json_int('{\"a\": 5}', '$.a')", "5"),
            ("substring_index('a.b.c', '.', 2)", "a.b"), ("true AND false", "0"), ("replace('aba', 'b', 'c')", "aca"), ("split('a,b', ',')[1]", "a")):
        assert shop.value(f"SELECT {expression}") == wanted, expression


def test_rendering(shop):
    assert shop.sql("SELECT tags, more, made FROM orders o JOIN users u ON u.id = o.id ORDER BY o.id") == [
        ['["a","b"]', '{"k": 1, "l": [1, 2]}', "2024-01-31 10:00:00"], ["[]", None, "2024-03-01 00:00:00"], [None, '{"k": "x"}', None]]
    for expression, wanted in (
            ("CAST(5 AS DOUBLE)", "5"), ("CAST(0.1 AS FLOAT)", "0.1"), ("1e20", "1e+20"), ("true", "1"), ("CAST('2024-01-01' AS DATE)", "2024-01-01"),
            ("CAST(1.5 AS DECIMAL(10,3))", "1.500"), ("CAST('2024-01-01 00:00:00.5' AS DATETIME)", "2024-01-01 00:00:00.500000"),
            ("[1, NULL]", "[1,null]"), ("NULL", None), ("170141183460469231731687303715884105727", "170141183460469231731687303715884105727")):
        assert shop.value(f"SELECT {expression}") == wanted, expression


def test_names_of_result_columns(shop):
    with shop.connection.cursor() as cursor:
        for query, names in (("SELECT count(*), max(id), id + 1, name AS n, 'x' FROM users GROUP BY id, name", ["count(*)", "max(id)", "id + 1", "n", "'x'"]),
                             ("SELECT * FROM users", ["id", "name", "made"])):
            cursor.execute(query)
            assert [d[0] for d in cursor.description] == names


def test_column_names_have_no_case_and_tables_do(shop):
    assert shop.sql("SELECT ID, Name FROM users WHERE NAME = 'ann'") == [["1", "ann"]]
    assert shop.error("SELECT * FROM Users")[0] == 5502


def test_aggregates_for_checks_over_many_rows(scene):
    scene.table("id INT NOT NULL, v INT NULL")
    scene.ok(scene.load("".join(f"{n},{n % 7}\n" for n in range(100_000))), 100_000)
    row = scene.sql("SELECT count(*), sum(v), min(id), max(id), count(DISTINCT v), bit_xor(id), sum(crc32(CAST(id AS STRING))) FROM t")[0]
    import zlib
    assert row == ["100000", str(sum(n % 7 for n in range(100_000))), "0", "99999", "7", str(__import__("functools").reduce(
        lambda a, b: a ^ b, range(100_000))), str(sum(zlib.crc32(str(n).encode()) for n in range(100_000)))]


# ---------------------------------------------------------------- INSERT, UPDATE, DELETE
def test_insert_in_its_forms(scene):
    scene.table("id INT NOT NULL, v INT NULL DEFAULT '7', s VARCHAR(9) NULL", DUP)
    scene.sql("INSERT INTO t VALUES (1, -2, 'it''s'), (2, NULL, \"q\"), (3, DEFAULT, concat('a', 'b'))", "INSERT INTO t (s, id) VALUES ('x', 4)",
              "INSERT INTO t SELECT id + 10, v, s FROM t WHERE id < 3", "INSERT INTO t (id) SELECT 99")
    assert scene.sql("SELECT * FROM t ORDER BY id") == [
        ["1", "-2", "it's"], ["2", None, "q"], ["3", "7", "ab"], ["4", "7", "x"], ["11", "-2", "it's"], ["12", None, "q"], ["99", "7", None]]
    scene.sql("INSERT OVERWRITE t VALUES (5, 5, 'y')")
    assert scene.sql("SELECT * FROM t") == [["5", "5", "y"]]
    code, text = scene.error("INSERT INTO t VALUES (1, 2)")
    assert code == 5604 and "Inserted target column count: 3 doesn't match select/value column count: 2" in text
    for statement in ("INSERT INTO t VALUES (NULL, 1, 'a')", "INSERT INTO t VALUES (1, 'x', 'a')", "INSERT INTO t VALUES (1, 1, 'far too long')"):
        code, text = scene.error(statement)
        assert text.startswith("Insert has filtered data") and code == 5610, statement
    assert len(scene.sql("SELECT * FROM t")) == 1


def test_insert_of_few_columns_is_a_partial_update(scene):
    scene.table("id INT NOT NULL, a INT NULL DEFAULT '1', b INT NULL")
    scene.sql("INSERT INTO t VALUES (1, 5, 5)", "INSERT INTO t (id, b) VALUES (1, 6), (2, 7)")
    assert scene.sql("SELECT * FROM t ORDER BY id") == [["1", "5", "6"], ["2", "1", "7"]]
    scene.sql("SET enable_insert_partial_update = false", "INSERT INTO t (id, b) VALUES (1, 8)")
    assert scene.sql("SELECT * FROM t WHERE id = 1") == [["1", "1", "8"]]


def test_nested_values(scene):
    scene.table("id INT NOT NULL, a ARRAY<INT>, s STRUCT<p INT, q STRING>, m MAP<INT, DATETIME>, b VARBINARY, j JSON", DUP)
    scene.sql("INSERT INTO t VALUES (1, [1, 2, null], row(1, 'x'), map{1: '2021-01-01', 3: NULL}, x'6869', parse_json('[1]'))")
    assert scene.sql("SELECT a, s, m, b, j FROM t") == [["[1,2,null]", '{"p":1,"q":"x"}', '{1:"2021-01-01 00:00:00",3:null}', "hi", "[1]"]]


def test_update(scene):
    scene.table("id INT NOT NULL, a INT NULL, b INT NULL, c INT NULL, d INT NULL")
    scene.sql("INSERT INTO t VALUES (1,1,1,1,1), (2,2,2,2,2)", "UPDATE t SET a = a + 10, b = 5, b = 6 WHERE id = 2", "UPDATE t SET c = 0")
    assert scene.sql("SELECT * FROM t ORDER BY id") == [["1", "1", "1", "0", "1"], ["2", "12", "6", "0", "2"]]
    scene.sql("UPDATE t SET d = (SELECT max(a) FROM t) WHERE id IN (SELECT id FROM t WHERE a > 5)")
    assert scene.value("SELECT d FROM t WHERE id = 2") == "12"
    assert "must specify where clause" in scene.error("UPDATE t SET a = 0, b = 0, c = 0, d = 0")[1]
    assert "primary key column cannot be updated" in scene.error("UPDATE t SET id = 5 WHERE id = 1")[1]
    scene.table("id INT, v INT", DUP, name="u")
    assert "table u does not support update" in scene.error("UPDATE u SET v = 1 WHERE id = 1")[1]


def test_delete(scene):
    scene.table("id INT NOT NULL, v INT NULL")
    scene.sql("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3), (4, NULL)", "DELETE FROM t WHERE v > 1 AND id < 3",
              "DELETE FROM t WHERE id IN (SELECT id FROM t WHERE v IS NULL)")
    assert scene.sql("SELECT id FROM t ORDER BY id") == [["1"], ["3"]]
    assert "where clause" in scene.error("DELETE FROM t")[1]
    scene.table("id INT, v INT", "UNIQUE KEY(id)", name="u")
    assert scene.error("DELETE FROM u WHERE v = 1")[0] == 1064
    scene.sql("INSERT INTO u VALUES (1, 1), (2, 2)", "DELETE FROM u WHERE id = 1")
    assert scene.sql("SELECT id FROM u") == [["2"]]


def test_sql_transactions(scene):
    scene.table("id INT NOT NULL")
    scene.table("id INT NOT NULL", name="u")
    scene.sql("BEGIN", "INSERT INTO t VALUES (1)", "INSERT INTO u VALUES (2)")
    code, text = scene.error("SELECT * FROM t")
    assert code == 5307 and "modified earlier in the same transaction" in text
    with scene.pool.connect(scene.name) as other, other.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM t")
        assert cursor.fetchall() == (("0",),)
    scene.sql("COMMIT")
    assert scene.sql("SELECT t.id, u.id FROM t, u") == [["1", "2"]]
    scene.sql("START TRANSACTION", "INSERT INTO t VALUES (3)", "ROLLBACK")
    assert scene.sql("SELECT id FROM t") == [["1"]]


def test_nested_values_survive_insert_select(scene):
    scene.table("id INT NOT NULL, a ARRAY<STRING>, m MAP<STRING,INT>", DUP)
    scene.sql(r"""INSERT INTO t VALUES (1, ['q"x', 'b\\c', NULL, 'd,e'], map{'k': 1})""", "INSERT INTO t SELECT id + 1, a, m FROM t")
    rows = scene.sql("SELECT a, m FROM t ORDER BY id")
    assert rows[0] == rows[1] and rows[0][1] == '{"k":1}' and "d,e" in rows[0][0]


def test_update_and_delete_have_labels_and_loads_of_their_own(scene):
    scene.table("id INT NOT NULL, v INT NULL")
    scene.sql("INSERT INTO t VALUES (1, 1), (2, 2)", "UPDATE t SET v = 5 WHERE id = 1", "DELETE FROM t WHERE id = 9")
    with scene.connection.cursor() as cursor:
        assert cursor.execute("DELETE FROM t WHERE id > 0") == 2
        assert b"{'label':'delete_" in cursor._result.message and b"'status':'VISIBLE'" in cursor._result.message
    shown = scene.sql(f"SELECT label, state, type, sink_rows FROM information_schema.loads WHERE db_name = '{scene.name}'")
    assert [(row[0].split("_")[0], *row[1:]) for row in shown if not row[0].startswith("insert")] == [
        ("update", "FINISHED", "INSERT", "1"), ("delete", "FINISHED", "INSERT", "0"), ("delete", "FINISHED", "INSERT", "2")]
