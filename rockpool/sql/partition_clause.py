"""PARTITION BY of CREATE TABLE and ADD PARTITION of ALTER TABLE."""
import datetime
import re

from rockpool.catalog import Partitioning
from rockpool.sql.analysis import analyzing

PARTITION_NAME = re.compile(r"[a-zA-Z]\w{0,63}|_[a-zA-Z0-9]\w{0,62}", re.A)
UNITS = ("HOUR", "DAY", "WEEK", "MONTH", "YEAR")
MAX_BATCH = 4096
TIME_CALL = re.compile(r"\s*(date_trunc|time_slice)\s*\(", re.I)


def read_partitioning(reader):
    for kind in ("RANGE", "LIST"):
        if reader.sees(kind, "("):
            reader.next()
            return _explicit(reader, kind.lower())
    return _expression_partitioning(reader)


def _explicit(reader, kind):
    """RANGE(columns) or LIST(columns), also RANGE(str2date(column, …)); then the partitions."""
    if reader.ahead(2).upper == "(":
        text = reader.bracketed()
        parts = Partitioning(kind, columns_of(text)[:1], text)
    else:
        parts = Partitioning(kind, reader.names(), "")
    if reader.accept("("):
        while not reader.accept(")"):
            read_partition(reader, parts)
            if not reader.sees(")"):
                reader.expect(",")
    _check_names(parts)
    return parts


def _check_names(parts):
    seen = set()
    for name in parts.names:
        if name.lower() in seen:
            raise analyzing(f"Duplicated partition name: {name}")
        seen.add(name.lower())


def columns_of(text):
    """The names in an expression that are columns: words that are neither functions, units nor in quotes."""
    plain = re.sub(r"'[^']*'|\"[^\"]*\"|interval\s+\d+\s+\w+", "", text, flags=re.I)
    found = []
    for match in re.finditer(r"`([^`]+)`|([^\W\d]\w*)(\s*\()?", plain):
        word = match.group(1) or match.group(2)
        if match.group(3) or not match.group(1) and word.upper() in ("FLOOR", "CEIL", "AS", "INT", "DATE", "DATETIME"):
            continue
        if word not in found:
            found.append(word)
    return found


def _expression_partitioning(reader):
    start = reader.token.start
    if reader.sees("("):
        inner = reader.bracketed()
        parts = Partitioning("expression", columns_of(inner), f"({inner})")
        return _explicit_behind(reader, parts)
    stop = start
    while True:
        reader.name()
        stop = reader.tokens[reader.at - 1].stop
        if reader.sees("("):
            reader.bracketed()
            stop = reader.tokens[reader.at - 1].stop
        if not (reader.sees(",") and reader.accept(",")):
            break
    text = reader.text[start:stop]
    return _explicit_behind(reader, Partitioning("expression", columns_of(text), text.replace('"', "'")))


def _explicit_behind(reader, parts):
    """START … END … EVERY in brackets behind an expression: partitions that are made at once."""
    if reader.accept("("):
        while not reader.accept(")"):
            read_partition(reader, parts)
            if not reader.sees(")"):
                reader.expect(",")
    return parts


def is_time_expression(parts):
    """Whether the partitions of an expression are ranges of time, and not lists of values."""
    return bool(TIME_CALL.match(parts.text)) and len(parts.columns) == 1 and parts.text.count("(") == 1


def unit_of(parts):
    """The unit of date_trunc('unit', c) or time_slice(c, interval n unit)."""
    found = re.search(r"date_trunc\s*\(\s*['\"](\w+)['\"]", parts.text, re.I) or \
        re.search(r"interval\s+\d+\s+(\w+)", parts.text, re.I) or re.search(r",\s*\d+\s*,\s*['\"](\w+)['\"]", parts.text)
    return found.group(1).upper() if found else "DAY"


# ---------------------------------------------------------------- one partition
def read_partition(reader, parts):
    """One partition of a RANGE or LIST clause; START … EVERY makes several. The names that were added."""
    if reader.accept("START"):
        return _every(reader, parts)
    reader.expect("PARTITION")
    quiet = reader.accept("IF", "NOT", "EXISTS")
    name = reader.name()
    check_name(name)
    reader.expect("VALUES")
    if quiet and name.lower() in [n.lower() for n in parts.names]:
        parts = Partitioning(parts.kind, parts.columns, "")  # read, and forgotten
    if reader.accept("IN"):
        parts.lists.append([name, _list_values(reader, len(parts.columns))])
    elif reader.accept("LESS"):
        reader.expect("THAN")
        upper = None if reader.accept("MAXVALUE") else _edge(reader)
        parts.ranges.append([name, _below(parts, upper), upper])
    else:
        reader.expect("[")
        lower = _edge(reader)
        reader.expect(",")
        upper = _edge(reader)
        reader.expect(")")
        parts.ranges.append([name, lower, upper])
    if reader.sees("("):
        reader.properties()
    return [name]


def check_name(name):
    if not PARTITION_NAME.fullmatch(name) or name.startswith("placeholder_"):
        raise analyzing(f"Incorrect partition name '{name}'")


def _below(parts, upper):
    """The lower edge of LESS THAN: the highest edge below it."""
    below = [r[2] for r in parts.ranges if r[2] is not None and (upper is None or _less(r[2], upper))]
    return max(below, key=_sortable) if below else None


def _sortable(edge):
    return [(0, float(v)) if v is not None and re.fullmatch(r"-?\d+(\.\d+)?", v) else (1, v or "") for v in edge]


def _less(one, other):
    return _sortable(one) < _sortable(other)


def _edge(reader):
    reader.expect("(")
    values = []
    while not reader.accept(")"):
        if reader.accept("MAXVALUE"):
            values.append(None)
        else:
            values.append(("-" if reader.accept("-") else "") + reader.string())
        if not reader.sees(")"):
            reader.expect(",")
    return None if values == [None] else values


def _value(reader):
    return None if reader.accept("NULL") else ("-" if reader.accept("-") else "") + reader.string()


def _list_values(reader, width):
    reader.expect("(")
    rows = []
    while not reader.accept(")"):
        if reader.accept("("):
            row = []
            while not reader.accept(")"):
                row.append(_value(reader))
                reader.accept(",")
            rows.append(row)
        else:
            rows.append([_value(reader)])
        if len(rows[-1]) != width:
            raise analyzing("(" + ",".join(f'"{v}"' for v in rows[-1]) + f") size should be equal to partition column size "
                            f"{width}")
        if not reader.sees(")"):
            reader.expect(",")
    return rows


# ---------------------------------------------------------------- START … END … EVERY
def read_batch(reader):
    """(start, end, step, unit or None)"""
    start = _edge(reader)[0]
    reader.expect("END")
    end = _edge(reader)[0]
    reader.expect("EVERY", "(")
    unit = None
    if reader.accept("INTERVAL"):
        step, unit = int(reader.string()), reader.name().upper()
        if unit not in UNITS:
            reader.at -= 1
            raise reader.unexpected(*UNITS)
    else:
        step = int(reader.string())
    reader.expect(")")
    if step <= 0:
        raise analyzing("The step of batch partitions should be larger than 0")
    return start, end, step, unit


def _every(reader, parts):
    if len(parts.columns) > 1:
        raise analyzing("Batch build partition only support single range column")
    start, end, step, unit = read_batch(reader)
    made = time_batch(start, end, step, unit) if unit else number_batch(start, end, step)
    if len(made) > MAX_BATCH:
        raise analyzing(f"The number of batch partitions should not exceed:{MAX_BATCH}")
    parts.ranges += made
    return [m[0] for m in made]


def number_batch(start, end, step):
    try:
        low, high = int(start), int(end)
    except ValueError:
        raise analyzing("Batch build partition EVERY is number type but START or END does not type match") from None
    if low >= high:
        raise analyzing("Batch build partition start value should less then end value")
    return [[f"p{n}".replace("-", "_"), [str(n)], [str(n + step)]] for n in range(low, high, step)]


def time_batch(start, end, step, unit, prefix="p"):
    try:
        at, stop = moment(start), moment(end)
    except ValueError:
        raise analyzing("Batch build partition EVERY is date type but START or END does not type match") from None
    if at >= stop:
        raise analyzing("Batch build partition start date should less than end date.")
    made = []
    while at < stop:
        if unit == "WEEK":
            at -= datetime.timedelta(days=at.weekday())
        upper = later(truncated(at, unit), step, unit)
        if unit != "DAY" and upper > stop:
            upper = stop
        made.append([prefix + suffix(at, unit), [shown_moment(at, unit)], [shown_moment(upper, unit)]])
        at = upper
        if len(made) > MAX_BATCH:
            break
    return made


def moment(text):
    if re.fullmatch(r"\d{8}", text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    return datetime.datetime.fromisoformat(text)


def shown_moment(at, unit):
    return str(at) if unit == "HOUR" or at.time() != datetime.time() else str(at.date())


def suffix(at, unit):
    if unit == "WEEK":
        year, week, _ = at.isocalendar()
        return f"{year}_{week:02d}"
    return at.strftime({"MINUTE": "%Y%m%d%H%M", "HOUR": "%Y%m%d%H", "DAY": "%Y%m%d", "MONTH": "%Y%m",
                        "YEAR": "%Y"}.get(unit, "%Y%m%d"))


def truncated(at, unit):
    if unit == "HOUR":
        return at.replace(minute=0, second=0)
    at = at.replace(hour=0, minute=0, second=0)
    return at.replace(day=1) if unit == "MONTH" else at.replace(month=1, day=1) if unit == "YEAR" else at


def later(at, step, unit):
    days = {"MINUTE": 1 / 1440, "HOUR": 1 / 24, "DAY": 1, "WEEK": 7}
    if unit in days:
        return at + datetime.timedelta(days=days[unit] * step)
    months = at.month - 1 + step * {"YEAR": 12, "QUARTER": 3}.get(unit, 1)
    return at.replace(year=at.year + months // 12, month=months % 12 + 1)
