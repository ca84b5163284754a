"""What a statement needs before it is carried out, where its own room does not ask: by the words it begins with.

SELECT, INSERT, UPDATE, DELETE, TRUNCATE, DROP TABLE and ALTER TABLE ask for themselves (Session.demand).
"""
from rockpool.catalog import SYSTEM_DATABASES

SEEN = (("CREATE", "TABLE"), ("CREATE", "VIEW"), ("FULL", "COLUMNS", "FROM"), ("FULL", "FIELDS", "FROM"),
        *((word, by) for word in ("COLUMNS", "FIELDS", "INDEX", "INDEXES", "KEYS", "PARTITIONS") for by in ("FROM", "IN")))


def check(session, reader):
    """Raises what a user without the privilege reads. Leaves the reader where it was."""
    start = reader.at
    try:
        for words, ask in STATEMENTS:
            if reader.accept(*words):
                ask(session, reader)
                return
    finally:
        reader.at = start


def may_use(session, database):
    """A database may be used by who has any privilege in it."""
    if database not in SYSTEM_DATABASES and not session.world.users.sees_database(session.user, database):
        session.refuse("ANY", "DATABASE", database)


def _quiet(reader):
    reader.accept("IF", "NOT", "EXISTS") or reader.accept("IF", "EXISTS")


def _parts(reader):
    return reader.qualified() if reader.token.kind in ("word", "quoted") else []


def on_database(privilege):
    def ask(session, reader):
        _quiet(reader)
        if (parts := _parts(reader)) and parts[-1] in session.world.catalog.databases:
            session.require(privilege, "DATABASE", parts[-1])
    return ask


def on_database_of(privilege):
    """On the database that holds the object named next."""
    def ask(session, reader):
        _quiet(reader)
        parts = _parts(reader)
        if len(parts) > 1 or parts and session.database:
            session.require(privilege, "DATABASE", session.resolve(parts)[0])
    return ask


def on_object(privilege):
    """On the table or view named next, where there is one."""
    def ask(session, reader):
        _quiet(reader)
        parts = _parts(reader)
        if len(parts) == 1 and (reader.accept("FROM") or reader.accept("IN")):
            parts = [*_parts(reader), *parts]
        if len(parts) > 1 or parts and session.database:
            place = session.resolve(parts)
            if session.world.catalog.find(*place) is not None:
                session.demand(privilege, *place)
    return ask


def on_system(privilege):
    return lambda session, reader: session.require(privilege, "SYSTEM")


def on_catalog(privilege):
    return lambda session, reader: session.require(privilege, "CATALOG", "default_catalog")


def _recover(session, reader):
    database, name = session.resolve(_parts(reader))
    session.require("CREATE TABLE", "DATABASE", database)
    session.demand("DROP", database, name)


def _nodes(session, reader):
    """Nodes are shown to who may operate the system or its nodes."""
    if not any(session.world.users.may_any(session.user, p, "SYSTEM") for p in ("OPERATE", "NODE")):
        session.refuse("OPERATE/NODE", "SYSTEM")


def _export(session, reader):
    reader.accept("TABLE")
    on_object("EXPORT")(session, reader)


def _set(session, reader):
    if reader.token.upper in ("GLOBAL", "@@GLOBAL") or reader.token.text.lower().startswith("@@global."):
        session.require("OPERATE", "SYSTEM")


def _describe(session, reader):
    reader.accept("EXTENDED")
    on_object("ANY")(session, reader)


def _show_create_database(session, reader):
    parts = _parts(reader)
    if parts and parts[-1] in session.world.catalog.databases:
        may_use(session, parts[-1])


STATEMENTS = [
    (("CREATE", "DATABASE"), on_catalog("CREATE DATABASE")), (("CREATE", "SCHEMA"), on_catalog("CREATE DATABASE")),
    (("CREATE", "TABLE"), on_database_of("CREATE TABLE")),
    (("CREATE", "EXTERNAL", "TABLE"), on_database_of("CREATE TABLE")), (("CREATE", "VIEW"), on_database_of("CREATE VIEW")),
    (("CREATE", "OR", "REPLACE", "VIEW"), on_database_of("CREATE VIEW")), (("DROP", "DATABASE"), on_database("DROP")),
    (("DROP", "SCHEMA"), on_database("DROP")), (("DROP", "VIEW"), on_object("DROP")),
    (("ALTER", "DATABASE"), on_database("ALTER")), (("ALTER", "VIEW"), on_object("ALTER")),
    (("ALTER", "SYSTEM"), on_system("NODE")),
    (("CANCEL", "ALTER", "TABLE", "COLUMN", "FROM"), on_object("ALTER")),
    (("CANCEL", "ALTER", "TABLE", "OPTIMIZE", "FROM"), on_object("ALTER")),
    (("RECOVER", "TABLE"), _recover), (("RECOVER", "DATABASE"), on_catalog("CREATE DATABASE")),
    (("EXPORT",), _export), (("ADMIN",), on_system("OPERATE")), (("SHOW", "PROC"), on_system("OPERATE")),
    (("SHOW", "BACKENDS"), _nodes), (("SHOW", "FRONTENDS"), _nodes), (("SHOW", "COMPUTE", "NODES"), _nodes),
    (("SET",), _set),
    (("SHOW", "CREATE", "DATABASE"), _show_create_database), (("SHOW", "CREATE", "SCHEMA"), _show_create_database),
    *((("SHOW", *words), on_object("ANY")) for words in SEEN), (("DESC",), _describe), (("DESCRIBE",), _describe)]
