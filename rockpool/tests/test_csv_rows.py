"""CSV framing: version 1 splits, version 2 is the server's state machine with its traps."""
import random

import pytest

from rockpool.loads import csv_rows
from rockpool.loads.csv_rows import Csv
from rockpool.loads.options import LoadOptions, delimiter, ratio, read
from rockpool.errors import LoadError
from rockpool.version import Version


def rows(body, width, chunk=None, **options):
    """(rows, number refused) of a body."""
    csv = Csv(LoadOptions(**{"column_separator": ",", **options}), width)
    body = body.encode() if isinstance(body, str) else body
    blocks = []
    for at in range(0, len(body), chunk or max(1, len(body))):
        blocks.append(csv.feed(body[at:at + chunk] if chunk else body))
    blocks.append(csv.finish())
    found, refused = [], 0
    for block in filter(None, blocks):
        found += [list(r) for r in zip(*(c.to_pylist() for c in block.columns))]
        refused += block.refused_count
    return found, refused


def test_null_is_backslash_n_alone():
    assert rows("1,\\N\n2,\n3,\\n\n4,a\\N\n", 2)[0] == [["1", None], ["2", ""], ["3", "\\n"], ["4", "a\\N"]]


def test_blank_lines_are_skipped_and_the_last_row_may_lack_its_delimiter():
    assert rows("\n1,a\n\n\n2,b", 2) == ([["1", "a"], ["2", "b"]], 0)


def test_a_wrong_number_of_fields_is_refused():
    assert rows("1,a\n2\n3,c,d\n4,e\n", 2) == ([["1", "a"], ["4", "e"]], 2)


def test_a_row_may_be_so_long(monkeypatch):
    assert csv_rows.MAX_ROW == 512 << 20
    monkeypatch.setattr(csv_rows, "MAX_ROW", 20)
    assert rows("1,aaaaaaaa\n2,bbbbbbbb\n", 2, chunk=4)[0] == [["1", "aaaaaaaa"], ["2", "bbbbbbbb"]]
    with pytest.raises(LoadError) as failed:
        rows("1," + "a" * 40 + "\n", 2, chunk=4)
    assert failed.value.message == "CSV line length exceed limit 20"


def test_invalid_utf8_refuses_the_row_alone():
    assert rows(b"1,a\n2,\xff\n3,\xf0\x9f\xa6\x80\n", 2) == ([["1", "a"], ["3", "🦀"]], 1)


def test_quotes_are_plain_bytes_without_enclose():
    assert rows('1,"x"\n', 2)[0] == [["1", '"x"']]
    assert rows('1,"x,y"\n', 2) == ([], 1)


def test_long_delimiters():
    assert rows("1§|a,b\r\n2§|c\r\n", 2, column_separator="§|", row_delimiter="\r\n")[0] == [["1", "a,b"], ["2", "c"]]


def test_carriage_returns_are_data():
    assert rows("1,a\r\n", 2)[0] == [["1", "a\r"]]


def test_trim_space_takes_blanks_and_not_tabs():
    assert rows(" 1 , \ta \n", 2, trim_space=True)[0] == [["1", "\ta"]]


def test_skip_header_counts_rows():
    assert rows("h\nx,y\n1,a\n", 2, skip_header=2)[0] == [["1", "a"]]
    assert rows("h\n", 2, skip_header=5)[0] == []


@pytest.mark.parametrize("many", [1, 100])
@pytest.mark.parametrize("chunk", [1, 3, 7, 64])
def test_chunks_may_cut_anywhere(chunk, many):
    body = "1\x01\x02ab\x03\x042\x01\x02\\N\x03\x04" * many
    assert rows(body, 2, chunk=chunk, column_separator="\x01\x02", row_delimiter="\x03\x04")[0] == [
        ["1", "ab"], ["2", None]] * many


@pytest.mark.parametrize("seed", range(8))
def test_many_rows_give_what_few_rows_give(seed):
    """The quick way against the slow one: the same rows in one large body and one by one."""
    source = random.Random(seed)
    pieces = ["", "a", "\\N", "\\n", "é", "🦀", " b ", "\r", '"', "\\", "x" * 50, "N", "\x00"]
    lines = [",".join(source.choice(pieces) for _ in range(3 if seed % 2 else source.choice((3, 3, 3, 2, 4))))
             for _ in range(500)]
    for trim in (False, True):
        together, refused = rows("\n".join(lines) + "\n", 3, trim_space=trim)
        apart = [rows(line + "\n", 3, trim_space=trim) for line in lines]
        assert together == [r for found, _ in apart for r in found], f"seed {seed}"
        assert refused == sum(n for _, n in apart)


# ---------------------------------------------------------------- version 2
def quoted(body, width=2, **options):
    return rows(body, width, enclose='"', **options)[0]


def test_enclosed_fields_hold_delimiters_newlines_and_doubled_quotes():
    assert quoted('1,"a,b"\n2,"two\nlines"\n3,"say ""hi"""\n') == [["1", "a,b"], ["2", "two\nlines"], ["3", 'say "hi"']]


def test_an_enclosed_null_marker_is_still_null():
    assert quoted('1,"\\N"\n') == [["1", None]]


def test_with_escape_the_null_marker_becomes_the_letter():
    assert rows("1,\\N\n", 2, escape="\\")[0] == [["1", "N"]]


def test_escape_drops_itself_and_has_no_c_meanings():
    assert rows("1,a\\,b\n2,c\\nd\n", 2, escape="\\")[0] == [["1", "a,b"], ["2", "cnd"]]


def test_escape_before_a_plain_byte_forgets_the_quotes():
    """The delimiter behind it splits, the field loses its last byte for the quote it never met, and the closing quote
    makes the byte behind it literal; at the end of a body that byte is cut off as the delimiter of the row."""
    assert quoted('1,"a\\bd,c"\n', 3, escape="\\") == [["1", "ab", "c"]]
    assert quoted('1,"a\\bd,c",e\n', 3, escape="\\") == [["1", "ab", "c,e"]]


def test_text_behind_a_closing_quote_keeps_the_quote_and_loses_its_end():
    assert quoted('1,"ab"cd\n') == [["1", 'ab"c']]


def test_pairs_of_quotes_at_the_beginning():
    assert quoted('1,""\n2,""x\n') == [["1", ""], ["2", '"x']]


def test_quotes_that_stay_open_swallow_the_rest():
    assert quoted('1,a\n2,"open\n3,c\n') == [["1", "a"], ["2", "open\n3,"]]


def test_escaped_delimiters_and_quotes():
    assert quoted('1,"a\\"b\\\\"\n2,x\\,y\\\nz\n', escape="\\") == [["1", 'a"b\\'], ["2", "x,y\nz"]]
    assert quoted('\n\n1,"a\n\nb"\n\n2,c') == [["1", "a\n\nb"], ["2", "c"]]


def test_trim_space_of_the_quoting_reader_takes_leading_blanks_and_those_behind_quotes():
    assert quoted('  1 ,  " a "  \n  2,b  \n', trim_space=True) == [["1 ", " a "], ["2", "b  "]]


def test_headers_are_lines_whatever_quotes_say():
    assert quoted('"a\nb",c\n1,d\n', skip_header=2) == [["1", "d"]]


def test_a_stray_enclose_outside_quotes_makes_the_next_byte_literal():
    assert quoted('1,a",b\n') == [["1", "a,b"]]


def test_trim_space_trims_around_quotes_not_inside():
    assert quoted('1 , " a " \n', trim_space=True)[0][1].startswith(" a")


# ---------------------------------------------------------------- headers
def test_delimiters_are_literal_or_hex():
    assert [delimiter(t) for t in ("\\x01", "0x0D0A", "\\X41", "\\t", ",")] == ["\x01", "\r\n", "A", "\\t", ","]
    for bad in ("\\x", "\\x1", "0xzz"):
        with pytest.raises(LoadError):
            delimiter(bad)


def test_the_filter_ratio_is_read_like_strtod():
    assert [ratio(t) for t in ("0.5", " 1", "1e-1x", "half", "")] == [0.5, 1, 0.1, 0, 0]


def headers(**given):
    return read(given, Version())


def refusal(**given):
    with pytest.raises(LoadError) as found:
        headers(**given)
    return found.value.message


def test_header_mistakes_are_named():
    assert refusal(format="xml") == "unknown data format, format=xml"
    assert refusal(timeout="0") == "Invalid timeout. Timeout should between 1 and 259200 seconds"
    assert refusal(timeout="x") == "Invalid timeout format"
    assert refusal(strict_mode="yes") == "Invalid strict mode format. Must be bool type"
    assert refusal(skip_header="-1") == "skip_header must be equal or greater than 0"
    assert refusal(column_separator="x" * 51) == "the column separator is limited to a maximum of 50 bytes"
    assert refusal(partitions="a", temporary_partitions="b") == "Can not specify both partitions and temporary partitions"
    assert "Only one of http header" in refusal(**{"compression": "gzip", "content-encoding": "gzip"})


def test_a_transaction_ignores_options_that_only_plain_loads_read():
    found = read({"skip_header": "x", "enclose": '"', "escape": "\\", "trim_space": "nonsense"}, Version(), True)
    assert (found.skip_header, found.enclose, found.escape, found.trim_space) == (0, "", "", False)


def test_compressed_csv_formats():
    assert {f: headers(format=f).compression for f in ("gzip", "LZ4", "zstd", "csv")} == {
        "gzip": "GZIP", "LZ4": "LZ4_FRAME", "zstd": "ZSTD", "csv": None}
