"""JSON values to stored values, one at a time. Strings go through the text converters."""
from rockpool.loads.convert import (FAILED, RawNumber, boolean, bounded_text, from_text, integer_limits, minified,
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
        return render_json
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
        elif isinstance(value, bool):
            value = int(value)
        elif not isinstance(value, int):
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
            return float(value) if single else FAILED if kind.name != "DECIMAL" else text(str(int(value)))
        if isinstance(value, int):
            return text(str(value))
        return FAILED
    return convert


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
