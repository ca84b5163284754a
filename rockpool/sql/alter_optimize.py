"""Changes of distribution, buckets, order or partitioning of a whole table (OPTIMIZE jobs)."""
from rockpool.sql import alter_columns, create, partitions
from rockpool.sql.analysis import analyzing
from rockpool.sql.partition_clause import is_time_expression, read_partitioning
from rockpool.sql.table_state import check_state

GRANULARITY = ("MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR")


class OptimizeChange(alter_columns.Change):
    kind = "OPTIMIZE"


def start(session, reader, owner, table):
    """ALTER TABLE t [PARTITIONS (…)] [key clause] [PARTITION BY …] [DISTRIBUTED BY …] [ORDER BY …]"""
    world = session.world
    names = None
    if reader.accept("PARTITION") and not reader.sees("BY"):
        names = reader.names()
    elif reader.sees("BY"):
        reader.at -= 1
    made = create.Create()
    create.read_clauses(reader, made)
    reader.end()
    if table.distribution == "RANDOM" and not table.buckets and made.partitioning is None and made.distribution == "RANDOM":
        raise analyzing("Random distribution table already supports automatic scaling and does not require optimization")
    if made.model is not None:
        raise analyzing("not support change keys type when optimize table")
    if names is not None and (made.sort_key or made.model):
        raise analyzing("not support change sort keys or keys type when specify partitions")
    change = OptimizeChange(table, world)
    _distribution(change, made, names, world.version)
    if made.sort_key:
        change.operation = "ALTER SORTKEY"
        change.table.sort_key = [table.column(n).name for n in made.sort_key if table.column(n) is not None]
        if len(change.table.sort_key) != len(made.sort_key):
            raise analyzing("Unknown column '" + next(n for n in made.sort_key if table.column(n) is None)
                            + "' does not exist")
    if made.partitioning is not None:
        _partitioning(change, made.partitioning)
    if names is not None:
        known = [n.lower() for n in (table.partitioning.names if table.partitioning else [table.name])]
        for name in names:
            if name.lower() not in known:
                raise analyzing(f"partition {name} does not exist")
    check_state(table)
    world.jobs.start(owner, table, change)


def _distribution(change, made, names, version):
    table = change.table
    if made.distribution is None:
        return
    if made.distribution == "RANDOM":
        create.check_random(table, True, made.distribution_place, version)
    if made.distribution != table.distribution and names is not None:
        raise analyzing("not support change distribution type when specify partitions")
    found = create.hash_columns(made.hash_columns, table)
    if names is not None and found != table.hash_columns:
        raise analyzing("not support change distribution column when specify partitions")
    table.distribution, table.hash_columns = made.distribution, found
    table.buckets = made.buckets
    change.operation = "ALTER DISTRIBUTION"


def _partitioning(change, wanted):
    """Merging partitions: a coarser date_trunc."""
    now = change.table.partitioning
    if now is None or now.kind != "expression" or not is_time_expression(now):
        raise analyzing("Unsupported table partition type when merge partitions")
    if wanted.kind != "expression" or not is_time_expression(wanted):
        raise analyzing("Unsupported partition type for merge partitions")
    old, new = partitions.unit_of(now), partitions.unit_of(wanted)
    if GRANULARITY.index(new) <= GRANULARITY.index(old):
        raise analyzing(f"Unsupported from granularity {old.lower()} to granularity {new.lower()} when merge partitions")
    now.text, now.ranges, now.ids = wanted.text, [], {}
    change.operation = "ALTER PARTITION"
