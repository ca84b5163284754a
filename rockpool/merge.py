"""Merging committed segments into a stored table, by the rules of its model. Runs in the store's writing thread.

PRIMARY and UNIQUE: the last row of a key wins; DUPLICATE: rows are added; AGGREGATE: values are combined.
Stored tables have no index: rows with the keys of a batch are deleted by a join and written anew, which costs a scan
of the key columns per batch. Queues make the batches large.
"""
import contextlib
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rockpool.segments import FOR_NEW, OP
from rockpool.sql.defaults import nested_sql
from rockpool.sqltypes import INT_BITS


@dataclass
class Target:
    """What the writing thread needs to know of a table, taken when a merge is ordered."""
    id: int
    name: str
    store_name: str
    model: str
    columns: list  # Column
    keys: list = field(default_factory=list)
    stored_rows: int = -1  # as of the last merge, -1: not known; apply() keeps it up

    @staticmethod
    def of(table):
        columns = [c for c in table.columns if c.generated is None]
        return Target(table.id, table.name, table.store_name, table.model, columns, [c for c in columns if c.is_key])


FEW_ROWS = 1000  # below this a statement that looks the table over costs more than it saves


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def default_sql(column):
    """The default of a column as a DuckDB expression of its stored type."""
    kind = column.type.duckdb()
    if not column.has_default:
        return f"NULL::{kind}"
    if column.default_is_function:
        name = column.default.lower()
        if name.startswith("uuid_numeric"):
            return "(random() * 9e18)::HUGEINT"
        return "uuid()::VARCHAR" if name.startswith("uuid") else "now()::TIMESTAMP"
    if column.type.parts:
        return nested_sql(column.type, column.default)
    return f"CAST({literal(column.default)} AS {kind})"


def create_sql(table):
    columns = ", ".join(f"{c.store_name} {c.type.duckdb()}" for c in table.columns if c.generated is None)
    return f"CREATE TABLE {table.store_name} ({columns})"


def apply(db, target, queue):
    """Merges segments in their order. Neighbours that merge alike are merged as one batch."""
    is_known = target.stored_rows >= 0 and target.model != "AGGREGATE" and sum(s.rows for s in queue) < FEW_ROWS
    for batch in _batches(target, queue):
        rows = _concatenate(batch)
        if batch[0].partial:
            _update(db, target, rows, batch[0].condition)
        elif target.model == "DUPLICATE":
            _append(db, target, rows)
        elif target.model == "AGGREGATE":
            _aggregate(db, target, rows)
        else:
            _replace(db, target, rows, batch[0].condition)
    db.execute(f"INSERT INTO applied VALUES ({target.id}, {max(s.seq for s in queue)})")
    if not is_known:
        target.stored_rows = db.execute(f"SELECT count(*) FROM {target.store_name}").fetchall()[0][0]


def _batches(target, queue):
    kinds, batch = None, []
    for segment in queue:
        rows = segment.read()
        kind = (segment.partial, segment.condition, frozenset(rows.column_names) - {OP})
        if segment.condition is not None and rows.column(f"c{segment.condition}").null_count:
            kind += (segment.seq,)  # NULL is applied over what is stored: no maximum of several loads says that
        elif any(name.startswith(FOR_NEW) for name in rows.column_names):
            kind += (segment.seq,)  # the first load of a new key gives it its number
        if batch and kind != kinds:
            yield batch
            batch = []
        kinds = kind
        batch.append(segment)
    if batch:
        yield batch


def _concatenate(batch):
    tables = [s.read() for s in batch]
    if len(tables) == 1:
        return tables[0]
    if any(OP in t.column_names for t in tables):
        tables = [t if OP in t.column_names else t.append_column(OP, pa.repeat(pa.scalar(0, pa.int8()), t.num_rows))
                  for t in tables]
    if all(t.schema.equals(tables[0].schema) for t in tables):
        return pa.concat_tables(tables)
    return pa.concat_tables(tables, promote_options="permissive")


def last_of_each_key(rows, keys):
    """Only the last row of every key."""
    if rows.num_rows == 1:
        return rows
    names = [k.store_name for k in keys]
    order = rows.select(names).append_column("at", pa.array(_positions(rows.num_rows)))
    last = order.group_by(names, use_threads=False).aggregate([("at", "max")])
    if last.num_rows == rows.num_rows:
        return rows
    return rows.take(last.column("at_max").combine_chunks().sort())


def _positions(n):
    return np.arange(n, dtype=np.int64)


def split_by_op(rows):
    """(rows to upsert, rows that delete)"""
    if OP not in rows.column_names:
        return rows, None
    deletes = pc.not_equal(rows.column(OP), 0)
    upserts = rows.filter(pc.invert(deletes)).drop_columns([OP])
    return upserts, rows.filter(deletes)


def _same_key(keys, left, right):
    return " AND ".join(f"{left}.{k.store_name} IS NOT DISTINCT FROM {right}.{k.store_name}" if k.nullable else
                        f"{left}.{k.store_name} = {right}.{k.store_name}" for k in keys)


def _selected(target, names, alias="delta"):
    """Every stored column from a batch: cast, or its default where the batch has no such column."""
    parts = []
    for c in target.columns:
        if c.store_name in names:
            parts.append(f"CAST({alias}.{c.store_name} AS {c.type.duckdb()}) AS {c.store_name}")
        else:
            parts.append(f"{default_sql(c)} AS {c.store_name}")
    return ", ".join(parts)


def _listed(columns):
    return ", ".join(c.store_name for c in columns)


def _append(db, target, rows):
    with _registered(db, rows):
        _insert(db, target, rows)


def _delete_keys(db, target, rows):
    with _registered(db, rows):
        _delete(db, target)


@contextlib.contextmanager
def _registered(db, rows):
    """Lets statements read rows as the table delta."""
    db.register("delta", rows)
    try:
        yield
    finally:
        with contextlib.suppress(duckdb.TransactionException):  # a statement failed: the roll back forgets delta
            db.unregister("delta")


def _insert(db, target, rows):
    upserts = f" WHERE {OP} = 0" if OP in rows.column_names and target.model in ("PRIMARY", "UNIQUE") else ""
    target.stored_rows += _changed(db.execute(f"INSERT INTO {target.store_name} ({_listed(target.columns)}) "
                                              f"SELECT {_selected(target, rows.column_names)} FROM delta{upserts}"))


def _delete(db, target):
    keys = ", ".join(f"CAST({k.store_name} AS {k.type.duckdb()}) AS {k.store_name}" for k in target.keys)
    target.stored_rows -= _changed(db.execute(f"DELETE FROM {target.store_name} USING (SELECT {keys} FROM delta) AS d "
                                              f"WHERE {_same_key(target.keys, target.store_name, 'd')}"))


def _changed(result):
    """The number of rows that a statement inserted or deleted."""
    return result.fetchall()[0][0]


def is_empty(db, target):
    return not db.execute(f"SELECT 1 FROM {target.store_name} LIMIT 1").fetchall()


def _replace(db, target, rows, condition):
    if condition is not None:
        rows = _newest_by(db, target, rows, f"c{condition}")
    rows = last_of_each_key(rows, target.keys)
    with _registered(db, rows):
        if rows.num_rows < FEW_ROWS or not is_empty(db, target):
            _delete(db, target)
        _insert(db, target, rows)


def _newest_by(db, target, rows, column):
    """Merge condition: a row replaces another of its key only when the column's value is not smaller."""
    keys = ", ".join(f"CAST({k.store_name} AS {k.type.duckdb()}) AS {k.store_name}" for k in target.keys)
    kind = next(c.type.duckdb() for c in target.columns if c.store_name == column)
    numbered = rows.append_column("at_", pa.array(_positions(rows.num_rows)))
    db.register("delta", numbered)
    kept = db.execute(
        f"SELECT d.at_ FROM (SELECT {keys}, CAST({column} AS {kind}) AS cond_, at_ FROM delta QUALIFY row_number() OVER "
        f"(PARTITION BY {_listed(target.keys)} ORDER BY cond_ DESC NULLS LAST, at_ DESC) = 1) AS d "
        f"LEFT JOIN {target.store_name} AS t ON {_same_key(target.keys, 't', 'd')} "
        f"WHERE t.{column} IS NULL OR d.cond_ IS NULL OR d.cond_ >= t.{column}").to_arrow_table()
    db.unregister("delta")
    return rows.take(kept.column(0).combine_chunks().sort())


def _update(db, target, rows, condition):
    """Partial update: existing rows keep the columns that are not listed; new rows get defaults."""
    if condition is not None:
        rows = _newest_by(db, target, rows, f"c{condition}")
    upserts, deletes = split_by_op(last_of_each_key(rows, target.keys))
    if deletes is not None and deletes.num_rows:
        _delete_keys(db, target, deletes)
    if not upserts.num_rows:
        return
    db.register("partial", upserts)
    present = set(upserts.column_names)
    parts = []
    for c in target.columns:
        if c.store_name in present:
            parts.append(f"CAST(p.{c.store_name} AS {c.type.duckdb()}) AS {c.store_name}")
        else:
            fresh = f"p.{FOR_NEW}{c.uid}" if f"{FOR_NEW}{c.uid}" in present else default_sql(c)
            parts.append(f"CASE WHEN t.{target.keys[0].store_name} IS NULL THEN {fresh} "
                         f"ELSE t.{c.store_name} END AS {c.store_name}")
    db.execute(f"CREATE OR REPLACE TEMP TABLE merged_ AS SELECT {', '.join(parts)} FROM partial AS p "
               f"LEFT JOIN {target.store_name} AS t ON {_same_key(target.keys, 't', 'p')}")
    db.unregister("partial")
    _delete_keys(db, target, upserts)
    target.stored_rows += _changed(db.execute(f"INSERT INTO {target.store_name} ({_listed(target.columns)}) "
                                              "SELECT * FROM merged_"))
    db.execute("DROP TABLE merged_")


# ---------------------------------------------------------------- AGGREGATE tables
# a bitmap is the sorted text of its numbers between commas, an HLL the text of its hashes, a percentile of its values
PARTS = "string_split(string_agg(nullif({c}, ''), ','), ',')"
COMBINE = {"SUM": "sum({c})", "MAX": "max({c})", "MIN": "min({c})", "REPLACE": "last({c} ORDER BY at_)",
           "REPLACE_IF_NOT_NULL": "last({c} ORDER BY at_) FILTER ({c} IS NOT NULL)",
           "BITMAP_UNION": f"coalesce(array_to_string(list_sort(list_distinct({PARTS}::UHUGEINT[])), ','), '')",
           "HLL_UNION": f"coalesce(array_to_string(list_sort(list_distinct({PARTS})), ','), '')",
           "PERCENTILE_UNION": "coalesce(string_agg(nullif({c}, ''), ',' ORDER BY at_), '')"}


def _combined(column):
    """What becomes of the values of one key. Sums of integers wrap around in their type, as the server's do."""
    if column.is_key:
        return column.store_name
    made = COMBINE[column.aggregation or "REPLACE"].format(c=column.store_name)
    bits = INT_BITS.get(column.type.name)
    if column.aggregation == "SUM" and bits and bits < 128:
        span, half = 1 << bits, 1 << bits - 1
        made = f"((({made}::HUGEINT + {half}) % {span} + {span}) % {span} - {half})"
    return f"TRY_CAST({made} AS {column.type.duckdb()}) AS {column.store_name}"


def _aggregate(db, target, rows):
    if OP in rows.column_names:
        rows = rows.drop_columns([OP])
    db.register("delta", rows.append_column("at_", pa.array(_positions(rows.num_rows))))
    selected = _selected(target, rows.column_names)
    combined = ", ".join(map(_combined, target.columns))
    stored = f"SELECT {_listed(target.columns)}, -1 AS at_ FROM {target.store_name} AS t SEMI JOIN " \
             f"(SELECT {selected} FROM delta) AS d ON {_same_key(target.keys, 't', 'd')}"
    db.execute(f"CREATE OR REPLACE TEMP TABLE combined_ AS SELECT {combined} FROM ({stored} UNION ALL "
               f"SELECT {selected}, at_ FROM delta) GROUP BY {_listed(target.keys)}")
    db.unregister("delta")
    db.execute(f"DELETE FROM {target.store_name} USING combined_ AS d "
               f"WHERE {_same_key(target.keys, target.store_name, 'd')}")
    db.execute(f"INSERT INTO {target.store_name} ({_listed(target.columns)}) SELECT * FROM combined_")
    db.execute("DROP TABLE combined_")
