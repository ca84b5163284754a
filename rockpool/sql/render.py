"""DuckDB's values as StarRocks prints them, and the MySQL types that go with them."""
import numpy as np

from rockpool.loads.convert import parse_json, render_json
from rockpool.mysql import wire
from rockpool.mysql.wire import ResultColumn
from rockpool.sql.casts import to_text
from rockpool.sqltypes import MAX_VARCHAR, OPAQUE, SqlType

INTEGERS = {"tinyint": (wire.TINY, 4), "smallint": (wire.SHORT, 6), "integer": (wire.LONG, 11),
            "bigint": (wire.LONGLONG, 20), "utinyint": (wire.SHORT, 6), "usmallint": (wire.LONG, 11),
            "uinteger": (wire.LONGLONG, 20), "ubigint": (wire.STRING, 40), "uhugeint": (wire.STRING, 40)}
TIME = 11  # a MySQL type that no column can have
BY_NAME = {"TINYINT": "tinyint", "SMALLINT": "smallint", "INT": "integer", "BIGINT": "bigint"}


def column_of_type(name, kind):
    """The metadata of a column of a StarRocks type."""
    column = _declared(name, kind)
    column.sql_type = kind.shown()
    return column


def _declared(name, kind):
    if kind.name in BY_NAME:
        code, length = INTEGERS[BY_NAME[kind.name]]
        return ResultColumn(name, code, length, wire.BINARY)
    simple = {"BOOLEAN": (wire.TINY, 1, 63), "LARGEINT": (wire.STRING, 40, 33), "FLOAT": (wire.FLOAT, 12, 63, 31),
              "DOUBLE": (wire.DOUBLE, 22, 63, 31), "DATE": (wire.DATE, 10, 63), "DATETIME": (wire.DATETIME, 19, 63),
              "VARBINARY": (wire.BLOB, MAX_VARCHAR, 63), "JSON": (wire.STRING, MAX_VARCHAR, 33),
              "NULL": (wire.NULL, 0, 63), "TIME": (TIME, 10, 63), "BITMAP": (wire.STRING, MAX_VARCHAR, 33),
              "HLL": (wire.STRING, MAX_VARCHAR, 33), "PERCENTILE": (wire.STRING, MAX_VARCHAR, 33)}
    if kind.name in simple:
        return ResultColumn(name, *simple[kind.name])
    if kind.name == "DECIMAL":
        return ResultColumn(name, wire.NEWDECIMAL, kind.precision + 3 + (1 if kind.scale else 0), 63, kind.scale)
    if kind.name == "CHAR":
        return ResultColumn(name, wire.STRING, kind.length)
    return ResultColumn(name, wire.VAR_STRING, kind.length or MAX_VARCHAR, 63 if kind.parts else 33)


def sql_type(kind):
    """The StarRocks type of a DuckDB type."""
    word = kind.id
    named = {"boolean": "BOOLEAN", "tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INT", "bigint": "BIGINT",
             "hugeint": "BIGINT", "float": "FLOAT", "double": "DOUBLE", "date": "DATE", "blob": "VARBINARY"}
    if word in named:
        return SqlType(named[word])
    if word == "decimal":
        precision, scale = (value for _, value in kind.children)
        return SqlType("DECIMAL", precision=precision, scale=scale)
    if word.startswith("timestamp"):
        return SqlType("DATETIME")
    if str(kind) == "JSON":
        return SqlType("JSON")
    if word == "list":
        return SqlType("ARRAY", parts=(sql_type(kind.children[0][1]),))
    if word == "map":
        return SqlType("MAP", parts=tuple(sql_type(k) for _, k in kind.children))
    if word == "struct":
        return SqlType("STRUCT", parts=tuple(sql_type(k) for _, k in kind.children),
                       names=tuple(n for n, _ in kind.children))
    return SqlType("VARCHAR", MAX_VARCHAR if word == "varchar" else 65533)


def text_sql(name, kind, states=False):
    """The DuckDB expression that prints a value of a type; nested values and JSON are printed by rows(). BITMAP, HLL and
    PERCENTILE print as NULL; states: as they are kept, for statements that write what they read."""
    if kind.parts or kind.name in ("VARBINARY", "JSON", "VARCHAR", "CHAR"):
        return name if kind.name != "JSON" else f"{name}::VARCHAR AS {name}"
    if kind.name in OPAQUE:
        return name if states else f"NULL::VARCHAR AS {name}"
    return f"{to_text(name, kind)} AS {name}"


def rows(cursor, kinds):
    """All rows as lists of texts, bytes and None."""
    special = [(n, nested if k.parts else json_value) for n, k in enumerate(kinds) if k.parts or k.name == "JSON"]
    found = cursor.fetchall()
    if not special:
        return found
    result = []
    for row in found:
        row = list(row)
        for n, show in special:
            if row[n] is not None:
                row[n] = show(row[n], kinds[n])
        result.append(row)
    return result


def json_value(text, kind=None):
    try:
        return render_json(parse_json(text))
    except ValueError:
        return text


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def nested(value, kind):
    """[1,2,null], {"a":1}, {1:"x"}: without blanks, texts and dates quoted."""
    if value is None:
        return "null"
    if kind.name == "ARRAY":
        return "[" + ",".join(nested(v, kind.parts[0]) for v in value) + "]"
    if kind.name == "STRUCT":
        given = value.values() if isinstance(value, dict) else value
        return "{" + ",".join(f"{quoted(n)}:{nested(v, k)}" for n, v, k in zip(kind.names, given, kind.parts)) + "}"
    if kind.name == "MAP":
        return "{" + ",".join(f"{nested(k, kind.parts[0])}:{nested(v, kind.parts[1])}" for k, v in value.items()) + "}"
    return _scalar(value, kind)


def _scalar(value, kind):
    name = kind.name
    if name == "BOOLEAN":
        return "1" if value else "0"
    if name in ("FLOAT", "DOUBLE"):
        return float_text(value, name == "FLOAT")
    if name == "DATE":
        return quoted(str(value))
    if name == "DATETIME":
        return quoted(str(value))
    if name == "DECIMAL":
        return f"{value:.{kind.scale}f}" if not isinstance(value, str) else value
    if name == "JSON":
        return "'" + json_value(value).replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, bytes):
        return quoted(value.decode("utf-8", "surrogateescape"))
    if isinstance(value, str):
        return quoted(value)
    return str(value)


def float_text(value, single=False):
    """The shortest text that reads back as the value."""
    text = str(np.float32(value)) if single else repr(value)
    return text[:-2] if text.endswith(".0") else text
