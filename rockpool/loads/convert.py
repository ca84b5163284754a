"""Text and JSON values to stored values, one at a time, by the server's own rules.

A converter takes a value that is not NULL and returns the value for Arrow, or FAILED. These functions are the
reference; vector.py does the same for whole columns and calls them for whatever it is not sure of.
Dates are days and datetimes are microseconds since 1970, because Python's own dates have no year 0.
"""
import base64
import binascii
import decimal
import json
import math
import re
from decimal import ROUND_HALF_UP, Decimal

from rockpool.loads import nested
from rockpool.loads.dates import FAILED, date, date_time
from rockpool.sqltypes import INT_BITS

WIDE = decimal.Context(prec=200, rounding=ROUND_HALF_UP)
INTEGER = re.compile(r"[ \t\n\r\v\f]*([+-]?[0-9]+)[ \t\n\r\v\f]*")
NUMBER = re.compile(r"[ \t\n\r\v\f]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[ \t\n\r\v\f]*")
SPECIAL = re.compile(r"[ \t\n\r\v\f]*([+-]?)(inf|nan)", re.I)
BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
MAX_FLOAT32 = 3.4028234663852886e38
DECIMALV2_LIMIT = Decimal(10) ** 18


class RawNumber(str):
    """A JSON number with a fraction or an exponent, as it was written."""
    __slots__ = ()


# ---------------------------------------------------------------- numbers
def integer_limits(name):
    bits = INT_BITS[name]
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def integer(name):
    low, high = integer_limits(name)
    through_decimal = name in ("BIGINT", "LARGEINT")

    def convert(text):
        found = INTEGER.fullmatch(text)
        if found:
            n = int(found.group(1))
        else:
            found = NUMBER.fullmatch(text)
            if not found:
                return FAILED
            n = decimalv2_part(found.group(1)) if through_decimal else truncated(float(found.group(1)))
            if n is FAILED:
                return FAILED
        return n if low <= n <= high else FAILED
    if name == "LARGEINT":
        return lambda text: FAILED if (n := convert(text)) is FAILED else str(n)
    return convert


def truncated(x):
    return int(x) if math.isfinite(x) else FAILED


def decimalv2_part(text):
    d = Decimal(text)
    if abs(d) >= DECIMALV2_LIMIT:
        return FAILED
    return int(d)


def floating(single):
    limit = MAX_FLOAT32 if single else math.inf

    def convert(text):
        found = NUMBER.fullmatch(text)
        if not found:
            special = SPECIAL.match(text)
            return float(special.group(1) + special.group(2)) if special else FAILED
        x = float(found.group(1))
        return x if abs(x) <= limit and math.isfinite(x) else FAILED
    return convert


def decimals(precision, scale):
    step, limit = Decimal(1).scaleb(-scale), Decimal(10) ** (precision - scale)

    def convert(text):
        found = NUMBER.fullmatch(text)
        if not found:
            return FAILED
        d = Decimal(found.group(1))
        if d and d.adjusted() > precision:
            return FAILED
        d = d.quantize(step, context=WIDE)
        if d.copy_abs() >= limit:  # abs() would round to 28 digits
            return FAILED
        return d if precision <= 38 else format(d, "f")
    return convert


def boolean(text):
    lowered = text.lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    found = NUMBER.fullmatch(text)
    return float(found.group(1)) != 0 if found and text == text.strip() else FAILED


# ---------------------------------------------------------------- text, bytes, JSON
def bounded_text(length):
    def convert(text):
        return text if len(text) * 4 <= length or len(text.encode("utf-8", "surrogateescape")) <= length else FAILED
    return convert


def binary_text(length):
    """CSV into VARBINARY: base64, and only if that fails the bytes themselves."""
    def convert(text):
        raw = text.encode("utf-8", "surrogateescape")
        if not raw.strip():
            return b""
        value = raw
        if len(raw) % 4 == 0 and BASE64.fullmatch(raw):
            try:
                value = base64.b64decode(raw, validate=True)
            except binascii.Error:
                pass
        return value if length is None or len(value) <= length else FAILED
    return convert


def _refuse(name):
    raise ValueError(f"{name} is not JSON")


JSON_LIMIT = 16 << 20  # bytes of a JSON value


def parse_json(text):
    """A JSON document with numbers kept as written; ValueError when it is none."""
    return json.loads(text, parse_float=RawNumber, parse_constant=_refuse)


def json_text(text):
    """A field of CSV. Since 2.5 it is read as parse_json() reads its argument [JsonValue::parse]: what does not begin
    like an object, an array or a string, also a number, is a string of its own."""
    if text and text.lstrip()[:1] not in ("{", "[", '"'):
        return FAILED if is_too_large(text) else render_json(text)
    return json_document(text)


def is_too_large(text):
    return len(text) > JSON_LIMIT // 4 and len(text.encode(errors="surrogateescape")) > JSON_LIMIT


def json_document(text):
    """JSON within the text of an ARRAY, MAP or STRUCT."""
    if is_too_large(text):
        return FAILED
    try:
        return render_json(parse_json(text))
    except (ValueError, RecursionError):
        return FAILED


def render_json(value):
    """As StarRocks prints its JSON: keys sorted, a blank behind : and ,"""
    return _write(value, ", ", ": ", True)


def minified(value):
    return _write(value, ",", ":", False)


def _write(value, comma, colon, ordered):
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, RawNumber):
        return rendered_number(value) if ordered else str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        pairs = sorted(value.items()) if ordered else value.items()
        return "{" + comma.join(json.dumps(k, ensure_ascii=False) + colon + _write(v, comma, colon, ordered)
                                for k, v in pairs) + "}"
    if isinstance(value, list):
        return "[" + comma.join(_write(v, comma, colon, ordered) for v in value) + "]"
    if ordered and not -1 << 63 <= value < 1 << 64:
        return rendered(double_of_digits(value))
    return str(value)


def double_of_digits(value):
    """A whole number that no 64-bit integer holds: as many digits as one does, then digit by digit, each time rounded
    [velocypack Parser::ParsedNumber]."""
    digits, whole, at = str(abs(value)), 0, 0
    while at < len(digits) and whole * 10 + int(digits[at]) < 1 << 64:
        whole, at = whole * 10 + int(digits[at]), at + 1
    x = float(whole)
    for digit in digits[at:]:
        x = x * 10 + int(digit)
    return -x if value < 0 else x


def rendered_number(raw):
    """A number with a fraction or an exponent [velocypack Parser::parseNumber, atof]."""
    exponent = re.search("[eE]([+-]?[0-9]+)$", raw)
    if exponent and int(exponent.group(1)) > 308:
        raise ValueError("Number out of range")  # so is its power of ten
    return rendered(float(raw))


def rendered(x):
    if not math.isfinite(x):
        raise ValueError("Number out of range")
    if x == int(x) and abs(x) < 1e21:  # the shortest digits, then zeros
        return format(Decimal(repr(x)), "f").removesuffix(".0") if x else "0"
    return re.sub(r"e([+-])0", r"e\1", repr(x))


# ---------------------------------------------------------------- by type
CACHE = {}


def from_text(kind):
    """The converter of CSV fields and JSON strings of a type."""
    found = CACHE.get(kind)
    if found is None:
        found = CACHE[kind] = _from_text(kind)
    return found


def _from_text(kind):
    name = kind.name
    if name in INT_BITS:
        return integer(name)
    if name in ("FLOAT", "DOUBLE"):
        return floating(name == "FLOAT")
    if name == "DECIMAL":
        return decimals(kind.precision, kind.scale)
    if name in ("CHAR", "VARCHAR"):
        return bounded_text(kind.length)
    if name == "VARBINARY":
        return binary_text(kind.length)
    if kind.parts:
        return nested.csv_text(kind)
    return {"BOOLEAN": boolean, "DATE": date, "DATETIME": date_time, "JSON": json_text}.get(name, lambda text: text)
