"""Functions computed value by value: JSON, date formats, texts of nested values. For whole columns see udf.py."""
import calendar
import datetime
import decimal
import re
from urllib.parse import parse_qs, quote, unquote_to_bytes, urlsplit
from zoneinfo import ZoneInfo

from rockpool.loads.dates import FAILED, date_time
from rockpool.sql import date_formats, json_functions, nested_text
from rockpool.sql.column_function import add

WIDE = decimal.Context(prec=160, rounding=decimal.ROUND_HALF_UP)
EPOCH = datetime.datetime(1970, 1, 1)


def scan_datetime(text):
    found = date_time(text.rstrip(" \t\n\r\v\f"))
    return None if found is FAILED else found


def scan_number(n):
    """Numbers as dates: YYMMDD, YYYYMMDD, YYYYMMDDHHMMSS."""
    text = str(n)
    if n < 0 or len(text) not in (5, 6, 8, 12, 14):
        return None
    found = date_time(text.zfill(6) if len(text) == 5 else text)
    return None if found is FAILED else found


def scan_time(text):
    found = re.fullmatch(r"\s*(-?)(\d+):(\d{1,2}):(\d{1,2})(?:\.\d+)?\s*", text)
    if not found or int(found.group(3)) > 59 or int(found.group(4)) > 59:
        return None
    seconds = (int(found.group(2)) * 60 + int(found.group(3))) * 60 + int(found.group(4))
    return float(-seconds if found.group(1) else seconds)


# ---------------------------------------------------------------- texts
def split_part(text, mark, n):
    if n == 0 or mark == "":
        return None if n == 0 else (text[n - 1] if 0 < n <= len(text) else None)
    if n > 0:
        parts = text.split(mark)
        return parts[n - 1] if n <= len(parts) else None
    parts = text.rsplit(mark)
    parts = _from_the_right(text, mark)
    return parts[-n - 1] if -n <= len(parts) else None


def _from_the_right(text, mark):
    """The parts from the last one on, the mark being searched backwards."""
    found, end = [], len(text)
    while True:
        at = text.rfind(mark, 0, end)
        if at < 0:
            return found + [text[:end]]
        found.append(text[at + len(mark):end])
        end = at


def substring_index(text, mark, n):
    if n == 0 or mark == "":
        return "" if n == 0 else text
    if n > 0:
        return mark.join(text.split(mark)[:n])
    end = len(text)
    for _ in range(-n):
        end = text.rfind(mark, 0, end)
        if end < 0:
            return text
    return text[end + len(mark):]


def initcap(text):
    return re.sub(r"[^\W_]+", lambda m: m.group()[:1].upper() + m.group()[1:].lower(), text)


def url_encode(text):
    return quote(text, safe="-_.~")


def url_decode(text):
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")


def parse_url(text, part):
    found = urlsplit(text)
    parts = {"HOST": found.hostname, "PATH": found.path, "QUERY": found.query or None, "PROTOCOL": found.scheme,
             "REF": found.fragment or None, "PORT": str(found.port) if found.port else None, "AUTHORITY": found.netloc,
             "FILE": found.path + ("?" + found.query if found.query else ""), "USERINFO": found.username}
    return parts.get(part)


def url_parameter(text, name):
    return parse_qs(urlsplit(text).query, keep_blank_values=True).get(name, [None])[0]


def money(value):
    return f"{value:,.2f}"


def with_commas(text, places):
    value = decimal.Decimal(text).quantize(decimal.Decimal(1).scaleb(-max(places, 0)), context=WIDE)
    return f"{value if value else abs(value):,f}"


def trimmed(text, part, side):
    """TRIM(side part FROM text): whole repetitions of the part go, not its letters."""
    while part and side != "TRAILING" and text.startswith(part):
        text = text[len(part):]
    while part and side != "LEADING" and text.endswith(part):
        text = text[:-len(part)]
    return text


def format_bytes(n):
    size, units = float(n), ["KB", "MB", "GB", "TB", "PB", "EB"]
    if abs(n) < 1024:
        return f"{n} B"
    for unit in units:
        size /= 1024
        if abs(size) < 1024 or unit == units[-1]:
            return f"{size:.2f} {unit}"


def inet_aton(text):
    """An IPv4 address as a number; NULL when it is none."""
    parts = text.split(".")
    if len(parts) != 4 or not all(p.isdigit() and len(p) <= 3 and int(p) < 256 for p in parts):
        return None
    return int.from_bytes(bytes(map(int, parts)), "big")


def conv(text, source, target):
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    if not 2 <= source <= 36 or not 2 <= abs(target) <= 36:
        return None
    found = re.match(r"\s*(-?)([0-9A-Za-z]*)", text)
    n = 0
    for letter in found.group(2).upper():
        d = digits.index(letter)
        if d >= source:
            break
        n = n * source + d
    n = -n if found.group(1) else n
    if target > 0 and n < 0:
        n += 1 << 64
    made, rest = "", abs(n)
    while rest:
        made, rest = digits[rest % abs(target)] + made, rest // abs(target)
    return ("-" if n < 0 else "") + (made or "0")


def big_number(text):
    return str(int(text, 16))


# ---------------------------------------------------------------- DECIMAL of more than 38 digits, kept as texts
def decimal256(text, precision, scale):
    try:
        value = decimal.Decimal(text.strip()).quantize(decimal.Decimal(1).scaleb(-scale), context=WIDE)
    except decimal.InvalidOperation:
        return None
    return format(value, "f") if abs(value) < decimal.Decimal(10) ** (precision - scale) else None


def decimal256_operation(op, left, right, scale):
    a, b = decimal.Decimal(left), decimal.Decimal(right)
    with decimal.localcontext(WIDE):
        if op in ("/", "%", "DIV") and not b:
            return None
        if op == "DIV":
            return str(int(a / b))
        value = {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b, "%": lambda: a % b}[op]()
    return decimal256(str(value), 76, scale)


def decimal256_sum(values, scale):
    given = [decimal.Decimal(v) for v in values if v is not None]
    if not given:
        return None
    with decimal.localcontext(WIDE):
        return decimal256(str(sum(given)), 76, scale)


# ---------------------------------------------------------------- bitmaps
def numbers_of(bitmap):
    return {int(n) for n in bitmap.split(",") if n} if re.fullmatch(r"[0-9,]*", bitmap) else set(bitmap.split(","))


def bitmap(numbers):
    return ",".join(map(str, sorted(numbers)))


def bitmap_read(text):
    """A list of numbers between commas, blanks allowed; NULL when it is none."""
    return bitmap({int(n) for n in text.split(",") if n.strip()}) if re.fullmatch(r"[\d,\s]*", text) else None


def bitmap_union(bitmaps):
    return bitmap(set().union(*(numbers_of(b) for b in bitmaps if b)))


def bitmap_intersection(bitmaps):
    given = [numbers_of(b) for b in bitmaps if b is not None]
    return bitmap(set.intersection(*given)) if given else ""


BITMAP_OPERATIONS = {"and": set.__and__, "or": set.__or__, "xor": set.__xor__, "andnot": set.__sub__}


# ---------------------------------------------------------------- zones and weekdays
def zone(name):
    found = re.fullmatch(r"([+-])(\d{1,2}):(\d{2})", name)
    if found:
        offset = datetime.timedelta(hours=int(found.group(2)), minutes=int(found.group(3)))
        return datetime.timezone(offset if found.group(1) == "+" else -offset)
    try:
        return ZoneInfo({"CST": "Asia/Shanghai"}.get(name, name))
    except (KeyError, ValueError, OSError):
        return None


def convert_tz(moment, source, target):
    source, target = zone(source), zone(target)
    if source is None or target is None:
        return None
    try:
        return moment.replace(tzinfo=source).astimezone(target).replace(tzinfo=None)
    except OverflowError:
        return None


WEEKDAYS = {word.lower(): n for n, name in enumerate(calendar.day_name) for word in (name[:2], name[:3], name)}


def _weekday(word, name):
    if word.lower() not in WEEKDAYS:
        raise ValueError(f"ROCKPOOL:{word} not supported in {name} dow_string")
    return WEEKDAYS[word.lower()]


def next_day(moment, word):
    day = moment.date()
    return day + datetime.timedelta((_weekday(word, "next_day") - day.weekday() - 1) % 7 + 1)


def previous_day(moment, word):
    day = moment.date()
    return day - datetime.timedelta((day.weekday() - _weekday(word, "previous_day") - 1) % 7 + 1)


MONTHS = {"year": 12, "quarter": 3, "month": 1}
SECONDS = {"week": 604800, "day": 86400, "hour": 3600, "minute": 60, "second": 1}


def time_slice(moment, count, unit, side):
    """The beginning (or end) of the period of so many units that holds a moment; periods are counted from year 1."""
    first = datetime.datetime(1, 1, 1)
    try:
        if unit in MONTHS:
            size = count * MONTHS[unit]
            n = ((moment.year - 1) * 12 + moment.month - 1) // size + (side == "ceil")
            return datetime.datetime(n * size // 12 + 1, n * size % 12 + 1, 1)
        size = count * SECONDS[unit]
        n = int((moment - first).total_seconds() // size) + (side == "ceil")
        return first + datetime.timedelta(seconds=n * size)
    except (OverflowError, ValueError):
        return None


def install(db):
    add(db, "sr_scan_datetime", scan_datetime, ["VARCHAR"], "TIMESTAMP")
    add(db, "sr_scan_number", scan_number, ["BIGINT"], "TIMESTAMP")
    add(db, "sr_scan_time", scan_time, ["VARCHAR"], "DOUBLE")
    add(db, "sr_split_part", split_part, ["VARCHAR", "VARCHAR", "INTEGER"], "VARCHAR")
    add(db, "sr_substring_index", substring_index, ["VARCHAR", "VARCHAR", "INTEGER"], "VARCHAR")
    for function in (initcap, url_encode, url_decode, big_number):
        add(db, "sr_" + function.__name__, function, ["VARCHAR"], "VARCHAR")
    add(db, "sr_parse_url", parse_url, ["VARCHAR", "VARCHAR"], "VARCHAR")
    add(db, "sr_url_parameter", url_parameter, ["VARCHAR", "VARCHAR"], "VARCHAR")
    add(db, "sr_money", money, ["DECIMAL(38,2)"], "VARCHAR")
    add(db, "sr_format", with_commas, ["VARCHAR", "INTEGER"], "VARCHAR")
    add(db, "sr_trimmed", trimmed, ["VARCHAR", "VARCHAR", "VARCHAR"], "VARCHAR")
    add(db, "sr_format_bytes", format_bytes, ["BIGINT"], "VARCHAR")
    add(db, "sr_inet_aton", inet_aton, ["VARCHAR"], "BIGINT")
    add(db, "sr_conv", conv, ["VARCHAR", "INTEGER", "INTEGER"], "VARCHAR")
    add(db, "sr_decimal256", decimal256, ["VARCHAR", "INTEGER", "INTEGER"], "VARCHAR")
    add(db, "sr_decimal256_operation", decimal256_operation, ["VARCHAR", "VARCHAR", "VARCHAR", "INTEGER"], "VARCHAR")
    add(db, "sr_decimal256_sum", decimal256_sum, ["VARCHAR[]", "INTEGER"], "VARCHAR")
    add(db, "sr_convert_tz", convert_tz, ["TIMESTAMP", "VARCHAR", "VARCHAR"], "TIMESTAMP")
    add(db, "sr_next_day", next_day, ["TIMESTAMP", "VARCHAR"], "DATE")
    add(db, "sr_previous_day", previous_day, ["TIMESTAMP", "VARCHAR"], "DATE")
    add(db, "sr_time_slice", time_slice, ["TIMESTAMP", "BIGINT", "VARCHAR", "VARCHAR"], "TIMESTAMP")
    add(db, "sr_bitmap_read", bitmap_read, ["VARCHAR"], "VARCHAR")
    add(db, "sr_bitmap_union", bitmap_union, ["VARCHAR[]"], "VARCHAR")
    add(db, "sr_bitmap_intersection", bitmap_intersection, ["VARCHAR[]"], "VARCHAR")
    for name, operation in BITMAP_OPERATIONS.items():
        add(db, "sr_bitmap_" + name, lambda a, b, f=operation: bitmap(f(numbers_of(a), numbers_of(b))), ["VARCHAR", "VARCHAR"], "VARCHAR")
    date_formats.install(db)
    json_functions.install(db)
    nested_text.install(db)
