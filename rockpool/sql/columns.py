"""Reads types and column definitions of CREATE and ALTER, and checks what they may be."""
import difflib
import re

from rockpool.catalog import Column
from rockpool.errors import SqlError
from rockpool.sql.analysis import analyzing, syntax
from rockpool.sql.defaults import check_default, default_shown, read_default
from rockpool.sqltypes import ALIASES, NESTED, OPAQUE, SCALARS, SqlType, scalar

AGGREGATIONS = ("SUM", "MAX", "MIN", "REPLACE", "REPLACE_IF_NOT_NULL", "HLL_UNION", "BITMAP_UNION", "PERCENTILE_UNION")
UNIONS = {"HLL_UNION": "HLL", "BITMAP_UNION": "BITMAP", "PERCENTILE_UNION": "PERCENTILE"}
COLUMN_NAME = re.compile(r"[^\0=<>!\*]{1,1024}")
RESERVED = ("__op", "__row")
NUMBERS = {"TINYINT", "SMALLINT", "INT", "BIGINT", "LARGEINT", "FLOAT", "DOUBLE", "DECIMAL"}
MAX_DECIMAL = 38  # 76 from 4.0


# ---------------------------------------------------------------- types
def read_type(reader):
    word = reader.name().upper()
    if word in NESTED:
        reader.expect("<")
        found = _struct(reader) if word == "STRUCT" else SqlType(word, parts=tuple(
            read_type(reader) for _ in _commas(reader, 1 if word == "ARRAY" else 2)))
        reader.expect(">")
        return found
    if ALIASES.get(word, word) not in SCALARS:
        reader.at -= 1
        known = sorted({*SCALARS, *NESTED})
        raise reader.unexpected(*(difflib.get_close_matches(word, known, 3) or ["a type"]))
    arguments = _arguments(reader)
    reader.accept("SIGNED")
    if reader.accept("UNSIGNED"):
        reader.at -= 1
        raise reader.unexpected("','", "')'")
    try:
        return scalar(word, *arguments)
    except ValueError as e:
        raise analyzing(str(e)) from None


def _arguments(reader):
    """The numbers behind a type's name; * is the longest length."""
    found = []
    if reader.accept("("):
        while not reader.accept(")"):
            found.append(1048576 if reader.accept("*") else reader.integer())
            if not reader.sees(")"):
                reader.expect(",")
    return found


def _commas(reader, count):
    for n in range(count):
        if n:
            reader.expect(",")
        yield n


def _struct(reader):
    names, parts = [], []
    while True:
        names.append(reader.name())
        reader.accept(":")
        parts.append(read_type(reader))
        if reader.accept("COMMENT"):
            reader.string()
        if not reader.accept(","):
            break
    if len({n.lower() for n in names}) != len(names):
        raise analyzing("struct contains duplicate subfield name")
    return SqlType("STRUCT", parts=tuple(parts), names=tuple(names))


def check_version(kind, version):
    """What types a version does not have yet."""
    for part in kind.parts:
        check_version(part, version)
    if kind.name == "DECIMAL" and kind.precision > MAX_DECIMAL and not version.since(4):
        raise analyzing("DECIMAL's precision should range from 1 to 38")
    if kind.name in ("MAP", "STRUCT") and not version.since(3, 1):
        raise analyzing(f"Unsupported type: {kind.name}")
    if kind.name == "VARBINARY" and not version.since(3):
        raise analyzing("Unsupported type: VARBINARY")


# ---------------------------------------------------------------- definitions
def read_column(reader):
    """name type [KEY] [aggregation] [NULL | NOT NULL] [DEFAULT … | AUTO_INCREMENT | AS …] [COMMENT "…"]"""
    first = reader.token
    name = reader.identifier()
    check_name(name)
    column = Column(name, read_type(reader), born=name)
    column.null_given, column.key_given = None, False
    while _attribute(reader, column):
        pass
    column.place = (reader, first, reader.tokens[reader.at - 1])
    return column


def check_name(name):
    if name.lower() in RESERVED:
        raise analyzing(f"Column name [{name}] is a system reserved name. Please choose a different one. Incorrect column "
                        f"name '{name}'.", 1166)
    if not COLUMN_NAME.fullmatch(name) or name.startswith("__starrocks_shadow_"):
        raise analyzing(f"Incorrect column name '{name}'.", 1166)


def _attribute(reader, column):
    """Reads one attribute; False when there is none."""
    if reader.accept("KEY"):
        column.key_given = True
    elif reader.token.upper in AGGREGATIONS:
        column.aggregation = reader.next().upper
    elif reader.accept("NOT", "NULL"):
        column.nullable, column.null_given = False, False
    elif reader.accept("NULL"):
        column.nullable, column.null_given = True, True
    elif reader.accept("DEFAULT"):
        read_default(reader, column)
    elif reader.accept("AUTO_INCREMENT"):
        column.auto_increment = True
    elif reader.sees("AS"):
        _generated(reader, column)
    elif reader.accept("COMMENT"):
        column.comment = reader.string()
    elif reader.accept("CHARACTER", "SET") or reader.accept("CHARSET") or reader.accept("COLLATE"):
        _charset(reader, column)
    else:
        return False
    return True


def _charset(reader, column):
    name = reader.string()
    if not column.type.is_text:
        raise analyzing("character setting is only supported for type varchar in column definition")
    if name.lower() not in ("utf8", "utf8mb4", "utf8_general_ci", "utf8mb4_general_ci", "utf8_bin", "utf8mb4_bin"):
        raise analyzing(f"Unknown charset name: {name}")


def _generated(reader, column):
    """AS (expression) or AS expression."""
    if column.has_default or column.auto_increment:
        raise reader.unexpected("','", "')'")
    reader.expect("AS")
    if column.null_given is False:
        raise syntax("Generated Column must be nullable column.")
    if column.key_given:
        raise syntax("Generated Column can not be KEY.")
    if reader.token.upper in ("DEFAULT", "NOT", "COMMENT"):
        raise reader.unexpected("a legal identifier")
    if reader.sees("(") and _closes(reader):
        column.generated = reader.bracketed()
        return
    start, stop, depth = reader.token.start, reader.token.stop, 0
    while reader.token.kind != "end":
        if depth == 0 and reader.token.upper in (",", ")", "COMMENT", "AFTER", "FIRST"):
            break
        depth += (reader.token.upper == "(") - (reader.token.upper == ")")
        stop = reader.next().stop
    column.generated = reader.text[start:stop]


def _closes(reader):
    """Whether the bracket that comes next holds the whole expression."""
    at = reader.at
    reader.bracketed()
    whole = reader.token.kind == "end" or reader.token.upper in (",", ")", "COMMENT", "AFTER", "FIRST")
    reader.at = at
    return whole


# ---------------------------------------------------------------- checks
def check_column(column, version, of_alter=False):
    """Raises what the server says of a definition that cannot be."""
    try:
        _check(column, version)
    except SqlError as e:
        if not of_alter or not e.text.startswith("Getting analyzing error. Detail"):
            raise
        detail = e.text.split("Detail message: ", 1)[1]
        raise analyzing(f"Column definition is wrong. {detail}", e.code, column.place) from None


def _check(column, version):
    kind = column.type
    check_version(kind, version)
    if kind.name == "TIME":
        raise analyzing(f"Type:TIME of column:{column.name} does not support.")
    if column.auto_increment:
        _check_auto_increment(column, version)
    if column.key_given:
        check_key_type(column)
    if column.aggregation:
        _check_aggregation(column)
    if getattr(column, "default_null", False) and not column.nullable:
        raise analyzing(f"Can not set null default value to non nullable column: {column.name}")
    if column.default is not None:
        check_default(column, version)


def _check_auto_increment(column, version):
    if not version.since(3):
        raise analyzing("AUTO_INCREMENT is not supported")
    if column.type.name != "BIGINT":
        raise analyzing("The AUTO_INCREMENT column must be BIGINT")
    if column.null_given is True:
        raise analyzing(f"AUTO_INCREMENT column {column.name} must be NOT NULL")
    column.nullable = False


def check_key_type(column):
    kind = column.type
    if kind.name in ("FLOAT", "DOUBLE"):
        raise analyzing(f"Invalid data type of key column '{column.name}': '{kind.name}', use decimal instead")
    if not kind.is_key_type:
        raise analyzing(f"Invalid data type of key column '{column.name}': '{kind.described().upper()}'")


def _check_aggregation(column):
    kind, name = column.type, column.aggregation
    if column.key_given:
        raise analyzing(f"Cannot specify aggregate function '{name}' for key column '{column.name}'")
    good = (kind.name == UNIONS[name] if name in UNIONS else kind.name in NUMBERS if name == "SUM" else
            not kind.parts and kind.name not in OPAQUE and kind.name not in ("JSON", "VARBINARY")
            if name in ("MIN", "MAX") else True)
    if not good:
        raise analyzing(f"Invalid aggregate function '{name}' for '{column.name}'")
    if name == "SUM" and kind.name == "DECIMAL":  # sums of decimals are kept as wide as they can be
        column.type = SqlType("DECIMAL", precision=max(38, kind.precision), scale=kind.scale)
    if name == "REPLACE_IF_NOT_NULL":
        column.nullable = True


def finish_column(column):
    """Takes away what only the reading of a statement needed."""
    for extra in ("null_given", "key_given", "default_null", "place"):
        column.__dict__.pop(extra, None)


# ---------------------------------------------------------------- shown
def type_shown(kind, version=None):
    """A type as SHOW CREATE TABLE prints it; before 3.3 a decimal says how it is stored."""
    text = kind.shown()
    if version is None or version.since(3, 3):
        return text
    return re.sub(r"decimal\((\d+), (\d+)\)", lambda m: f"decimal{32 if int(m[1]) <= 9 else 64 if int(m[1]) <= 18 else 128}"
                  f"({m[1]}, {m[2]})", text)


def column_shown(column, aggregated=False, version=None):
    """A column as SHOW CREATE TABLE prints it."""
    parts = [f"`{column.name}` {type_shown(column.type, version)}"]
    if aggregated and column.aggregation:
        parts.append(column.aggregation)
    parts.append("NULL" if column.nullable else "NOT NULL")
    if column.auto_increment:
        parts.append("AUTO_INCREMENT")
    text = " ".join(parts) + default_shown(column)
    if column.generated:
        text += f" AS {column.generated}"
    return f'{text} COMMENT "{escaped(column.comment)}"'


def escaped(text):
    """A comment in double quotes: backslashes, quotes and line ends are escaped."""
    return (text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t"))
