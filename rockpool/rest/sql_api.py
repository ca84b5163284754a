"""POST /api/v1/catalogs/default_catalog/databases/{db}/sql: statements over HTTP, one JSON object per line."""
import json
import struct

from aiohttp import web

from rockpool.errors import SqlError
from rockpool.mysql import wire
from rockpool.rest import answers
from rockpool.sql.lexer import Reader, statements
from rockpool.sql.session import Session

ALLOWED = {"SELECT", "WITH", "SHOW", "EXPLAIN", "DESC", "DESCRIBE", "KILL", "("}
NUMBERS = (wire.TINY, wire.SHORT, wire.LONG, wire.LONGLONG)


def refused(message):
    return answers.compact(answers.result_failed(message), 500)


class SqlApi:
    def __init__(self, frontend):
        self.frontend = frontend
        self.world = frontend.world

    async def call(self, request):
        await self.world.faults.silence()
        if not self.world.version.since(3, 2):
            raise web.HTTPNotFound()
        user = self.frontend.user(request)
        if isinstance(user, web.Response):
            return user
        text = await request.text()
        try:
            body = json.loads(text)
            query = body.get("query")
        except (ValueError, AttributeError):
            return refused(f"malformed json [ {text} ]")
        if not query:
            return refused('"query can not be empty"')
        found = statements(query)
        if len(found) > 1:
            return refused("http query does not support execute multiple query")
        if not found or Reader(*found[0]).token.upper not in ALLOWED:
            return refused("http query only support SELECT, SHOW, EXPLAIN, DESC, KILL statement")
        session = Session(self.world, 0)
        session.user = user
        try:
            session.use(request.match_info.get("db", "") or "information_schema")
            session.variables.update({k.lower(): str(v) for k, v in (body.get("sessionVariables") or {}).items()})
            result = await session.one(*found[0])
        except SqlError as e:
            return refused(e.text)
        return web.Response(text=lines(result, bool(body.get("onlyOutputResultRaw"))), content_type="application/x-ndjson")


def lines(result, raw):
    """connectionId, meta, data and statistics; with raw output meta and data alone."""
    out = [] if raw else [{"connectionId": 0}]
    out.append({"meta": [{"name": c.name, "type": c.sql_type or "varchar"} for c in result.columns]})
    out += [{"data": [value(v, c) for v, c in zip(row, result.columns)]} for row in result.rows]
    if not raw:
        out.append({"statistics": {"scanRows": 0, "scanBytes": 0, "returnRows": len(result.rows)}})
    return "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in out)


def value(text, column):
    if text is None:
        return None
    if isinstance(text, bytes):
        return text.decode("utf-8", "replace")
    if column.code in NUMBERS:
        return int(text)
    if column.code in (wire.FLOAT, wire.DOUBLE):
        if column.code == wire.FLOAT:
            return struct.unpack("<f", struct.pack("<f", float(text)))[0]
        return float(text)
    return text
