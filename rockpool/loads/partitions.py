"""Which rows no partition takes."""
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rockpool.errors import LoadError, analysis
from rockpool.loads.convert import FAILED, from_text
from rockpool.sql.partitions import expressions_of


def chosen(table, options):
    """The partitions that a load's partitions header leaves of a table's, None without the header."""
    if not options.partitions:
        return None
    parts = table.partitioning
    known = [table.name] if parts is None else [p[0] for p in parts.ranges + parts.lists]
    for name in options.partitions:
        if options.temporary_partitions or name not in known:
            raise analysis(f"unknown partition {name} in table {table.name}")
    if parts is None:
        return None
    return replace(parts, ranges=[p for p in parts.ranges if p[0] in options.partitions],
                   lists=[p for p in parts.lists if p[0] in options.partitions])


def out_of_partitions(table, columns, rows, parts=None):
    """The mask of rows outside a table's partitions (or those of `parts`), or None when every row has one."""
    if parts is None and table.partitioning.kind == "expression":
        return None  # partitions are created by the load
    parts = parts or table.partitioning
    found = [table.column(name) for name in parts.columns]
    if any(c is None or c.uid not in columns for c in found):
        return None
    takes = _range_test(parts, found) if parts.kind == "range" else _list_test(parts, found)
    arrays = [columns[c.uid] for c in found]
    arrays = [_comparable(a) for a in arrays]
    if len(arrays) == 1:
        distinct = pc.unique(arrays[0])
        bad = [v for v in distinct.to_pylist() if not takes((v,))]
        if not bad:
            return None
        mask = pc.is_in(arrays[0], pa.array(bad, arrays[0].type), skip_nulls=False)
        return mask.to_numpy(zero_copy_only=False)
    lists = [a.to_pylist() for a in arrays]
    mask = np.array([not takes(key) for key in zip(*lists)])
    return mask if mask.any() else None


class Created:
    """The partitions that a load makes in a table that is partitioned by an expression; a load may make so many."""

    def __init__(self, table, limit, engine):
        self.parts = table.partitioning
        self.columns = [table.column(name) for name in self.parts.columns]
        self.limit, self.engine = limit, engine
        self.expressions = expressions_of(self.parts)
        self.known = set()

    def note(self, columns):
        arrays = [columns.get(c.uid) for c in self.columns]
        if any(a is None for a in arrays):
            return
        table = pa.table(arrays, names=[c.name for c in self.columns])
        distinct = table.group_by(table.column_names, use_threads=False).aggregate([])
        fields = [(c.name, distinct.column(c.name).combine_chunks(), c.type) for c in self.columns]
        try:
            found = self.engine.evaluate(self.expressions, fields, distinct.num_rows)
        except LoadError:
            return  # an expression that only CREATE TABLE knows how to read
        self.known.update(zip(*[a.to_pylist() for a in found]))
        if len(self.known) > self.limit:
            raise analysis(f"Automatically created partitions exceeded the maximum limit: {self.limit}. You can modify this "
                           "restriction on by setting max_automatic_partition_number larger.")


def _comparable(array):
    """Dates as numbers, so that keys and bounds compare."""
    if pa.types.is_date32(array.type):
        return array.cast(pa.int32())
    if pa.types.is_timestamp(array.type):
        return array.cast(pa.int64())
    return array


def bound(column, text):
    value = from_text(column.type)(text)
    if value is FAILED:
        raise ValueError(f"Invalid number format: {text}")
    return value if not isinstance(value, str) or column.type.name != "LARGEINT" else value


def _range_test(parts, columns):
    ranges = []
    for _, lower, upper in parts.ranges:
        ranges.append(tuple(None if edge is None else tuple(bound(c, t) for c, t in zip(columns, edge))
                            for edge in (lower, upper)))

    def takes(key):
        if any(v is None for v in key):
            return any(lower is None for lower, _ in ranges)  # NULL is the least value
        return any((lower is None or key[:len(lower)] >= lower) and (upper is None or key[:len(upper)] < upper)
                   for lower, upper in ranges)
    return takes


def _list_test(parts, columns):
    known = {tuple(None if t is None else bound(c, t) for c, t in zip(columns, values))
             for _, rows in parts.lists for values in rows}
    return lambda key: tuple(key) in known
