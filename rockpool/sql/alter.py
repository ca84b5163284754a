"""ALTER TABLE and ALTER DATABASE: what is done inside the statement, and what becomes a job."""
import copy

from rockpool.errors import SqlError
from rockpool.sql import rewrite, rights
from rockpool.sql.columns import analyzing, column_shown, read_column
from rockpool.sql.partition_clause import read_partition

MODEL_TEXT = {"PRIMARY": "primary", "UNIQUE": "Unique", "AGGREGATE": "Aggregate", "DUPLICATE": "Duplicate"}
WIDER = {"TINYINT": {"SMALLINT", "INT", "BIGINT", "LARGEINT", "DOUBLE", "VARCHAR"},
         "SMALLINT": {"INT", "BIGINT", "LARGEINT", "DOUBLE", "VARCHAR"},
         "INT": {"BIGINT", "LARGEINT", "DOUBLE", "DATE", "VARCHAR"}, "BIGINT": {"LARGEINT", "DOUBLE", "VARCHAR"},
         "LARGEINT": {"VARCHAR"}, "FLOAT": {"DOUBLE", "VARCHAR"}, "DOUBLE": {"VARCHAR"},
         "DECIMAL": {"DECIMAL", "VARCHAR"}, "CHAR": {"CHAR", "VARCHAR"},
         "VARCHAR": {"VARCHAR", "TINYINT", "SMALLINT", "INT", "BIGINT", "LARGEINT", "FLOAT", "DOUBLE", "DATE", "DECIMAL",
                     "JSON"},
         "DATE": {"DATETIME"}, "DATETIME": {"DATE"}, "JSON": {"VARCHAR"}}


async def run(session, reader):
    reader.expect("ALTER")
    if reader.accept("USER"):
        return await rights.change(session, reader)
    if reader.accept("DATABASE"):
        return _database(session, reader)
    if reader.accept("SYSTEM"):
        return None
    reader.expect("TABLE")
    parts = reader.qualified()
    database, name = session.resolve(parts)
    table = session.world.catalog.table(database, name)
    session.demand("ALTER", database, name)
    owner = session.world.catalog.database(database)
    if table.view_sql is not None:
        raise analyzing(f"{name} is not a native table")
    if reader.accept("RENAME"):
        return await _rename(session, reader, owner, table)
    if reader.accept("SWAP", "WITH"):
        return _swap(session, reader, owner, table)
    if reader.accept("COMMENT"):
        reader.accept("=")
        table.comment = reader.string()
        reader.end()
        session.world.catalog.save(table)
        return None
    if reader.accept("SET"):
        table.properties.update(reader.properties())
        session.world.catalog.save(table)
        return None
    if reader.accept("AUTO_INCREMENT"):
        reader.expect("=")
        table.next_auto = reader.integer()
        session.world.catalog.save(table)
        return None
    if (reader.sees("ADD") or reader.sees("DROP")) and reader.ahead().upper in ("PARTITION", "TEMPORARY"):
        return _partition(session, reader, table)
    return await _schema_change(session, reader, owner, table)


def _database(session, reader):
    name = reader.name()
    session.world.catalog.database(name)
    if reader.accept("RENAME"):
        session.world.catalog.rename_database(name, reader.name())


def _check_state(table, jobs):
    if jobs.running(table.id) is not None:
        raise SqlError(f'A schema change operation is in progress on the table "{table.name}". Please wait until the '
                       'current operation completes. To check the status of the operation, use "SHOW ALTER TABLE COLUMN '
                       f"FROM <db> WHERE TableName='{table.name}'\".")


async def _rename(session, reader, owner, table):
    if reader.accept("COLUMN"):
        return _rename_column(session, reader, table)
    if reader.accept("TO"):
        pass
    name = reader.name()
    reader.end()
    if name in owner.tables:
        raise SqlError(f"Table '{name}' already exists" if name != table.name else f"Same table name {name}",
                       session.world.version.code(1050))
    session.world.catalog.rename_table(owner, table, name)


def _rename_column(session, reader, table):
    old = reader.name()
    reader.expect("TO")
    new = reader.name()
    reader.end()
    _check_state(table, session.world.jobs)
    column = table.column(old)
    if column is None:
        raise analyzing(f"Column '{old}' does not exist.")
    other = table.column(new)
    if other is not None and other is not column:
        raise SqlError(f"Duplicate column name '{new}'", session.world.version.code(1060))
    former = column.name
    column.name = new
    for names in (table.keys, table.hash_columns, table.sort_key, *([table.partitioning.columns] if table.partitioning
                                                                  else [])):
        for n, known in enumerate(names):
            if known == former:
                names[n] = new
    session.world.catalog.save(table)


def _swap(session, reader, owner, table):
    name = reader.qualified()[-1]
    reader.end()
    other = owner.tables.get(name)
    if other is None:
        raise session.world.catalog.unknown_table(owner.name, name)
    if other.view_sql is not None:
        raise analyzing(f"{name} is not a native table")
    session.world.catalog.swap(owner, table, other)


def _partition(session, reader, table):
    if table.partitioning is None:
        raise analyzing("table is not partitioned")
    if reader.accept("DROP"):
        reader.expect("PARTITION")
        reader.accept("IF", "EXISTS")
        name = reader.name()
        parts = table.partitioning
        parts.ranges = [r for r in parts.ranges if r[0] != name]
        parts.lists = [r for r in parts.lists if r[0] != name]
    else:
        reader.expect("ADD")
        read_partition(reader, table.partitioning)
    session.world.catalog.save(table)


# ---------------------------------------------------------------- columns
class Change:
    """The clauses of one ALTER, applied to a copy of the table; it replaces the table when all is well."""

    def __init__(self, table, version):
        self.before, self.table, self.version = table, copy.deepcopy(table), version
        self.added, self.dropped, self.retyped = [], [], []
        self.added_in_statement = {}
        self.widened_only = True
        self.is_slow = False  # rows must be rewritten: a job


async def _schema_change(session, reader, owner, table):
    world = session.world
    change = Change(table, world.version)
    while True:
        _clause(reader, change)
        if not reader.accept(","):
            break
    reader.end()
    _check_state(table, world.jobs)
    if not table.fast_schema_evolution and (change.added or change.dropped):
        change.is_slow = True
    if change.is_slow or change.retyped and not change.widened_only:
        world.jobs.start(owner, table, change)
        return
    await rewrite.apply(world, table, change)
    world.jobs.finished(owner, table)


def _clause(reader, change):
    if reader.accept("ADD", "COLUMN"):
        _add(reader, change)
    elif reader.accept("DROP", "COLUMN"):
        _drop(change, reader.name())
        if reader.accept("FROM"):
            reader.name()
    elif reader.accept("MODIFY", "COLUMN"):
        _modify(reader, change)
    elif reader.accept("ORDER", "BY"):
        _order(change, reader.names())
    else:
        raise reader.unexpected("ADD", "DROP", "MODIFY", "RENAME", "SWAP", "SET", "ORDER")


def _place(reader, table):
    """FIRST, AFTER x, or None."""
    if reader.accept("FIRST"):
        return 0
    if not reader.accept("AFTER"):
        return None
    name = reader.name()
    column = table.column(name)
    if column is None:
        raise analyzing(f"Column[{name}] does not exist")
    return table.columns.index(column) + 1


def _add(reader, change):
    columns = []
    if reader.accept("("):
        while True:
            columns.append((read_column(reader), None))
            if not reader.accept(","):
                break
        reader.expect(")")
    else:
        column = read_column(reader)
        columns.append((column, _place(reader, change.table)))
    if reader.accept("TO"):
        reader.name()
    for column, place in columns:
        _add_one(change, column, place)


def _add_one(change, column, place):
    table = change.table
    is_key = column.key_given
    if is_key and table.model == "PRIMARY":
        raise analyzing(f"Can not add key column: {column.name} for primary key table")
    if column.aggregation and table.model in ("UNIQUE", "PRIMARY"):
        raise analyzing(f"Can not assign aggregation method on column in {MODEL_TEXT[table.model]} data model table: "
                        f"{column.name}")
    if column.auto_increment:
        raise analyzing(f"Column '{column.name}' can not be AUTO_INCREMENT when ADD COLUMN.")
    if table.model == "AGGREGATE" and not column.aggregation:
        is_key = True
    _check_new_name(change, column)
    if not column.nullable and not column.has_default:
        raise SqlError(f"Field '{column.name}' is not null but doesn't have a default value", change.version.code(1064))
    if column.default_is_function and column.default != "CURRENT_TIMESTAMP":
        raise analyzing(f"unsupported default expr:{column.default}")
    if not is_key and place == 0:
        raise analyzing(f"Cannot add value column[{column.name}] at first")
    for extra in ("null_given", "key_given", "default_null"):
        column.__dict__.pop(extra, None)
    column.is_key, column.uid = is_key, table.new_uid()
    keys = len(table.keys)
    if is_key:
        place = keys if place is None else min(place, keys)
        table.keys.insert(place, column.name)
        change.is_slow = True
    elif place is None or place < keys:
        place = len(table.columns) if place is None else keys
    table.columns.insert(place, column)
    change.added.append(column)
    change.added_in_statement[column.name.lower()] = column


def _check_new_name(change, column):
    earlier = change.added_in_statement.get(column.name.lower())
    if earlier is not None:
        raise analyzing(f"Repeatedly add same column with different definition: {column.name}")
    for known in change.before.columns:
        by_name = known.name.lower() == column.name.lower()
        by_birth = (known.born or known.name).lower() == column.name.lower()
        if by_name and not by_birth or by_name and change.table.model != "PRIMARY":
            if known.name in change.dropped:
                continue
            raise analyzing(f"Can not add column which already exists in base table: {column.name}")
        if by_name or by_birth:
            if known.name in change.dropped:
                continue
            raise analyzing(f"Can not add column which already exists in column id: {column.name}, you can remove "
                            f"{column_shown(known)} and try again.")


def _drop(change, name):
    table = change.table
    column = table.column(name)
    if column is None:
        raise analyzing(f"Column does not exists: {name}")
    if column.is_key and table.model in ("PRIMARY", "UNIQUE"):
        raise analyzing(f"Can not drop key column in {MODEL_TEXT[table.model]} data model table")
    if table.model == "PRIMARY" and column.name in table.sort_key:
        raise analyzing("Can not drop sort column in primary data model table")
    if column.name in table.hash_columns:
        raise analyzing(f"Distribution column[{column.name}] cannot be dropped. index[{table.name}]")
    if table.partitioning is not None and column.name in table.partitioning.columns:
        raise analyzing(f"Partition column[{column.name}] cannot be dropped. index[{table.name}]")
    if column.is_key:
        if len(table.keys) == 1:
            raise analyzing(f"No key column left. index[{table.name}]")
        table.keys.remove(column.name)
        change.is_slow = True
    if column.name in table.sort_key:
        table.sort_key.remove(column.name)
    table.columns.remove(column)
    change.dropped.append(column.name)
    if column in change.added:
        change.added.remove(column)


def _modify(reader, change):
    column = read_column(reader)
    table = change.table
    old = table.column(column.name)
    if old is None:
        raise analyzing(f"Column[{column.name}] does not exists")
    place = _place(reader, table)
    _check_modify(change, old, column)
    if column.type != old.type:
        widening = old.type.name == column.type.name == "VARCHAR"
        change.widened_only &= widening
        change.retyped.append((old.uid, old.type, column.type))
    elif place is not None and table.columns.index(old) + 1 != place:
        change.is_slow = True
    old.type, old.nullable, old.comment = column.type, column.nullable, column.comment
    if place is not None:
        at = table.columns.index(old)
        table.columns.pop(at)
        table.columns.insert(place - 1 if at < place else place, old)
        change.widened_only = False


def _check_modify(change, old, new):
    table = change.table
    widening = (old.type.name == new.type.name == "VARCHAR" and new.type.length > old.type.length
                and old.nullable == new.nullable and change.version.since(4, 1))
    except_for = " except for increasing varchar length" if change.version.since(4, 1) and old.type.name == "VARCHAR" else ""
    if table.model == "PRIMARY" and not (widening and table.fast_schema_evolution):
        if old.is_key:
            raise analyzing(f"Can not modify key column: {old.name} for primary key table{except_for}")
        if old.name in table.sort_key:
            raise analyzing(f"Can not modify sort column in primary data model table{except_for}")
    if table.partitioning is not None and old.name in table.partitioning.columns and not widening:
        raise analyzing(f"Can not modify partition column[{old.name}]. index[{table.name}]")
    if old.name in table.hash_columns and not widening:
        raise analyzing(f"Can not modify distribution column[{old.name}]. index[{table.name}]")
    if new.aggregation and table.model in ("UNIQUE", "PRIMARY"):
        raise analyzing(f"Can not assign aggregation method on column in {MODEL_TEXT[table.model]} data model table: "
                        f"{new.name}")
    if old.auto_increment or new.auto_increment:
        raise analyzing(f"Can not modify auto increment column: {old.name}")
    if old.nullable and not new.nullable:
        raise analyzing("Can not change from nullable to non-nullable")
    if (old.default, old.default_is_function) != (new.default, new.default_is_function):
        raise analyzing("Can not change default value")
    check_type_change(old.type, new.type)


def check_type_change(old, new):
    if old == new:
        return
    if new.name not in WIDER.get(old.name, ()):
        raise analyzing(f"Can not change {old.shown()} to {new.shown()}")
    if old.is_text and new.is_text and new.length < old.length:
        raise analyzing("Cannot shorten string length")
    if old.name == new.name == "DECIMAL" and (new.scale < old.scale or
                                              new.precision - new.scale < old.precision - old.scale):
        raise analyzing(f"Can not change {old.shown()} to {new.shown()}")


def _order(change, names):
    table = change.table
    seen = set()
    columns = []
    for name in names:
        column = table.column(name)
        if column is None:
            raise analyzing(f"Column[{name}] does not exist")
        if name.lower() in seen:
            raise analyzing(f"Duplicated column[{name}]")
        seen.add(name.lower())
        if not column.type.is_key_type and (table.model == "PRIMARY" or len(names) < len(table.columns)):
            raise analyzing(f"Sort key column[{name}] type not supported: {column.type.name} in "
                            f"{MODEL_TEXT[table.model].capitalize()}Key table")
        columns.append(column)
    change.is_slow = True
    if table.model != "PRIMARY" and len(names) == len(table.columns):
        table.columns = columns
        table.keys = [c.name for c in columns if c.is_key]
        return
    table.sort_key = [c.name for c in columns]


async def cancel(session, reader):
    reader.expect("CANCEL", "ALTER", "TABLE")
    reader.one_of("COLUMN", "ROLLUP", "OPTIMIZE")
    reader.expect("FROM")
    table = session.table(reader.qualified())
    job = session.world.jobs.running(table.id)
    if job is None:
        raise SqlError(f"Table[{table.name}] is not under SCHEMA_CHANGE.")
    session.world.jobs.cancel(job, "user cancelled")
