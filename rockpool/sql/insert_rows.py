"""Writing the rows of INSERT: converted, checked and counted by the rules of a load, then committed as a transaction."""
import copy
import uuid

import pyarrow as pa

from rockpool.catalog import Partitioning
from rockpool.errors import LoadError, SqlError
from rockpool.loads import csv_rows, plan, sink
from rockpool.loads.dates import FAILED
from rockpool.loads.nested import nested_text
from rockpool.loads.options import LoadOptions
from rockpool.loads.stream import Lazy
from rockpool.mysql.wire import Result
from rockpool.segments import SegmentWriter
from rockpool.sql import partitions, variables
from rockpool.sql.analysis import analyzing

CHUNK_ROWS = 100_000
TIMEOUT = 14400

PROPERTIES = {"timeout", "max_filter_ratio", "load_mem_limit", "strict_mode", "timezone", "partial_update", "priority",
              "merge_condition", "case_sensitive", "jsonpaths", "strip_outer_array", "json_root", "log_rejected_record_num",
              "partial_update_mode", "version", "match_column_by"}


def is_on(session, name):
    """A session variable that is true or false."""
    return str(variables.value_of(session, name)).lower() in ("true", "1", "on")


def is_partial(session, table, columns):
    """INSERT with fewer columns than a primary key table has keeps the others of existing rows."""
    listed = [c for c in table.columns if c.generated is None]
    return (table.is_primary and len(columns) < len(listed) and session.world.version.since(3, 3)
            and is_on(session, "enable_insert_partial_update")
            and all(k in columns for k in table.key_columns if not k.auto_increment))


async def write(session, table, database, columns, rows, made, chosen):
    """Writes rows of texts. chosen: the partitions that INSERT names, or None."""
    options = _options(session, columns, made)
    target = _limited(table, chosen) if chosen is not None else table
    options.partial_update = is_partial(session, table, columns)
    try:
        planned = plan.make(target, options)
    except LoadError as e:
        raise analyzing(e.message) from None
    counts = sink.Counts()
    segment = _segment(session.world, planned, counts, columns, rows)
    table.next_auto = max(table.next_auto, target.next_auto)
    if counts.filtered and _is_too_much(session, options, counts):
        _failed(session, table, database, made.label, counts)
    return await _finish(session, table, database, segment, counts, made, chosen)


def _is_too_much(session, options, counts):
    if not session.world.version.since(3, 4):
        return options.strict
    return counts.filtered / counts.total > options.max_filter_ratio


def _options(session, columns, made):
    given = made.properties
    for key in given:
        if key.lower() not in PROPERTIES:
            raise analyzing(f"{key} is invalid property")
    options = LoadOptions(format="csv", strict=is_on(session, "enable_insert_strict"))
    if "strict_mode" in given:
        options.strict = given["strict_mode"].lower() == "true"
    ratio = given.get("max_filter_ratio", str(variables.value_of(session, "insert_max_filter_ratio")))
    try:
        options.max_filter_ratio = float(ratio)
    except ValueError:
        options.max_filter_ratio = -1.0
    if not 0 <= options.max_filter_ratio <= 1:
        raise analyzing(f"Invalid max_filter_ratio: {ratio}. Expected values should be in [0.0, 1.0]")
    options.columns = ", ".join(f"`{c.name}`" for c in columns)
    options.timezone = str(variables.value_of(session, "time_zone"))
    options.merge_condition = given.get("merge_condition", "")
    return options


def _limited(table, chosen):
    """The table with these partitions alone: rows of others are filtered."""
    found, names = table.partitioning, {p.name for p in chosen}
    limited = copy.copy(table)
    if found is not None:
        ranges, lists = [r for r in found.ranges if r[0] in names], [e for e in found.lists if e[0] in names]
        limited.partitioning = Partitioning("range" if ranges else "list", found.columns, found.text, ranges, lists)
    return limited


def _segment(world, made, counts, columns, rows):
    writer = SegmentWriter(world.storage.spool, world.meta.number("segment"))
    target = sink.Sink(made, counts, Lazy)
    for at in range(0, len(rows), CHUNK_ROWS):
        piece = rows[at:at + CHUNK_ROWS]
        block = csv_rows.Block([_array(c, [r[n] for r in piece]) for n, c in enumerate(columns)], len(piece))
        table = target.take(block)
        if table is not None:
            writer.add(table)
    condition = made.condition.uid if made.condition is not None else None
    return writer.finish(made.table.id, made.partial, condition)


def _array(column, values):
    if column.type.parts:
        return _nested(column.type, values)
    if column.type.name == "VARBINARY":
        return pa.array([v.encode() if isinstance(v, str) else v for v in values], pa.binary())
    return pa.array([v.decode() if isinstance(v, bytes) else v for v in values], pa.string())


def _nested(kind, values):
    """Nested values, from the text that queries print."""
    convert = nested_text(kind, escaped=True)
    found = [None if v is None else convert(v) for v in values]
    if any(v is FAILED for v in found):
        raise analyzing(f"a value cannot be converted to {kind.shown()}")
    return pa.array(found, kind.arrow())


# ---------------------------------------------------------------- the transaction
def begin(world, owner, table, label, session, kind="INSERT"):
    try:
        return world.txns.begin(owner, [table], label or f"{kind.lower()}_{uuid.uuid4()}", TIMEOUT,
                                source="INSERT_STREAMING", kind=kind, user=session.user.name)
    except LoadError as e:
        raise SqlError(e.message) from None


def _failed(session, table, database, label, counts):
    txn = begin(session.world, session.world.catalog.database(database), table, label, session)
    txn.total, txn.filtered = counts.total, counts.filtered
    _refuse(session, txn, counts.log)


def refuse(session, table, reason, total, filtered):
    """UPDATE to values that the table does not take."""
    world = session.world
    txn = begin(world, world.catalog.database_of(table), table, None, session, "UPDATE")
    txn.total, txn.filtered = total, filtered
    _refuse(session, txn, [f"Error: {reason}. Row: []"])


def _refuse(session, txn, log):
    world = session.world
    world.tracking_logs[txn.id] = "".join(f"{line}\n" for line in log)
    txn.tracking = "log"
    strict = " in strict mode" if not world.version.since(3, 4) else ""
    world.txns.abort(txn, f"Insert has filtered data{strict}")
    raise SqlError(f"Insert has filtered data{strict}, txn_id = {txn.id}, tracking sql = select tracking_log from "
                   f"information_schema.load_tracking_logs where job_id={txn.id}. {log[0] if log else ''}",
                   world.version.code(5610))


async def _finish(session, table, database, segment, counts, made, chosen):
    world = session.world
    if session.transaction is not None:
        return _collect(session, table, segment, counts)
    txn = begin(world, world.catalog.database(database), table, made.label, session)
    txn.total, txn.loaded, txn.filtered = counts.total, counts.loaded, counts.filtered
    if segment is not None and segment.partial:
        await _check_new_keys(world, txn, table, segment)
    if made.overwrite:
        await _empty(world, table, chosen)
    try:
        world.txns.check_versions(table)
    except LoadError as e:
        world.txns.abort(txn, e.message)
        raise SqlError(e.message) from None
    world.txns.commit(txn, [segment] if segment is not None else [])
    await world.visible(txn, txn.timeout)
    return Result(affected=counts.loaded, warnings=counts.filtered, note=note(txn))


def note(txn):
    """The text of the OK packet."""
    return f"{{'label':'{txn.label}', 'status':'{txn.state}', 'txnId':'{txn.id}'}}"


async def _check_new_keys(world, txn, table, segment):
    made = type("Planned", (), {"table": table})()
    try:
        await world.check_new_keys(made, segment)
    except LoadError as e:
        world.txns.abort(txn, e.message)
        raise analyzing(e.message) from None


async def _empty(world, table, chosen):
    """INSERT OVERWRITE: the old rows of the table, or of the partitions it names, go."""
    if chosen is None:
        await world.storage.truncate(table)
    else:
        await partitions.delete_rows(world, table, chosen)


def _collect(session, table, segment, counts):
    txn = session.transaction
    txn.admit(session.user, table, inserts=True)
    if segment is not None:
        txn.segments.append(segment)
    txn.rows += counts.loaded
    return Result(affected=counts.loaded, warnings=counts.filtered, note=txn.note("PREPARE").note)
