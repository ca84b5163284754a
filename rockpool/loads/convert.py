"""Text and JSON values to stored values, one at a time, by the server's own rules.

A converter takes a value that is not NULL and returns the value for Arrow, or FAILED. These functions are the
reference; vector.py does the same for whole columns and calls them for whatever it is not sure of.
Dates are days and datetimes are microseconds since 1970, because Python's own dates have no year 0.
"""
import base64
import binascii
import datetime
import decimal
import json
import math
import re
from decimal import ROUND_HALF_UP, Decimal

from rockpool.sqltypes import INT_BITS

FAILED = object()
WIDE = decimal.Context(prec=200, rounding=ROUND_HALF_UP)
INTEGER = re.compile(r"[ \t\n\r\v\f]*([+-]?[0-9]+)[ \t\n\r\v\f]*")
NUMBER = re.compile(r"[ \t\n\r\v\f]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[ \t\n\r\v\f]*")
SPECIAL = re.compile(r"[ \t\n\r\v\f]*([+-]?)(inf|nan)", re.I)
BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
MAX_FLOAT32 = 3.4028234663852886e38
DECIMALV2_LIMIT = Decimal(10) ** 18
EPOCH = datetime.date(1970, 1, 1).toordinal()
MICROS_PER_DAY = 86_400_000_000


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
        if abs(d) >= limit:
            return FAILED
        return d if precision <= 38 else format(d, "f")
    return convert


def boolean(text):
    lowered = text.lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    found = NUMBER.fullmatch(text)
    return float(found.group(1)) != 0 if found and text == text.strip() else FAILED


# ---------------------------------------------------------------- dates
def scan_date(text):
    """The fields of a date text: (year, month, day, hour, minute, second, microsecond) or None.

    Up to seven runs of digits; any punctuation separates, a blank only behind the day; what follows is ignored.
    Without separators the runs are taken by width: YYYYMMDD[HHMMSS], or YYMMDD.
    """
    at, end = 0, len(text)
    while at < end and text[at].isspace():
        at += 1
    if at == end or not "0" <= text[at] <= "9":
        return None
    stop = at
    while stop < end and ("0" <= text[stop] <= "9" or text[stop] == "T"):
        stop += 1
    packed = stop == end or text[stop] == "."
    width = (4 if stop - at in (4, 8) or stop - at >= 14 else 2) if packed else 4
    fields, widths, room = [], [], width
    while at < end and "0" <= text[at] <= "9" and len(fields) < 7:
        start = at
        free = not packed and len(fields) != 6
        if len(fields) == 6:
            room = 6
        while at < end and "0" <= text[at] <= "9" and (free or at - start < room):
            at += 1
        if at - start > 6:
            return None
        fields.append(int(text[start:at]))
        widths.append(at - start)
        room = 2
        if at == end:
            break
        if len(fields) == 3 and text[at] == "T":
            at += 1
        elif len(fields) == 6:
            if text[at] != ".":
                break
            at += 1
        else:
            at = _separator(text, at, len(fields))
            if at < 0:
                return None
    return _complete(fields, widths, width if packed else widths[0])


def _separator(text, at, count):
    """Behind the field number `count`: skips punctuation; blanks only behind the day. -1: not a date."""
    while at < len(text) and (text[at].isspace() or (text[at].isascii() and text[at].isprintable()
                                                     and not text[at].isalnum())):
        if text[at].isspace() and count != 3:
            return -1
        at += 1
    return at


def _complete(fields, widths, year_width):
    if len(fields) < 3:
        return None
    if len(fields) == 7:
        fields[6] *= 10 ** (6 - widths[6])
    if year_width == 2:
        fields[0] += 2000 if fields[0] < 70 else 1900
    fields += [0] * (7 - len(fields))
    return fields


def days_of(year, month, day):
    """Days since 1970, or None when there is no such day in the years 0 to 9999."""
    if not 0 <= year <= 9999:
        return None
    try:
        if year == 0:
            return datetime.date(400, month, day).toordinal() - 146097 - EPOCH
        return datetime.date(year, month, day).toordinal() - EPOCH
    except ValueError:
        return None


def date(text):
    found = scan_date(text)
    if found is None:
        return FAILED
    days = days_of(*found[:3])
    return FAILED if days is None or not _is_time(*found[3:6]) else days


def _is_time(hour, minute, second):
    return hour < 24 and minute < 60 and second < 60


def date_time(text):
    found = scan_date(text)
    if found is None or not _is_time(*found[3:6]):
        return FAILED
    days = days_of(*found[:3])
    if days is None:
        return FAILED
    hour, minute, second, micro = found[3:]
    return days * MICROS_PER_DAY + ((hour * 60 + minute) * 60 + second) * 1_000_000 + micro


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


def parse_json(text):
    """A JSON document with numbers kept as written; ValueError when it is none."""
    return json.loads(text, parse_float=RawNumber, parse_constant=_refuse)


def json_text(text):
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
    return str(value)


def rendered_number(raw):
    x = float(raw)
    if not math.isfinite(x):
        return raw
    return str(int(x)) if x == int(x) and abs(x) < 1e15 else repr(x)


# ---------------------------------------------------------------- nested values in CSV
class NestedText:
    """Reads [v,…], {k:v,…} and {"f":v,…} of CSV fields. Strings are quoted, a doubled quote is one quote.

    escaped: as query results print them, with a backslash before quotes and backslashes.
    """

    def __init__(self, text, escaped=False):
        self.text, self.at, self.escaped = text, 0, escaped

    def skip(self):
        while self.at < len(self.text) and self.text[self.at] == " ":
            self.at += 1

    def sees(self, mark):
        self.skip()
        return self.text.startswith(mark, self.at)

    def accept(self, mark):
        if self.sees(mark):
            self.at += len(mark)
            return True
        return False

    def need(self, mark):
        if not self.accept(mark):
            raise ValueError(f"{mark} is missing")

    def word(self, stops):
        """A bare or quoted word: (text, was it quoted)."""
        self.skip()
        if self.sees('"') or self.sees("'"):
            return self._quoted(self.text[self.at]), True
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in stops:
            self.at += 1
        return self.text[start:self.at].strip(" "), False

    def _quoted(self, mark):
        self.at += 1
        if self.escaped:
            found = re.compile(rf"((?:[^\\{mark}]|\\.)*){mark}", re.S).match(self.text, self.at)
            if not found:
                raise ValueError("a quote is open")
            self.at = found.end()
            return re.sub(r"\\(.)", r"\1", found.group(1), flags=re.S)
        pieces = []
        while True:
            stop = self.text.find(mark, self.at)
            if stop < 0:
                raise ValueError("a quote is open")
            pieces.append(self.text[self.at:stop])
            self.at = stop + 1
            if not self.text.startswith(mark, self.at):
                return mark.join(pieces)
            self.at += 1

    def value(self, kind, stops):
        if kind.name == "ARRAY":
            return self._null() or self._array(kind)
        if kind.name == "MAP":
            return self._null() or self._map(kind)
        if kind.name == "STRUCT":
            return self._null() or self._struct(kind)
        text, quoted = self.word(stops)
        if not quoted and text in ("null", "NULL", "\\N"):
            return None
        value = from_text(kind)(text)
        if value is FAILED:
            raise ValueError(text)
        return value

    def _null(self):
        if self.accept("null"):
            return NULL_PART
        return None

    def _array(self, kind):
        self.need("[")
        found = []
        while not self.accept("]"):
            found.append(plain(self.value(kind.parts[0], ",]")))
            if not self.sees("]"):
                self.need(",")
        return found

    def _map(self, kind):
        self.need("{")
        found = {}
        while not self.accept("}"):
            key = plain(self.value(kind.parts[0], ":"))
            self.need(":")
            found[key] = plain(self.value(kind.parts[1], ",}"))
            if not self.sees("}"):
                self.need(",")
        return list(found.items())

    def _struct(self, kind):
        self.need("{")
        found = {}
        while not self.accept("}"):
            name, _ = self.word(":")
            self.need(":")
            if name not in kind.names:
                raise ValueError(name)
            found[name] = plain(self.value(kind.parts[kind.names.index(name)], ",}"))
            if not self.sees("}"):
                self.need(",")
        return {n: found.get(n) for n in kind.names}


NULL_PART = object()


def plain(value):
    return None if value is NULL_PART else value


def nested_text(kind, escaped=False):
    def convert(text):
        try:
            reader = NestedText(text, escaped)
            value = reader.value(kind, "")
            reader.skip()
            return value if reader.at == len(text) and value is not NULL_PART else FAILED
        except ValueError:
            return FAILED
    return convert


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
        return nested_text(kind)
    return {"BOOLEAN": boolean, "DATE": date, "DATETIME": date_time, "JSON": json_text}.get(name, lambda text: text)
