"""Which type an expression has, and what that does to its value: arithmetic, comparison, casts."""
import pytest

from rockpool.tests.test_functions import check

DUP = "DUPLICATE KEY(id)"


def test_division(scene):
    check(scene, [
        ("7 / 2", "3.5"), ("1 / 3", "0.3333333333333333"), ("7 DIV 2", "3"), ("-7 DIV 2", "-3"), ("7 % -4", "3"), ("-7 % 4", "-3"), ("-7 MOD 4", "-3"),
        ("1 / 0", None), ("1 DIV 0", None), ("1 % 0", None), ("1.5 / 0", None), ("1.5 % 0", None), ("7.5 DIV 2", "3"), ("7.5 % 2", "1.5")])


def test_decimals_keep_their_places(scene):
    """The scale of a quotient is that of the dividend and six, at most twelve or the dividend's own."""
    check(scene, [
        ("1.10 + 2.2", "3.30"), ("1.10 - 2", "-0.90"), ("1.10 * 2.5", "2.750"), ("1.0 / 3", "0.3333333"), ("2.00 / 3", "0.66666667"), ("1.12345678 / 3", "0.374485593333"),
        ("-1.0 / 3", "-0.3333333"), ("0.5", "0.5"), (".5 + 0", "0.5"), ("1 - 0.9", "0.1"), ("1.5e0 * 2", "3"), ("cast(2 as decimal(20,5)) * 0.1", "0.200000"),
        ("2.0 / 3 * 3", "2.0000001")])


def test_what_overflows(scene):
    check(scene, [
        ("127 + 1", "128"), ("2147483647 * 2147483647", "4611686014132420609"), ("9223372036854775807 + 1", "-9223372036854775808"),
        ("-9223372036854775807 - 2", "9223372036854775807"), ("9223372036854775807 * 2", "-2"), ("9223372036854775808 + 1", "9223372036854775809"),
        ("cast(99999999999999999999999999999999999999 as decimal(38,0)) + 1", None), ("cast(99999999999999999999999999999999999999 as decimal(38,0)) * 10", None)])


def test_texts_and_dates_in_arithmetic_are_doubles(scene):
    check(scene, [("'7' + 1", "8"), ("'x' + 1", None), ("-'5'", "-5"), ("true + true", "2"), ("NULL + 1", None), ("date '2024-01-02' + 0", "20240102"), ("'1.5' * '2'", "3")])


def test_bits(scene):
    check(scene, [
        ("6 & 3", "2"), ("6 | 3", "7"), ("6 ^ 3", "5"), ("~6", "-7"), ("bit_shift_left(cast(1 as tinyint), 8)", "0"), ("bit_shift_right(-8, 64)", "0"), ("bit_shift_left(1, -1)", "0"), ("bitand(6, 3)", "2"), ("bit_shift_left(1, 4)", "16"), ("bit_shift_right(-8, 1)", "-4"),
        ("bit_shift_right_logical(cast(-1 as bigint), 63)", "1"), ("1 << 2", "4")])


def test_integer_types_grow(scene):
    check(scene, [
        ("typeof(cast(1 as tinyint) + cast(1 as tinyint))", "smallint"), ("typeof(cast(1 as int) * 2)", "bigint"), ("typeof(cast(1 as int) % 2)", "int"), ("typeof(1 / 2)", "double"),
        ("typeof(7 DIV 2)", "tinyint"), ("typeof(cast(1 as largeint) + 1)", "largeint"), ("typeof(1 + 1.5)", "decimal64(11, 1)"), ("typeof(sum(1))", "bigint"), ("typeof(avg(1.50))", "decimal128(38, 8)"),
        ("typeof(sum(1.5))", "decimal128(38, 1)"), ("typeof(count(*))", "bigint"), ("typeof(ceil(1.5))", "bigint"), ("typeof(year(now()))", "smallint"), ("typeof(length('a'))", "int")])


def test_comparisons(scene):
    check(scene, [
        ("'10' > 9", "1"), ("'10' < '9'", "1"), ("'a' = 'A'", "0"), ("'a' = 'a '", "0"), ("1 = 1.0", "1"), ("1 = '1'", "1"), ("1 = '1.0'", "0"), ("NULL = NULL", None), ("NULL <=> NULL", "1"), ("1 <=> NULL", "0"),
        ("date '2024-01-01' = '2024-01-01 00:00:00'", "1"), ("date '2024-01-01' < '2024-01-01 00:00:01'", "1"), ("date '2024-01-01' = 20240101", "1"), ("true = 1", "1"), ("(1, 'a') = (1, 'a')", "1"),
        ("2 BETWEEN 1 AND 3", "1"), ("2 NOT BETWEEN 1 AND 3", "0"), ("3 IN (1, 2, NULL)", None), ("1 NOT IN (2, 3)", "1"), ("1 IS TRUE", "1"), ("NULL IS NULL", "1"), ("NOT NULL", None),
        ("NULL AND false", "0"), ("NULL OR true", "1"), ("true XOR true", "0")])


def test_literals_beside_columns_become_the_columns_type(scene):
    scene.table("id INT NOT NULL, d DATE, t DATETIME, p DECIMAL(10,2), s VARCHAR(9)", DUP)
    scene.sql("INSERT INTO t VALUES (1, '2024-01-01', '2024-01-01 10:00:00', 1.5, '1')", "INSERT INTO t VALUES (2, '2024-02-01', '2024-02-01 00:00:00', 20, '02')")
    for condition, wanted in (("id = '1'", ["1"]), ("p = '1.5'", ["1"]), ("p IN ('1.50', '20')", ["1", "2"]), ("d = '2024-01-01'", ["1"]), ("d >= '2024-01-15'", ["2"]), ("t > '2024-01-01'", ["1", "2"]),
                              ("d = '2024-01-01 10:00:00'", []), ("s = 1", ["1"]), ("s > 1", ["2"]), ("t BETWEEN '2024-02-01' AND '2024-03-01'", ["2"]), ("d IN ('2024-02-01', '2024-01-01')", ["1", "2"]),
                              ("d = 'no date'", []), ("id = 'x'", []), ("d > 20240115", ["2"])):
        assert [r[0] for r in scene.sql(f"SELECT id FROM t WHERE {condition} ORDER BY id")] == wanted, condition


def test_texts_and_json_in_arrays_are_escaped_by_backslashes(scene):
    """CSV bodies double the quotes instead."""
    check(scene, [
        (r"""['a\\b', 'a"b', NULL, '', 'x,[y]', 'it''s']""", r"""["a\\b","a\"b",null,"","x,[y]","it's"]"""),
        (r"""[parse_json('{"a": "it''s", "b": "\\\\"}')]""", r"""['{"a": "it\'s", "b": "\\\\"}']""")])


def test_casts_that_fail_are_null(scene):
    check(scene, [
        ("cast('12' as int)", "12"), ("cast(' 12 ' as int)", "12"), ("cast('12.5' as int)", None), ("cast('1e2' as int)", None), ("cast('' as int)", None), ("cast('x' as double)", None), ("cast('1e2' as double)", "100"),
        ("cast(12.9 as int)", "12"), ("cast(-12.9 as int)", "-12"), ("cast(300 as tinyint)", None), ("cast(1e30 as bigint)", None), ("cast('9223372036854775808' as bigint)", None),
        ("cast('1.999' as decimal(4,2))", "2.00"), ("cast('1000' as decimal(4,2))", None), ("cast('2024-02-30' as date)", None), ("cast('2024-2-3' as date)", "2024-02-03"), ("cast('20240203' as date)", "2024-02-03"),
        ("cast(20240203 as date)", "2024-02-03"), ("cast('2024-02-03T04:05:06Z' as datetime)", "2024-02-03 04:05:06"), ("cast('2024-02-03 04:05:06.7' as datetime)", "2024-02-03 04:05:06.700000"),
        ("cast('true' as boolean)", "1"), ("cast('7' as boolean)", "1"), ("cast('no' as boolean)", None), ("cast(0.0 as boolean)", "0"), ("cast(date '2024-02-03' as int)", "20240203"),
        ("cast(cast('2024-02-03 04:05:06' as datetime) as bigint)", "20240203040506"), ("cast(-1 as largeint)", "-1"), ("try_cast('x' as int)", None), ("convert('5', int)", "5")])


def test_casts_to_text_are_what_is_printed(scene):
    check(scene, [
        ("cast(true as string)", "1"), ("cast(1.50 as string)", "1.50"), ("cast(0.5 as string)", "0.5"), ("cast(1e0 as string)", "1"), ("cast(1e16 as string)", "1e+16"), ("cast(1e15 as string)", "1000000000000000"),
        ("cast(cast(0.1 as float) as string)", "0.1"), ("cast(0.00001e0 as string)", "1e-05"), ("cast(date '2024-01-02' as string)", "2024-01-02"), ("cast(cast('2024-01-02' as datetime) as string)", "2024-01-02 00:00:00"),
        ("cast(cast('2024-01-02 00:00:00.25' as datetime) as string)", "2024-01-02 00:00:00.250000"), ("cast(170141183460469231731687303715884105727 as string)", "170141183460469231731687303715884105727"),
        ("cast(parse_json('{\"a\":1}') as string)", '{"a": 1}'), ("cast(x'6162' as string)", "ab"), ("cast(123 as varchar(2))", "123"), ("cast('abcd' as char(2))", "ab"), ("'5'::int + 1", "6")])


def test_common_types(scene):
    check(scene, [
        ("if(true, 1, 2.50)", "1.00"), ("if(true, 1, 'x')", "1"), ("coalesce(NULL, 1, 1.5)", "1.0"), ("case when false then 'a' else 1 end", "1"), ("if(true, date '2024-01-01', '')", "2024-01-01"),
        ("if(false, 1e0, 2)", "2"), ("[1, 2.5]", "[1.0,2.5]"), ("[1, 'a']", '["1","a"]'), ("map{1: 1, 2: 2.5}", "{1:1.0,2:2.5}"), ("case 2 when 2 then 'two' end", "two"), ("case 'a' when 'A' then 1 end", None),
        ("typeof(if(true, 1, 70000))", "int"), ("typeof(coalesce(cast(1 as bigint), 1e0))", "double")])
    assert scene.sql("SELECT 1 UNION ALL SELECT 2.5 UNION ALL SELECT 3 ORDER BY 1") == [["1.0"], ["2.5"], ["3.0"]]


def test_pipes_are_or_until_the_mode_says_otherwise(scene):
    assert scene.value("SELECT 1 || 0") == "1"
    scene.sql("SET sql_mode = 'PIPES_AS_CONCAT'")
    assert scene.value("SELECT 'a' || 'b' || 1") == "ab1"


@pytest.mark.parametrize("expression, code, length, decimals", [
    ("true", 1, 1, 0), ("1", 1, 4, 0), ("300", 2, 6, 0), ("70000", 3, 11, 0), ("5000000000", 8, 20, 0), ("sum(1)", 8, 20, 0), ("99999999999999999999", 254, 40, 0), ("1.25", 246, 7, 2), ("1e0", 5, 22, 31),
    ("cast(1 as float)", 4, 12, 31), ("curdate()", 10, 10, 0), ("now()", 12, 19, 0), ("parse_json('1')", 254, 1048576, 0), ("'a'", 253, 65533, 0), ("x'61'", 252, 1048576, 0), ("[1]", 253, 1048576, 0),
    ("1 / 2", 5, 22, 31), ("1.0 / 3", 246, 42, 7), ("count(*)", 8, 20, 0)])
def test_types_of_result_columns(scene, expression, code, length, decimals):
    with scene.connection.cursor() as cursor:
        cursor.execute(f"SELECT {expression}")
        field = cursor._result.fields[0]
        assert (field.type_code, field.length, field.scale) == (code, length, decimals)


def test_insert_update_and_delete_compute_the_same(scene):
    scene.table("id INT NOT NULL, n INT NULL, p DECIMAL(10,2) NULL, s VARCHAR(20) NULL")
    scene.sql("INSERT INTO t VALUES (1, 7 DIV 2, 1 / 3, concat(true, 1.50)), (2, '5', 1.005, left('abc', 2))", "INSERT INTO t SELECT id + 2, cast('x' as int), p / 3, left(md5(s), 4) FROM t WHERE id = '1'",
              "UPDATE t SET n = n % 2, s = if(n > 4, upper(s), s) WHERE s IN ('ab', 'zz')", "DELETE FROM t WHERE substr(s, 0) = '' AND id = 3")
    assert scene.sql("SELECT * FROM t ORDER BY id") == [["1", "3", "0.33", "11.50"], ["2", "1", "1.01", "AB"]]
