"""CAST as StarRocks does it, in DuckDB's words: what cannot be converted is NULL, and texts come out as they print."""
from rockpool.sql.coercion import DATES, FLOATS, INTEGERS, is_text
from rockpool.sqltypes import SqlType

BLANKS = r"' \t\n\r\v\f'"
SPACES = "[ \\t\\n\\r\\v\\f]*"


DECODED = "sr_decode("


def cast(sql, source, target):
    """The text of a value of type `source` as one of type `target`. Unknown sources are cast by the store."""
    if source == target or target is None or target.name == "NULL":
        return sql
    if source is None:
        return _text_of_anything(sql) if is_text(target) else f"TRY_CAST({sql} AS {target.duckdb()})"
    if source.name == "NULL":
        return f"CAST({sql} AS {target.duckdb()})"
    if is_text(target):
        text = to_text(sql, source)
        return f"left({text}, {target.length})" if target.name == "CHAR" else text  # [R] VARCHAR(n) does not cut
    if target.name == "JSON":
        return _to_json(sql, source)
    if target.parts:
        return _to_nested(sql, source, target)
    if source.name == "JSON":
        return _from_json(sql, target)
    if source.parts:
        return f"CAST(NULL AS {target.duckdb()})"
    return _TO.get(target.name, _plain)(sql, source, target)


def _text_of_anything(sql):
    return f"sr_text({sql})"


def to_text(sql, source):
    name = source.name
    if is_text(source) or name == "JSON":
        return sql if name != "JSON" else f"sr_json_to_text({sql})"
    if name == "BOOLEAN":
        return f"CAST(CAST({sql} AS TINYINT) AS VARCHAR)"
    if name in FLOATS:
        return f"sr_float_text(CAST({sql} AS VARCHAR))"
    if name == "DATE":
        return f"strftime({sql}, '%Y-%m-%d')"
    if name == "DATETIME":
        return f"sr_datetime_text({sql})"
    if name == "TIME":
        return f"sr_time_text({sql})"
    if name == "VARBINARY":
        return f"sr_decode({sql})"
    if name == "DECIMAL" and source.precision == source.scale < 38:  # the store prints .5 there
        return f"CAST(CAST({sql} AS DECIMAL({source.precision + 1},{source.scale})) AS VARCHAR)"
    if source.parts:
        return f"sr_nested_text({packed(sql, source)}, {quoted(shape(source))})"
    return f"CAST({sql} AS VARCHAR)"


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def shape(kind):
    """A type in few letters, for functions that print or read nested values."""
    if kind.name == "ARRAY":
        return "[" + shape(kind.parts[0]) + "]"
    if kind.name == "MAP":
        return "{" + shape(kind.parts[0]) + ":" + shape(kind.parts[1]) + "}"
    if kind.name == "STRUCT":
        return "(" + ",".join(shape(p) for p in kind.parts) + ")"
    return {"BOOLEAN": "b", "FLOAT": "f", "DOUBLE": "f", "VARCHAR": "s", "CHAR": "s", "DATE": "d", "DATETIME": "t",
            "JSON": "j", "VARBINARY": "x"}.get(kind.name, "n")


def packed(sql, kind):
    """A nested value as a JSON text that keeps every leaf as StarRocks prints it."""
    return f"to_json({_leaves(sql, kind, 0)})::VARCHAR"


def _leaves(sql, kind, depth):
    x = f"p{depth}_"
    if kind.name == "ARRAY":
        return f"list_transform({sql}, lambda {x}: {_leaves(x, kind.parts[0], depth + 1)})"
    if kind.name == "MAP":
        pair = f"{{'k': {_leaves(x + '.key', kind.parts[0], depth + 1)}, 'v': {_leaves(x + '.value', kind.parts[1], depth + 1)}}}"
        return f"list_transform(map_entries({sql}), lambda {x}: {pair})"
    if kind.name == "STRUCT":
        fields = ", ".join(f"{quoted(n)}: {_leaves(field(sql, n), p, depth + 1)}" for n, p in zip(kind.names, kind.parts))
        return f"CASE WHEN {sql} IS NOT NULL THEN {{{fields}}} END"
    return to_text(sql, kind)


def field(sql, name):
    return f"struct_extract({sql}, {quoted(name)})"


# ---------------------------------------------------------------- to one type each
def _to_boolean(sql, source, target):
    if is_text(source):
        return (f"CASE WHEN regexp_full_match({sql}, '{SPACES}[+-]?[0-9]+{SPACES}') THEN TRY_CAST(trim({sql}, {_blanks()}) AS INTEGER) <> 0 "
                f"WHEN lower(trim({sql})) = 'true' THEN true WHEN lower(trim({sql})) = 'false' THEN false END")
    if source.name in DATES:
        return f"({sql} IS NOT NULL)"
    if source.name == "DECIMAL" and source.precision > 38:
        return f"(CAST({sql} AS DOUBLE) <> 0)"
    return f"({sql} <> 0)"


def _blanks():
    return "chr(32) || chr(9) || chr(10) || chr(13) || chr(11) || chr(12)"


def _to_integer(sql, source, target):
    store = target.duckdb()
    if is_text(source):
        return f"CASE WHEN regexp_full_match({sql}, '{SPACES}[+-]?[0-9]+{SPACES}') THEN TRY_CAST(trim({sql}, {_blanks()}) AS {store}) END"
    if source.name in FLOATS:
        return f"TRY_CAST(trunc({sql}) AS {store})"
    if source.name == "DECIMAL":
        return f"TRY_CAST(trunc({sql}) AS {store})" if source.precision <= 38 else f"TRY_CAST(split_part({sql}, '.', 1) AS {store})"
    if source.name == "DATE":
        return f"TRY_CAST(strftime({sql}, '%Y%m%d') AS {store})"
    if source.name == "DATETIME":
        return f"TRY_CAST(strftime({sql}, '%Y%m%d%H%M%S') AS {store})"
    if source.name in INTEGERS and INTEGERS.index(source.name) <= INTEGERS.index(target.name) or source.name == "BOOLEAN":
        return f"CAST({sql} AS {store})"
    return f"TRY_CAST({sql} AS {store})"


def _to_float(sql, source, target):
    store = target.duckdb()
    if is_text(source):
        return f"sr_to_double({sql})" if target.name == "DOUBLE" else f"TRY_CAST(sr_to_double({sql}) AS FLOAT)"
    if source.name == "DATE":
        return f"CAST(strftime({sql}, '%Y%m%d') AS {store})"
    if source.name == "DATETIME":
        return f"CAST(strftime({sql}, '%Y%m%d%H%M%S') AS {store})"
    return f"TRY_CAST({sql} AS {store})"


def _to_decimal(sql, source, target):
    store = target.duckdb()
    if target.precision > 38:
        return f"sr_decimal256({to_text(sql, source)}, {target.precision}, {target.scale})"
    if is_text(source):
        return (f"CASE WHEN regexp_full_match({sql}, '{SPACES}[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?{SPACES}') "
                f"THEN TRY_CAST(trim({sql}, {_blanks()}) AS {store}) END")
    if source.name in DATES:
        return f"TRY_CAST({_to_integer(sql, source, SqlType('BIGINT'))} AS {store})"
    return f"TRY_CAST({sql} AS {store})"


def _to_date(sql, source, target):
    if source.name == "DATETIME":
        return f"CAST({sql} AS DATE)"
    return f"CAST({_to_datetime(sql, source, None)} AS DATE)"


def _to_datetime(sql, source, target):
    if source.name == "DATE":
        return f"CAST({sql} AS TIMESTAMP)"
    if source.name == "DATETIME":
        return sql
    if is_text(source):
        return (f"CASE WHEN regexp_full_match({sql}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}( [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}([.][0-9]{{1,6}})?)?') "
                f"THEN TRY_CAST({sql} AS TIMESTAMP) ELSE sr_scan_datetime({sql}) END")
    if source.name == "BOOLEAN":
        return "CAST(NULL AS TIMESTAMP)"
    return f"sr_scan_number({_to_integer(sql, source, SqlType('BIGINT'))})"


def _to_varbinary(sql, source, target):
    """A text of StarRocks is bytes, one of the store is not: what is only decoded to pass for a text stays bytes."""
    text = to_text(sql, source)
    return text[len(DECODED) - 1:] if text.startswith(DECODED) and _closes_at_end(text) else f"encode({text})"


def _closes_at_end(text):
    """Whether the first bracket of a call is closed by its last character."""
    depth, quoted = 0, False
    for at, letter in enumerate(text):
        quoted ^= letter == "'"
        if not quoted and letter in "()":
            depth += 1 if letter == "(" else -1
            if depth == 0:
                return at == len(text) - 1
    return False


def _plain(sql, source, target):
    return f"TRY_CAST({sql} AS {target.duckdb()})"


def _to_time(sql, source, target):
    if is_text(source):
        return f"sr_scan_time({sql})"
    if source.name == "DATETIME":
        return f"CAST(epoch({sql}) - epoch(date_trunc('day', {sql})) AS DOUBLE)"
    return f"TRY_CAST({sql} AS DOUBLE)"


_TO = {"BOOLEAN": _to_boolean, "FLOAT": _to_float, "DOUBLE": _to_float, "DECIMAL": _to_decimal, "DATE": _to_date,
       "DATETIME": _to_datetime, "VARBINARY": _to_varbinary, "TIME": _to_time, **{n: _to_integer for n in INTEGERS},
       "BITMAP": lambda s, a, b: s, "HLL": lambda s, a, b: s, "PERCENTILE": lambda s, a, b: s}


# ---------------------------------------------------------------- JSON and nested values
def _to_json(sql, source):
    if is_text(source):
        return f"sr_parse_json({sql})"
    if source.name in INTEGERS:
        text = f"CAST({sql} AS VARCHAR)"
        return text if source.name != "LARGEINT" else (  # what JSON's own integers hold
            f"CASE WHEN {sql} BETWEEN -9223372036854775808 AND 18446744073709551615 THEN {text} END")
    if source.name == "BOOLEAN":
        return f"CAST({sql} AS VARCHAR)"
    if source.name in FLOATS or source.name == "DECIMAL":
        return f"sr_json_number(CAST({sql} AS DOUBLE))"
    if source.parts:
        return f"sr_nested_json({packed(sql, source)}, {quoted(shape(source))})"
    return f"to_json({to_text(sql, source)})::VARCHAR"


def _from_json(sql, target):
    name = target.name
    if name == "BOOLEAN":
        return f"sr_json_bool({sql})"
    if name == "LARGEINT":
        return f"TRY_CAST(sr_json_digits({sql}) AS HUGEINT)"
    if name in INTEGERS:
        return f"TRY_CAST(sr_json_int({sql}) AS {target.duckdb()})"
    if name in FLOATS:
        return f"TRY_CAST(sr_json_double({sql}) AS {target.duckdb()})"
    inner = cast(f"sr_json_to_text({sql})", SqlType("VARCHAR", 65533), target)
    return inner


def _to_nested(sql, source, target):
    if source.name == target.name and len(source.parts) == len(target.parts):
        return _nested_parts(sql, source, target)
    if is_text(source) or source.name == "JSON":
        return f"TRY(from_json(sr_for_nested({sql}, {quoted(shape(target))}), {quoted(structure(target))}))" if target.name != "MAP" else (
            f"TRY(CAST(sr_for_nested({sql}, {quoted(shape(target))})::JSON AS {target.duckdb()}))")
    return f"CAST(NULL AS {target.duckdb()})"


def structure(kind):
    """What from_json wants to know."""
    if kind.name == "ARRAY":
        return "[" + structure(kind.parts[0]) + "]"
    if kind.name == "STRUCT":
        return "{" + ",".join(f'"{n}":{structure(p)}' for n, p in zip(kind.names, kind.parts)) + "}"
    return '"' + kind.duckdb() + '"'


def _nested_parts(sql, source, target):
    if source.name == "ARRAY":
        return f"list_transform({sql}, lambda e_: {cast('e_', source.parts[0], target.parts[0])})"
    if source.name == "MAP":
        key = cast("e_.key", source.parts[0], target.parts[0])
        value = cast("e_.value", source.parts[1], target.parts[1])
        return f"map_from_entries(list_transform(map_entries({sql}), lambda e_: {{'k': {key}, 'v': {value}}}))"
    fields = ", ".join(f"{quoted(new)}: {cast(field(sql, old), a, b)}" for new, old, a, b in
                       zip(target.names, source.names, source.parts, target.parts))
    return f"CASE WHEN {sql} IS NOT NULL THEN {{{fields}}} END"
