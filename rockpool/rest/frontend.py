"""A frontend: checks who asks, sends loads on to a backend, and answers what needs no backend."""
import time

from aiohttp import web

from rockpool.errors import LoadError, SqlError
from rockpool.rest import answers, auth, merge_commit
from rockpool.rest.control import Control
from rockpool.rest.frontend_txn import TransactionGate
from rockpool.mysql.server import MysqlServer
from rockpool.rest.gate import Gate
from rockpool.rest.port import HttpPort
from rockpool.rest.query_plan import QueryPlans
from rockpool.rest.sql_api import SqlApi


MAX_LINE, MAX_HEADERS = 4096, 32768  # bytes


class Frontend:
    def __init__(self, world, number=0, host="127.0.0.1"):
        self.world, self.number, self.host = world, number, host
        self.port = self.mysql_port = 0
        self.started = time.time()
        self.gate = Gate(world)
        self.rotation = 0
        self.transactions = TransactionGate(self)
        self.control = Control(world)
        self.sql = SqlApi(self)
        self.plans = QueryPlans(self)
        self.door = HttpPort(self.app(), host, MAX_LINE)
        self.mysql = MysqlServer(world)

    def app(self):
        app = web.Application(client_max_size=1 << 40, middlewares=[answers.not_found(""), narrow_heads])
        router = app.router
        router.add_route("PUT", "/api/{db}/{table}/_stream_load", self.stream_load, expect_handler=self.stream_load)
        for method in ("POST", "PUT"):
            router.add_route(method, "/api/transaction/{op}", self.transactions.call, expect_handler=self.transactions.call)
        router.add_get("/api/{db}/get_load_state", self.load_state, allow_head=False)
        router.add_post("/api/{db}/{table}/_cancel", self.cancel)
        router.add_get("/api/{db}/{table}/_schema", self.schema, allow_head=False)
        router.add_get("/api/{db}/{table}/_count", self.count, allow_head=False)
        for method in ("POST", "GET"):
            router.add_route(method, "/api/{db}/{table}/_query_plan", self.plans.call)
        router.add_post("/api/v1/catalogs/{catalog}/databases/{db}/sql", self.sql.call)
        router.add_post("/api/v1/catalogs/{catalog}/sql", self.sql.call)
        router.add_get("/api/health", self.health, allow_head=False)
        router.add_get("/api/bootstrap", self.bootstrap, allow_head=False)
        self.control.routes(router)
        return app

    # ------------------------------------------------------------ this server among others
    async def open_ports(self, http=None, mysql=None):
        self.port = await self.door.open(http)
        await self.open_mysql(mysql)

    async def open_mysql(self, number=None):
        self.mysql_port = await self.mysql.start(self.host, self.mysql_port if number is None else number)

    async def close_ports(self):
        await self.door.close()
        await self.mysql.stop()

    def restart(self):
        """What it has in memory alone is gone."""
        self.transactions.nodes.clear()
        self.started = time.time()

    @property
    def is_leader(self):
        return self.world.cluster.leader is self

    def to_leader(self, request):
        leader = self.world.cluster.leader
        return answers.redirect(leader.host, leader.port, request)

    # ------------------------------------------------------------ who asks
    def user(self, request):
        """The user, or an answer that refuses."""
        given = auth.credentials(request)
        if given is None:
            return answers.unauthorized("Need auth information.")
        user = self.world.users.check(*given)
        return user if user is not None else answers.unauthorized(auth.denied(given[0], request))

    def next_backend(self):
        """The next living backend, or None."""
        for _ in self.world.backends:
            self.rotation = (self.rotation + 1) % len(self.world.backends)
            found = self.world.backends[self.rotation]
            if found.number not in self.world.dead_backends:
                return found
        return None

    def send_to(self, backend, request, at, table, label, database=None):
        if self.world.faults.fire("redirect_dead", at, table, label, database):
            return answers.redirect("127.0.0.1", 9, request)
        return answers.redirect(backend.host, backend.port, request)

    # ------------------------------------------------------------ loads
    async def stream_load(self, request):
        wide = too_wide(request)  # with Expect this comes before the middlewares
        if wide is not None:
            return wide
        await self.world.faults.silence()
        user = self.user(request)
        if isinstance(user, web.Response):
            return user
        expect = request.headers.get("Expect", "")
        newer = self.world.version.since(3, 4)
        answer = self._refuse_or_send(request, user, expect, newer)
        if newer:  # what a client still sends of its body must not look like a request
            answer.force_close()
        return answer

    def _refuse_or_send(self, request, user, expect, newer):
        if newer and request.version >= (1, 1) and expect.lower() != "100-continue" or not newer and not expect:
            return answers.exception("There is no 100-continue header")
        database, table = answers.unquoted(request, "db"), answers.unquoted(request, "table")
        if not self.world.users.may(user, "INSERT", database, table):
            return answers.unauthorized(auth.NO_INSERT)
        headers = answers.lower_headers(request)
        try:
            merging = merge_commit.is_asked(headers, self.world.version)
            backend = self.world.merging.backend_for(self, headers, database, table) if merging else self.next_backend()
        except LoadError as e:
            return answers.compact(answers.result_failed(e.message))
        if backend is None:
            return answers.exception("No backend alive.")
        return self.send_to(backend, request, "stream_load", table, request.headers.get("label"), database)

    async def load_state(self, request):
        return await self._of_label(request, "get_load_state", self._state)

    async def cancel(self, request):
        return await self._of_label(request, "cancel", self._cancel)

    async def _of_label(self, request, at, answer):
        """A call about a label: answered by the leader alone."""
        await self.world.faults.silence()
        user = self.user(request)
        if isinstance(user, web.Response):
            return user
        if not self.is_leader:
            return self.to_leader(request)
        name, label = answers.unquoted(request, "db"), request.query.get("label", "")
        if at == "cancel" and not self.world.version.since(3, 3):  # /api/{db}/{label}/_cancel
            label = answers.unquoted(request, "table")

        async def work():
            failing = self.world.faults.fire("fail", at, None, label, name)
            if failing:
                return answers.compact(answers.result_failed(failing.get("message", f"{at} failed")))
            if not label:
                return answers.compact(answers.result_failed("No label selected."))
            database = self.world.catalog.databases.get(name)
            if database is None:
                return answers.compact(answers.result_failed(f"unknown database, database={name}"))
            return answers.compact(answer(self.world.txns.by_label(database.id, label), label))
        return await self.gate(request, at, None, label, work, name)

    def _state(self, txn, label):
        more = {"reason": txn.reason if txn else ""} if self.world.version.since(3, 3) else {}
        return answers.result_ok(state=txn.state if txn else "UNKNOWN", **more)

    def _cancel(self, txn, label):
        """Aborts what is PREPARE; any other transaction is not found [abortTransaction]."""
        if txn is None or txn.state != "PREPARE":
            return answers.result_failed(f"transaction not found: {label}")
        self.world.abort(txn, "user cancel")
        return answers.result_ok()

    # ------------------------------------------------------------ what a table looks like
    def _table(self, request):
        database, name = answers.unquoted(request, "db"), answers.unquoted(request, "table")
        if database not in self.world.catalog.databases:
            return answers.plain_json({"status": 404, "exception": f"Database [{database}] does not exists"}, 404)
        table = self.world.catalog.find(database, name)
        if table is None:
            return answers.plain_json({"status": 404, "exception": f"Table [{name}] does not exists"}, 404)
        if table.view_sql is not None:
            return answers.plain_json({"status": 403, "exception": "only support OlapTable currently"}, 403)
        return table

    def reader(self, request):
        """The table that a reader may see, or an answer that refuses."""
        user = self.user(request)
        if isinstance(user, web.Response):
            return user
        if not self.world.users.may(user, "SELECT", answers.unquoted(request, "db"), answers.unquoted(request, "table")):
            return answers.unauthorized(auth.NO_SELECT)
        return self._table(request)

    async def schema(self, request):
        await self.world.faults.silence()
        table = self.reader(request)
        if isinstance(table, web.Response):
            return table
        properties = []
        for column in table.columns:
            entry = {"name": column.name, "type": column.type.primitive(), "comment": column.comment}
            if column.type.name == "DECIMAL":
                entry.update(precision=str(column.type.precision), scale=str(column.type.scale))
            properties.append(entry)
        return answers.plain_json({"status": 200, "properties": properties})

    async def count(self, request):
        await self.world.faults.silence()
        table = self.reader(request)
        if isinstance(table, web.Response):
            return table
        try:
            return answers.plain_json({"status": 200, "size": await self.world.count_rows(table)})
        except SqlError as e:
            return answers.plain_json({"status": 500, "exception": e.text}, 500)

    async def health(self, request):
        await self.world.faults.silence()
        total = len(self.world.backends)
        return answers.plain_json({"status": "OK", "total_backend_num": total,
                                   "online_backend_num": total - len(self.world.dead_backends)})

    async def bootstrap(self, request):
        await self.world.faults.silence()
        version = self.world.version
        body = {"replayedJournalId": 0, "queryPort": 0, "rpcPort": 0, "feStartTime": 0}
        if version.since(3, 3):
            body["heapUsedPercent"] = 0.0
        return answers.compact({**body, **answers.result_ok()}, kind="application/json")


def too_wide(request):
    """A refusal when all headers of a request together are more than a frontend reads, else None."""
    if sum(len(k) + len(v) + 4 for k, v in request.raw_headers) <= MAX_HEADERS:
        return None
    answer = web.Response(status=400, content_type="text/html",
                          text=f"Bad Request. <br/> HTTP header is larger than {MAX_HEADERS} bytes.")
    answer.force_close()
    return answer


@web.middleware
async def narrow_heads(request, handler):
    return too_wide(request) or await handler(request)
