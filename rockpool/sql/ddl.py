"""CREATE, DROP, TRUNCATE and RECOVER of databases and tables; views are in views.py, users in accounts.py."""
import copy
import re

from rockpool.catalog import SYSTEM_DATABASES, Column
from rockpool.errors import SqlError
from rockpool.sql import alter, alter_partitions, create as creation, indexes, insert, rights, select, views
from rockpool.sql.analysis import analyzing, refused
from rockpool.sql.table_state import check_state
from rockpool.sqltypes import SqlType

OLD_NAME = re.compile(r"[a-zA-Z]\w{0,255}|_[a-zA-Z0-9]\w{0,254}", re.A)
NEW_NAME = re.compile(r"[a-zA-Z][-\w~!@#$%^&<>=+]{0,255}|_[a-zA-Z0-9][-\w~!@#$%^&<>=+]{0,254}")


async def nothing(session, reader):
    """REFRESH of materialized views; other statements of this kind have nothing to do here."""
    return await views.refresh(session, reader) if reader.sees("REFRESH") else None


# ---------------------------------------------------------------- CREATE
async def create(session, reader):
    reader.expect("CREATE")
    if reader.accept("OR"):
        reader.expect("REPLACE")
        reader.expect("VIEW")
        return await views.create(session, reader, True)
    if reader.accept("DATABASE") or reader.accept("SCHEMA"):
        return _create_database(session, reader)
    if reader.accept("VIEW"):
        return await views.create(session, reader, False)
    if reader.accept("MATERIALIZED", "VIEW"):
        return await views.create_materialized(session, reader)
    if reader.sees("USER") or reader.sees("ROLE"):
        return await rights.create(session, reader)
    if reader.accept("INDEX"):
        return _create_index(session, reader)
    if reader.accept("EXTERNAL"):
        raise refused("rockpool keeps olap tables only, no external ones")
    temporary = reader.accept("TEMPORARY")
    if temporary and not session.world.version.since(3, 3):
        raise reader.unexpected("TABLE", "VIEW", "DATABASE")
    reader.expect("TABLE")
    return await _create_table(session, reader, temporary)


def _create_database(session, reader):
    quiet = reader.accept("IF", "NOT", "EXISTS")
    name = reader.qualified()[-1]
    if reader.accept("CHARACTER", "SET") or reader.accept("CHARSET") or reader.accept("COLLATE"):
        reader.accept("=")
        reader.string()
    properties = reader.properties() if reader.accept("PROPERTIES") else {}
    reader.end()
    catalog, version = session.world.catalog, session.world.version
    if name in catalog.databases or name in SYSTEM_DATABASES:
        if quiet:
            return
        raise SqlError(f"Can't create database '{name}'; database exists", version.code(1007))
    if not (NEW_NAME if version.since(3, 3) else OLD_NAME).fullmatch(name):
        raise analyzing(f"Incorrect database name '{name}'", version.code(1102))
    catalog.create_database(name, properties)


def _target(session, reader):
    """(quiet, database name, table name) of a CREATE."""
    quiet = reader.accept("IF", "NOT", "EXISTS")
    database, name = session.resolve(reader.qualified())
    return quiet, database, views.table_name(session, name)


def _check_free(session, quiet, database, name, temporary=False):
    """The database, or None when the table is there and that is fine."""
    owner = session.world.catalog.database(database)
    known = owner.tables.get(name)
    if known is not None and not (temporary and not known.temporary):
        if quiet:
            return None
        raise SqlError(f"Table '{name}' already exists", session.world.version.code(1050))
    return owner


async def _create_table(session, reader, temporary):
    quiet, database, name = _target(session, reader)
    world = session.world
    if reader.accept("LIKE"):
        source = session.table(reader.qualified())
        reader.end()
        owner = _check_free(session, quiet, database, name)
        if source.view_sql is not None:
            raise refused(f"{source.name} is not a native table")
        return await _add(session, owner, _like(world, owner, source, name), temporary) if owner else None
    if not reader.sees("(") or _only_names(reader):
        return await _create_as(session, reader, quiet, database, name, temporary)
    made = creation.read_create(reader)
    owner = _check_free(session, quiet, database, name)
    if owner is None:
        return None
    table = creation.make_table(made, name, owner, world)
    return await _add(session, owner, table, temporary)


def _only_names(reader):
    """Whether the bracket holds names alone, as in CREATE TABLE t (a, b) AS SELECT …"""
    return reader.ahead().kind in ("word", "quoted") and reader.ahead(2).upper in (",", ")")


async def _add(session, owner, table, temporary=False):
    world = session.world
    await world.storage.create(table)
    if table.name in owner.tables:
        await world.storage.drop(table)
        raise SqlError(f"Table '{table.name}' already exists", world.version.code(1050))
    for rollup in table.rollups:
        rollup["id"] = world.meta.number("object", 10001)
    if temporary:
        table.temporary = session.id
        session.temporary_tables.append(table)
    world.catalog.add_table(owner, table)


def _like(world, owner, source, name):
    table = copy.deepcopy(source)
    table.id, table.name, table.database_id = world.meta.number("object", 10001), name, owner.id
    table.next_auto, table.single_id, table.state, table.temporary = 1, 0, "NORMAL", 0
    if table.partitioning is not None:
        table.partitioning.ids = {}
        if table.partitioning.kind == "expression":
            table.partitioning.ranges, table.partitioning.lists = [], []
    return table


async def _create_as(session, reader, quiet, database, name, temporary):
    """CREATE TABLE … AS SELECT: the columns come from the query."""
    made = creation.Create()
    names = reader.names() if reader.sees("(") else None
    creation.read_clauses(reader, made)
    reader.expect("AS")
    owner = _check_free(session, quiet, database, name)
    if owner is None:
        return
    query = reader.text[reader.token.start:]
    found = await select.schema_of(session, query)
    if names is not None and len(names) != len(found):
        raise analyzing("Number of columns in CREATE TABLE AS does not match the number of columns of the query")
    for n, (column, kind) in enumerate(found):
        made.columns.append(_plain_column(names[n] if names else column, kind))
    table = creation.make_table(made, name, owner, session.world)
    await _add(session, owner, table, temporary)
    await insert.insert_query(session, table, owner.name, query)


def _plain_column(name, kind):
    if kind.name in ("FLOAT", "DOUBLE"):  # [R] test_typeof: a table made by a query has no floating columns
        kind = SqlType("DECIMAL", precision=38, scale=9)
    column = Column(name, kind, born=name)
    column.null_given, column.key_given = None, False
    return column


def _create_index(session, reader):
    """CREATE INDEX name ON t (columns) [USING …] [COMMENT "…"]"""
    name = reader.name()
    reader.expect("ON")
    database, table_name = session.resolve(reader.qualified())
    index = {"name": name, "columns": reader.names(), "kind": "BITMAP", "properties": {}, "comment": ""}
    if reader.accept("USING"):
        index["kind"] = reader.one_of(*indexes.KINDS)
    if reader.sees("("):
        index["properties"] = reader.properties()
    if reader.accept("COMMENT"):
        index["comment"] = reader.string()
    reader.end()
    table = session.world.catalog.table(database, table_name)
    session.demand("ALTER", database, table_name)
    owner = session.world.catalog.database(database)
    alter.change_indexes(session, owner, table, lambda made: indexes.add_index(made, index))


# ---------------------------------------------------------------- DROP, TRUNCATE, RECOVER
async def drop(session, reader):
    reader.expect("DROP")
    if reader.accept("DATABASE") or reader.accept("SCHEMA"):
        return await _drop_database(session, reader)
    if reader.sees("USER") or reader.sees("ROLE"):
        return await rights.drop(session, reader)
    if reader.accept("MATERIALIZED", "VIEW"):
        return views.drop(session, reader, materialized=True)
    if reader.accept("VIEW"):
        return views.drop(session, reader)
    if reader.accept("INDEX"):
        return _drop_index(session, reader)
    reader.accept("TEMPORARY")
    reader.expect("TABLE")
    return await _drop_table(session, reader)


async def _drop_table(session, reader):
    quiet = reader.accept("IF", "EXISTS")
    database, name = session.resolve(reader.qualified())
    force = reader.accept("FORCE")
    reader.end()
    catalog = session.world.catalog
    owner = catalog.databases.get(database)
    if owner is None and not quiet:
        catalog.database(database)
    table = owner.tables.get(name) if owner else None
    if table is None:
        if quiet:
            return
        raise SqlError(f"Unknown table '{name}'", session.world.version.code(5502, 1064))
    if table.view_sql is not None:
        raise refused(f"'{database}.{name}' is not TABLE. Use 'DROP VIEW {name}'" if table.materialized is None else
                      f"'{database}.{name}' is not TABLE. Use 'DROP MATERIALIZED VIEW {name}'")
    session.demand("DROP", database, name)
    if not force:
        _check_open_loads(session, table)
    await drop_now(session.world, owner, table, force or bool(table.temporary))


def _check_open_loads(session, table):
    if any(t.state == "COMMITTED" for t in session.world.txns.unfinished_on(table.id)):
        raise refused(f"There are still some transactions in the COMMITTED state waiting to be completed. The table "
                      f"[{table.name}] cannot be dropped. If you want to forcibly drop(cannot be recovered), please use "
                      "\"DROP table FORCE\".")


async def drop_now(world, owner, table, force):
    job = world.jobs.running(table.id)
    if job is not None:
        world.jobs.cancel(job, "table is dropped")
    if force:
        world.catalog.forget(owner, table)
        await world.storage.drop(table)
        return
    earlier = world.catalog.recycle(owner, table)
    if earlier is not None:
        world.catalog.by_id.pop(earlier.id, None)
        world.catalog.meta.remove("table", earlier.id)
        await world.storage.drop(earlier)


def _drop_index(session, reader):
    name = reader.name()
    reader.expect("ON")
    database, table_name = session.resolve(reader.qualified())
    reader.end()
    table = session.world.catalog.table(database, table_name)
    session.demand("ALTER", database, table_name)
    alter.change_indexes(session, session.world.catalog.database(database), table,
                         lambda made: indexes.drop_index(made, name))


async def _drop_database(session, reader):
    quiet = reader.accept("IF", "EXISTS")
    name = reader.qualified()[-1]
    force = reader.accept("FORCE")
    reader.end()
    world = session.world
    if name in SYSTEM_DATABASES:
        raise analyzing(f"Access denied; cannot drop system database {name}")
    if name not in world.catalog.databases:
        if quiet:
            return
        raise SqlError(f"Can't drop database '{name}'; database doesn't exist", world.version.code(1008))
    owner = world.catalog.databases[name]
    for table in owner.tables.values():
        job = world.jobs.running(table.id)
        if job is not None:
            world.jobs.cancel(job, "database is dropped")
    gone = world.catalog.drop_database(name, recycle=not force)
    world.txns.drop_database(owner.id)
    if session.database == name:
        session.database = ""
    for table in gone:
        if table.view_sql is None:
            await world.storage.drop(table)


async def truncate(session, reader):
    reader.expect("TRUNCATE", "TABLE")
    parts = reader.qualified()
    names = None
    if reader.accept("PARTITION") or reader.accept("PARTITIONS"):
        names = reader.names() if reader.sees("(") else [reader.name()]
    reader.accept("FORCE")
    reader.end()
    table = session.table(parts)
    session.demand("DELETE", *session.resolve(parts))
    if table.view_sql is not None:
        raise analyzing(f"{table.name} is not a native table" if table.materialized is None else
                        f"Table '{table.name}' is a materialized view, cannot be truncated")
    if table.state != "NORMAL":
        raise SqlError(f"Table state is not NORMAL: '{table.state}'", session.world.version.code(5014))
    if names is not None:
        await alter_partitions.truncate(session, table, names)
        return
    await session.world.storage.truncate(table)


async def recover(session, reader):
    reader.expect("RECOVER")
    catalog, version = session.world.catalog, session.world.version
    if reader.accept("DATABASE"):
        name = reader.name()
        reader.end()
        if name in catalog.databases:
            raise SqlError(f"Can't create database '{name}'; database exists", version.code(1007))
        if not catalog.recover_database(name):
            raise SqlError(f"Unknown database '{name}'", version.code(5501))
        return
    if reader.accept("PARTITION"):
        name = reader.name()
        reader.expect("FROM")
        table = session.table(reader.qualified())
        check_state(table)
        raise refused(f"No partition named '{name}' in recycle bin that belongs to table '{table.name}'")
    reader.expect("TABLE")
    database, name = session.resolve(reader.qualified())
    owner = catalog.database(database)
    if name in owner.tables:
        raise SqlError(f"Table '{name}' already exists", version.code(1050))
    if name not in owner.recycled:
        raise SqlError(f"Unknown table '{name}'", version.code(5502))
    catalog.recover(owner, name)


async def drop_temporary(session):
    """The temporary tables of a session end with it."""
    world = session.world
    for table in session.temporary_tables:
        if table.id in world.catalog.by_id:
            await drop_now(world, world.catalog.database_of(table), table, True)
    session.temporary_tables.clear()
