"""JSON values, kept as texts: paths, conversions, printing, comparing."""
import json
import re
import struct

from rockpool.loads.convert import parse_json as parse
from rockpool.loads.convert import render_json
from rockpool.sql import json_filters
from rockpool.sql.column_function import add

STEP = re.compile(r'\.?"((?:[^"\\]|\\.)*)"|\.([^.\[]+)|\[\s*(-?\d+|\*|\d*:\d*)\s*\]|([^.\[]+)')
MISSING = object()


def parsed(text):
    try:
        return parse(text)
    except (ValueError, RecursionError):
        return MISSING


def steps(path):
    """A path as keys, positions and '*'; None when it is none."""
    path = path.strip()
    if path.startswith("$"):
        path = path[1:]
    found, at = [], 0
    while at < len(path):
        if path.startswith("[?(", at):
            end = path.find(")]", at)
            if end < 0:
                return None
            found.append(json_filters.condition(path[at + 3:end]))
            at = end + 2
            continue
        match = STEP.match(path, at)
        if match is None or match.end() == at:
            return None
        quoted, key, index, bare = match.groups()
        if index is not None:
            found.append("*" if index == "*" else slice_of(index) if ":" in index else int(index))
        else:
            found.append((quoted.replace('\\"', '"') if quoted is not None else key or bare,))
        at = match.end()
    return found


def slice_of(text):
    low, high = text.split(":")
    return slice(int(low or 0), int(high) if high else None)


def walk(value, way):
    """What a path leads to, or MISSING."""
    for n, step in enumerate(way):
        if value is MISSING:
            return MISSING
        if isinstance(step, tuple):
            value = value.get(step[0], MISSING) if isinstance(value, dict) else MISSING
        elif step == "*" or isinstance(step, slice) or callable(step):
            if not isinstance(value, list):
                return MISSING
            chosen = value if step == "*" else [v for v in value if step(v)] if callable(step) else value[step]
            found = [walk(v, way[n + 1:]) for v in chosen]
            found = [f for f in found if f is not MISSING]
            return found if found or not way[n + 1:] else MISSING
        else:
            value = value[step] if isinstance(value, list) and 0 <= step < len(value) else MISSING
    return value


def at(text, path):
    way = steps(path)
    value = parsed(text)
    return MISSING if way is None or value is MISSING else walk(value, way)


# ---------------------------------------------------------------- functions
MAX_JSON = 16 << 20  # bytes


def parse_json(text):
    """[R] Only what begins like an object, an array or a string is parsed; everything else, also a number, is a string."""
    if text.lstrip()[:1] not in ("{", "[", '"') or not text:
        return json.dumps(text, ensure_ascii=False)
    if len(text) > MAX_JSON // 4 and len(text.encode()) > MAX_JSON:
        return None
    value = parsed(text)
    try:
        return None if value is MISSING else render_json(value)
    except ValueError:  # a number that no double holds
        return None


def json_query(text, path):
    value = at(text, path)
    return None if value is MISSING else render_json(value)  # [R] a JSON null is no SQL NULL


def json_string(text, path):
    value = at(text, path)
    if value is MISSING or value is None:
        return None
    if isinstance(value, (dict, list)):
        return render_json(value)
    return text_of(value)


def text_of(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and type(value) is str:
        return value
    return render_json(value)


def json_to_text(text):
    value = parsed(text)
    if value is MISSING or value is None:
        return None
    return value if type(value) is str else render_json(value)


def number_of(value):
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        try:
            return float(value) if re.search(r"[.eE]", value) else int(value)
        except ValueError:
            return None
    return None


def int_of(value, bits=64):
    if type(value) is str:
        n = int(value) if re.fullmatch(r"\s*[+-]?\d+\s*", value) else None
    else:
        n = number_of(value) if value is not MISSING else None
    if isinstance(n, float):
        n = int(n) if abs(n) <= 2.0 ** 127 else None
    return n if n is not None and -2 ** (bits - 1) <= n < 2 ** (bits - 1) else None


def double_of(value):
    n = number_of(value) if value is not MISSING else None
    return None if n is None else float(n)


def bool_of(value):
    if isinstance(value, bool):
        return value
    if value is MISSING or value is None or isinstance(value, (dict, list)):
        return None
    if type(value) is str:
        return {"true": True, "false": False}.get(value.lower(), None if number_of(value) is None else number_of(value) != 0)
    return number_of(value) != 0


def json_length(text, path):
    value = at(text, path)
    if value is MISSING:
        return 0
    return len(value) if isinstance(value, (dict, list)) else 1


def json_keys(text, path):
    value = at(text, path)
    return render_json(sorted(value)) if isinstance(value, dict) else None


def json_each(text):
    value = parsed(text)
    if isinstance(value, dict):
        return [{"k": k, "v": render_json(v)} for k, v in sorted(value.items())]
    if isinstance(value, list):
        return [{"k": str(n), "v": render_json(v)} for n, v in enumerate(value)]
    return []


def contains(left, right):
    a, b = parsed(left), parsed(right)
    return None if MISSING in (a, b) else _holds(a, b)


def _holds(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return all(k in a and _holds(a[k], v) for k, v in b.items())
    if isinstance(a, list):
        wanted = b if isinstance(b, list) else [b]
        return all(any(_holds(x, w) for x in a) for w in wanted)
    return sort_key(a) == sort_key(b)


def sort_key(value):
    """A text by which documents compare: by kind, numbers by value."""
    if value is None:
        return "0"
    if isinstance(value, bool):
        return "1" + str(int(value))
    n = number_of(value) if not (type(value) is str) else None
    if n is not None:
        shifted = float(n)
        bits = int.from_bytes(struct.pack(">d", shifted + 0.0), "big")
        return f"2{(bits ^ ((1 << 64) - 1 if bits >> 63 else 1 << 63)):016x}"
    if type(value) is str:
        return "3" + value
    return "4" + render_json(value)


def json_key(text):
    value = parsed(text)
    return None if value is MISSING else sort_key(value)


def of_pairs(pairs):
    found = {}
    for pair in pairs:
        if pair is not None:
            key, _, value = pair.partition("\0")
            found.setdefault(key, parse(value))
    return render_json(found)


def json_object(keys, values):
    if None in keys:
        return None
    return render_json({k: parse(v) for k, v in zip(keys, values)})


def json_number(x):
    return render_json(parse(repr(x)))


def install(db):
    def one(name, function, result="VARCHAR"):
        add(db, name, function, ["VARCHAR"], result)

    def two(name, function, result="VARCHAR"):
        add(db, name, function, ["VARCHAR", "VARCHAR"], result)
    one("sr_parse_json", parse_json)
    one("sr_json_to_text", json_to_text)
    one("sr_json_print", lambda t: render_json(parsed(t)) if parsed(t) is not MISSING else t)
    one("sr_json_pretty", lambda t: json.dumps(json.loads(t), indent=2, ensure_ascii=False, sort_keys=True))
    one("sr_json_key", json_key)
    one("sr_json_bool", lambda t: bool_of(parsed(t)), "BOOLEAN")
    one("sr_json_int", lambda t: int_of(parsed(t)), "BIGINT")
    one("sr_json_digits", lambda t: None if (n := int_of(parsed(t), 128)) is None else str(n))
    one("sr_json_double", lambda t: double_of(parsed(t)), "DOUBLE")
    one("sr_json_is_scalar", lambda t: not isinstance(parsed(t), (dict, list)), "BOOLEAN")
    one("sr_json_each", json_each, "STRUCT(k VARCHAR, v VARCHAR)[]")
    two("sr_json_query", json_query)
    two("sr_json_string", json_string)
    two("sr_json_get_int", lambda t, p: int_of(at(t, p)), "BIGINT")
    two("sr_json_get_double", lambda t, p: double_of(at(t, p)), "DOUBLE")
    two("sr_json_get_bool", lambda t, p: bool_of(at(t, p)), "BOOLEAN")
    two("sr_json_length", json_length, "INTEGER")
    two("sr_json_exists", lambda t, p: at(t, p) is not MISSING, "BOOLEAN")
    two("sr_json_keys", json_keys)
    two("sr_json_contains", contains, "BOOLEAN")
    add(db, "sr_json_array", lambda values: render_json([parse(v) for v in values]), ["VARCHAR[]"], "VARCHAR")
    add(db, "sr_json_object", json_object, ["VARCHAR[]", "VARCHAR[]"], "VARCHAR")
    add(db, "sr_json_object_of", of_pairs, ["VARCHAR[]"], "VARCHAR")
    add(db, "sr_json_number", json_number, ["DOUBLE"], "VARCHAR")
