"""UPDATE, DELETE, and the PREPARE statement."""
import re
import time

import duckdb
from sqlglot import exp

from rockpool.errors import LoadError, SqlError
from rockpool.merge import default_sql
from rockpool.mysql.wire import Result
from rockpool.sql import delete_rules, dialect, insert_rows, prepared, select
from rockpool.sql.analysis import analyzing
from rockpool.sql.lexer import Reader


# ---------------------------------------------------------------- DELETE and UPDATE
def _source(session, table, alias):
    return f'({select.stored_sql(table, rowid=True)}) AS "{alias}"'


async def _counted(session, table, statement, kind):
    """Carries an UPDATE or DELETE out as a transaction with a label of its own."""
    world = session.world
    if session.transaction is not None:
        return await _postponed(session, table, statement)
    await world.caught_up(table)
    await world.storage.settle([table.id])
    txn = insert_rows.begin(world, world.catalog.database_of(table), table, None, session, kind)
    try:
        rows = await world.storage.write(lambda db: db.execute(statement).fetchall())
    except duckdb.Error as e:
        world.txns.abort(txn, str(e))
        raise select._query_error(session, e) from None
    world.storage.versions.bump(table.id)
    txn.total = txn.loaded = rows[0][0] if rows else 0
    world.txns.commit(txn, [])
    await world.visible(txn, txn.timeout)
    return Result(affected=txn.loaded if table.is_primary else 0, note=insert_rows.note(txn))


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


async def with_clause(session, reader):
    """WITH … before a query, a DELETE or an UPDATE."""
    depth = 0
    for token in reader.tokens:
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.upper in ("DELETE", "UPDATE"):
            return await (delete if token.upper == "DELETE" else update)(session, reader)
        if depth == 0 and token.upper == "SELECT":
            break
    return await select.run(session, reader)


def _parsed(text):
    """The tree of a statement, with the queries of its WITH where they are named."""
    tree = dialect.parse(text)
    clause = tree.args.get("with_")
    if not isinstance(tree, (exp.Delete, exp.Update)) or clause is None:
        return tree
    given = {}
    for one in clause.expressions:
        given[one.alias.lower()] = _inlined(one.this.copy(), given)
    return _inlined(tree, given)


def _inlined(tree, given):
    for node in list(tree.find_all(exp.Table)):
        inner = given.get(node.name.lower()) if not node.db else None
        if inner is not None and node is not tree.this and not node.find_ancestor(exp.With):
            node.replace(exp.Subquery(this=inner.copy(), alias=exp.TableAlias(this=exp.to_identifier(node.alias_or_name))))
    return tree


async def delete(session, reader):
    names, text = delete_rules.without_partitions(reader)
    tree = _parsed(text)
    if not isinstance(tree, exp.Delete):
        raise reader.unexpected("FROM")
    target, where = tree.this, tree.args.get("where")
    parts = [target.db, target.name] if target.db else [target.name]
    table = session.table(parts)
    session.demand("DELETE", *session.resolve(parts))
    delete_rules.check(session, table, tree, names)
    alias = target.alias or target.name
    scope = select.RowScope(session, table, alias, session.resolve(parts)[0])
    source = _source(session, table, alias)
    for other in _listed(tree.args.get("using")):
        source += ", " + scope.source(other)
    condition = scope.condition(where.this)
    await session.world.storage.settle([t.id for t in scope.tables])
    within = await delete_rules.partition_condition(session, table, names)
    found = await _counted(session, table, f'DELETE FROM {table.store_name} WHERE rowid IN (SELECT "{alias}".rowid_ FROM '
                                           f'{source} WHERE {condition}){within}', "DELETE")
    if not table.is_primary:
        session.world.jobs.deletes.append((session.world.catalog.database_of(table).id, table.name, time.time(),
                                           where.this.sql(dialect="starrocks")))
    return found


def _listed(found):
    return found if isinstance(found, list) else [found] if found else []


async def update(session, reader):
    tree = _parsed(reader.text)
    if not isinstance(tree, exp.Update):
        raise reader.unexpected("SET")
    target, where = tree.this, tree.args.get("where")
    parts = [target.db, target.name] if target.db else [target.name]
    table = session.table(parts)
    session.demand("UPDATE", *session.resolve(parts))
    if table.materialized is not None:
        raise analyzing(f"The data of '{table.name}' cannot be modified because '{table.name}' is a materialized view,and the data "
                        "of materialized view must be consistent with the base table.")
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
        if column.auto_increment and isinstance(value, exp.Null):
            raise analyzing(f"AUTO_INCREMENT column: {column.name} must not be NULL")
        text = default_sql(column) if is_default else scope.value(value, column.type)
        selects.append(f"CAST({text} AS {column.type.duckdb()}) AS v{n}")
    condition = f" WHERE {scope.condition(where.this)}" if where is not None else ""
    await session.world.storage.settle([t.id for t in scope.tables])
    sets = ", ".join(f"{column.store_name} = s_.v{n}" for n, (column, _) in enumerate(assigned.values()))
    rows = f"(SELECT {', '.join(selects)} FROM {source}{condition}) AS s_"
    await _check_values(session, table, [column for column, _ in assigned.values()], rows)
    return await _counted(session, table, f"UPDATE {table.store_name} SET {sets} FROM {rows} "
                                          f"WHERE {table.store_name}.rowid = s_.rid_", "UPDATE")


async def _check_values(session, table, columns, rows):
    """New values that a column does not take are rows of an INSERT that are filtered."""
    tests = []
    for n, column in enumerate(columns):
        if not column.nullable:
            tests.append((f"s_.v{n} IS NULL", f"NULL value in non-nullable column '{column.name}'"))
        if column.type.is_text:
            tests.append((f"strlen(s_.v{n}) > {column.type.length}",
                          f"String '…' is too long. The max length of '{column.name}' is {column.type.length}"))
    if not tests:
        return
    world = session.world
    await world.caught_up(table)
    await world.storage.settle([table.id])
    counts = ", ".join(f"count(*) FILTER (WHERE {t})" for t, _ in tests)
    try:
        found = await world.storage.write(lambda db: db.execute(f"SELECT {counts}, count(*) FROM {rows}").fetchall()[0])
    except duckdb.Error as e:
        raise select._query_error(session, e) from None
    for bad, (_, reason) in zip(found, tests):
        if bad:
            insert_rows.refuse(session, table, reason, found[-1], bad)


def _assignments(table, expressions):
    """{name: (column, value)}; a column assigned twice takes the last value."""
    found = {}
    for e in expressions:
        column = table.column(e.this.name)
        if column is None:
            raise analyzing(f"table '{table.name}' do not existing column '{e.this.name}'")
        if column.is_key:
            raise analyzing(f"primary key column cannot be updated: {column.name}")
        if column.generated is not None:
            raise analyzing(f"generated column cannot be updated: {column.name}")
        found[column.name] = (column, e.expression)
    return found


# ---------------------------------------------------------------- PREPARE name FROM …
async def prepare(session, reader):
    if not session.world.version.has("prepared statements"):
        raise reader.unexpected("ADMIN", "ALTER", "CREATE", "SELECT", "SHOW")
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
