"""INSERT: literals and queries to rows, by the same rules as a strict load."""
import uuid

import pyarrow as pa

from rockpool.errors import LoadError, SqlError
from rockpool.loads import csv_rows, plan, sink
from rockpool.loads.dates import FAILED
from rockpool.loads.nested import nested_text
from rockpool.loads.options import LoadOptions
from rockpool.loads.stream import Lazy
from rockpool.mysql.wire import Result
from rockpool.segments import SegmentWriter
from rockpool.sql import select, translate
from rockpool.sql.columns import analyzing

CHUNK_ROWS = 100_000


async def insert(session, reader):
    reader.expect("INSERT")
    overwrite = reader.one_of("INTO", "OVERWRITE") == "OVERWRITE"
    reader.accept("TABLE")
    parts = reader.qualified()
    if reader.accept("PARTITION"):
        reader.names()
    label = reader.name() if reader.accept("WITH", "LABEL") else None
    names, by_name = None, False
    if reader.sees("(") and reader.ahead().upper not in ("SELECT", "WITH", "("):
        names = reader.names()
    if reader.accept("BY", "NAME"):
        by_name = True
    properties = {}
    if reader.accept("PROPERTIES"):
        properties = reader.properties()
    if label is None and reader.accept("WITH", "LABEL"):
        label = reader.name()
    table = session.table(parts)
    database = session.resolve(parts)[0]
    session.demand("INSERT", database, table.name)
    if table.view_sql is not None:
        raise analyzing(f"Cannot insert into view '{table.name}'")
    if label is not None:
        _check_label(session, database, label)
    text = reader.text[reader.token.start:]
    columns = _target_columns(table, names)
    if reader.sees("VALUES"):
        rows = await _values(session, table, columns, reader)
    else:
        rows, columns = await _query_rows(session, text, table, columns, by_name)
    return await _write(session, table, database, columns, rows, label, properties, overwrite)


def _check_label(session, database, label):
    owner = session.world.catalog.database(database)
    earlier = session.world.txns.by_label(owner.id, label)
    if earlier is not None and earlier.state != "ABORTED":
        raise SqlError(f"Label [{label}] has already been used.")


def _target_columns(table, names):
    if names is None:
        return [c for c in table.columns if c.generated is None]
    found = []
    for name in names:
        column = table.column(name)
        if column is None:
            raise SqlError(f"Getting analyzing error. Detail message: Unknown column '{name}' in '{table.name}'.")
        if column in found:
            raise analyzing(f"Column '{name}' specified twice")
        if column.generated is not None:
            raise analyzing(f"generated column '{name}' can not be specified")
        found.append(column)
    return found


def _mismatch(session, wanted, given):
    return SqlError(f"Getting analyzing error. Detail message: Inserted target column count: {wanted} doesn't match "
                    f"select/value column count: {given}.", session.world.version.code(5604, 1064))


async def insert_query(session, table, database, text):
    """INSERT INTO table SELECT …, for CREATE TABLE AS."""
    columns = _target_columns(table, None)
    rows, columns = await _query_rows(session, text, table, columns, False)
    await _write(session, table, database, columns, rows, None, {}, False)


async def _query_rows(session, text, table, columns, by_name):
    result = await select.query(session, text)
    if by_name:
        columns = _target_columns(table, [c.name for c in result.columns])
    if len(result.columns) != len(columns):
        raise _mismatch(session, len(columns), len(result.columns))
    return result.rows, columns


async def _values(session, table, columns, reader):
    """The rows of VALUES: literals are taken as they are, everything else is asked from DuckDB."""
    reader.expect("VALUES")
    rows = []
    while True:
        rows.append(await _row(session, columns, reader, table))
        if not reader.accept(","):
            break
    reader.end()
    return rows


async def _row(session, columns, reader, table):
    reader.expect("(")
    row, asked = [], []
    while True:
        literal = _literal(reader)
        if literal is NotImplemented:
            asked.append((len(row), _expression(reader)))
            literal = None
        row.append(literal)
        if not reader.accept(","):
            break
    reader.expect(")")
    if len(row) != len(columns):
        raise _mismatch(session, len(columns), len(row))
    if asked:
        for position, text in asked:
            row[position] = await _evaluated(session, columns[position], text)
    return row


def _literal(reader):
    """The text of a plain literal that ends at a comma or bracket, else NotImplemented."""
    first, second = reader.token, reader.ahead()
    if second.upper in (",", ")"):
        if first.kind == "string":
            reader.next()
            return first.value
        if first.kind == "number" and first.text[:2].lower() != "0x":
            reader.next()
            return first.text
        if first.upper in ("NULL", "TRUE", "FALSE"):
            reader.next()
            return None if first.upper == "NULL" else "1" if first.upper == "TRUE" else "0"
    third = reader.ahead(2)
    if third.upper in (",", ")"):
        if first.upper == "-" and second.kind == "number":
            reader.next(), reader.next()
            return "-" + second.text
        if first.upper in ("DATE", "DATETIME", "TIMESTAMP") and second.kind == "string":
            reader.next(), reader.next()
            return second.value
        if first.upper == "X" and second.kind == "string":
            reader.next(), reader.next()
            return bytes.fromhex(second.value)
    return NotImplemented


def _expression(reader):
    start, stop, depth = reader.token.start, reader.token.stop, 0
    while reader.token.kind != "end" and not (depth == 0 and reader.token.upper in (",", ")")):
        depth += (reader.token.upper in ("(", "[", "{")) - (reader.token.upper in (")", "]", "}"))
        stop = reader.next().stop
    return reader.text[start:stop]


async def _evaluated(session, column, text):
    """One expression of VALUES, as text for the converter of its column."""
    if text.strip().upper() == "DEFAULT":
        value = sink.default_scalar(column, "Asia/Shanghai")
        return sink.shown(value) if value.is_valid else None
    if column.type.name == "ARRAY" and nested_text(column.type, escaped=True)(text) is not FAILED:
        return text
    if column.type.parts:
        kind = column.type.duckdb()
        body = translate.nested_literal(text, column.type)
        rows = await select.raw(session, f"SELECT CAST({body} AS {kind}) AS v")
        return rows[0][0]
    result = await select.query(session, f"SELECT {text}")
    return result.rows[0][0]


# ---------------------------------------------------------------- writing
async def _write(session, table, database, columns, rows, label, properties, overwrite):
    world = session.world
    options = LoadOptions(format="csv", strict=str(session.variables.get("enable_insert_strict", "true")) == "true")
    if str(properties.get("strict_mode", "true")).lower() == "false":
        options.strict = False
    options.max_filter_ratio = float(properties.get("max_filter_ratio", 0))
    options.columns = ", ".join(f"`{c.name}`" for c in columns)
    options.timezone = session.variables.get("time_zone", "Asia/Shanghai")
    options.merge_condition = properties.get("merge_condition", "")
    listed = [c for c in table.columns if c.generated is None]
    partial = (table.is_primary and len(columns) < len(listed) and world.version.since(3, 3)
               and str(session.variables.get("enable_insert_partial_update", "true")) == "true")
    try:
        made = _plan(table, options, partial)
    except LoadError as e:
        raise analyzing(e.message) from None
    counts = sink.Counts()
    segment = _segment(world, made, counts, columns, rows)
    if counts.filtered and counts.filtered / counts.total > options.max_filter_ratio:
        _failed(session, table, database, label, counts)
    return await _finish(session, table, database, label, segment, counts, overwrite)


def _plan(table, options, partial):
    """Like a load's plan. A partial update falls back to a full row where a new key needs every column."""
    if partial:
        present = {n.strip(" `").lower() for n in options.columns.split(",")}
        if all(k.name.lower() in present for k in table.key_columns if not k.auto_increment):
            options.partial_update = True
    return plan.make(table, options)


def _segment(world, made, counts, columns, rows):
    writer = SegmentWriter(world.storage.spool, world.meta.number("segment"))
    target = sink.Sink(made, counts, Lazy)
    for at in range(0, len(rows), CHUNK_ROWS):
        piece = rows[at:at + CHUNK_ROWS]
        arrays = []
        for n, column in enumerate(columns):
            values = [r[n] for r in piece]
            if column.type.parts:
                arrays.append(_nested(column.type, values))
            elif column.type.name == "VARBINARY":
                arrays.append(pa.array([v.encode() if isinstance(v, str) else v for v in values], pa.binary()))
            else:
                arrays.append(pa.array([v.decode() if isinstance(v, bytes) else v for v in values], pa.string()))
        block = csv_rows.Block(arrays, len(piece))
        table = target.take(block)
        if table is not None:
            writer.add(table)
    condition = made.condition.uid if made.condition is not None else None
    return writer.finish(made.table.id, made.partial, condition)


def _nested(kind, values):
    """Nested values, from the text that queries print."""
    convert = nested_text(kind, escaped=True)
    found = [None if v is None else convert(v) for v in values]
    if any(v is FAILED for v in found):
        raise analyzing(f"a value cannot be converted to {kind.shown()}")
    return pa.array(found, kind.arrow())


def _failed(session, table, database, label, counts):
    world = session.world
    owner = world.catalog.database(database)
    txn = _begin(world, owner, table, label or f"insert_{uuid.uuid4()}", session)
    txn.total, txn.filtered, txn.loaded = counts.total, counts.filtered, 0
    world.tracking_logs[txn.id] = "\n".join(counts.log)
    txn.tracking = "log"
    world.txns.abort(txn, "Insert has filtered data")
    detail = counts.log[0] if counts.log else ""
    raise SqlError(f"Insert has filtered data, txn_id = {txn.id}, tracking sql = select tracking_log from "
                   f"information_schema.load_tracking_logs where job_id={txn.id}. {detail}", world.version.code(5610, 1064))


def _begin(world, owner, table, label, session):
    try:
        return world.txns.begin(owner, [table], label, 14400, source="INSERT_STREAMING", kind="INSERT",
                                user=session.user.name)
    except LoadError as e:
        raise SqlError(e.message) from None


async def _finish(session, table, database, label, segment, counts, overwrite):
    world = session.world
    owner = world.catalog.database(database)
    if session.transaction is not None:
        return _collect(session, table, segment, counts)
    txn = _begin(world, owner, table, label or f"insert_{uuid.uuid4()}", session)
    txn.total, txn.loaded, txn.filtered = counts.total, counts.loaded, counts.filtered
    if segment is not None and segment.partial:
        made = type("Planned", (), {"table": table})()
        try:
            await world.check_new_keys(made, segment)
        except LoadError as e:
            world.txns.abort(txn, e.message)
            raise analyzing(e.message) from None
    if overwrite:
        await world.storage.truncate(table)
    try:
        world.txns.check_versions(table)
    except LoadError as e:
        world.txns.abort(txn, e.message)
        raise SqlError(e.message) from None
    world.txns.commit(txn, [segment] if segment is not None else [])
    await world.visible(txn, txn.timeout)
    return Result(affected=counts.loaded, warnings=counts.filtered,
                  note=f"{{'label':'{txn.label}', 'status':'{txn.state}', 'txnId':'{txn.id}'}}")


def _collect(session, table, segment, counts):
    txn = session.transaction
    txn.admit(session.user, table, inserts=True)
    if segment is not None:
        txn.segments.append(segment)
    txn.rows += counts.loaded
    return Result(affected=counts.loaded, warnings=counts.filtered, note=txn.note("PREPARE").note)
