"""UPDATE, DELETE, and the PREPARE statement."""
import re
import uuid

import duckdb
from sqlglot import exp

from rockpool.errors import LoadError, SqlError
from rockpool.merge import default_sql
from rockpool.mysql.wire import Result
from rockpool.sql import dialect, prepared, select
from rockpool.sql.columns import analyzing
from rockpool.sql.lexer import Reader


# ---------------------------------------------------------------- DELETE and UPDATE
def _source(session, table, alias):
    return f'({select.stored_sql(table, rowid=True)}) AS "{alias}"'


async def _counted(session, table, statement):
    """Runs a DELETE or UPDATE in a transaction of its own, with a label of its own; the number of rows."""
    world = session.world
    if session.transaction is not None:
        return await _postponed(session, table, statement)
    await world.caught_up(table)
    kind = statement.split(" ", 1)[0].lower()
    txn = _begin(session, table, f"{kind}_{uuid.uuid4()}")
    await world.storage.settle([table.id])
    try:
        world.storage.versions.bump(table.id)
        rows = await world.storage.write(lambda db: db.execute(statement).fetchall())
    except duckdb.Error as e:
        failure = select._query_error(session, e)
        world.txns.abort(txn, str(failure))
        raise failure from None
    txn.total = txn.loaded = rows[0][0] if rows else 0
    world.txns.commit(txn, [])
    await world.visible(txn, txn.timeout)
    return Result(affected=txn.loaded,
                  note=f"{{'label':'{txn.label}', 'status':'{txn.state}', 'txnId':'{txn.id}'}}")


def _begin(session, table, label):
    world = session.world
    try:
        return world.txns.begin(world.catalog.database_of(table), [table], label, 14400, source="INSERT_STREAMING",
                                kind="INSERT", user=session.user.name)
    except LoadError as e:
        raise SqlError(e.message) from None


async def _postponed(session, table, statement):
    """In a SQL transaction the statement waits for COMMIT; how many rows it means is known at once."""
    session.transaction.admit(session.user, table, inserts=False)
    await session.world.storage.settle([table.id])
    try:
        await session.world.storage.write(_try, statement)
    except Undone as e:
        affected = e.affected
    except duckdb.Error as e:
        raise select._query_error(session, e) from None
    session.transaction.statements.append((table, statement))
    return Result(affected=affected, note=session.transaction.note("PREPARE").note)


class Undone(Exception):
    """Rolls back what was only tried."""

    def __init__(self, affected):
        super().__init__("tried, and undone")
        self.affected = affected


def _try(db, statement):
    rows = db.execute(statement).fetchall()
    raise Undone(rows[0][0] if rows else 0)


async def delete(session, reader):
    tree = dialect.parse(reader.text)
    if not isinstance(tree, exp.Delete):
        raise reader.unexpected("FROM")
    target = tree.this
    where = tree.args.get("where")
    table = session.table([target.db, target.name] if target.db else [target.name])
    session.demand("DELETE", *session.resolve([target.db, target.name] if target.db else [target.name]))
    if where is None:
        raise analyzing("Delete must specify where clause to prevent full table delete")
    if not table.is_primary:
        _simple_condition(table, where.this)
    alias = target.alias or target.name
    scope = select.RowScope(session, table, alias, session.resolve([target.db, target.name] if target.db else [target.name])[0])
    source = _source(session, table, alias)
    for other in _listed(tree.args.get("using")):
        source += ", " + scope.source(other)
    condition = scope.condition(where.this)
    await session.world.storage.settle([t.id for t in scope.tables])
    return await _counted(session, table, f'DELETE FROM {table.store_name} WHERE rowid IN (SELECT "{alias}".rowid_ FROM '
                                          f'{source} WHERE {condition})')


def _listed(found):
    return found if isinstance(found, list) else [found] if found else []


def _simple_condition(table, condition):
    """Tables without a primary key: only comparisons with literals, joined by AND; on keys where values merge."""
    if condition.find(exp.Or) or condition.find(exp.Select):
        raise analyzing("Where clause only supports compound predicate, binary predicate, is_null predicate or in "
                        "predicate.")
    if table.model in ("UNIQUE", "AGGREGATE"):
        for node in condition.find_all(exp.Column):
            column = table.column(node.name)
            if column is not None and not column.is_key:
                raise analyzing(f"Column[{node.name}] is not key column or storage model is not duplicate or column type "
                                "is float or double.")


async def update(session, reader):
    tree = dialect.parse(reader.text)
    if not isinstance(tree, exp.Update):
        raise reader.unexpected("SET")
    target, where = tree.this, tree.args.get("where")
    parts = [target.db, target.name] if target.db else [target.name]
    table = session.table(parts)
    session.demand("UPDATE", *session.resolve(parts))
    if not table.is_primary:
        raise analyzing(f"table {table.name} does not support update")
    assigned = _assignments(table, tree.expressions)
    share = len(assigned) / len(table.columns)
    if where is None and not (len(assigned) <= 3 and share < 0.3 and session.world.version.since(3, 1)):
        raise analyzing("must specify where clause to prevent full table update")
    alias = target.alias or target.name
    scope = select.RowScope(session, table, alias, session.resolve(parts)[0])
    selects, source = [f'"{alias}".rowid_ AS rid_'], _source(session, table, alias)
    clause = tree.args.get("from_") or tree.args.get("from")
    for other in _listed(clause.this if clause is not None else None):
        source += ", " + scope.source(other)
    for n, (column, value) in enumerate(assigned.values()):
        is_default = isinstance(value, exp.Column) and value.name.upper() == "DEFAULT" and not value.table
        text = default_sql(column) if is_default else scope.value(value, column.type)
        selects.append(f"CAST({text} AS {column.type.duckdb()}) AS v{n}")
    condition = f" WHERE {scope.condition(where.this)}" if where is not None else ""
    await session.world.storage.settle([t.id for t in scope.tables])
    sets = ", ".join(f"{column.store_name} = s_.v{n}" for n, (column, _) in enumerate(assigned.values()))
    return await _counted(session, table, f"UPDATE {table.store_name} SET {sets} FROM (SELECT {', '.join(selects)} FROM "
                                          f"{source}{condition}) AS s_ "
                                          f"WHERE {table.store_name}.rowid = s_.rid_")


def _assignments(table, expressions):
    """{name: (column, value)}; a column assigned twice takes the last value."""
    found = {}
    for e in expressions:
        column = table.column(e.this.name)
        if column is None:
            raise analyzing(f"table '{table.name}' do not existing column '{e.this.name}'")
        if column.is_key:
            raise analyzing(f"primary key column cannot be updated: {column.name}")
        found[column.name] = (column, e.expression)
    return found


# ---------------------------------------------------------------- PREPARE name FROM …
async def prepare(session, reader):
    reader.expect("PREPARE")
    name = reader.name()
    reader.expect("FROM")
    text = reader.string() if reader.token.kind == "string" else reader.text[reader.token.start:]
    session.check_preparable(Reader(text))
    session.prepared[name] = text


async def execute(session, reader):
    reader.expect("EXECUTE")
    name = reader.name()
    if name not in session.prepared:
        raise SqlError(f"Unknown prepared statement handler ({name}) given to EXECUTE", 1243)
    values = []
    if reader.accept("USING"):
        while True:
            value = session.user_variables.get(reader.next().text.lstrip("@").lower())
            values.append("NULL" if value is None else value if re.fullmatch(r"-?\d+(\.\d+)?", value)
                          else "'" + value.replace("\\", "\\\\").replace("'", "''") + "'")
            if not reader.accept(","):
                break
    return await session.one(prepared.Statement(session.prepared[name]).filled(values))


async def deallocate(session, reader):
    reader.next()
    reader.expect("PREPARE")
    session.prepared.pop(reader.name(), None)
