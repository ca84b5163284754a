"""Which tablets a condition leaves: those of the partitions and buckets that rows which meet it can be in.

Only conditions joined by AND that compare a column with literals tell; all others leave every tablet.
"""
import itertools

import duckdb
import pyarrow as pa
from sqlglot import exp

from rockpool.loads.convert import FAILED, from_text
from rockpool.scan.tablets import bucket_count

MOST_KEYS = 1000
TURNED = {exp.GT: exp.LT, exp.LT: exp.GT, exp.GTE: exp.LTE, exp.LTE: exp.GTE, exp.EQ: exp.EQ}


def conjuncts(tree):
    where = tree.args.get("where")
    waiting, found = [where.this] if where is not None else [], []
    while waiting:
        node = waiting.pop()
        if isinstance(node, exp.Paren):
            waiting.append(node.this)
        elif isinstance(node, exp.And):
            waiting += [node.this, node.expression]
        else:
            found.append(node)
    return found


def is_never(tree):
    """Whether a condition of literals alone is false: then nothing is scanned."""
    return any(isinstance(node, exp.Boolean) and not node.this or isinstance(node, exp.Null) or
               isinstance(node, exp.EQ) and node.this.is_int and node.expression.is_int and
               int(node.this.name) != int(node.expression.name) for node in conjuncts(tree))


def tablets(layout, tree):
    """The ids of the tablets to scan, in order."""
    tests = [t for t in (_test(layout.table, node) for node in conjuncts(tree)) if t is not None]
    buckets = _buckets(layout, tests)
    kept = _parts(layout, tests)
    width = bucket_count(layout.table)
    return [tablet for n, tablet in enumerate(layout.ids)
            if n // width in kept and (buckets is None or n % width in buckets)]


def _test(table, node):
    """(column, operator, values as texts) of a comparison with literals; None for anything else."""
    if isinstance(node, exp.In) and isinstance(node.this, exp.Column) and not node.args.get("query"):
        values = [_literal(e) for e in node.expressions]
        return _known(table, node.this, exp.In, values)
    if isinstance(node, exp.Between) and isinstance(node.this, exp.Column):
        return _known(table, node.this, exp.Between, [_literal(node.args["low"]), _literal(node.args["high"])])
    if type(node) not in TURNED:
        return None
    if isinstance(node.this, exp.Column):
        return _known(table, node.this, type(node), [_literal(node.expression)])
    if isinstance(node.expression, exp.Column):
        return _known(table, node.expression, TURNED[type(node)], [_literal(node.this)])
    return None


def _known(table, name, operator, values):
    column = table.column(name.name)
    if column is None or None in values or not values:
        return None
    return column, operator, values


def _literal(node):
    """The text of a literal, a sign before it included."""
    if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal):
        return "-" + node.this.name
    if isinstance(node, exp.Boolean):
        return "1" if node.this else "0"
    if isinstance(node, exp.Cast) and node.this.is_string and node.to.this in (exp.DataType.Type.DATE,
                                                                               exp.DataType.Type.DATETIME):
        return node.this.name
    return node.name if isinstance(node, exp.Literal) else None


# ---------------------------------------------------------------- buckets
def _buckets(layout, tests):
    """The buckets of rows with the given distribution columns; None where not all of them are given."""
    choices = []
    for column in layout.hash_columns:
        values = next(([from_text(column.type)(v) for v in found] for c, operator, found in tests
                       if c is column and operator in (exp.EQ, exp.In)), None)
        if values is None or any(v is FAILED or v is None for v in values):
            return None
        choices.append(values)
    if not choices:
        return None
    keys = list(itertools.islice(itertools.product(*choices), MOST_KEYS + 1))
    if len(keys) > MOST_KEYS:
        return None
    try:
        return {layout.bucket_of(key) for key in keys}
    except (pa.ArrowException, ArithmeticError, ValueError):  # a value that no row can hold
        return None


# ---------------------------------------------------------------- partitions
def _parts(layout, tests):
    """Numbers of the partitions that may hold rows that meet the tests on a single partition column."""
    every = set(range(len(layout.parts)))
    parts = layout.table.partitioning
    if parts is None or len(parts.columns) != 1:
        return every
    column = layout.table.column(parts.columns[0])
    ours = [(operator, values) for c, operator, values in tests if c is column]
    if not ours:
        return every
    if parts.ranges:
        edges = {name: (low and low[0], high and high[0]) for name, low, high in parts.ranges}
    elif parts.lists and parts.kind == "list":
        edges = {name: [row[0] for row in rows] for name, rows in parts.lists}
    else:
        return every
    try:
        return {n for n, p in enumerate(layout.parts) if all(_may_hold(column, edges[p.name], *o) for o in ours)}
    except (duckdb.Error, KeyError):
        return every


def _may_hold(column, edges, operator, values):
    """Whether a partition with these edges, or this list of values, may hold a value that meets a test."""
    if isinstance(edges, list):
        cells = ", ".join(_value(column, v) for v in edges if v is not None)
        return bool(cells) and _asks(f"SELECT bool_or({_compares('v', column, operator, values)}) "
                                     f"FROM (SELECT unnest([{cells}]) AS v)")
    low, high = (None if e is None else _value(column, e) for e in edges)
    tests = []
    if operator in (exp.EQ, exp.In):
        tests = ["(" + " OR ".join(_inside(_value(column, v), low, high) for v in values) + ")"]
    if operator in (exp.GT, exp.GTE, exp.Between) and high is not None:
        tests.append(f"{_value(column, values[0])} < {high}")
    if operator in (exp.LT, exp.LTE, exp.Between) and low is not None:
        tests.append(f"{_value(column, values[-1])} {'>' if operator is exp.LT else '>='} {low}")
    return not tests or _asks("SELECT " + " AND ".join(tests))


def _inside(value, low, high):
    return " AND ".join([*([f"{value} >= {low}"] if low else []), *([f"{value} < {high}"] if high else [])] or ["TRUE"])


def _compares(name, column, operator, values):
    cells = [_value(column, v) for v in values]
    if operator is exp.In:
        return f"{name} IN ({', '.join(cells)})"
    if operator is exp.Between:
        return f"{name} BETWEEN {cells[0]} AND {cells[1]}"
    return f"{name} {({exp.EQ: '=', exp.GT: '>', exp.GTE: '>=', exp.LT: '<', exp.LTE: '<='})[operator]} {cells[0]}"


def _value(column, text):
    return "CAST('" + text.replace("'", "''") + f"' AS {column.type.duckdb()})"


def _asks(sql):
    """Comparisons of two literals are the store's, so that they order as its rows do."""
    return bool(duckdb.connect(":memory:").execute(sql).fetchall()[0][0])
