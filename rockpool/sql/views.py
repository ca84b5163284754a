"""CREATE, ALTER and DROP VIEW; materialized views, which are kept as views: their rows are always those of the query."""
import re
import uuid

from rockpool.catalog import Column, Table
from rockpool.errors import SqlError
from rockpool.mysql.wire import of_texts
from rockpool.sql import select
from rockpool.sql.analysis import analyzing, refused
from rockpool.sql.columns import escaped

MATERIALIZED_WORDS = ("REFRESH", "DISTRIBUTED", "PARTITION", "ORDER")


def table_name(session, name):
    if not 1 <= len(name) <= 1024 or "\0" in name:
        raise analyzing(f"Incorrect table name '{name}'", session.world.version.code(1104))
    return name


def _names(reader):
    """( name [COMMENT "…"], … ) in front of the query: [(name, comment)]"""
    found = []
    reader.expect("(")
    while True:
        name = reader.name()
        found.append((name, reader.string() if reader.accept("COMMENT") else ""))
        if not reader.accept(","):
            break
    reader.expect(")")
    return found


async def create(session, reader, replace):
    """Everything behind CREATE [OR REPLACE] VIEW."""
    quiet = reader.accept("IF", "NOT", "EXISTS")
    database, name = session.resolve(reader.qualified())
    table_name(session, name)
    names = _names(reader) if reader.sees("(") else None
    comment = reader.string() if reader.accept("COMMENT") else ""
    security = reader.one_of("NONE", "INVOKER") if reader.accept("SECURITY") else "NONE"
    reader.expect("AS")
    query = reader.text[reader.token.start:]
    owner = session.world.catalog.database(database)
    earlier = owner.tables.get(name)
    if earlier is not None and not (replace and earlier.view_sql is not None):
        if quiet:
            return
        raise SqlError(f"Table '{name}' already exists", session.world.version.code(1050))
    columns = await _columns(session, query, names)
    if earlier is not None:
        session.world.catalog.forget(owner, earlier)
    view = Table(session.world.meta.number("object", 10001), name, owner.id, "VIEW", columns, [], comment=comment,
                 view_sql=select.qualified_sql(session, query), view_text=query)
    view.properties = {"security": security}
    session.world.catalog.add_table(owner, view)


async def _columns(session, query, names):
    found = await select.schema_of(session, query)
    if names is not None and len(names) != len(found):
        raise analyzing("Column count in view definition is not equal to that of the query")
    named = [n for n, _ in names] if names else [c for c, _ in found]
    seen = set()
    for name in named:
        if name.lower() in seen:
            raise analyzing(f"Duplicate column name '{name}'", session.world.version.code(1060))
        seen.add(name.lower())
    comments = [c for _, c in names] if names else [""] * len(found)
    return [Column(named[n], kind, n + 1, comment=comments[n]) for n, (_, kind) in enumerate(found)]


async def alter(session, reader):
    """ALTER VIEW v [(names)] AS … | RENAME x | SET SECURITY …"""
    database, name = session.resolve(reader.qualified())
    owner = session.world.catalog.database(database)
    view = _find(session, owner, name, materialized=False)
    if reader.accept("RENAME"):
        new = reader.name()
        reader.end()
        if new in owner.tables:
            raise SqlError(f"Table name[{new}] is already used", session.world.version.code(1050))
        session.world.catalog.rename_table(owner, view, new)
        return
    if reader.accept("SET"):
        reader.accept("SECURITY")
        view.properties = {"security": reader.one_of("NONE", "INVOKER")}
        session.world.catalog.save(view)
        return
    names = _names(reader) if reader.sees("(") else None
    reader.expect("AS")
    query = reader.text[reader.token.start:]
    view.columns = await _columns(session, query, names)
    view.view_sql, view.view_text = select.qualified_sql(session, query), query
    session.world.catalog.save(view)


def _find(session, owner, name, materialized):
    view = owner.tables.get(name)
    if view is None:
        raise session.world.catalog.unknown_table(owner.name, name)
    if view.view_sql is None or (view.materialized is not None) != materialized:
        raise analyzing(f"The specified table [{name}] is not a {'materialized ' if materialized else ''}view")
    return view


def drop(session, reader, materialized=False):
    quiet = reader.accept("IF", "EXISTS")
    database, name = session.resolve(reader.qualified())
    reader.end()
    owner = session.world.catalog.databases.get(database)
    view = owner.tables.get(name) if owner else None
    if view is None and materialized and owner is not None:
        for table in owner.tables.values():  # a synchronous one is an index of its table
            kept = [r for r in table.rollups if r["name"] != name]
            if len(kept) != len(table.rollups):
                table.rollups = kept
                return session.world.catalog.save(table)
    if view is None:
        if quiet:
            return None
        if owner is None:
            session.world.catalog.database(database)
        raise SqlError(f"Materialized view {name} is not found" if materialized else f"Unknown table '{name}'",
                       1064 if materialized else session.world.version.code(5502))
    if view.view_sql is None or (view.materialized is not None) != materialized:
        raise refused(f"'{database}.{name}' is not {'MATERIALIZED VIEW' if materialized else 'VIEW'}")
    session.world.catalog.forget(owner, view)
    return None


# ---------------------------------------------------------------- materialized views
async def create_materialized(session, reader):
    """Everything behind CREATE MATERIALIZED VIEW. With REFRESH, DISTRIBUTED BY, … it is asynchronous; without, an index."""
    quiet = reader.accept("IF", "NOT", "EXISTS")
    database, name = session.resolve(reader.qualified())
    table_name(session, name)
    names = _names(reader) if reader.sees("(") else None
    start, comment = reader.token.start, ""
    asynchronous = False
    while not reader.sees("AS"):
        token = reader.next()
        if token.kind == "end":
            raise reader.unexpected("AS")
        asynchronous |= token.upper in MATERIALIZED_WORDS
        if token.upper == "COMMENT":
            comment = reader.string()
        if token.upper == "(":
            reader.at -= 1
            reader.bracketed()
    clauses = reader.text[start:reader.token.start].strip()
    reader.expect("AS")
    query = reader.text[reader.token.start:]
    owner = session.world.catalog.database(database)
    if name in owner.tables:
        if quiet:
            return
        raise SqlError(f"Table '{name}' already exists", session.world.version.code(1050))
    columns = await _columns(session, query, names)
    if not asynchronous:
        _index(session, owner, name, query, columns)
        return
    view = Table(session.world.meta.number("object", 10001), name, owner.id, "VIEW", columns, [], comment=comment,
                 view_sql=select.qualified_sql(session, query), view_text=query, materialized=clauses)
    session.world.catalog.add_table(owner, view)


def _index(session, owner, name, query, columns):
    """A synchronous materialized view belongs to its one table."""
    found = re.search(r"\bfrom\s+(?:`?[\w]+`?\s*\.\s*)?`?([\w]+)`?", query, re.I)
    table = owner.tables.get(found.group(1)) if found else None
    if table is None or table.view_sql is not None or re.search(r"\bjoin\b", query, re.I):
        raise analyzing("The materialized view only support one table in from clause")
    table.rollups.append({"name": name, "columns": [c.name for c in columns],
                          "id": session.world.meta.number("object", 10001)})
    session.world.catalog.save(table)


def alter_materialized(session, reader):
    """ALTER MATERIALIZED VIEW v RENAME x; its other clauses have nothing to do here."""
    database, name = session.resolve(reader.qualified())
    owner = session.world.catalog.database(database)
    view = _find(session, owner, name, materialized=True)
    if reader.accept("RENAME"):
        new = reader.name()
        if new in owner.tables:
            raise SqlError(f"Table name[{new}] is already used", session.world.version.code(1050))
        session.world.catalog.rename_table(owner, view, new)


async def refresh(session, reader):
    """REFRESH MATERIALIZED VIEW v: its rows are always fresh."""
    reader.expect("REFRESH")
    if not reader.accept("MATERIALIZED", "VIEW"):
        return None
    database, name = session.resolve(reader.qualified())
    _find(session, session.world.catalog.database(database), name, materialized=True)
    return of_texts(["QUERY_ID"], [[str(uuid.uuid4())]])


# ---------------------------------------------------------------- shown
def view_shown(view, version):
    """The text of SHOW CREATE VIEW."""
    columns = ", ".join(f"`{c.name}`" + (f' COMMENT "{escaped(c.comment)}"' if c.comment else "") for c in view.columns)
    comment = f'\nCOMMENT "{escaped(view.comment)}"' if view.comment else ""
    if view.materialized is not None:
        clauses = f"\n{view.materialized}" if view.materialized else ""
        return f"CREATE MATERIALIZED VIEW `{view.name}` ({columns}){comment}{clauses}\nAS {view.view_text};"
    security = f" SECURITY {view.properties.get('security', 'NONE')}" if version.since(3, 3) else ""
    query = view.view_text if version.since(3, 3) and view.view_text else view.view_sql
    return f"CREATE VIEW `{view.name}` ({columns}){comment}{security} AS {query};"
