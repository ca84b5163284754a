"""CREATE, DROP, TRUNCATE and RECOVER of databases, tables, views; CREATE USER is in rights.py."""
import copy
import re

from rockpool.catalog import SYSTEM_DATABASES, Column, Table
from rockpool.errors import SqlError
from rockpool.sql import create as creation
from rockpool.sql import insert, rights, select
from rockpool.sql.columns import analyzing

OLD_NAME = re.compile(r"[a-zA-Z]\w{0,255}|_[a-zA-Z0-9]\w{0,254}")


def _if_not_exists(reader):
    if reader.accept("IF"):
        reader.expect("NOT", "EXISTS")
        return True
    return False


def _if_exists(reader):
    if reader.accept("IF"):
        reader.expect("EXISTS")
        return True
    return False


async def nothing(session, reader):
    """Statements that are accepted and have nothing to do here."""


# ---------------------------------------------------------------- CREATE
async def create(session, reader):
    reader.expect("CREATE")
    if reader.accept("OR"):
        reader.expect("REPLACE")
        return await _create_view(session, reader, True)
    if reader.accept("DATABASE") or reader.accept("SCHEMA"):
        return _create_database(session, reader)
    if reader.accept("VIEW"):
        return await _create_view(session, reader, False)
    if reader.sees("USER") or reader.sees("ROLE"):
        return await rights.create(session, reader)
    reader.accept("EXTERNAL")
    reader.accept("TEMPORARY")
    reader.expect("TABLE")
    return await _create_table(session, reader)


def _create_database(session, reader):
    quiet = _if_not_exists(reader)
    name = reader.qualified()[-1]
    if reader.accept("PROPERTIES"):
        reader.properties()
    reader.end()
    catalog = session.world.catalog
    session_may_create(session)
    if name in catalog.databases or name in SYSTEM_DATABASES:
        if quiet:
            return
        raise SqlError(f"Can't create database '{name}'; database exists", session.world.version.code(1007))
    if not OLD_NAME.fullmatch(name) and not session.world.version.since(3, 3):
        raise SqlError(f"Incorrect database name '{name}'", session.world.version.code(1102))
    catalog.create_database(name)


def session_may_create(session):
    if not session.world.users.may_any(session.user, "CREATE DATABASE", "CATALOG"):
        raise SqlError("Access denied; you need (at least one of) the CREATE DATABASE privilege(s) on CATALOG "
                       "default_catalog for this operation.", session.world.version.code(5203, 1252))


def _may_create_table(session, database):
    if not session.world.users.may_any(session.user, "CREATE TABLE", "DATABASE", database):
        raise SqlError(f"Access denied; you need (at least one of) the CREATE TABLE privilege(s) on DATABASE {database} "
                       "for this operation.", session.world.version.code(5203, 1252))


def _target(session, reader):
    """(quiet, database name, table name) of a CREATE."""
    quiet = _if_not_exists(reader)
    database, name = session.resolve(reader.qualified())
    if not 1 <= len(name) <= 1024 or "\0" in name:
        raise SqlError(f"Incorrect table name '{name}'", session.world.version.code(1104))
    return quiet, database, name


def _check_free(session, quiet, database, name):
    """The database, or None when the table is there and that is fine."""
    owner = session.world.catalog.database(database)
    if name in owner.tables:
        if quiet:
            return None
        raise SqlError(f"Table '{name}' already exists", session.world.version.code(1050))
    return owner


async def _create_table(session, reader):
    quiet, database, name = _target(session, reader)
    world = session.world
    _may_create_table(session, database)
    if reader.accept("LIKE"):
        source = session.table(reader.qualified())
        owner = _check_free(session, quiet, database, name)
        return await _add(session, owner, _like(world, owner, source, name)) if owner else None
    if not reader.sees("("):
        return await _create_as(session, reader, quiet, database, name)
    if reader.ahead().kind in ("word", "quoted") and reader.ahead(2).upper in (",", ")"):
        return await _create_as(session, reader, quiet, database, name)
    made = creation.read_create(reader)
    owner = _check_free(session, quiet, database, name)
    if owner is None:
        return None
    table = creation.make_table(made, name, owner, world.meta.number("object", 10001), world.version)
    return await _add(session, owner, table)


async def _add(session, owner, table):
    await session.world.storage.create(table)
    if table.name in owner.tables:
        await session.world.storage.drop(table)
        raise SqlError(f"Table '{table.name}' already exists", session.world.version.code(1050))
    session.world.catalog.add_table(owner, table)


def _like(world, owner, source, name):
    table = copy.deepcopy(source)
    table.id, table.name, table.database_id = world.meta.number("object", 10001), name, owner.id
    table.next_auto = 1
    return table


async def _create_as(session, reader, quiet, database, name):
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
    for n, (column, kind) in enumerate(found):
        made.columns.append(_plain_column(names[n] if names else column, kind))
    table = creation.make_table(made, name, owner, session.world.meta.number("object", 10001), session.world.version)
    await _add(session, owner, table)
    await insert.insert_query(session, table, owner.name, query)


def _plain_column(name, kind):
    column = Column(name, kind, born=name)
    column.null_given, column.key_given = None, False
    return column


async def _create_view(session, reader, replace):
    if replace:
        reader.expect("VIEW")
    quiet, database, name = _target(session, reader)
    names = reader.names() if reader.sees("(") else None
    comment = reader.string() if reader.accept("COMMENT") else ""
    reader.expect("AS")
    query = reader.text[reader.token.start:]
    owner = session.world.catalog.database(database)
    if replace and name in owner.tables and owner.tables[name].view_sql is not None:
        session.world.catalog.forget(owner, owner.tables[name])
    if _check_free(session, quiet, database, name) is None:
        return
    found = await select.schema_of(session, query)
    columns = [Column(names[n] if names else c, k, n + 1) for n, (c, k) in enumerate(found)]
    view = Table(session.world.meta.number("object", 10001), name, owner.id, "VIEW", columns, [], comment=comment,
                 view_sql=select.qualified_sql(session, query))
    session.world.catalog.add_table(owner, view)


# ---------------------------------------------------------------- DROP, TRUNCATE, RECOVER
async def drop(session, reader):
    reader.expect("DROP")
    if reader.accept("DATABASE") or reader.accept("SCHEMA"):
        return await _drop_database(session, reader)
    if reader.sees("USER") or reader.sees("ROLE"):
        return await rights.drop(session, reader)
    reader.accept("TEMPORARY")
    if reader.accept("VIEW"):
        return _drop_view(session, reader)
    reader.expect("TABLE")
    quiet = _if_exists(reader)
    database, name = session.resolve(reader.qualified())
    force = reader.accept("FORCE")
    if reader.token.kind != "end":
        raise reader.unexpected("<EOF>", "';'")
    catalog = session.world.catalog
    owner = catalog.databases.get(database)
    if owner is None and not quiet:
        catalog.database(database)
    table = owner.tables.get(name) if owner else None
    if table is None or table.view_sql is not None:
        if quiet:
            return None
        raise SqlError(f"Unknown table '{name}'", session.world.version.code(5502, 1064))
    session.demand("DROP", database, name)
    if force:
        catalog.forget(owner, table)
        await session.world.storage.drop(table)
        return None
    earlier = catalog.recycle(owner, table)
    if earlier is not None:
        catalog.by_id.pop(earlier.id, None)
        catalog.meta.remove("table", earlier.id)
        await session.world.storage.drop(earlier)
    return None


def _drop_view(session, reader):
    quiet = _if_exists(reader)
    database, name = session.resolve(reader.qualified())
    reader.end()
    owner = session.world.catalog.database(database)
    view = owner.tables.get(name)
    if view is None or view.view_sql is None:
        if quiet:
            return
        raise SqlError(f"Unknown view '{name}'", session.world.version.code(5502, 1064))
    session.world.catalog.forget(owner, view)


async def _drop_database(session, reader):
    quiet = _if_exists(reader)
    name = reader.qualified()[-1]
    reader.accept("FORCE")
    reader.end()
    world = session.world
    if name not in world.catalog.databases:
        if quiet:
            return
        raise SqlError(f"Can't drop database '{name}'; database doesn't exist", world.version.code(1008))
    number = world.catalog.databases[name].id
    gone = world.catalog.drop_database(name)
    world.txns.drop_database(number)
    if session.database == name:
        session.database = ""
    for table in gone:
        if table.view_sql is None:
            await world.storage.drop(table)


async def truncate(session, reader):
    reader.expect("TRUNCATE", "TABLE")
    parts = reader.qualified()
    if reader.accept("PARTITION"):
        reader.names()
    reader.accept("FORCE")
    reader.end()
    table = session.table(parts)
    session.demand("DELETE", *session.resolve(parts))
    if table.view_sql is not None:
        raise analyzing(f"{table.name} is not a native table")
    if table.state != "NORMAL":
        raise SqlError(f"Table state is not NORMAL: '{table.state}'", session.world.version.code(5014))
    await session.world.storage.truncate(table)


async def recover(session, reader):
    reader.expect("RECOVER")
    if reader.accept("DATABASE"):
        raise SqlError(f"Unknown database '{reader.name()}'", session.world.version.code(5501))
    reader.expect("TABLE")
    database, name = session.resolve(reader.qualified())
    owner = session.world.catalog.database(database)
    if name not in owner.recycled:
        raise SqlError(f"Unknown table '{name}'", session.world.version.code(5502))
    if name in owner.tables:
        raise SqlError(f"Table '{name}' already exists", session.world.version.code(1050))
    session.world.catalog.recover(owner, name)
