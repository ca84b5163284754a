"""The verifier must find what differs and nothing else; it is what every other test trusts."""
import pytest

from tests.support import canonical, verify


class FakeSide:
    def __init__(self, columns, rows):
        self._columns, self._rows = columns, rows

    def columns(self, _table):
        return [verify.Column(name, kind) for name, kind in self._columns]

    def column_types(self, _table):
        return dict(self._columns)

    def rows(self, _table, columns):
        side = 0 if columns and hasattr(self, "is_source") else 1
        turns = [canonical.of_column(c.source_type, c.target_type)[side] for c in columns]
        for row in self._rows:
            yield tuple(None if cell is None else turn(cell) for cell, turn in zip(row, turns))


def compared(source_columns, source_rows, target_columns, target_rows):
    source = FakeSide(source_columns, source_rows)
    source.is_source = True
    return verify.compare_table(source, FakeSide(target_columns, target_rows), "public.t", "demo.t")


KEYED = [("id", "integer"), ("name", "text")]
KEYED_THERE = [("id", "int"), ("name", "varchar(1048576)")]


def test_equal_rows_in_another_order_are_identical():
    result = compared(KEYED, [("1", "a"), ("2", None)], KEYED_THERE, [("2", None), ("1", "a")])
    assert result.identical and result.rows == 2


@pytest.mark.parametrize("target_rows, says", [
    ([("1", "a")], "only in the source"),
    ([("1", "a"), ("2", "b"), ("3", "c")], "only in the target"),
    ([("1", "a"), ("2", "B")], "name='B'"),
    ([("1", "a"), ("2", None)], "name=NULL"),
    ([("1", "a"), ("2", "")], "name=''"),
])
def test_a_differing_row_is_found_and_shown(target_rows, says):
    result = compared(KEYED, [("1", "a"), ("2", "b")], KEYED_THERE, target_rows)
    assert not result.identical
    assert says in str(result)


def test_a_doubled_row_of_a_table_without_a_key_is_found():
    result = compared(KEYED, [("1", "a")], KEYED_THERE, [("1", "a"), ("1", "a")])
    assert "1 rows only in the target" in str(result)


def test_a_missing_and_a_foreign_column_are_found():
    result = compared(KEYED, [], [("id", "int"), ("other", "int")], [])
    assert "column name is missing in the target" in str(result)
    assert "columns only in the target: other" in str(result)


def test_columns_that_walrock_adds_to_append_only_tables_are_no_difference():
    assert compared(KEYED, [("1", "a")], KEYED_THERE + [("_walrock_end_lsn", "bigint")], [("1", "a")]).identical


@pytest.mark.parametrize("source_type, target_type, source_text, target_value", [
    ("boolean", "boolean", "t", "1"),
    ("boolean", "tinyint(1)", "f", "0"),
    ("integer", "int(11)", "-5", "-5"),
    ("numeric(10,2)", "decimal(10, 2)", "1.50", "1.50"),
    ("numeric(10,2)", "decimal128(12,4)", "1.50", "1.5000"),
    ("numeric", "varchar(65533)", "1.50", "1.50"),
    ("double precision", "double", "1e-320", "1e-320"),
    ("real", "float", "0.1", "0.100000001"),
    ("timestamp without time zone", "datetime", "2024-01-02 03:04:05.5", "2024-01-02 03:04:05.500000"),
    ("timestamp(0) without time zone", "datetime", "2024-01-02 03:04:50", "2024-01-02 03:04:50"),
    ("timestamp with time zone", "datetime", "2024-01-02 03:04:05+00", "2024-01-02 03:04:05"),
    ("date", "date", "2024-01-02", "2024-01-02"),
    ("uuid", "varchar(36)", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("jsonb", "json", '{"b": 1.0, "a": [1, null]}', '{"a": [1, null], "b": 1}'),
    ("json", "varchar(65533)", '{"b":  1}', '{"b":  1}'),
    ("bytea", "varbinary", "\\x00ff", b"\x00\xff"),
    ("bytea", "varchar(100)", "\\x00ff", "00ff"),
    ("integer[]", "array<int(11)>", "[1, null]", "[1,null]"),
    ("character(3)", "varchar(12)", "a  ", "a  "),
])
def test_equal_values_of_a_type_are_equal(source_type, target_type, source_text, target_value):
    of_source, of_target = canonical.of_column(source_type, target_type)
    assert of_source(source_text) == of_target(target_value)


@pytest.mark.parametrize("source_type, target_type, source_text, target_value", [
    ("boolean", "boolean", "t", "0"),
    ("numeric(10,2)", "decimal(10, 2)", "1.50", "1.51"),
    ("numeric", "varchar(65533)", "1.50", "1.5"),
    ("timestamp without time zone", "datetime", "2024-01-02 03:04:05.123456", "2024-01-02 03:04:05"),
    ("timestamp with time zone", "datetime", "2024-01-02 03:04:05+00", "2024-01-02 04:04:05"),
    ("jsonb", "json", '{"a": 1}', '{"a": "1"}'),
    ("bytea", "varbinary", "\\x00ff", b"\x00\xfe"),
    ("text", "varchar(65533)", "a", "a "),
    ("double precision", "double", "0.1", "0.10000000000000002"),
])
def test_different_values_of_a_type_are_different(source_type, target_type, source_text, target_value):
    of_source, of_target = canonical.of_column(source_type, target_type)
    assert of_source(source_text) != of_target(target_value)


@pytest.mark.parametrize("cell, text", [
    ("plain", "plain"), (r"a\tb", "a\tb"), (r"a\\b", "a\\b"), (r"\\N", "\\N"), (r"\\\\", "\\\\"),
    (r"\\n", "\\n"), (r"x\ny\\", "x\ny\\"), (r"\\\n", "\\\n"),
])
def test_the_escapes_of_copy_are_undone(cell, text):
    assert verify.unescape(cell) == text
