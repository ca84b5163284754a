"""POST /api/{db}/{table}/_query_plan: which tablets a reader must scan, and the opaque plan it hands to the scanner service.

The statement may be a plain scan only: one table, columns, a condition. The order of the checks is the server's.
"""
import json

from aiohttp import web
from sqlglot import exp

from rockpool.errors import SqlError
from rockpool.rest import answers, auth
from rockpool.scan import plan, pruning
from rockpool.scan.versions import FIRST
from rockpool.sql import select, translate
from rockpool.sql.lexer import Reader, statements
from rockpool.sql.session import KINDS, Session

INVALID = "The Sql is invalid"
NO_SQL = "POST body must contains [sql] root object"
QUERIES = ("SELECT", "WITH", "(", "VALUES")
FORBIDDEN = (exp.AggFunc, exp.Window, exp.Distinct, exp.Order, exp.Limit, exp.Offset, exp.Group, exp.Having)


class PlanError(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status, self.text = status, text


class QueryPlans:
    def __init__(self, frontend):
        self.frontend = frontend
        self.world = frontend.world

    async def call(self, request):
        await self.world.faults.silence()
        user = self.frontend.user(request)
        if isinstance(user, web.Response):
            return user
        database, name = answers.unquoted(request, "db"), answers.unquoted(request, "table")
        try:
            sql = sql_of(await request.text())
            if not self.world.users.may(user, "SELECT", database, name):
                return answers.unauthorized(auth.NO_SELECT)
            return answers.plain_json(await self.plan(user, self.table(database, name), database, sql))
        except PlanError as e:
            return answers.plain_json({"status": e.status, "exception": e.text}, e.status)

    def table(self, database, name):
        if database not in self.world.catalog.databases:
            raise PlanError(404, f"Database [{database}] does not exists")
        table = self.world.catalog.find(database, name)
        if table is None:
            raise PlanError(404, f"Table [{name}] does not exists")
        if table.view_sql is not None:
            native = "OlapTable, CloudNativeTable and MaterializedView"
            raise PlanError(403, f"Only support {native} currently" if self.world.version.since(3) else
                            f"only support OlapTable currently, but Table [{name}] is not a OlapTable")
        return table

    async def plan(self, user, table, database, sql):
        session = Session(self.world, 0)
        session.user, session.database = user, database
        tree = await self.analyzed(session, sql)
        check(tree, sql, database, table.name)
        if pruning.is_never(tree):
            raise PlanError(500, "Planner should plan just only one ScanNode but found [ 0]")
        try:
            compiled = select.plan_of(session, sql).sql
        except SqlError:
            raise PlanError(500, INVALID) from None
        scan = plan.Scan(table.id, FIRST, 0, compiled, columns_of(table, tree, self.world.version), [])
        partitions = {}
        if self.world.storage.versions.of(table.id) > FIRST:
            partitions = await self.routed(scan, table, tree)
        return {"partitions": partitions, "opaqued_query_plan": plan.write(scan, self.world.reading.signer), "status": 200}

    async def analyzed(self, session, sql):
        """The tree of a query that the planner takes; what it does not take is refused."""
        found = statements(sql)
        word = Reader(*found[0]).token.upper if found else ""
        if word == "EXPLAIN":
            raise PlanError(400, only_scans(sql))
        if word not in QUERIES and word in KINDS:
            raise PlanError(400, f"Select statement needed, but found [{sql} ]")
        try:
            tree = translate.parse(found[0][0])
            await select.describe(session, found[0][0])
        except (SqlError, IndexError):
            raise PlanError(500, INVALID) from None
        if not isinstance(tree, exp.Select):
            raise PlanError(500, INVALID)
        return tree

    async def routed(self, scan, table, tree):
        """Fills in tablets and version of a scan; what the answer says of them."""
        pin = await self.world.reading.pins.newest(table)
        layout = pin.layout
        scan.version, scan.schema_hash = pin.version, layout.schema_hash
        scan.tablet_ids = pruning.tablets(layout, tree)
        found = {}
        for tablet in scan.tablet_ids:
            hosts = [n for n in layout.backends(tablet) if n not in self.world.dead_backends]
            if not hosts:
                raise PlanError(500, INVALID)  # no replica can be asked
            found[str(tablet)] = {"routings": [self.address(n) for n in hosts], "version": pin.version,
                                  "schemaHash": layout.schema_hash}
        return found

    def address(self, number):
        return f"{self.world.backends[number].host}:{self.world.reading.ports[number].number}"


def sql_of(text):
    """The statement in a body."""
    if not text:
        raise PlanError(400, NO_SQL)
    try:
        sql = json.loads(text).get("sql")
    except (ValueError, AttributeError):
        raise PlanError(400, f"malformed json [ {text} ]") from None
    if not sql:
        raise PlanError(400, NO_SQL)
    return str(sql)


def only_scans(sql):
    return f"only support single table filter-prune-scan, but found [ {sql}]"


def check(tree, sql, database, name):
    """Refuses what is more than a scan of the table that the URL names."""
    own = [n for n in tree.find_all(*FORBIDDEN) if n.find_ancestor(exp.Select) is tree]
    if own:
        raise PlanError(400, only_scans(sql))
    tables = list(tree.find_all(exp.Table))
    source = (tree.args.get("from_") or tree.args.get("from")).this if tables or tree.find(exp.Subquery) else None
    if isinstance(source, exp.Subquery) or tree.args.get("with_") or tree.args.get("with"):
        raise PlanError(400, "Select statement must not embed another statement")
    if source is None:
        raise PlanError(500, "Planner should plan just only one ScanNode but found [ 0]")
    if len({(t.db or database, t.name) for t in tables}) != 1 or tree.args.get("joins"):
        raise PlanError(400, "Select statement must have only one table")
    if len(tables) > 1:
        raise PlanError(500, f"Planner should plan just only one ScanNode but found [ {len(tables)}]")
    named = f"{tables[0].db or database}.{tables[0].name}"
    if named != f"{database}.{name}":
        raise PlanError(400, f"requested database and table must consistent with sql: request [ {database}.{name}]"
                             f"and sql [{named}]")


def columns_of(table, tree, version):
    """What plan.Scan says of its columns; None when the select list holds more than columns. Aliases reach a backend with
    output_names, from 3.1."""
    found = []
    for e in tree.expressions:
        inner = e.this if isinstance(e, exp.Alias) else e
        if isinstance(inner, exp.Star) or isinstance(inner, exp.Column) and isinstance(inner.this, exp.Star):
            found += [[c.name, c.name, c.type.packed(), c.nullable] for c in table.columns]
        elif isinstance(inner, exp.Column):
            column = table.column(inner.name)
            shown = e.alias_or_name if version.since(3, 1) else column.name
            found.append([column.name, shown, column.type.packed(), column.nullable])
        else:
            return None
    return found
