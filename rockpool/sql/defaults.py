"""DEFAULT of a column: how it is written, what it may be for which type, how it is shown."""
import json
import re

from rockpool.loads.convert import FAILED, from_text
from rockpool.sql.analysis import analyzing

EMPTY_ONLY = {"HLL", "BITMAP", "VARBINARY"}
FUNCTIONS = {"uuid", "uuid_numeric", "now", "current_timestamp"}
BOOLEANS = {"true", "false", "1", "0"}


def read_default(reader, column):
    """Everything behind DEFAULT. A literal is kept as its text, a function by its name."""
    if reader.accept("NULL"):
        column.default, column.default_null = None, True
        return
    if reader.token.upper in ("CURRENT_TIMESTAMP", "NOW"):
        reader.next()
        column.default, column.default_is_function = "CURRENT_TIMESTAMP", True
        column.default_precision = _precision(reader)
        return
    if reader.accept("("):
        name = reader.name().lower()
        reader.expect("(", ")", ")")
        column.default, column.default_is_function = f"{name}()", True
        if name in ("now", "current_timestamp"):
            column.default = "CURRENT_TIMESTAMP"
        return
    if reader.sees("UUID", "(", ")") or reader.sees("UUID_NUMERIC", "(", ")"):
        column.default, column.default_is_function = f"{reader.next().text.lower()}()", True
        reader.expect("(", ")")
        return
    if column.type.parts and reader.token.kind != "string":
        column.default = _nested(reader)
        return
    sign = "-" if reader.accept("-") else ""
    token = reader.next()
    if token.kind not in ("string", "number") and token.upper not in ("TRUE", "FALSE"):
        reader.at -= 1
        raise reader.unexpected("a default value")
    column.default = sign + token.value


def _precision(reader):
    if not reader.accept("("):
        return 0
    digits = 0 if reader.sees(")") else reader.integer()
    reader.expect(")")
    if not 0 <= digits <= 6:
        raise analyzing(f"precision must be between 0 and 6, but got {digits}")
    return digits


def _nested(reader):
    """[…], map{…} or row(…) as the text that the reader of nested values knows: brackets and JSON strings."""
    parts, depth = [], 0
    closers = {"[": "]", "{": "}", "(": "]"}
    stack = []
    while reader.token.kind != "end":
        token = reader.token
        if depth == 0 and (token.upper in (",", ")", "COMMENT", "AFTER", "FIRST")):
            break
        reader.next()
        if token.upper in ("MAP", "ROW"):
            continue
        if token.upper in closers and token.kind == "op":
            stack.append(closers[token.upper])
            parts.append("[" if token.upper == "(" else token.upper)
            depth += 1
        elif token.kind == "op" and token.upper in ("]", "}", ")"):
            parts.append(stack.pop() if stack else token.upper)
            depth -= 1
        elif token.kind == "string":
            parts.append(json.dumps(token.value, ensure_ascii=False))
        else:
            parts.append(token.text.lower() if token.upper in ("TRUE", "FALSE", "NULL") else token.text)
    return "".join(parts)


# ---------------------------------------------------------------- checks
def check_default(column, version):
    kind, text = column.type, column.default
    if column.default_is_function:
        return _check_function(column, version)
    if kind.parts:
        if not version.since(4, 1):
            raise _invalid(column, f"Cannot add default value for type '{kind.described().upper()}'")
        column.default = struct_text(kind, text)
        return None
    if kind.name in EMPTY_ONLY:
        if not version.since(4, 1):
            raise _invalid(column, f"Cannot add default value for type '{kind.name}'")
        if text != "":
            raise _invalid(column, f"Type '{kind.name}' only supports empty string \"\" as default value")
        return None
    if kind.name == "JSON":
        return _check_json(column, version)
    if kind.name == "PERCENTILE":
        raise _invalid(column, f"Cannot add default value for type '{kind.name}'")
    return _check_scalar(column)


def _check_scalar(column):
    kind, text = column.type, column.default
    if kind.is_text:
        if len(text) > kind.length:
            raise _invalid(column, f"Default value is too long: {text}")
    elif kind.name == "BOOLEAN":
        if text.lower() not in BOOLEANS:
            raise _invalid(column, f"Invalid BOOLEAN literal: {text}")
    elif kind.is_integer and re.fullmatch(r"[+-]?\d+", text):
        if from_text(kind)(text) is FAILED:
            raise _invalid(column, f"Number out of range[{text}]. type: {kind.name}")
    elif from_text(kind)(text) is FAILED:
        raise _invalid(column, f"date literal [{text}] is invalid" if kind.name in ("DATE", "DATETIME") else
                       f"Invalid number format: {text}")


def _check_json(column, version):
    if not version.since(4, 1):
        raise _invalid(column, "Cannot add default value for type 'JSON'")
    try:
        json.loads(column.default)
    except ValueError as e:
        raise _invalid(column, f"Invalid JSON format for default value: {column.default}. Error: {e}") from None


def _check_function(column, version):
    kind, name = column.type, column.default.lower().removesuffix("()")
    if name not in FUNCTIONS:
        raise _invalid(column, f"Default expr for function {name} is not supported")
    if name == "current_timestamp" and kind.name != "DATETIME":
        raise _invalid(column, f"Default function now() for type {kind.described().upper()} is not supported in "
                       f"{kind.shown()} type column: {column.name}" if not version.since(3) else
                       f"Default function now() for type {kind.described().upper()} is not supported")
    if name == "uuid" and kind.name != "VARCHAR":
        raise _invalid(column, f"Default function uuid() for type {kind.described().upper()} is not supported")
    if name == "uuid" and kind.length < 36:
        raise _invalid(column, "Varchar type length must be greater than 36 for uuid function")
    if name == "uuid_numeric" and kind.name != "LARGEINT":
        raise _invalid(column, f"Default function uuid_numeric() for type {kind.described().upper()} is not supported")


def _invalid(column, reason):
    return analyzing(f"Invalid default value for '{column.name}': {reason}")


def struct_text(kind, text):
    """The text of a nested default with row(…) spelt by field names, or the error that it does not fit."""
    try:
        value = _parsed(text)
        return json.dumps(_fitted(kind, value), ensure_ascii=False, separators=(",", ":")) \
            if kind.name != "MAP" else text
    except (ValueError, TypeError, KeyError):
        raise analyzing(f"Invalid default value: Default value type cannot be cast to column type "
                        f"{kind.described().upper()}") from None


def _parsed(text):
    return json.loads(re.sub(r"([{,])\s*(-?[\d.]+)\s*:", r'\1"\2":', text))


def _fitted(kind, value):
    if kind.name == "ARRAY":
        return [_fitted(kind.parts[0], v) for v in value]
    if kind.name == "MAP":
        return {k: _fitted(kind.parts[1], v) for k, v in value.items()}
    if kind.name == "STRUCT":
        if isinstance(value, dict):
            return {n: _fitted(p, value[n]) for n, p in zip(kind.names, kind.parts)}
        if len(value) != len(kind.parts):
            raise ValueError("fields")
        return {n: _fitted(p, v) for n, p, v in zip(kind.names, kind.parts, value)}
    if isinstance(value, (list, dict)):
        raise ValueError("nested")
    return value


def nested_sql(kind, text):
    """A nested default as a DuckDB expression."""
    return f"CAST({_sql(kind, _parsed(text))} AS {kind.duckdb()})"


def _sql(kind, value):
    if value is None:
        return "NULL"
    if kind.name == "ARRAY":
        return "[" + ", ".join(_sql(kind.parts[0], v) for v in value) + "]"
    if kind.name == "MAP":
        pairs = ", ".join(f"{_sql(kind.parts[0], k)}: {_sql(kind.parts[1], v)}" for k, v in value.items())
        return f"MAP {{{pairs}}}"
    if kind.name == "STRUCT":
        values = value if isinstance(value, list) else [value[n] for n in kind.names]
        return "{" + ", ".join(f"'{n}': {_sql(p, v)}" for n, p, v in zip(kind.names, kind.parts, values)) + "}"
    if isinstance(value, bool):
        return str(value).lower()
    return "CAST('" + str(value).replace("'", "''") + f"' AS {kind.duckdb()})"


# ---------------------------------------------------------------- shown
def default_shown(column):
    """The DEFAULT part of SHOW CREATE TABLE."""
    if not column.has_default:
        return ""
    if column.default_is_function:
        if column.default == "CURRENT_TIMESTAMP":
            digits = column.default_precision
            return f" DEFAULT current_timestamp({digits})" if digits else " DEFAULT CURRENT_TIMESTAMP"
        return f" DEFAULT ({column.default})"
    if column.type.parts:
        return f" DEFAULT {column.default}"
    text = column.default.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f' DEFAULT "{text}"'
