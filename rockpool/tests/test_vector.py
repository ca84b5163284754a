"""Whole columns at once give what value by value gives, for every type and whatever stands in a body."""
import random
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from rockpool.loads import vector
from rockpool.loads.convert import RawNumber, from_text
from rockpool.loads.csv_rows import Csv, QuotedRows
from rockpool.loads.json_values import from_json
from rockpool.sqltypes import scalar

KINDS = {"BOOLEAN": (), "TINYINT": (), "SMALLINT": (), "INT": (), "BIGINT": (), "LARGEINT": (), "FLOAT": (),
         "DOUBLE": (), "DECIMAL 9 2": (9, 2), "DECIMAL 18 0": (18, 0), "DECIMAL 38 10": (38, 10),
         "DECIMAL 3 3": (3, 3), "DATE": (), "DATETIME": (), "CHAR 5": (5,), "VARCHAR 10": (10,), "VARBINARY 6": (6,)}
PLAIN = ["0", "1", "-1", "7", "42", "100", "127", "-128", "12", "99"]
NUMBERS = ["+1", " 1", "1 ", "\t5", "-0", "00012", "0x1F", "0X1f", "-0x10", "1e2", "1E2", "1.5", "-1.5", "2.5", "1.",
           ".5", "-.5", "1.999", "128", "-129", "32768", "2147483647", "2147483648", "-2147483648", "-2147483649",
           "9223372036854775807", "9223372036854775808", "-9223372036854775808",
           "170141183460469231731687303715884105727", "170141183460469231731687303715884105728", "1" * 40,
           "0." + "1" * 40, "1e400", "-1e400", "1e-400", "1e38", "3.5e38", "3.4028235e38", "nan", "NaN", "inf",
           "-Infinity", "infinity", "1_000", "1,5", "\u0661", "--1", "+-1", "", "-", "+", ".", "1e", "e1", "0x", "0b1",
           "1f", "1d", "0.005", "0.0049", "123456789.99", "9999999.995", "9999999.994", "1e-3", "0.000000000050",
           "12345678901234567890.123456789012345678"]
WORDS = ["true", "false", "TRUE", "False", "tRuE", "yes", "t", "f", " true", "true ", "null", "NULL", "None", "a",
         "abcde", "abcdef", "\xe9" * 3, "\xe9" * 5, "\u65e5\u672c\u8a9e", "\u65e5\u672c\u8a9ex", "\U0001f600" * 3,
         "a\x00b", "'", '"', "\\", "\\N", "YWJj", "YWJjZGVmZ2g=", "====", "x" * 11]
DAYS = ["2024-01-31", "2024-02-29", "2023-02-29", "2024-02-30", "2024-13-01", "2024-00-10", "2024-01-00", "0000-01-01",
        "0001-01-01", "9999-12-31", "10000-01-01", "2024-1-2", "24-01-02", "20240102", "240102", "2024/01/02",
        "2024.01.02", " 2024-01-02", "2024-01-02 ", "2024-01-02x", "-2024-01-02", "2024-01", "2024"]
TIMES = [" 00:00:00", " 23:59:59", "T23:59:59", " 24:00:00", " 12:60:00", " 12:30:60", " 1:2:3", " 12:30", " 12",
         " 12:30:45.1", " 12:30:45.123456", " 12:30:45.1234567", " 12:30:45.", "  12:30:45", " 12:30:45Z",
         " 12:30:45+08:00", " 12:30:45 +08:00", " 123045", "123045", " 12-30-45", "T12:30", " 12:30:45,5", "t12:30:45",
         " 12:30:45.123Z"]


def kind_of(name):
    return scalar(name.split()[0], *KINDS[name])


def plain(name, rng):
    """Values that a column of the type has every day."""
    if name == "DATE":
        return f"{rng.randrange(1, 9999):04}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
    if name == "DATETIME":
        return plain("DATE", rng) + f" {rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}" + \
            rng.choice(["", f".{rng.randrange(10 ** 6):06}"])
    if name == "BOOLEAN":
        return rng.choice(["0", "1", "true", "false"])
    if name in ("FLOAT", "DOUBLE"):
        return repr(rng.uniform(-1e6, 1e6))
    return rng.choice(PLAIN)


def odd(rng):
    return rng.choice([rng.choice(NUMBERS), rng.choice(WORDS), rng.choice(DAYS),
                       rng.choice(DAYS[:2]) + rng.choice(TIMES),
                       "".join(rng.choice("0123456789.-+eExX :TZ") for _ in range(rng.randrange(12)))])


def column(name, rng):
    """Mostly plain values, so that the quick ways are tried, with some odd ones and NULLs."""
    odds, nulls = rng.choice([0, 1, 2, 40]), rng.choice([0, 0, 3])
    values = [plain(name, rng) for _ in range(rng.choice([10, 70, 130]))]
    for _ in range(odds):
        values[rng.randrange(len(values))] = odd(rng)
    for _ in range(nulls):
        values[rng.randrange(len(values))] = None
    return values


def same(quick, slow):
    (found, failed), (wanted, refused) = quick, slow
    none = np.zeros(len(wanted), bool)
    failed, refused = (none if m is None else m for m in (failed, refused))
    assert found.type == wanted.type and len(found) == len(wanted)
    if pa.types.is_temporal(found.type):  # Python's own dates have no year 0
        found, wanted = (a.cast(pa.int32() if a.type == pa.date32() else pa.int64()) for a in (found, wanted))
    for n, (a, b) in enumerate(zip(found.to_pylist(), wanted.to_pylist())):
        alike = a == b or (a is not None and b is not None and a != a and b != b)
        assert alike and failed[n] == refused[n], (n, a, b, bool(failed[n]), bool(refused[n]))


@pytest.mark.parametrize("name", KINDS)
def test_columns_of_text_convert_as_single_values_do(name):
    seed = random.randrange(1 << 30)
    rng, kind = random.Random(seed), kind_of(name)
    for _ in range(150):
        values = column(name, rng)
        try:
            same(vector.convert_column(kind, pa.array(values, pa.string())),
                 vector.from_values(kind, values, from_text(kind)))
        except AssertionError as e:
            raise AssertionError(f"seed {seed}, value {values[e.args[0][0]]!r}: {e}") from None


@pytest.mark.parametrize("name", KINDS)
def test_each_odd_value_alone_converts_as_it_does_among_others(name):
    kind = kind_of(name)
    rng = random.Random(1)
    for value in NUMBERS + WORDS + DAYS + [DAYS[0] + t for t in TIMES]:
        values = [plain(name, rng) for _ in range(70)]
        values[3] = value
        try:
            same(vector.convert_column(kind, pa.array(values, pa.string())),
                 vector.from_values(kind, values, from_text(kind)))
        except AssertionError as e:
            raise AssertionError(f"value {value!r}: {e}") from None


def json_value(name, rng):
    return rng.choice([rng.randrange(-10, 10), rng.choice([0, 1]), rng.choice([True, False]), RawNumber("1.5"),
                       RawNumber("1e3"), RawNumber("2.999999999999999999999"), 10 ** 18, 10 ** 30, -2 ** 63, 128,
                       odd(rng), plain(name, rng), [1, "a"], {"k": 1}, []])


@pytest.mark.parametrize("name", KINDS)
def test_columns_of_json_convert_as_single_values_do(name):
    seed = random.randrange(1 << 30)
    rng, kind = random.Random(seed), kind_of(name)
    for _ in range(150):
        common = [json_value(name, rng) for _ in range(rng.choice([1, 1, 2, 5]))]
        alike = rng.choice([lambda: rng.choice(common), lambda: plain(name, rng), lambda: rng.randrange(-300, 300),
                            lambda: rng.choice([True, False]), lambda: rng.choice([0, 1, 2]),
                            lambda: RawNumber(repr(rng.random()))])
        values = [alike() for _ in range(rng.choice([10, 70]))]
        for _ in range(rng.choice([0, 0, 1, 5])):
            values[rng.randrange(len(values))] = rng.choice([None, json_value(name, rng)])
        try:
            same(vector.convert_json(kind, values), vector.from_values(kind, values, from_json(kind)))
        except AssertionError as e:
            raise AssertionError(f"seed {seed}, value {values[e.args[0][0]]!r}: {e}") from None


@pytest.mark.parametrize("rows", [3, 80])
def test_half_a_surrogate_pair_is_a_broken_value_and_no_broken_load(rows):
    values = ["a"] * (rows - 2) + ["x\ud800", ["\udc00"]]
    found, failed = vector.convert_json(kind_of("VARCHAR 10"), values)
    assert found.to_pylist() == ["a"] * (rows - 2) + [None, None] and list(np.flatnonzero(failed)) == [rows - 2, rows - 1]


# ---------------------------------------------------------------- bodies to columns
def csv(**more):
    options = dict(column_separator=",", row_delimiter="\n", trim_space=False, enclose="", escape="", skip_header=0)
    return Csv(SimpleNamespace(**{**options, **more}), 3)


def body(rng, separator, delimiter):
    pieces = [b"1", b"abc", "\xe9".encode(), b"\\N", b" \\N ", b"  x ", b"", b'"q"', b"\\", b"\\\\N", b"\x00",
              separator[:1], delimiter[:1]]
    faults = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80"]
    rows = []
    for _ in range(rng.choice([5, 80, 300])):
        width = 3 if rng.random() < .97 else rng.randrange(6)
        rows.append(separator.join(rng.choice(pieces if rng.random() < .3 else pieces[:4]) for _ in range(width)))
    for _ in range(rng.choice([0, 0, 0, 2])):
        rows[rng.randrange(len(rows))] += rng.choice(faults)
    return delimiter.join(rows) + rng.choice([b"", delimiter, delimiter * 2])


def blocks(reader, text, sizes):
    at, found = 0, []
    while at < len(text):
        size = next(sizes)
        found.append(reader.feed(text[at:at + size]))
        at += size
    found.append(reader.finish())
    return [b for b in found if b is not None]


def flat(found):
    rows = [list(r) for b in found for r in zip(*(c.to_pylist() for c in b.columns))]
    return rows, sum(b.rows for b in found), sum(b.refused_count for b in found), [r for b in found for r in b.refused]


@pytest.mark.parametrize("marks", [(",", "\n"), ("\x01", "\x02"), ("||", "\r\n"), ("\t", "<br>"), ("aba", "\n"),
                                   (".", "|")])
def test_bodies_are_split_quickly_as_they_are_split_slowly(marks, monkeypatch):
    seed = random.randrange(1 << 30)
    rng = random.Random(seed)
    for _ in range(150):
        options = dict(column_separator=marks[0], row_delimiter=marks[1], trim_space=rng.random() < .3,
                       skip_header=rng.choice([0, 0, 1, 3]))
        text = body(rng, marks[0].encode(), marks[1].encode())
        pieces = iter(lambda: rng.choice([10_000, 3000, 500]), None)
        quick = flat(blocks(csv(**options), text, pieces))
        with monkeypatch.context() as patched:
            patched.setattr(Csv, "_fast", lambda *_: None)
            slow = flat(blocks(csv(**options), text, iter(lambda: 1 << 30, None)))
        assert quick[1:3] == slow[1:3], f"seed {seed}"
        assert quick[0] == slow[0], f"seed {seed}"
        assert sorted(quick[3])[:50] == sorted(slow[3])[:50] or slow[2] > 50, f"seed {seed}"


@pytest.mark.parametrize("marks", [(",", "\n", '"', "\\"), (",", "\n", '"', ""), (",", "\n", "", "\\"),
                                   ("||", "\r\n", "'", "'"), ("\x01", "\x02", '"', "/"), ('",', "\n", '"', ""),
                                   (" ", "\n", '"', ""),
                                   (",", ",\n", '"', "\\")])
def test_quoted_bodies_are_read_quickly_as_they_are_read_slowly(marks, monkeypatch):
    seed = random.randrange(1 << 30)
    rng = random.Random(seed)
    separator, delimiter, enclose, escape = marks
    for _ in range(200):
        words = ["a", "bc", " ", "  x ", "", "1.5", "\\N", "\xe9"] * 3 + [enclose, enclose * 2, escape, separator,
                                                                      delimiter, separator[:1], delimiter[:1]]
        fields = [enclose + "".join(rng.choice(words) for _ in range(rng.randrange(4))) + enclose if rng.random() < .6
                  else rng.choice(words) + rng.choice(words) for _ in range(rng.randrange(60))]
        text = "".join(f + (delimiter if n % 3 == 2 else separator) for n, f in enumerate(fields)).encode()
        options = dict(column_separator=separator, row_delimiter=delimiter, enclose=enclose, escape=escape,
                       trim_space=rng.random() < .4, skip_header=rng.choice([0, 0, 1]))
        quick = flat(blocks(csv(**options), text, iter(lambda: rng.choice([7, 100, 1000]), None)))
        with monkeypatch.context() as patched:
            patched.setattr(QuotedRows, "_simple", lambda *_: None)
            assert quick == flat(blocks(csv(**options), text, iter(lambda: 1 << 30, None))), f"seed {seed}"
