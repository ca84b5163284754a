"""ADD, DROP, MODIFY and RENAME PARTITION, and TRUNCATE of partitions."""
import copy
import re

from rockpool.errors import SqlError
from rockpool.sql import create, partitions, properties
from rockpool.sql.analysis import analyzing, refused
from rockpool.sql.partition_clause import (is_time_expression, moment, number_batch, read_batch, read_partition, time_batch,
                                           truncated, unit_of)
from rockpool.sql.table_state import check_state


def no_temporary(session, reader, owner, table):
    raise refused("rockpool does not model temporary partitions")


def _partitioned(table):
    if table.partitioning is None:
        raise refused("Only support adding partition to range/list partitioned table")
    return table.partitioning


async def add(session, reader, owner, table):
    """ADD PARTITION [IF NOT EXISTS] p VALUES …"""
    found = _partitioned(table)
    if found.kind == "expression":
        if is_time_expression(found) and not reader.sees("START"):
            raise analyzing("Currently, you cannot manually add a single range partition to a table that is automatically "
                            "partition")
        await partitions.discover(session.world, table)
    made = copy.deepcopy(found)
    reader.at -= 1  # PARTITION
    quiet = reader.ahead().upper == "IF"
    before = [n.lower() for n in made.names]
    names = read_partition(reader, made)
    _distribution_of_new(reader, table)
    if reader.sees("("):
        reader.properties()
    reader.end()
    check_state(table)
    for name in names:
        if name.lower() in before:
            if quiet:
                return
            raise SqlError(f"Duplicate partition name {name}", session.world.version.code(1517))
    _check_kind(found, made)
    create.check_values(table, made, names)
    found.ranges, found.lists = made.ranges, made.lists
    for name in names:
        partitions.id_of(session.world, table, name)
    session.world.catalog.save(table)


def _check_kind(found, made):
    range_like = found.kind == "range" or found.kind == "expression" and is_time_expression(found)
    if range_like and made.lists or not range_like and made.ranges:
        raise analyzing("Cannot add range partition to a list partitioned table" if made.ranges else
                        "Cannot add list partition to a range partitioned table")


def _distribution_of_new(reader, table):
    """DISTRIBUTED BY of a new partition: the same kind and columns as the table's."""
    if not reader.sees("DISTRIBUTED", "BY"):
        return
    made = create.Create()
    create.read_distribution(reader, made)
    if made.distribution != table.distribution:
        raise SqlError(f"Unexpected exception: Cannot assign different distribution type. default is: {table.distribution}")
    if [c.lower() for c in made.hash_columns] != [c.lower() for c in table.hash_columns]:
        raise refused(f"Cannot assign hash distribution with different distribution cols. new is: {made.hash_columns} default "
                      f"is: {table.hash_columns}")


async def add_batch(session, reader, owner, table):
    """ADD PARTITIONS START ("a") END ("b") EVERY (…)"""
    found = _partitioned(table)
    reader.expect("START")
    start, end, step, unit = read_batch(reader)
    if reader.sees("DISTRIBUTED", "BY"):
        _distribution_of_new(reader, table)
    if reader.sees("("):
        reader.properties()
    reader.end()
    if found.kind == "expression":
        _check_automatic(found, start, end, step, unit)
        await partitions.discover(session.world, table)
    new = time_batch(start, end, step, unit) if unit else number_batch(start, end, step)
    column = table.column(found.columns[0])
    for entry in new:
        entry[1], entry[2] = [partitions.typed(column, entry[1][0])], [partitions.typed(column, entry[2][0])]
    check_state(table)
    made = copy.deepcopy(found)
    known = [n.lower() for n in made.names]
    for entry in new:
        if entry[0].lower() not in known:
            made.ranges.append(entry)
        elif found.kind != "expression":
            raise SqlError(f"Duplicate partition name {entry[0]}", session.world.version.code(1517))
    create.check_values(table, made)
    found.ranges = made.ranges
    session.world.catalog.save(table)


def _check_automatic(found, start, end, step, unit):
    """Partitions made ahead in a table that makes its own: whole units of the same granularity, one by one."""
    own = unit_of(found)
    if step != 1:
        raise analyzing("The step of the auto-partitioned table should be 1")
    if unit != own:
        raise analyzing(f"The granularity of the auto-partitioned table granularity({own.lower()}) should be consistent with "
                        f"the increased partition granularity({unit})..")
    try:
        low, high = moment(start), moment(end)
    except ValueError:
        raise analyzing("Batch build partition EVERY is date type but START or END does not type match") from None
    if low >= high:
        raise analyzing("Batch build partition start date should less than end date..")
    if truncated(low, own) != low or truncated(high, own) != high:
        raise analyzing(f"Batch build partition range [{low},{high}) should be a standard unit of time ({own}) . suggest range "
                        f"[{truncated(low, own)},{truncated(high, own)})If you want to create partial partitions in batch, you "
                        "can turn off this check by setting the FE config enable_create_partial_partition_in_batch=true")


# ---------------------------------------------------------------- DROP
async def drop(session, reader, owner, table):
    """DROP PARTITION [IF EXISTS] p | PARTITIONS [IF EXISTS] (p, q) | PARTITIONS START … END … EVERY …, [FORCE]"""
    quiet = reader.accept("IF", "EXISTS")
    if reader.accept("START"):
        start, end, step, unit = read_batch(reader)
        names, quiet = [e[0] for e in (time_batch(start, end, step, unit) if unit else number_batch(start, end, step))], True
    else:
        names = reader.names() if reader.sees("(") else [reader.name()]
    reader.accept("FORCE")
    reader.end()
    found = table.partitioning
    if found is None:
        raise refused(f"Alter table [{table.name}] failed. Not a partitioned table")
    check_state(table)
    known, _ = await partitions.named(session.world, table, [])
    chosen = []
    for name in names:
        known, missing = await partitions.named(session.world, table, [name])
        if missing is not None and not quiet:
            raise SqlError(f"Error in list of partitions to {name}", session.world.version.code(1507))
        chosen += known
    await partitions.delete_rows(session.world, table, chosen)
    gone = {p.name for p in chosen}
    found.ranges = [r for r in found.ranges if r[0] not in gone]
    found.lists = [r for r in found.lists if r[0] not in gone]
    for name in gone:
        found.ids.pop(name, None)
    session.world.catalog.save(table)


async def truncate(session, table, names):
    """TRUNCATE TABLE t PARTITION (…)"""
    chosen, missing = await partitions.named(session.world, table, names)
    if missing is not None:
        raise refused(f"Partition {missing} does not exist")
    await partitions.delete_rows(session.world, table, chosen)


# ---------------------------------------------------------------- MODIFY, RENAME
async def modify(session, reader, owner, table):
    """MODIFY PARTITION p | (p, q) | (*) SET (…)"""
    names = None
    if reader.accept("(", "*"):
        reader.expect(")")
    else:
        names = reader.names() if reader.sees("(") else [reader.name()]
    reader.expect("SET")
    given = reader.properties()
    reader.end()
    unknown = [k for k in given if k not in properties.KNOWN]
    if unknown:
        raise analyzing(f"check properties error: Unknown properties: {properties.as_map(given)}")
    check_state(table)
    if "replication_num" in given:
        properties.check_replicas(given["replication_num"], session.world)
    if names is not None:
        _, missing = await partitions.named(session.world, table, names)
        if missing is not None:
            raise refused(f"Partition[{missing}] does not exist in table[{table.name}]")


async def rename(session, reader, owner, table):
    old, new = reader.name(), reader.name()
    reader.end()
    found = table.partitioning
    check_state(table)
    if found is None:
        raise refused(f"Table[{table.name}] is single partitioned. no need to rename partition name.")
    if found.kind == "expression":
        raise refused(f"Table[{table.name}] is automatic partitioned. not support to rename partition name.")
    names = found.names
    entry = next((e for e in [*found.ranges, *found.lists] if e[0].lower() == old.lower()), None)
    if old.lower() == new.lower():
        raise refused("Same partition name")
    if entry is None:
        raise refused(f"Partition[{old}] does not exists")
    if new.lower() in [n.lower() for n in names]:
        raise refused(f"Partition name[{new}] is already used")
    if not re.fullmatch(r"\w{1,64}", new):
        raise analyzing(f"Incorrect partition name '{new}'")
    if entry[0] in found.ids:
        found.ids[new] = found.ids.pop(entry[0])
    entry[0] = new
    session.world.catalog.save(table)
