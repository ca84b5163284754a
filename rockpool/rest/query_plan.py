"""POST /api/{db}/{table}/_query_plan: which tablets a reader must scan, and the plan it hands to the scanner service.

The plan is opaque to readers. Ours is the select list, the condition and the pinned tablets as JSON in base64; the
scanner service that would take it is not there yet.
"""
import base64
import json

from aiohttp import web
from sqlglot import exp

from rockpool.errors import SqlError
from rockpool.rest import answers
from rockpool.sql import translate

REFUSED = ("only support single table filter-prune-scan, but found [ {sql} ]")
FORBIDDEN = (exp.AggFunc, exp.Window, exp.Distinct, exp.Order, exp.Limit, exp.Offset, exp.Group, exp.Having)


def failure(status, text):
    return answers.plain_json({"status": status, "exception": text}, status)


class QueryPlans:
    def __init__(self, frontend):
        self.frontend = frontend
        self.world = frontend.world

    async def call(self, request):
        await self.world.faults.silence()
        table = self.frontend.reader(request)
        if isinstance(table, web.Response):
            return table
        text = await request.text()
        try:
            sql = json.loads(text).get("sql")
        except (ValueError, AttributeError):
            return failure(400, f"malformed json [ {text} ]")
        if not sql:
            return failure(400, "POST body must contains [sql] root object")
        try:
            tree = translate.parse(sql)
        except SqlError:
            return failure(500, "The Sql is invalid")
        problem = check(tree, sql, answers.unquoted(request, "db"), table.name)
        if problem:
            return failure(400, problem)
        return answers.plain_json(self.plan(table, tree))

    def plan(self, table, tree):
        partitions, version = {}, table.schema_version + 2
        for n, number in enumerate(tablets(table)):
            backend = self.world.backends[n % len(self.world.backends)]
            partitions[str(number)] = {"routings": [f"{backend.host}:{9060 + backend.number}"], "version": version,
                                       "schemaHash": (table.id * 2654435761) & 0x7FFFFFFF}
        where = tree.args.get("where")
        opaque = {"table": table.id, "select": [e.alias_or_name for e in tree.expressions],
                  "where": where.this.sql(dialect="starrocks") if where else "", "tablets": list(partitions)}
        return {"partitions": partitions, "opaqued_query_plan": base64.b64encode(json.dumps(opaque).encode()).decode(),
                "status": 200}


def tablets(table):
    return [table.id + 100_000 + n for n in range(table.buckets or 2)]


def check(tree, sql, database, name):
    """What is wrong with a reader's query, or None."""
    if not isinstance(tree, exp.Select):
        return f"Select statement needed, but found [{sql}]"
    tables = list(tree.find_all(exp.Table))
    if len(tables) != 1:
        return "Select statement must have only one table"
    if any(n is not tree for n in tree.find_all(exp.Select)):
        return "Select statement must not embed another statement"
    if any(tree.find(kind) for kind in FORBIDDEN):
        return REFUSED.format(sql=sql)
    if tables[0].name != name or tables[0].db != database:
        return f"requested database and table must consistent with sql: request [ {database}.{name}] and sql [ {sql} ]"
    return None
