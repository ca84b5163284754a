"""PARTITION BY of CREATE TABLE and ADD PARTITION of ALTER TABLE."""
import datetime
import re

from rockpool.catalog import Partitioning
from rockpool.sql.columns import analyzing

PARTITION_NAME = re.compile(r"[a-zA-Z]\w{0,63}|_[a-zA-Z0-9]\w{0,62}")


def read_partitioning(reader):
    for kind in ("RANGE", "LIST"):
        if reader.sees(kind, "("):
            reader.next()
            columns = reader.names()
            parts = Partitioning(kind.lower(), columns, "")
            if reader.accept("("):
                while not reader.accept(")"):
                    read_partition(reader, parts)
                    if not reader.sees(")"):
                        reader.expect(",")
            return parts
    return _expression_partitioning(reader)


def _expression_partitioning(reader):
    start = reader.token.start
    if reader.sees("("):
        text = "(" + reader.bracketed() + ")"
        return Partitioning("expression", re.findall(r"\w+", text), text)
    columns, stop = [], start
    while True:
        name = reader.name()
        stop = reader.tokens[reader.at - 1].stop
        if reader.sees("("):
            inner = reader.bracketed()
            stop = reader.tokens[reader.at - 1].stop
            columns += [w for w in re.findall(r"`?(\w+)`?", re.sub(r"'[^']*'|\"[^\"]*\"|interval\s+\d+\s+\w+", "", inner,
                                                                   flags=re.I)) if not w.isdigit()]
        else:
            columns.append(name)
        if not reader.accept(","):
            break
    if reader.accept("("):
        raise reader.unexpected("<EOF>")
    return Partitioning("expression", columns, reader.text[start:stop])


def read_partition(reader, parts):
    """One partition of a RANGE or LIST clause."""
    if reader.accept("START"):
        return _every(reader, parts)
    reader.expect("PARTITION")
    if reader.accept("IF"):
        reader.expect("NOT", "EXISTS")
    name = reader.name()
    if not PARTITION_NAME.fullmatch(name):
        raise analyzing(f"Incorrect partition name '{name}'")
    reader.expect("VALUES")
    if parts.kind == "list":
        reader.expect("IN")
        parts.lists.append([name, _list_values(reader)])
    elif reader.accept("LESS"):
        reader.expect("THAN")
        earlier = parts.ranges[-1][2] if parts.ranges else None
        upper = None if reader.accept("MAXVALUE") else _edge(reader)
        parts.ranges.append([name, earlier, upper])
    else:
        reader.expect("[")
        lower = _edge(reader)
        reader.expect(",")
        upper = _edge(reader)
        reader.expect(")")
        parts.ranges.append([name, lower, upper])
    if reader.accept("("):
        while not reader.accept(")"):
            reader.next()
    return None


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


def _list_values(reader):
    reader.expect("(")
    rows = []
    while not reader.accept(")"):
        if reader.accept("("):
            row = []
            while not reader.accept(")"):
                row.append(None if reader.accept("NULL") else reader.string())
                reader.accept(",")
            rows.append(row)
        else:
            rows.append([None if reader.accept("NULL") else reader.string()])
        if not reader.sees(")"):
            reader.expect(",")
    return rows


def _every(reader, parts):
    """START ("a") END ("b") EVERY (…): one partition per step."""
    start = _edge(reader)[0]
    reader.expect("END")
    end = _edge(reader)[0]
    reader.expect("EVERY", "(")
    if reader.accept("INTERVAL"):
        step, unit = int(reader.string()), reader.name().upper()
        reader.expect(")")
        at, stop = (datetime.datetime.fromisoformat(t) for t in (start, end))
        while at < stop:
            upper = _later(at, step, unit)
            parts.ranges.append([f"p{at:%Y%m%d}", [str(at.date())], [str(upper.date())]])
            at = upper
        return
    step = int(reader.string())
    reader.expect(")")
    for low in range(int(start), int(end), step):
        parts.ranges.append([f"p{low}", [str(low)], [str(low + step)]])


def _later(at, step, unit):
    if unit in ("DAY", "WEEK", "HOUR"):
        return at + datetime.timedelta(**{{"DAY": "days", "WEEK": "weeks", "HOUR": "hours"}[unit]: step})
    months = at.month - 1 + (step * 12 if unit == "YEAR" else step)
    return at.replace(year=at.year + months // 12, month=months % 12 + 1)
