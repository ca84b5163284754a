"""DuckDB's values as StarRocks prints them, and the MySQL types that go with them."""
from rockpool.loads.convert import parse_json, render_json
from rockpool.mysql import wire
from rockpool.mysql.wire import ResultColumn
from rockpool.sqltypes import MAX_VARCHAR, SqlType

INTEGERS = {"tinyint": (wire.TINY, 4), "smallint": (wire.SHORT, 6), "integer": (wire.LONG, 11),
            "bigint": (wire.LONGLONG, 20), "utinyint": (wire.SHORT, 6), "usmallint": (wire.LONG, 11),
            "uinteger": (wire.LONGLONG, 20), "ubigint": (wire.STRING, 40), "uhugeint": (wire.STRING, 40)}
BY_NAME = {"TINYINT": "tinyint", "SMALLINT": "smallint", "INT": "integer", "BIGINT": "bigint"}


def result_column(name, kind, has_largeint):
    """The metadata of a result column of a DuckDB type."""
    column = _metadata(name, kind, has_largeint)
    shown = SqlType("LARGEINT") if kind.id == "hugeint" and has_largeint else sql_type(kind)
    column.sql_type = shown.shown()
    return column


def _metadata(name, kind, has_largeint):
    word = kind.id
    if word == "boolean":
        return ResultColumn(name, wire.TINY, 1, wire.BINARY)
    if word == "hugeint" and not has_largeint:
        return ResultColumn(name, wire.LONGLONG, 20, wire.BINARY)  # a sum of integers is a BIGINT
    if word == "hugeint":
        return ResultColumn(name, wire.STRING, 40)
    if word in INTEGERS:
        code, length = INTEGERS[word]
        return ResultColumn(name, code, length, wire.BINARY if code != wire.STRING else wire.UTF8)
    if word == "float":
        return ResultColumn(name, wire.FLOAT, 12, wire.BINARY, 31)
    if word == "double":
        return ResultColumn(name, wire.DOUBLE, 22, wire.BINARY, 31)
    if word == "decimal":
        precision, scale = (value for _, value in kind.children)
        return ResultColumn(name, wire.NEWDECIMAL, precision + 3 + (1 if scale else 0), wire.BINARY, scale)
    if word == "date":
        return ResultColumn(name, wire.DATE, 10, wire.BINARY)
    if word.startswith("timestamp"):
        return ResultColumn(name, wire.DATETIME, 19, wire.BINARY)
    if word == "blob":
        return ResultColumn(name, wire.BLOB, MAX_VARCHAR, wire.BINARY)
    if str(kind) == "JSON":
        return ResultColumn(name, wire.STRING, MAX_VARCHAR)
    if word in ("list", "struct", "map", "array"):
        return ResultColumn(name, wire.VAR_STRING, MAX_VARCHAR, wire.BINARY)
    return ResultColumn(name, wire.VAR_STRING, MAX_VARCHAR)


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
              "VARBINARY": (wire.BLOB, MAX_VARCHAR, 63), "JSON": (wire.STRING, MAX_VARCHAR, 33)}
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


def text_sql(name, kind):
    """The DuckDB expression that prints a value of a type; nested values are printed by rows()."""
    word = kind.id
    if word in ("varchar", "blob") or str(kind) == "JSON":
        return f"{name}::VARCHAR AS {name}" if str(kind) == "JSON" else name
    if word == "boolean":
        return f"CAST({name} AS TINYINT)::VARCHAR AS {name}"
    if word in ("float", "double"):
        text = f"{name}::VARCHAR"
        return f"CASE WHEN suffix({text}, '.0') THEN left({text}, -2) ELSE {text} END AS {name}"
    if word == "date":
        return f"strftime({name}, '%Y-%m-%d') AS {name}"
    if word.startswith("timestamp"):
        plain = f"CAST({name} AS TIMESTAMP)"
        return (f"CASE WHEN microsecond({plain}) % 1000000 = 0 THEN strftime({plain}, '%Y-%m-%d %H:%M:%S') "
                f"ELSE strftime({plain}, '%Y-%m-%d %H:%M:%S.%f') END AS {name}")
    if word in ("list", "struct", "map", "array"):
        return name
    return f"{name}::VARCHAR AS {name}"


def rows(cursor, types):
    """All rows as lists of texts, bytes and None."""
    special = [(n, nested if t.id in ("list", "struct", "map", "array") else json_value) for n, t in enumerate(types)
               if t.id in ("list", "struct", "map", "array") or str(t) == "JSON"]
    found = cursor.fetchall()
    if not special:
        return found
    result = []
    for row in found:
        row = list(row)
        for n, show in special:
            if row[n] is not None:
                row[n] = show(row[n], types[n])
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
    word = kind.id
    if word in ("list", "array"):
        inner = kind.children[0][1]
        return "[" + ",".join(nested(v, inner) for v in value) + "]"
    if word == "struct":
        pairs = value.items() if isinstance(value, dict) else zip([n for n, _ in kind.children], value)
        kinds = dict(kind.children)
        return "{" + ",".join(f"{quoted(n)}:{nested(v, kinds[n])}" for n, v in pairs) + "}"
    if word == "map":
        (_, key_kind), (_, value_kind) = kind.children
        return "{" + ",".join(f"{nested(k, key_kind)}:{nested(v, value_kind)}" for k, v in value.items()) + "}"
    return _scalar(value, kind)


def _scalar(value, kind):
    word = kind.id
    if word == "boolean":
        return "1" if value else "0"
    if word in ("float", "double"):
        return f"{value!r}"[:-2] if f"{value!r}".endswith(".0") else f"{value!r}"
    if word == "date":
        return quoted(str(value))
    if word.startswith("timestamp"):
        return quoted(str(value))
    if str(kind) == "JSON":
        return "'" + json_value(value) + "'"
    if word == "blob":
        return quoted(value.decode("utf-8", "surrogateescape"))
    if isinstance(value, str):
        return quoted(value)
    return str(value)
