"""The partitions of a table as rows live in them: which there are, the rows of each, how they are shown.

Tables are stored whole. A partition is a condition on the partition columns. Partitions that loads make by an expression are
found in the rows when somebody asks, and stay from then on.
"""
import datetime
import re
from dataclasses import dataclass

from rockpool.sql import translate
from rockpool.sql.partition_clause import is_time_expression, later, suffix, unit_of

LEAST = {"TINYINT": "-128", "SMALLINT": "-32768", "INT": "-2147483648", "BIGINT": "-9223372036854775808",
         "LARGEINT": "-170141183460469231731687303715884105728", "DATE": "0000-01-01", "DATETIME": "0000-01-01 00:00:00"}


@dataclass
class Part:
    """One partition: its name, its id, its values as text, and the condition that its rows meet."""
    name: str
    id: int
    shown: str
    condition: str
    rows: int = 0


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def value_sql(column, text):
    if text is None:
        return "NULL"
    return f"CAST({quoted(text)} AS {column.type.duckdb()})"


def columns_of(table):
    return [table.column(n) for n in table.partitioning.columns] if table.partitioning else []


def typed(column, text):
    """An edge as the server prints it: dates without time of DATE columns, full times of DATETIME columns."""
    if text is None:
        return None
    if column.type.name == "DATETIME" and re.fullmatch(r"\d{4}-\d\d?-\d\d?", text):
        return text + " 00:00:00"
    if column.type.name == "DATE" and re.fullmatch(r"\d{4}-\d\d?-\d\d? .*", text):
        return text.split(" ")[0]
    return text


# ---------------------------------------------------------------- which there are
def id_of(world, table, name):
    kept = table.partitioning.ids
    if name not in kept:
        kept[name] = world.meta.number("object", 10001)
    return kept[name]


def parts(world, table):
    """The partitions that are known; discover() first where an expression makes them."""
    found = table.partitioning
    if found is None:
        if not table.single_id:
            table.single_id = world.meta.number("object", 10001)
        return [Part(table.name, table.single_id, "", "TRUE")]
    columns = columns_of(table)
    if found.kind == "list" or found.kind == "expression" and not is_time_expression(found):
        return [Part(n, id_of(world, table, n), list_shown(found, rows), list_condition(table, columns, rows))
                for n, rows in found.lists]
    ordered = sorted(found.ranges, key=lambda r: _order(columns[0], r))
    return [Part(n, id_of(world, table, n), range_shown(columns, low, high), range_condition(columns, low, high))
            for n, low, high in ordered]


def _order(column, entry):
    low = entry[1][0] if entry[1] else None
    if low is None:
        return (0, 0, "")
    return (1, int(low), "") if re.fullmatch(r"-?\d+", low) and column.type.is_integer else (1, 0, low)


async def discover(world, table):
    """Adds the partitions that rows of an expression-partitioned table are in."""
    found = table.partitioning
    if found is None or found.kind != "expression":
        return
    expressions = [_expression_sql(table, t) for t in expressions_of(found)]
    cursor = await world.storage.snapshot([table.id])
    try:
        rows = await world.storage.read(lambda: cursor.execute(
            f"SELECT DISTINCT {', '.join(expressions)} FROM {table.store_name}").fetchall())
    finally:
        cursor.close()
    time_ranges = is_time_expression(found)
    before = len(found.ranges) + len(found.lists)
    for row in sorted(rows, key=str):
        if time_ranges:
            _add_time(table, found, row[0])
        else:
            _add_values(found, [None if v is None else _text(v) for v in row])
    if len(found.ranges) + len(found.lists) != before:
        for name in found.names:
            id_of(world, table, name)
        world.catalog.save(table)


def expressions_of(found):
    """The expressions of PARTITION BY, one by one."""
    text = found.text.strip()
    if text.startswith("("):
        text = text[1:-1]
    pieces, depth, start = [], 0, 0
    for n, ch in enumerate(text):
        depth += (ch == "(") - (ch == ")")
        if ch == "," and depth == 0:
            pieces.append(text[start:n])
            start = n + 1
    return [p.strip() for p in [*pieces, text[start:]]]


def _expression_sql(table, text):
    if is_time_expression_text(text) and text.lower().startswith("time_slice"):
        inner = re.match(r"time_slice\s*\(\s*`?(\w+)`?", text, re.I).group(1)
        unit = re.search(r"interval\s+\d+\s+(\w+)", text, re.I) or re.search(r",\s*\d+\s*,\s*['\"](\w+)['\"]", text)
        return f"date_trunc('{unit.group(1)}', {table.column(inner).store_name})"
    known = {c.name.lower(): c.type.name for c in table.columns}
    sql = translate.expression_sql(text, known)
    for c in table.columns:
        sql = sql.replace(f'"{c.name.lower()}"', c.store_name)
    return sql


def is_time_expression_text(text):
    return bool(re.match(r"\s*(date_trunc|time_slice)\s*\(", text, re.I))


def _text(value):
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return "1" if value is True else "0" if value is False else str(value)


def _add_time(table, found, value):
    column = columns_of(table)[0]
    unit = unit_of(found)
    if value is None:
        _add_range(found, ["pNULL", None, [LEAST.get(column.type.name, "0000-01-01")]])
        return
    at = value if isinstance(value, datetime.datetime) else datetime.datetime(value.year, value.month, value.day)
    upper = later(at, 1, unit)
    _add_range(found, [auto_name(at, unit), [typed(column, _text(at))], [typed(column, _text(upper))]])


def auto_name(at, unit):
    """The name of a partition that a load makes; a week is named by its first day."""
    return "p" + suffix(at, "DAY" if unit == "WEEK" else unit)


def _add_range(found, entry):
    if entry[0] not in [r[0] for r in found.ranges]:
        found.ranges.append(entry)


def _add_values(found, row):
    known = {tuple(r) for _, rows in found.lists for r in rows}
    if tuple(row) in known:
        return
    name = "p" + "_".join("NULL" if v is None else _name_part(v) for v in row)
    names = [n.lower() for n, _ in found.lists]
    while name.lower() in names:
        name += "_1"
    found.lists.append([name, [row]])


def _name_part(text):
    out = "_" if text.startswith("-") else ""
    for ch in text:
        out += ch if ch.isascii() and ch.isalnum() else "" if ch in "-: *" else f"{ord(ch):x}"
    return out


# ---------------------------------------------------------------- conditions on stored columns
def range_condition(columns, lower, upper):
    if lower is None and upper is None:
        return "TRUE"
    if len(columns) == 1:
        c = columns[0]
        low = None if lower is None else f"{c.store_name} >= {value_sql(c, lower[0])}"
        high = None if upper is None or upper[0] is None else f"{c.store_name} < {value_sql(c, upper[0])}"
        if lower is None:
            return f"({c.store_name} IS NULL OR {high})" if high else "TRUE"
        return " AND ".join(x for x in (low, high) if x)
    low = "TRUE" if lower is None else f"{_row(columns, len(lower))} >= {_values(columns, lower)}"
    high = "TRUE" if upper is None else f"{_row(columns, len(upper))} < {_values(columns, upper)}"
    return f"({low} AND {high})"


def _row(columns, width):
    return "(" + ", ".join(c.store_name for c in columns[:width]) + ")"


def _values(columns, edge):
    return "(" + ", ".join(value_sql(c, t) for c, t in zip(columns, edge)) + ")"


def list_condition(table, columns, rows):
    found = table.partitioning
    expressions = [_expression_sql(table, t) for t in expressions_of(found)] if found.kind == "expression" else \
        [c.store_name for c in columns]
    tests = []
    for row in rows:
        each = []
        for n, (sql, text) in enumerate(zip(expressions, row)):
            column = columns[n] if n < len(columns) else None
            cast = column.type.duckdb() if column is not None and found.kind == "list" else "VARCHAR"
            each.append(f"({sql}) IS NULL" if text is None else f"CAST(({sql}) AS {cast}) = CAST({quoted(text)} AS {cast})")
        tests.append("(" + " AND ".join(each) + ")")
    return "(" + " OR ".join(tests or ["FALSE"]) + ")"


# ---------------------------------------------------------------- shown
def edge_shown(columns, edge, least):
    kinds = ", ".join(c.type.described().upper() if c.type.name != "VARCHAR" else "VARCHAR" for c in columns)
    values = []
    for n, c in enumerate(columns):
        text = edge[n] if edge is not None and n < len(edge) else None
        if text is None:
            text = LEAST.get(c.type.name, "") if least or edge is not None and n >= len(edge) else "MAXVALUE"
        values.append(typed(c, text))
    return f"types: [{kinds}]; keys: [{', '.join(values)}]; "


def range_shown(columns, lower, upper):
    return f"[{edge_shown(columns, lower, True)}..{edge_shown(columns, upper, False)})"


def list_shown(found, rows):
    def one(values):
        return ", ".join("NULL" if v is None else f"'{v}'" for v in values)
    if len(found.columns) == 1 and found.kind == "list":
        return "(" + ", ".join(one(r) for r in rows) + ")"
    return "(" + ", ".join(f"({one(r)})" for r in rows) + ")"


async def count_rows(world, table, found):
    """Fills in how many rows each partition has."""
    if not found:
        return
    cursor = await world.storage.snapshot([table.id])
    counts = ", ".join(f"count(*) FILTER (WHERE {p.condition})" for p in found)
    try:
        row = await world.storage.read(lambda: cursor.execute(f"SELECT {counts} FROM {table.store_name}").fetchall())
    finally:
        cursor.close()
    for part, rows in zip(found, row[0]):
        part.rows = rows


async def named(world, table, names):
    """The partitions of these names; the first name that is none comes as the second value."""
    await discover(world, table)
    known = {p.name.lower(): p for p in parts(world, table)}
    found = []
    for name in names:
        part = known.get(name.lower())
        if part is None:
            return found, name
        if part not in found:
            found.append(part)
    return found, None


async def delete_rows(world, table, found):
    """Removes the rows of partitions."""
    if found:
        where = " OR ".join(f"({p.condition})" for p in found)
        await world.storage.run(table, f"DELETE FROM {table.store_name} WHERE {where}")


def sorted_ranges(table):
    """The ranges of a table from the lowest on."""
    first = columns_of(table)[0]
    return sorted(table.partitioning.ranges, key=lambda r: _order(first, r))
