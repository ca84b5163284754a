"""Nested values cast to texts and to JSON, and read from them. A value comes as a JSON text whose leaves are texts as
StarRocks prints them, together with its shape: [n] an array of numbers, {s:n} a map, (n,s) a struct; the letters b f s d
t j x n are BOOLEAN, floats, texts, DATE, DATETIME, JSON, VARBINARY, and other numbers."""
import json

from rockpool.loads.convert import parse_json, render_json
from rockpool.sql.column_function import add


def read_shape(text, at=0):
    """(shape as nested tuples, where it ends)"""
    if text[at] == "[":
        inner, at = read_shape(text, at + 1)
        return ("array", inner), at + 1
    if text[at] == "{":
        key, at = read_shape(text, at + 1)
        value, at = read_shape(text, at + 1)
        return ("map", key, value), at + 1
    if text[at] == "(":
        parts, at = [], at + 1
        while True:
            part, at = read_shape(text, at)
            parts.append(part)
            if text[at] == ")":
                return ("struct", parts), at + 1
            at += 1
    return text[at], at + 1


def nested_text(packed, shape):
    """CAST of an ARRAY AS STRING: every element is a quoted text, NULL is the bare word; maps and structs as JSON."""
    kind = read_shape(shape)[0]
    value = json.loads(packed)
    return _as_text(value, kind)


def _as_text(value, kind):
    if kind[0] == "array" and isinstance(kind, tuple):
        return "[" + ",".join("NULL" if v is None else '"' + _element(v, kind[1]).replace('"', '\\"') + '"' for v in value) + "]"
    return render_json(_as_json(value, kind))


def _element(value, kind):
    return _as_text(value, kind) if isinstance(kind, tuple) else str(value)


def _as_json(value, kind):
    if value is None:
        return None
    if isinstance(kind, tuple):
        if kind[0] == "array":
            return [_as_json(v, kind[1]) for v in value]
        if kind[0] == "map":
            return {str(p["k"]): _as_json(p["v"], kind[2]) for p in value}
        return {name: _as_json(v, part) for (name, v), part in zip(value.items(), kind[1])}
    if kind == "b":
        return value in ("1", 1, True)
    if kind in "nfj":
        return parse_json(value) if isinstance(value, str) else value
    return value


def nested_json(packed, shape):
    return render_json(_as_json(json.loads(packed), read_shape(shape)[0]))


def for_nested(text, shape):
    """A JSON text as the store reads ARRAY and STRUCT from it; NULL when it is none."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:
        return None


def install(db):
    add(db, "sr_nested_text", nested_text, ["VARCHAR", "VARCHAR"], "VARCHAR")
    add(db, "sr_nested_json", nested_json, ["VARCHAR", "VARCHAR"], "VARCHAR")
    add(db, "sr_for_nested", for_nested, ["VARCHAR", "VARCHAR"], "VARCHAR")
