"""Reads types and column definitions of CREATE and ALTER, and checks what they may be."""
import re

from rockpool.catalog import Column
from rockpool.errors import SqlError
from rockpool.loads.convert import FAILED, from_text
from rockpool.sqltypes import SqlType, scalar

AGGREGATIONS = ("SUM", "MAX", "MIN", "REPLACE", "REPLACE_IF_NOT_NULL", "HLL_UNION", "BITMAP_UNION", "PERCENTILE_UNION")
NO_DEFAULT = {"ARRAY", "MAP", "STRUCT", "JSON", "VARBINARY", "BITMAP", "HLL", "PERCENTILE"}
COLUMN_NAME = re.compile(r"[^\0=<>!\*]{1,1024}")


def analyzing(text, code=1064):
    return SqlError(f"Getting analyzing error. Detail message: {text}", code)


def read_type(reader):
    word = reader.name().upper()
    if word in ("ARRAY", "MAP", "STRUCT"):
        reader.expect("<")
        found = _struct(reader) if word == "STRUCT" else SqlType(word, parts=tuple(
            read_type(reader) for _ in _commas(reader, 1 if word == "ARRAY" else 2)))
        reader.expect(">")
        return found
    arguments = []
    if reader.accept("("):
        while not reader.accept(")"):
            if reader.accept("*"):
                arguments.append(1048576)
            else:
                arguments.append(reader.integer())
            if not reader.sees(")"):
                reader.expect(",")
    reader.accept("SIGNED")
    if reader.accept("UNSIGNED"):
        raise reader.unexpected("a signed type")
    try:
        return scalar(word, *arguments)
    except ValueError as e:
        raise analyzing(f"{e}.") from None


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
        if not reader.accept(","):
            return SqlType("STRUCT", parts=tuple(parts), names=tuple(names))


def read_column(reader):
    """name type [KEY] [aggregation] [NULL | NOT NULL] [DEFAULT …] [AUTO_INCREMENT] [AS (…)] [COMMENT "…"]"""
    name = reader.name()
    if not COLUMN_NAME.fullmatch(name) or name.lower() in ("__op", "__row") or name.startswith("__starrocks_shadow_"):
        raise analyzing(f"Incorrect column name '{name}'.", 1166)
    column = Column(name, read_type(reader), born=name)
    column.null_given = None
    column.key_given = False
    while True:
        if reader.accept("KEY"):
            column.key_given = True
        elif reader.token.upper in AGGREGATIONS:
            column.aggregation = reader.next().upper
        elif reader.accept("NOT", "NULL"):
            column.nullable, column.null_given = False, False
        elif reader.accept("NULL"):
            column.nullable, column.null_given = True, True
        elif reader.accept("DEFAULT"):
            _default(reader, column)
        elif reader.accept("AUTO_INCREMENT"):
            column.auto_increment = True
        elif reader.accept("AS"):
            column.generated = _generated(reader)
        elif reader.accept("COMMENT"):
            column.comment = reader.string()
        elif reader.accept("CHARACTER", "SET") or reader.accept("CHARSET") or reader.accept("COLLATE"):
            reader.next()
        else:
            break
    check_column(column)
    return column


def _default(reader, column):
    if reader.accept("NULL"):
        column.default = None
        column.default_null = True
        return
    if reader.accept("("):
        name = reader.name()
        reader.expect("(", ")", ")")
        column.default, column.default_is_function = f"({name}())".lower(), True
        column.default = f"{name.lower()}()"
        return
    if reader.token.upper in ("CURRENT_TIMESTAMP", "NOW"):
        reader.next()
        if reader.accept("("):
            if not reader.sees(")"):
                reader.integer()
            reader.expect(")")
        column.default, column.default_is_function = "CURRENT_TIMESTAMP", True
        return
    if reader.sees("UUID", "(", ")") or reader.sees("UUID_NUMERIC", "(", ")"):
        column.default, column.default_is_function = f"{reader.next().text.lower()}()", True
        reader.expect("(", ")")
        return
    sign = "-" if reader.accept("-") else ""
    token = reader.next()
    if token.kind not in ("string", "number") and token.upper not in ("TRUE", "FALSE"):
        reader.at -= 1
        raise reader.unexpected("a default value")
    column.default = sign + token.value


def _generated(reader):
    if reader.sees("("):
        return reader.bracketed()
    start, stop, depth = reader.token.start, reader.token.stop, 0
    while reader.token.kind != "end":
        if depth == 0 and (reader.token.upper in (",", ")", "COMMENT")):
            break
        depth += (reader.token.upper == "(") - (reader.token.upper == ")")
        stop = reader.next().stop
    return reader.text[start:stop]


def check_column(column):
    kind = column.type
    if kind.name == "TIME":
        raise analyzing(f"Type:TIME of column:{column.name} does not support.")
    if column.auto_increment:
        if kind.name != "BIGINT":
            raise analyzing("The AUTO_INCREMENT column must be BIGINT.")
        if column.null_given is True:
            raise analyzing(f"AUTO_INCREMENT column {column.name} must be NOT NULL.")
        column.nullable = False
    if getattr(column, "default_null", False) and not column.nullable:
        raise analyzing(f"Can not set null default value to non nullable column: {column.name}")
    if column.default is not None:
        check_default(column)


def check_default(column):
    kind, text = column.type, column.default
    if column.default_is_function:
        name = text.lower()
        good = (name == "current_timestamp" and kind.name == "DATETIME"
                or name == "uuid()" and kind.name == "VARCHAR" and kind.length >= 36
                or name == "uuid_numeric()" and kind.name == "LARGEINT")
        if not good:
            raise analyzing(f"Default value function {text} not support in {kind.shown()} type column: {column.name}.")
        return
    if kind.name in NO_DEFAULT and text != "":
        if kind.name == "JSON" and from_text(kind)(text) is not FAILED:
            return
        if kind.name in ("HLL", "BITMAP", "VARBINARY"):
            raise analyzing(f"Type '{kind.name}' only supports empty string as default value of column: {column.name}.")
        if not kind.parts:
            raise analyzing(f"Invalid default value for '{column.name}'.")
    elif from_text(kind)(text) is FAILED:
        raise analyzing(f"Invalid default value for '{column.name}': {text}.")


def default_shown(column):
    """The DEFAULT part of SHOW CREATE TABLE."""
    if not column.has_default:
        return ""
    if column.default_is_function:
        return f" DEFAULT {column.default}" if column.default == "CURRENT_TIMESTAMP" else f" DEFAULT ({column.default})"
    return ' DEFAULT "' + column.default.replace('"', '\\"') + '"'


def column_shown(column, is_key=False, aggregated=False):
    parts = [f"`{column.name}` {column.type.shown()}"]
    if aggregated and column.aggregation:
        parts.append(column.aggregation)
    parts.append("NULL" if column.nullable else "NOT NULL")
    if column.auto_increment:
        parts.append("AUTO_INCREMENT")
    text = " ".join(parts) + default_shown(column)
    if column.generated:
        text += f" AS {column.generated}"
    comment = column.comment.replace('"', '\\"')
    return f'{text} COMMENT "{comment}"'
