"""Queries: compiled into DuckDB's words, run, and printed as StarRocks prints."""
import asyncio
import re

import duckdb
from sqlglot import exp

from rockpool.errors import SqlError
from rockpool.mysql.wire import Result
from rockpool.sql import coercion, dialect, information_schema, lexer, render
from rockpool.sql.analysis import analyzing
from rockpool.sql.expressions import Expressions
from rockpool.sql.queries import Queries
from rockpool.sql.resolver import Resolver, stored_sql  # noqa: F401  (names of this module)
from rockpool.sql.scope import Column, Scope, Source


CALLED = re.compile(r"Getting analyzing error\. Detail message: ((?:No matching function with signature:|\d-th input of) (\w+)\W.*)", re.S)


async def run(session, reader):
    return await query(session, reader.text)


class Plan:
    """A query ready for DuckDB. columns: its result's, None when DuckDB tells."""

    def __init__(self, sql, columns=None, resolver=None):
        self.sql, self.columns = sql, columns
        self.tables = resolver.tables if resolver else []
        self.virtual = resolver.virtual if resolver else {}

    def kinds(self, relation):
        """The SqlType of every column; the store's own where the compiler knows none."""
        known = [c.kind for c in self.columns] if self.columns else [None] * len(relation.types)
        return [render.sql_type(t) if k is None else k for k, t in zip(known, relation.types)]

    def metadata(self, relation):
        names = [c.name for c in self.columns] if self.columns else relation.columns
        return [render.column_of_type(n, k) for n, k in zip(names, self.kinds(relation))]


async def query(session, text, states=False):
    """The Result of a SELECT. states: BITMAP, HLL and PERCENTILE as they are kept, for INSERT."""
    await information_schema.ready(session, text)
    plan = plan_of(session, text)
    for table in plan.tables:
        if session.transaction is not None and table.id in session.transaction.written:
            raise SqlError(f"SELECT cannot read table '{table.name}' modified earlier in the same transaction.", 5307)
    cursor = await session.world.storage.snapshot([t.id for t in plan.tables])
    try:
        return await session.while_running(cursor, session.world.storage.read(_execute, cursor, plan, states))
    except duckdb.Error as e:
        raise _query_error(session, e) from None
    finally:
        await asyncio.get_running_loop().run_in_executor(None, cursor.close)


def _execute(cursor, plan, states=False):
    for name, table in plan.virtual.items():
        cursor.register(name, table)
    relation = cursor.sql(plan.sql)
    if relation is None:
        return Result()
    kinds = plan.kinds(relation)
    aliases = [f"k{n}" for n in range(len(kinds))]
    selects = ", ".join(render.text_sql(a, k, states) for a, k in zip(aliases, kinds))
    cursor.execute(f"SELECT {selects} FROM ({plan.sql}) AS q_({', '.join(aliases)})")
    return Result(plan.metadata(relation), render.rows(cursor, kinds))


def _query_error(session, e):
    text = str(e)
    found = re.search(r'column "([^"]+)" must appear in the GROUP BY clause', text)
    if found:
        return analyzing(f"'{found.group(1)}' must be an aggregate expression or appear in GROUP BY clause")
    found = re.search(r"Invalid Input Error: (.*)", text) if "ROCKPOOL:" in text else None
    if found:
        return SqlError(text.split("ROCKPOOL:")[1].split("\n")[0].strip())
    if "More than one row returned by a subquery" in text:
        return SqlError("Expected LE 1 to be returned by expression")
    if "WHERE clause cannot contain aggregates" in text:
        return analyzing("WHERE clause cannot contain aggregations")
    if "WHERE clause cannot contain window functions" in text:
        return analyzing("WHERE clause cannot contain analytic expressions")
    if "aggregate function calls cannot be nested" in text:
        return analyzing("nested aggregate function is not allowed")
    return analyzing(text.split("\n")[0])


# ---------------------------------------------------------------- planning
def plan_of(session, text):
    try:
        return plan_of_tree(session, dialect.parse(text))
    except SqlError as e:
        raise _placed(text, e) from None


def _placed(text, error):
    """An error of a call, with the place of the first call of that name in the statement."""
    found = CALLED.match(error.text)
    words = lexer.tokens(text) if found else ()
    for n, word in enumerate(words):
        if word.text.lower() == found.group(2).lower() and words[n + 1].text == "(":
            return analyzing(found.group(1), error.code, (lexer.Reader(text, list(words)), word, _closing(words, n + 1)))
    return error


def _closing(words, n):
    """The bracket that closes the one at n."""
    depth = 0
    for word in words[n:]:
        depth += (word.text == "(") - (word.text == ")")
        if depth == 0:
            return word
    return words[-1]


def plan_of_tree(session, tree):
    if not isinstance(tree, (exp.Query, exp.Values)):
        raise analyzing("a query is expected")
    resolver = Resolver(session)
    compiled = Queries(session, resolver).query(tree)
    return Plan(compiled.sql, compiled.columns, resolver)


class RowScope:
    """Expressions over the rows of one stored table, for UPDATE and DELETE. tables: what they read besides."""

    def __init__(self, session, table, alias, database=""):
        self.resolver = Resolver(session)
        self.queries = Queries(session, self.resolver)
        self.scope = Scope()
        self.scope.sources.append(Source(alias, [Column(c.name, c.type) for c in table.columns], database))
        self.compiler = Expressions(session, self.queries, self.scope)

    @property
    def tables(self):
        return self.resolver.tables

    def source(self, item):
        """Adds another table, for USING and FROM; the text of it."""
        return self.queries._joined(item, self.scope, self.compiler)

    def value(self, node, kind=None):
        found = self.compiler.term(node)
        return found.to(kind).sql if kind is not None else found.sql

    def condition(self, node):
        return self.compiler.condition(node)


# ---------------------------------------------------------------- for CREATE VIEW and CREATE TABLE AS
async def schema_of(session, text):
    """[(name, type)] of a query's columns."""
    plan, relation = await _described(session, text)
    kinds = plan.kinds(relation)
    return [(c.name, coercion.BOOLEAN if k.name == "NULL" else k) for c, k in zip(plan.columns, kinds)]


async def describe(session, text):
    """The metadata of a query's columns, without running it."""
    plan, relation = await _described(session, text)
    return plan.metadata(relation)


class _Shape:
    def __init__(self, relation):
        self.types, self.columns = list(relation.types), list(relation.columns)


async def _described(session, text):
    plan = plan_of(session, text)
    cursor = await session.world.storage.snapshot(())

    def ask():
        for name, table in plan.virtual.items():
            cursor.register(name, table)
        return _Shape(cursor.sql(plan.sql))
    try:
        return plan, await session.world.storage.read(ask)
    except duckdb.Error as e:
        raise _query_error(session, e) from None
    finally:
        cursor.close()


def qualified_sql(session, text):
    """A view's query with every table under its full name."""
    tree = dialect.parse(text)
    local = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    for node in tree.find_all(exp.Table):
        if not node.db and node.name.lower() not in local and isinstance(node.this, exp.Identifier):
            node.set("db", exp.to_identifier(session.database, quoted=True))
    return tree.sql(dialect=dialect.Dialect)


def columns_of_table(table):
    return [render.column_of_type(c.name, c.type) for c in table.columns]


async def raw(session, sql):
    """Rows of a text that is DuckDB's already, printed as StarRocks prints them."""
    cursor = await session.world.storage.snapshot(())
    try:
        return (await session.world.storage.read(_execute, cursor, Plan(sql))).rows
    except duckdb.Error as e:
        raise _query_error(session, e) from None
    finally:
        cursor.close()
