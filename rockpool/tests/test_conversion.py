"""Text and JSON to values, by the server's rules; the quick way and the slow way must agree."""
import random
from decimal import Decimal

import pyarrow as pa
import pytest

from rockpool.loads.convert import FAILED, RawNumber, decimals, from_text, parse_json, render_json
from rockpool.loads.json_values import from_json
from rockpool.loads.nested import csv_text
from rockpool.loads.vector import convert_column, convert_json, from_values, one_by_one
from rockpool.sqltypes import SqlType, scalar

DAY = 86_400_000_000


def text(kind, *arguments):
    return from_text(scalar(kind, *arguments))


@pytest.mark.parametrize("name, good, bad", [
    ("TINYINT", {"-128": -128, "127": 127, "+5": 5, " 7 ": 7, "1.7": 1, "-1.7": -1, "1e2": 100},
     ["128", "-129", "", "x", "1 2", "0x1", "1e3", "nan", "--1"]),
    ("INT", {"2147483647": 2147483647, "1e3": 1000, "1.999": 1}, ["2147483648", "1e10", "٣"]),
    ("BIGINT", {"9223372036854775807": 9223372036854775807, "1.7": 1, "1e3": 1000},
     ["9223372036854775808", "1e18", "1e40", "nan"]),
    ("LARGEINT", {"170141183460469231731687303715884105727": "170141183460469231731687303715884105727",
                  "-170141183460469231731687303715884105728": "-170141183460469231731687303715884105728", "007": "7"},
     ["170141183460469231731687303715884105728", "x"]),
    ("BOOLEAN", {"1": True, "0": False, "TRUE": True, "false": False, "2": True, "0.0": False, "-1.5": True},
     ["t", "yes", "", " 1", "true "]),
    ("DOUBLE", {"1.5": 1.5, "1e3": 1000.0, "-0.5": -0.5, ".5": 0.5, "5.": 5.0, "INFinity": float("inf"),
                "-inf": float("-inf")}, ["1e400", "", "x", "1,5", "0x10"]),
    ("FLOAT", {"3.5": 3.5}, ["3.5e38", "-1e39"]),
])
def test_numbers(name, good, bad):
    convert = text(name)
    assert {t: convert(t) for t in good} == good
    assert [t for t in bad if convert(t) is not FAILED] == []


def test_nan_is_taken_by_floats():
    assert text("DOUBLE")("NaN") != text("DOUBLE")("NaN")


def test_decimals_round_half_up_and_refuse_too_large_integer_parts():
    convert = text("DECIMAL", 5, 2)
    good = {"1": "1.00", "1.005": "1.01", "-1.005": "-1.01", "1.0049": "1.00", "999.994": "999.99", "1e2": "100.00",
            ".5": "0.50", "1e-9": "0.00"}
    assert {t: str(convert(t)) for t in good} == good
    assert [t for t in ("1000", "999.995", "1e3", "", "x", "1e999999999", "nan") if convert(t) is not FAILED] == []
    assert text("DECIMAL", 50, 1)("1" * 45 + ".26") == "1" * 45 + ".3"


@pytest.mark.parametrize("given, wanted", [
    ("2024-02-29", (2024, 2, 29)), ("20240229", (2024, 2, 29)), ("24-02-29", (2024, 2, 29)), ("70-01-02", (1970, 1, 2)),
    ("69-01-02", (2069, 1, 2)), ("2024/2/9", (2024, 2, 9)), ("2024.02.09", (2024, 2, 9)), ("240209", (2024, 2, 9)),
    ("2024-02-29 10:11:12", (2024, 2, 29)), (" 2024-02-29", (2024, 2, 29)), ("9999-12-31", (9999, 12, 31)),
    ("2024-02-29T10:00", (2024, 2, 29))])
def test_dates(given, wanted):
    import datetime
    assert text("DATE")(given) == datetime.date(*wanted).toordinal() - datetime.date(1970, 1, 1).toordinal()


def test_dates_that_are_none():
    bad = ["2023-02-29", "0000-00-00", "2024-13-01", "2024-00-01", "2024-01-00", "x", "", "2024-01", "12", "10000-01-01",
           "infinity", "2024 01 01", "2024-01-32"]
    assert [t for t in bad if text("DATE")(t) is not FAILED] == []
    assert text("DATE")("0000-01-01") == -719528


@pytest.mark.parametrize("given, micros", [
    ("1970-01-02", DAY), ("1970-01-01 00:00:01", 1_000_000), ("1970-01-01T00:00:01", 1_000_000),
    ("19700101000001", 1_000_000), ("1970-01-01 00:00:00.5", 500_000), ("1970-01-01 00:00:00.1234567", 123_456),
    ("1970-01-01 00:00:01Z", 1_000_000), ("1970-01-01 00:00:01+08:00", 1_000_000), ("1970-01-01 00:01", 60_000_000),
    ("1970-01-01T00:01", 60_000_000), ("1970-01-01 10", 36_000_000_000)])
def test_datetimes(given, micros):
    assert text("DATETIME")(given) == micros


def test_datetimes_that_are_none():
    bad = ["1970-01-01 24:00:00", "1970-01-01 00:60:00", "1970-01-01 00:00:60", "noon", "", "00:00:01"]
    assert [t for t in bad if text("DATETIME")(t) is not FAILED] == []


def test_texts_are_measured_in_bytes():
    assert text("VARCHAR", 4)("éé") == "éé"
    assert text("VARCHAR", 4)("ééé") is FAILED
    assert text("CHAR", 2)("abc") is FAILED


def test_binary_in_csv_is_base64_when_it_can_be():
    convert = text("VARBINARY")
    assert [convert(t) for t in ("aGk=", "hi", "abcd", "", "  ", "a b")] == [b"hi", b"hi", b"i\xb7\x1d", b"", b"", b"a b"]


def test_json_is_normalised():
    convert = text("JSON")
    assert convert('{"b":1,"a":[1.50,true,null]}') == '{"a": [1.5, true, null], "b": 1}'
    assert [convert(t) for t in ("{", "", "{'a':1}", "[1,]")] == [FAILED] * 4
    assert [convert(t) for t in ("5", "null", " true", "NaN", '"5"')] == ['"5"', '"null"', '" true"', '"NaN"', '"5"']
    assert render_json(parse_json('"ä\\n"')) == '"ä\\n"'


def test_numbers_of_json_are_64_bit_integers_or_doubles():
    convert = text("JSON")
    kept = ["[18446744073709551615, -9223372036854775808, 0.1]", "[1e+22]"]
    assert [convert(t) for t in kept] == kept
    assert convert("[12345678901234567890123.45]") == "[1.2345678901234568e+22]"
    assert convert("[18446744073709551617, -9223372036854775809]") == "[18446744073709552000, -9223372036854776000]"
    assert convert("[0.12345678901234567890, 1e-400]") == "[0.12345678901234568, 0]"
    assert [convert(t) for t in ("[1e400]", "[" + "9" * 400 + "]", "[0e400]")] == [FAILED] * 3


def test_nested_texts():
    ints = SqlType("ARRAY", parts=(SqlType("INT"),))
    words = SqlType("ARRAY", parts=(SqlType("VARCHAR", 3),))
    assert from_text(ints)("[1,null,3]") == [1, None, 3] and from_text(ints)("[]") == []
    assert from_text(words)('["a,b","say ""hi""",null]') == ["a,b", 'say "hi"', None]  # their lengths are not looked at
    for bad in ("[1,x]", "1", "[1", "[1,NULL]", "[1]]", " [1]", "[1,]"):
        assert from_text(ints)(bad) is FAILED, bad
    for bad in ("[a]", "['a']", '[ "a"]', '["a]'):
        assert from_text(words)(bad) is FAILED, bad
    deep = SqlType("ARRAY", parts=(ints,))
    assert from_text(deep)("[[1],[],null]") == [[1], [], None]
    days = SqlType("ARRAY", parts=(SqlType("DATE"),))
    assert from_text(days)('["1970-01-02"]') == [1] and from_text(days)("[1970-01-02]") is FAILED


def test_nested_maps_and_structs():
    pairs = SqlType("MAP", parts=(SqlType("INT"), SqlType("VARCHAR", 9)))
    assert from_text(pairs)('{1:"a",2:null,1:"b"}') == [(1, "b"), (2, None)] and from_text(pairs)("{}") == []
    for bad in ("{1}", '{1:"a",}', '{:"a"}', '{"a":1}', '{1:"a":2}', '{1:"a"', '{1,"a"}'):
        assert from_text(pairs)(bad) is FAILED, bad
    record = SqlType("STRUCT", parts=(SqlType("INT"), SqlType("DATE")), names=("a", "d"))
    assert from_text(record)("1\x021970-01-02") == {"a": 1, "d": 1} and from_text(record)("\\N\x021970-01-02")["a"] is None
    assert from_text(record)('{"a":1,"d":"1970-01-02"}') is FAILED  # only as Hive writes it; JSON loads take objects


def test_elements_that_fail_are_null_when_not_strict():
    ints = SqlType("ARRAY", parts=(SqlType("INT"),))
    assert csv_text(ints, lenient=True)("[1,x,300000000000]") == [1, None, None]
    assert csv_text(ints, lenient=True)("[1") is FAILED
    pairs = SqlType("MAP", parts=(SqlType("INT"), SqlType("DATE")))
    assert csv_text(pairs, lenient=True)('{1:"x"}') == [(1, None)] and csv_text(pairs, lenient=True)("{a:null}") is FAILED


def test_json_values_into_integers_go_through_double():
    big, small = from_json(SqlType("BIGINT")), from_json(SqlType("INT"))
    assert big(RawNumber("9223372036854775000.0")) == 9223372036854774784
    assert big(RawNumber("9223372036854775807.0")) is FAILED
    assert big(9223372036854775807) == 9223372036854775807 and big(9223372036854775808) is FAILED
    assert small(RawNumber("2147483647.3")) == 2147483647 and small("12") == 12 and small(True) is FAILED
    assert small([1]) is FAILED and small(RawNumber("1e400")) is FAILED


def test_json_values_into_other_types():
    assert from_json(SqlType("DECIMAL", precision=20, scale=2))(RawNumber("12345678901234567.125")) == Decimal(
        "12345678901234567.13")
    words = from_json(SqlType("VARCHAR", 100))
    assert [words(v) for v in (True, False, 5, RawNumber("1.50"), {"b": [1, None], "a": "x"}, "t")] == [
        "1", "0", "5", "1.50", '{"b":[1,null],"a":"x"}', "t"]
    assert from_json(SqlType("VARBINARY"))("1234") == b"1234"
    assert from_json(SqlType("DATE"))("1970-01-02") == 1
    assert from_json(SqlType("DOUBLE"))("inf") == float("inf")
    assert from_json(SqlType("JSON"))({"b": 1, "a": RawNumber("1.0")}) == '{"a": 1, "b": 1}'
    assert from_json(SqlType("ARRAY", parts=(SqlType("INT"),)))([1, None, "3", "x"]) == [1, None, 3, None]


PIECES = ["0", "1", "-1", "+1", "12", "127", "128", "32768", "2147483647", "2147483648", "9223372036854775807", "1e2", "1.5",
          "99999999999999999999", ".5", "5.", "0x1F", " 5", "5 ", "nan", "inf", "-inf", "1e400", "true", "FALSE", "t", "",
          "2024-01-31", "2024-02-30", "20240131", "2024-01-31 10:11:12", "2024-01-31T10:11:12", "2024-01-31 10:11",
          "2024-01-31 10:11:12.123456", "2024-01-31 10:11:12.1234567", "2024-01-31 10:11:12Z", "2024-01-31 24:00:00",
          "0000-01-01", "9999-12-31 23:59:59", "abc", "ä€𝄞", "123.456", "123.4567", "999.995", "1_000", "१", "-0", "007"]
KINDS = [SqlType(n) for n in ("TINYINT", "SMALLINT", "INT", "BIGINT", "LARGEINT", "FLOAT", "DOUBLE", "BOOLEAN", "DATE",
                              "DATETIME", "JSON", "VARBINARY")] + [
    SqlType("DECIMAL", precision=6, scale=3), SqlType("DECIMAL", precision=38, scale=38),
    SqlType("DECIMAL", precision=38, scale=0), SqlType("VARCHAR", 5), SqlType("CHAR", 3),
    SqlType("ARRAY", parts=(SqlType("INT"),))]


def shown(array):
    """Comparable values: Python's own dates have no year 0."""
    if pa.types.is_temporal(array.type):
        array = array.cast(pa.int32() if pa.types.is_date32(array.type) else pa.int64())
    return repr(array.to_pylist())


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.shown())
@pytest.mark.parametrize("seed", range(6))
def test_the_quick_way_agrees_with_the_slow_way(kind, seed):
    """Columns of values of one sort, with some strange ones among them: mostly good, mostly bad, all kinds."""
    source = random.Random(seed)
    convert = from_text(kind)
    good = [p for p in PIECES if convert(p) is not FAILED] or PIECES
    share = (0, 0.01, 0.1, 0.5, 0.9, 1)[seed]
    texts = [None if source.random() < 0.05 else source.choice(PIECES if source.random() < share else good)
             for _ in range(400)]
    column = pa.array(texts, pa.string())
    quick, quick_failed = convert_column(kind, column)
    slow, slow_failed = one_by_one(kind, column)
    assert shown(quick) == shown(slow), f"seed {seed}"
    assert quick.type == slow.type
    assert (quick_failed is not None and quick_failed.any()) == (slow_failed is not None and slow_failed.any())
    if slow_failed is not None:
        assert (quick_failed == slow_failed).all()


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.shown())
def test_each_strange_value_alone_among_plain_ones(kind):
    """What Arrow's own casts would bend must not slip through with good neighbours."""
    convert = from_text(kind)
    plain = next((p for p in ("1", "2024-01-31", "2024-01-31 10:11:12", "[1]") if convert(p) is not FAILED), None)
    for strange in PIECES:
        column = pa.array([plain] * 99 + [strange], pa.string())
        quick, _ = convert_column(kind, column)
        slow, _ = one_by_one(kind, column)
        assert shown(quick) == shown(slow), strange


def failures(mask):
    return [] if mask is None else [n for n, bad in enumerate(mask) if bad]


JSON_VALUES = [1, 0, -5, 300, 2**31, 2**63, 2**127, True, False, "x", "12", "2024-01-31", "2024-01-31 10:11:12", "", "true",
               RawNumber("1.5"), RawNumber("1e3"), RawNumber("2147483647.3"), RawNumber("1e400"), {"a": 1}, [1], "a" * 9, "1e2"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.shown())
@pytest.mark.parametrize("seed", range(8))
def test_json_columns_at_once_agree_with_one_by_one(kind, seed):
    source = random.Random(seed)
    sorts = [(int,), (str,), (bool,), (RawNumber,), (str, RawNumber), (int, str), (object,), (int, bool)][seed]
    pool = [v for v in JSON_VALUES if object in sorts or type(v) in sorts]
    for extra in ([], [None]):
        values = [source.choice(pool + extra) for _ in range(150)]
        quick, quick_failed = convert_json(kind, values)
        slow, slow_failed = from_values(kind, values, from_json(kind))
        assert shown(quick) == shown(slow) and quick.type == slow.type
        assert failures(quick_failed) == failures(slow_failed)


def test_the_greatest_decimal_of_38_digits_fits():
    """One by one, as a body with other rows is converted; a digit more does not."""
    greatest = "9" * 28 + "." + "9" * 10
    assert decimals(38, 10)(greatest) == Decimal(greatest)
    assert decimals(38, 10)("1" + "0" * 28) is FAILED
