"""JSON values to stored values, one at a time. Strings go through the text converters."""
from rockpool.loads.convert import (FAILED, NUMBER, RawNumber, boolean, bounded_text, from_text, integer_limits, minified,
                                    render_json, truncated)

CACHE = {}


def from_json(kind):
    """A converter for a JSON value that is not null: returns the value for Arrow, or FAILED."""
    found = CACHE.get(kind)
    if found is None:
        found = CACHE[kind] = _from_json(kind)
    return found


def _from_json(kind):
    name = kind.name
    if kind.is_integer:
        return _integer(kind)
    if name in ("CHAR", "VARCHAR", "BITMAP", "HLL", "PERCENTILE"):
        return _text(kind)
    if name == "BOOLEAN":
        return _boolean
    if name == "JSON":
        return _json
    if name == "VARBINARY":
        return _binary(kind)
    if name == "ARRAY":
        return _array(kind)
    if name == "MAP":
        return _map(kind)
    if name == "STRUCT":
        return _struct(kind)
    return _scalar(kind)


def _integer(kind):
    low, high = integer_limits(kind.name)
    text = from_text(kind)
    large = kind.name == "LARGEINT"

    def convert(value):
        if isinstance(value, RawNumber):
            if large:
                return text(value)
            value = truncated(float(value))
            if value is FAILED:
                return FAILED
        elif isinstance(value, str):
            return text(value)
        elif isinstance(value, bool) and large:
            return str(int(value))  # LARGEINT is read as text, which a boolean has
        elif isinstance(value, bool) or not isinstance(value, int):
            return FAILED
        if not low <= value <= high:
            return FAILED
        return str(value) if large else value
    return convert


def _text(kind):
    bounded = bounded_text(kind.length or 1 << 30)

    def convert(value):
        if isinstance(value, str):
            return bounded(str(value))
        if isinstance(value, bool):
            return "1" if value else "0"
        return bounded(minified(value))
    return convert


def _boolean(value):
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    return boolean(value) if isinstance(value, str) else FAILED


def _binary(kind):
    def convert(value):
        raw = (value if isinstance(value, str) else minified(value)).encode()
        return raw if kind.length is None or len(raw) <= kind.length else FAILED
    return convert


def _scalar(kind):
    """Numbers with a fraction, dates: through their text."""
    text = from_text(kind)
    single = kind.name in ("FLOAT", "DOUBLE")

    def convert(value):
        if isinstance(value, str):
            return text(value)
        if isinstance(value, bool):
            return FAILED if single else text(str(int(value)))
        if isinstance(value, int):
            return text(str(value))
        return FAILED
    return convert


def _json(value):
    try:
        return render_json(value)
    except ValueError:  # a number that no double holds
        return FAILED


def complaint(kind, name, value):
    """What the error log says of a JSON value that does not fit its column."""
    shown = value if isinstance(value, str) else minified(value)
    if kind.name in ("TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE"):
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            return f"Invalid argument: Unsupported value type. Numeric type is required. column={name}"
        if isinstance(value, str) and not isinstance(value, RawNumber) and not NUMBER.fullmatch(value):
            return f"Invalid argument: Unable to cast string value to BIGINT. value={shown}, column={name}"
        return f"Invalid argument: Value is overflow. column={name}, value={shown}"
    if kind.is_text:
        return f"Invalid argument: Value length is beyond the capacity. column={name}, capacity={kind.length}"
    if kind.name == "BOOLEAN":
        return f"Invalid argument: Failed to parse string value as boolean. column={name}, value={shown}"
    if kind.parts:
        what = "array" if kind.name == "ARRAY" else "object"
        return f"Invalid argument: Failed to parse value as {what}, column={name}"
    return f"Value '{shown}' is out of range. The type of '{name}' is {kind.shown().upper()}"


def _element(convert):
    def element(value):
        if value is None:
            return None
        found = convert(value)
        if found is FAILED:
            return None  # an element that does not convert becomes NULL
        return found
    return element


def _array(kind):
    element = _element(from_json(kind.parts[0]))

    def convert(value):
        return [element(v) for v in value] if isinstance(value, list) else FAILED
    return convert


def _map(kind):
    key, element = from_text(kind.parts[0]), _element(from_json(kind.parts[1]))

    def convert(value):
        if not isinstance(value, dict):
            return FAILED
        found = [(key(k), element(v)) for k, v in value.items()]
        return FAILED if any(k is FAILED for k, _ in found) else found
    return convert


def _struct(kind):
    elements = [(n, _element(from_json(p))) for n, p in zip(kind.names, kind.parts)]

    def convert(value):
        return {n: e(value.get(n)) for n, e in elements} if isinstance(value, dict) else FAILED
    return convert
