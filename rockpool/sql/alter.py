"""ALTER TABLE, ALTER DATABASE and ALTER VIEW: which clause it is, and what is done to a whole table."""
import re

from rockpool.errors import SqlError
from rockpool.sql import (accounts, alter_columns, alter_optimize, alter_partitions, dynamic_partitions, indexes, properties,
                          rollups, views)
from rockpool.sql.analysis import analyzing, refused
from rockpool.sql.columns import check_name
from rockpool.sql.table_state import check_state


async def run(session, reader):
    reader.expect("ALTER")
    if reader.accept("USER"):
        return await accounts.change(session, reader)
    if reader.accept("DATABASE"):
        return _database(session, reader)
    if reader.accept("VIEW"):
        return await views.alter(session, reader)
    if reader.accept("MATERIALIZED", "VIEW"):
        return views.alter_materialized(session, reader)
    if reader.accept("SYSTEM") or reader.accept("RESOURCE") or reader.accept("CATALOG"):
        return None
    reader.expect("TABLE")
    database, name = session.resolve(reader.qualified())
    table = session.world.catalog.table(database, name)
    session.demand("ALTER", database, name)
    owner = session.world.catalog.database(database)
    if table.view_sql is not None:
        raise refused(f"Do not support alter non-native table/materialized-view[{name}]")
    return await _clause(session, reader, owner, table)


async def _clause(session, reader, owner, table):
    for words, work in CLAUSES:
        if reader.accept(*words):
            found = work(session, reader, owner, table)
            return await found if hasattr(found, "__await__") else found
    if reader.sees("DISTRIBUTED", "BY") or reader.token.upper == "PARTITION" or (
            reader.token.upper in ("PRIMARY", "UNIQUE", "DUPLICATE", "AGGREGATE") and reader.ahead().upper == "KEY"):
        return alter_optimize.start(session, reader, owner, table)
    return await alter_columns.change(session, reader, owner, table)


# ---------------------------------------------------------------- ALTER DATABASE
def _database(session, reader):
    name = reader.name()
    catalog, version = session.world.catalog, session.world.version
    owner = catalog.database(name)
    if reader.accept("RENAME"):
        new = reader.name()
        reader.end()
        if new == name:
            raise analyzing("Same database name")
        if new in catalog.databases:
            raise SqlError(f"Database name[{new}] is already used", version.code(1007))
        catalog.rename_database(name, new)
        if session.database == name:
            session.database = new
        return
    reader.expect("SET")
    if reader.accept("PROPERTIES"):
        owner.properties.update(reader.properties())
    else:
        kind = reader.one_of("DATA", "REPLICA")
        reader.expect("QUOTA")
        text = reader.next().text + (reader.next().text if reader.token.kind == "word" else "")
        owner.properties[f"{kind.lower()}_quota"] = _quota(kind, text)
    reader.end()
    catalog.save_database(owner)


def _quota(kind, text):
    found = re.fullmatch(r"(\d+)\s*([KMGTP]?)B?", text, re.I)
    if not found or kind == "REPLICA" and found.group(2):
        raise analyzing(f"Unable to parse quota value '{text}': {text}" if kind == "REPLICA" else f"invalid data size {text}")
    return str(int(found.group(1)) * 1024 ** " KMGTP".index((found.group(2) or " ").upper()))


# ---------------------------------------------------------------- the table
def _rename_table(session, reader, owner, table):
    reader.accept("TO")
    name = reader.name()
    reader.end()
    check_state(table)
    if name == table.name:
        raise analyzing(f"Same table name {name}")
    if not 1 <= len(name) <= 1024 or "\0" in name:
        raise analyzing(f"Incorrect table name '{name}'", session.world.version.code(1104))
    if name in owner.tables:
        raise SqlError(f"Table name[{name}] is already used", session.world.version.code(1050))
    session.world.catalog.rename_table(owner, table, name)


def _rename_column(session, reader, owner, table):
    if not session.world.version.since(3, 3, 2):
        raise reader.unexpected("<EOF>", "';'")
    old = reader.name()
    reader.expect("TO")
    new = reader.name()
    reader.end()
    check_state(table)
    column, other = table.column(old), table.column(new)
    if column is None:
        raise analyzing(f"Column '{old}' does not exist")
    if other is not None and other is not column:
        raise SqlError(f"Duplicate column name '{new}'", session.world.version.code(1060))
    check_name(new)
    former, column.name = column.name, new
    parts = table.partitioning
    lists = [table.keys, table.hash_columns, table.sort_key, *([parts.columns] if parts else []),
             *[i["columns"] for i in table.indexes], *[r["columns"] for r in table.rollups]]
    for names in lists:
        names[:] = [new if n.lower() == former.lower() else n for n in names]
    word = re.compile(rf"(?<![\w]){re.escape(former)}(?![\w])", re.I)
    if parts and parts.text:
        parts.text = word.sub(new, parts.text)
    for c in table.columns:
        if c.generated is not None:
            c.generated = word.sub(new, c.generated)
    bloom = table.properties.get("bloom_filter_columns")
    if bloom:
        table.properties["bloom_filter_columns"] = word.sub(new, bloom)
    session.world.catalog.save(table)


def _swap(session, reader, owner, table):
    name = reader.qualified()[-1]
    reader.end()
    other = owner.tables.get(name)
    if other is None:
        raise session.world.catalog.unknown_table(owner.name, name)
    if other.view_sql is not None:
        raise refused(f"{name} is not a native table" if other.materialized is None else
                      "Materialized view can only SWAP with materialized view")
    if other is table:
        raise analyzing(f"The table name {name} is the same")
    check_state(table)
    check_state(other)
    session.world.catalog.swap(owner, table, other)


def _comment(session, reader, owner, table):
    if not session.world.version.since(3, 1):
        reader.at -= 1
        raise reader.unexpected("ADD", "DROP", "MODIFY", "RENAME", "SWAP", "SET", "ORDER")
    reader.accept("=")
    comment = reader.string()
    reader.end()
    check_state(table)
    table.comment = comment
    session.world.catalog.save(table)


def _set(session, reader, owner, table):
    given = reader.properties()
    reader.end()
    world = session.world
    check_state(table)
    before = dict(table.properties)
    slow = properties.change_properties(given, table, world)
    if any(k.startswith(dynamic_partitions.PREFIX) for k in given):
        try:
            dynamic_partitions.create(table, world)
        except SqlError:
            table.properties = before
            raise
    if not slow:
        world.catalog.save(table)
        return
    made = alter_columns.Change(table, world)
    table.properties = before
    world.jobs.start(owner, table, made)


def _auto_increment(session, reader, owner, table):
    if not session.world.version.since(4):
        reader.at -= 1
        raise reader.unexpected("ADD", "DROP", "MODIFY", "RENAME", "SWAP", "SET", "ORDER")
    reader.expect("=")
    number = reader.integer()
    reader.end()
    check_state(table)
    if not any(c.auto_increment for c in table.columns):
        raise refused(f"Table '{table.name}' does not have an AUTO_INCREMENT column")
    if number < table.next_auto:
        raise refused(f"New auto_increment value must be greater than current max value. Current max value: "
                      f"{table.next_auto - 1}")
    table.next_auto = number
    session.world.catalog.save(table)


# ---------------------------------------------------------------- indexes and rollups
def _add_index(session, reader, owner, table):
    index = indexes.read_index(reader)
    reader.end()
    change_indexes(session, owner, table, lambda made: indexes.add_index(made, index))


def _drop_index(session, reader, owner, table):
    name = reader.name()
    reader.end()
    change_indexes(session, owner, table, lambda made: indexes.drop_index(made, name))


def change_indexes(session, owner, table, work):
    """Adding or dropping an index rewrites the table: a job."""
    made = alter_columns.Change(table, session.world)
    work(made.table)
    check_state(table)
    session.world.jobs.start(owner, table, made)


CLAUSES = [
    (("RENAME", "COLUMN"), _rename_column), (("RENAME", "PARTITION"), alter_partitions.rename),
    (("RENAME", "ROLLUP"), rollups.rename), (("RENAME",), _rename_table), (("SWAP", "WITH"), _swap),
    (("COMMENT",), _comment), (("SET",), _set), (("AUTO_INCREMENT",), _auto_increment),
    (("ADD", "INDEX"), _add_index), (("DROP", "INDEX"), _drop_index), (("ADD", "ROLLUP"), rollups.add),
    (("DROP", "ROLLUP"), rollups.drop), (("ADD", "PARTITION"), alter_partitions.add),
    (("ADD", "PARTITIONS"), alter_partitions.add_batch), (("ADD", "TEMPORARY"), alter_partitions.no_temporary),
    (("DROP", "TEMPORARY"), alter_partitions.no_temporary), (("REPLACE", "PARTITION"), alter_partitions.no_temporary),
    (("DROP", "PARTITION"), alter_partitions.drop), (("DROP", "PARTITIONS"), alter_partitions.drop),
    (("MODIFY", "PARTITION"), alter_partitions.modify), (("COMPACT",), lambda *_: None),
    (("CUMULATIVE", "COMPACT"), lambda *_: None), (("BASE", "COMPACT"), lambda *_: None),
]


async def cancel(session, reader):
    """CANCEL ALTER TABLE COLUMN | ROLLUP | OPTIMIZE FROM t [(job ids)]"""
    reader.expect("CANCEL")
    reader.expect("ALTER")
    reader.expect("TABLE")
    kind = reader.one_of("COLUMN", "ROLLUP", "OPTIMIZE")
    reader.expect("FROM")
    database, name = session.resolve(reader.qualified())
    table = session.world.catalog.table(database, name)
    if reader.accept("("):
        while not reader.accept(")"):
            reader.next()
    reader.end()
    session.demand("ALTER", database, name)
    state = {"COLUMN": "SCHEMA_CHANGE"}.get(kind, kind)
    job = session.world.jobs.running(table.id)
    if job is None or job.kind != kind:
        raise SqlError(f"Table[{table.name}] is not under {state}.")
    session.world.jobs.cancel(job, "user cancelled")
