"""A frontend: checks who asks, sends loads on to a backend, and answers what needs no backend."""
from aiohttp import web

from rockpool.errors import SqlError
from rockpool.rest import answers, auth
from rockpool.rest.control import Control
from rockpool.rest.frontend_txn import TransactionGate
from rockpool.rest.gate import Gate
from rockpool.rest.query_plan import QueryPlans
from rockpool.rest.sql_api import SqlApi


class Frontend:
    def __init__(self, world):
        self.world = world
        self.gate = Gate(world)
        self.rotation = 0
        self.transactions = TransactionGate(self)
        self.control = Control(world)
        self.sql = SqlApi(self)
        self.plans = QueryPlans(self)

    def app(self):
        app = web.Application(client_max_size=1 << 40)
        router = app.router
        router.add_route("PUT", "/api/{db}/{table}/_stream_load", self.stream_load, expect_handler=self.stream_load)
        for method in ("POST", "PUT"):
            router.add_route(method, "/api/transaction/{op}", self.transactions.call, expect_handler=self.transactions.call)
        router.add_get("/api/{db}/get_load_state", self.load_state)
        router.add_post("/api/{db}/{table}/_cancel", self.cancel)
        router.add_get("/api/{db}/{table}/_schema", self.schema)
        router.add_get("/api/{db}/{table}/_count", self.count)
        for method in ("POST", "GET"):
            router.add_route(method, "/api/{db}/{table}/_query_plan", self.plans.call)
        router.add_post("/api/v1/catalogs/{catalog}/databases/{db}/sql", self.sql.call)
        router.add_post("/api/v1/catalogs/{catalog}/sql", self.sql.call)
        router.add_get("/api/health", self.health)
        router.add_get("/api/bootstrap", self.bootstrap)
        self.control.routes(router)
        return app

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

    def send_to(self, backend, request, at, table, label, close=False):
        faults = self.world.faults
        if faults.rules and faults.fire("redirect_dead", at, table, label):
            return answers.redirect("127.0.0.1", 9, request, close)
        return answers.redirect(backend.host, backend.port, request, close)

    # ------------------------------------------------------------ loads
    async def stream_load(self, request):
        await self.world.faults.silence()
        user = self.user(request)
        if isinstance(user, web.Response):
            return user
        expect = request.headers.get("Expect", "")
        strict = self.world.version.since(3, 4)
        if request.version >= (1, 1) and (expect.lower() != "100-continue" if strict else not expect):
            return answers.exception("There is no 100-continue header")
        database, table = answers.unquoted(request, "db"), answers.unquoted(request, "table")
        if not self.world.users.may(user, "INSERT", database, table):
            return answers.unauthorized(auth.NO_INSERT)
        backend = self.next_backend()
        if backend is None:
            return answers.exception("No backend alive.")
        return self.send_to(backend, request, "stream_load", table, request.headers.get("label"), close=True)

    async def load_state(self, request):
        await self.world.faults.silence()
        user = self.user(request)
        if isinstance(user, web.Response):
            return user
        name, label = answers.unquoted(request, "db"), request.query.get("label", "")
        database = self.world.catalog.databases.get(name)
        if not label:
            return answers.compact(answers.result_failed("No label selected."))
        if database is None:
            return answers.compact(answers.result_failed(f"unknown database, database={name}"))
        txn = self.world.txns.by_label(database.id, label)
        state = txn.state if txn else "UNKNOWN"
        more = {"reason": txn.reason} if txn and self.world.version.since(3, 3) else {}
        return answers.compact(answers.result_ok(state=state, **more))

    async def cancel(self, request):
        await self.world.faults.silence()
        user = self.user(request)
        if isinstance(user, web.Response):
            return user
        name, label = answers.unquoted(request, "db"), request.query.get("label", "")
        database = self.world.catalog.databases.get(name)
        if not label:
            return answers.compact(answers.result_failed("No label selected."))
        if database is None:
            return answers.compact(answers.result_failed(f"unknown database, database={name}"))
        txn = self.world.txns.by_label(database.id, label)
        if txn is None:
            return answers.compact(answers.result_failed(f"transaction not found: {label}"))
        if txn.state in ("COMMITTED", "VISIBLE"):
            return answers.compact(answers.result_failed(f"cannot abort committed transaction {txn.id}, label {label}"))
        self.world.abort(txn, "user cancel")
        return answers.compact(answers.result_ok())

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
        return answers.plain_json(answers.result_ok())
