"""Queries: names are resolved against the catalogue, StarRocks' SQL is put into DuckDB's words, and the rows come
back as the texts that StarRocks would print."""
import asyncio
import re

import duckdb
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB

from rockpool.errors import SqlError
from rockpool.mysql.wire import Result
from rockpool.sql import having, information_schema, render, translate, variables
from rockpool.sql.columns import analyzing

VIRTUAL = ("information_schema", "sys", "_statistics_")


async def run(session, reader):
    return await query(session, reader.text)


class Plan:
    """A query ready for DuckDB."""

    def __init__(self, sql, names=None, sources=None, resolver=None):
        """names: of the result's columns, sources: of the table columns they show; None: as DuckDB names them."""
        self.sql, self.names, self.sources = sql, names, sources
        self.tables = resolver.tables if resolver else []
        self.virtual = resolver.virtual if resolver else {}
        self.types = resolver.types if resolver else {}
        self.has_largeint = resolver is None or any(c.type.name == "LARGEINT" for t in self.tables for c in t.columns)

    def columns(self, relation):
        """The metadata of the result: a shown table column has its declared type."""
        names, sources = self.names or relation.columns, self.sources or relation.columns
        found = []
        for name, source, kind in zip(names, sources, relation.types):
            declared = self.types.get(source.lower()) if source else None
            found.append(render.column_of_type(name, declared) if declared is not None else
                         render.result_column(name, kind, self.has_largeint))
        return found


async def query(session, text):
    """The Result of a SELECT."""
    plan = plan_of(session, text)
    for at, table in ((t.id, t) for t in plan.tables):
        if session.transaction is not None and at in session.transaction.written:
            raise SqlError(f"SELECT cannot read table '{table.name}' modified earlier in the same transaction.", 5307)
    cursor = await session.world.storage.snapshot([t.id for t in plan.tables])
    try:
        return await session.world.storage.read(_execute, cursor, plan)
    except duckdb.Error as e:
        raise _query_error(session, e) from None
    finally:
        await asyncio.get_running_loop().run_in_executor(None, cursor.close)


def _execute(cursor, plan):
    for name, table in plan.virtual.items():
        cursor.register(name, table)
    relation = cursor.sql(plan.sql)
    if relation is None:
        return Result()
    types = relation.types
    columns = plan.columns(relation)
    aliases = [f"k{n}" for n in range(len(types))]
    selects = ", ".join(render.text_sql(a, t) for a, t in zip(aliases, types))
    cursor.execute(f"SELECT {selects} FROM ({plan.sql}) AS q_({', '.join(aliases)})")
    return Result(columns, render.rows(cursor, types))


def _query_error(session, e):
    text = str(e)
    found = re.search(r'Referenced column "([^"]+)" (?:not found|was not found)', text)
    if found:
        return SqlError(f"Getting analyzing error. Detail message: Column '{found.group(1)}' cannot be resolved.")
    found = re.search(r"Scalar Function with name (\S+) does not exist", text)
    if found:
        return SqlError(f"Getting analyzing error. Detail message: No matching function with signature: {found.group(1)}.")
    return SqlError("Getting analyzing error. Detail message: " + text.split("\n")[0])


# ---------------------------------------------------------------- planning
def plan_of(session, text):
    tree = translate.parse(text)
    if not isinstance(tree, exp.Query) and not isinstance(tree, exp.Values):
        raise analyzing("a query is expected")
    having.plain(tree)
    names, sources = _result_names(tree), _result_sources(tree)
    resolver = Resolver(session)
    tree = resolver.tree(tree)
    return Plan(tree.sql(dialect="duckdb"), names, sources, resolver)


def _result_sources(tree):
    """Which table column every result column shows, None for computed ones. With a star DuckDB's names tell."""
    if not isinstance(tree, exp.Select) or tree.find(exp.CTE, exp.Subquery):
        return [None] * 10_000  # names may be reused for something else
    found = []
    for e in tree.expressions:
        inner = e.this if isinstance(e, exp.Alias) else e
        if isinstance(inner, exp.Star) or (isinstance(inner, exp.Column) and isinstance(inner.this, exp.Star)):
            return None
        found.append(inner.name if isinstance(inner, exp.Column) else None)
    return found


def _result_names(tree):
    """Column names as StarRocks gives them; None with a star, when DuckDB's names are right."""
    if not isinstance(tree, exp.Select):
        while isinstance(tree, (exp.SetOperation, exp.Subquery)):
            tree = tree.this
        if not isinstance(tree, exp.Select):
            return None
    names = []
    for e in tree.expressions:
        if isinstance(e, exp.Star) or (isinstance(e, exp.Column) and isinstance(e.this, exp.Star)):
            return None
        if isinstance(e, (exp.Alias, exp.Column)):
            names.append(e.alias_or_name)
        else:
            names.append(e.sql(dialect="starrocks", normalize_functions="lower").replace("mysql_version_", "version"))
    return names


class Resolver:
    """Replaces tables, session functions and variables in a query's tree."""

    def __init__(self, session):
        self.session = session
        self.world = session.world
        self.tables, self.virtual = [], {}
        self.types = {}  # lower-case column name -> its type, None where tables differ

    def tree(self, tree, database=None, depth=0):
        if depth > 20:
            raise analyzing("views are nested too deeply")
        local = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
        for node in list(tree.find_all(exp.Table)):
            if not isinstance(node.this, exp.Identifier):
                continue  # a table function
            if not node.db and node.name.lower() in local:
                continue
            self._replace(node, database, depth)
        return tree.transform(self._adapt)

    def _replace(self, node, database, depth):
        alias = node.alias or node.name
        owner = node.db or database or self.session.database
        if owner.lower() in VIRTUAL:
            replacement = self._virtual(owner.lower(), node)
        else:
            if not owner:
                raise SqlError("No database selected", self.world.version.code(1046))
            table = self.world.catalog.table(owner, node.name)
            if not depth:  # who may read a view need not be able to read its tables
                self.session.demand("SELECT", owner, node.name)
            replacement = self._view(table, owner, depth) if table.view_sql is not None else self._stored(table)
        columns = node.args.get("alias").args.get("columns") if node.args.get("alias") else None
        subquery = exp.Subquery(this=replacement, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True),
                                                                     columns=columns))
        for key in ("joins", "laterals"):
            if node.args.get(key):
                subquery.set(key, node.args[key])
        node.replace(subquery)

    def _stored(self, table):
        self.tables.append(table)
        for c in table.columns:
            name = c.name.lower()
            self.types[name] = c.type if self.types.get(name, c.type) == c.type else None
        return RawQuery(this=stored_sql(table))

    def _virtual(self, owner, node):
        name, table = information_schema.build(self.session, owner, node.name.lower(), node)
        self.virtual[name] = table
        return exp.select("*").from_(exp.to_identifier(name))

    def _view(self, table, owner, depth):
        inner = translate.parse(table.view_sql)
        inner = self.tree(inner, owner, depth + 1)
        names = ", ".join(f'"{c.name}"' for c in table.columns)
        return RawQuery(this=f"SELECT * FROM ({inner.sql(dialect='duckdb')}) AS v_({names})")

    def _adapt(self, node):
        if isinstance(node, exp.SessionParameter):
            return variables.literal_of(self.session, node)
        if isinstance(node, exp.Parameter):
            return variables.user_literal(self.session, node.name)
        if isinstance(node, exp.UnixToTime):
            return self._seconds("from_unixtime", [node.this])
        if isinstance(node, exp.Func):
            found = self._session_function(node)
            if found is not None:
                return found
        return translate.adapt(node)

    def _session_function(self, node):
        name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
        session = self.session
        if name in ("database", "schema", "current_schema", "current_database"):
            return _literal(session.database or None)
        if name in ("user", "current_user", "session_user"):
            return _literal(session.user.identity)
        if name == "current_version":
            return _literal(self.world.version.current_version)
        if name == "mysql_version_":
            return _literal(self.world.version.mysql_version)
        if name == "connection_id":
            return exp.Literal.number(session.id)
        if name == "current_role":
            return _literal(", ".join(session.user.active) or "NONE")
        if name in ("current_catalog", "catalog"):
            return _literal("default_catalog")
        if name == "last_query_id":
            return _literal(None)
        if name == "unix_timestamp" and len(node.expressions) < 2:
            return self._seconds(name, node.expressions)
        return None


    def _seconds(self, name, given):
        """Seconds since 1970 in the session's zone."""
        zone = exp.Literal.string(str(variables.value_of(self.session, "time_zone")))
        if not given:
            return exp.cast(exp.Anonymous(this="epoch", expressions=[exp.CurrentTimestamp()]), "bigint")
        if name == "unix_timestamp":
            moment = exp.Anonymous(this="timezone", expressions=[zone, exp.cast(given[0], "timestamp")])
            return exp.cast(exp.Anonymous(this="epoch", expressions=[moment]), "bigint")
        moment = exp.Anonymous(this="timezone", expressions=[zone, exp.Anonymous(this="to_timestamp", expressions=given)])
        return exp.Anonymous(this="sr_text", expressions=[moment])


class RawQuery(exp.Expression):
    """DuckDB text that is already final."""
    arg_types = {"this": True}


DuckDB.Generator.TRANSFORMS[RawQuery] = lambda generator, node: node.this


def _literal(value):
    if value is None:
        return exp.Null()
    if re.fullmatch(r"-?\d+", value):
        return exp.Literal.number(value)
    return exp.Literal.string(value)


def stored_sql(table, rowid=False):
    """A stored table under its columns' present names."""
    parts = ["rowid AS rowid_"] if rowid else []
    for c in table.columns:
        source = c.store_name if c.generated is None else f"({generated_sql(table, c)})"
        parts.append(f'{source} AS "{c.name}"')
    return f"SELECT {', '.join(parts)} FROM {table.store_name}"


def generated_sql(table, column):
    known = {c.name.lower(): c.type.name for c in table.columns}
    text = translate.expression_sql(column.generated, known)
    for c in table.columns:
        text = text.replace(f'"{c.name.lower()}"', c.store_name)
    return f"CAST({text} AS {column.type.duckdb()})"


# ---------------------------------------------------------------- for CREATE VIEW and CREATE TABLE AS
async def schema_of(session, text):
    """[(name, type)] of a query's columns."""
    plan, relation_types, relation_names, columns = await _described(session, text)
    sources = plan.sources or relation_names
    return [(c.name, plan.types.get((source or "").lower()) or render.sql_type(kind))
            for c, source, kind in zip(columns, sources, relation_types)]


async def describe(session, text):
    """The metadata of a query's columns, without running it."""
    return (await _described(session, text))[3]


async def _described(session, text):
    plan = plan_of(session, text)
    cursor = await session.world.storage.snapshot(())

    def ask():
        for name, table in plan.virtual.items():
            cursor.register(name, table)
        relation = cursor.sql(plan.sql)
        return plan, list(relation.types), list(relation.columns), plan.columns(relation)
    try:
        return await session.world.storage.read(ask)
    except duckdb.Error as e:
        raise _query_error(session, e) from None
    finally:
        cursor.close()


def qualified_sql(session, text):
    """A view's query with every table under its full name."""
    tree = translate.parse(text)
    local = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    for node in tree.find_all(exp.Table):
        if not node.db and node.name.lower() not in local and isinstance(node.this, exp.Identifier):
            node.set("db", exp.to_identifier(session.database, quoted=True))
    return tree.sql(dialect="starrocks")


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
