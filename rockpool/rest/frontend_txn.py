"""The frontend's side of the transaction addresses: routing by label, and answers that need no backend."""
import asyncio

from aiohttp import web

from rockpool.errors import LoadError
from rockpool.rest import answers, auth

OPERATIONS = ("begin", "load", "prepare", "commit", "rollback")
USER_ERROR = "com.starrocks.common.StarRocksException"
NO_NODE = ("Can't find the transaction with db [{db}] and label[{label}]. The possible reasons: 1. FE leader is started "
           "or switched; 2. The transaction timeouts and is cleaned.")
PUBLISH_WAIT = 20.0


class TransactionGate:
    def __init__(self, frontend):
        self.frontend = frontend
        self.world = frontend.world
        self.nodes = {}  # (database, label) -> number of the backend that coordinates it

    async def call(self, request):
        headers = answers.lower_headers(request)
        operation = request.match_info["op"]
        await self.world.faults.silence()
        user = self.frontend.user(request)
        if isinstance(user, web.Response):
            return user
        label, name, table = headers.get("label", ""), headers.get("db", ""), headers.get("table", "")
        if operation not in OPERATIONS:
            return answers.exception(f"Unsupported operation: {operation}", USER_ERROR)
        if not label:
            return answers.exception("empty label.", USER_ERROR)
        if not name:
            return answers.exception("No database selected.", USER_ERROR)
        database = self.world.catalog.databases.get(name)
        if database is None:
            return answers.exception(f"database {name} not exists", USER_ERROR)
        if self._is_multi(headers):
            return await self.world.multi(request, operation, headers, database, user)
        if operation in ("begin", "load") and not table:
            return answers.exception("No table selected.", USER_ERROR)
        if table and not self.world.users.may(user, "INSERT", name, table):
            return answers.unauthorized(auth.NO_INSERT)
        return await self._route(request, operation, headers, database, label)

    def _is_multi(self, headers):
        return self.world.version.since(4, 0) and (headers.get("transaction_type", "").lower() == "multi"
                                                   or headers.get("source_type") == "12"
                                                   and headers.get("transaction_type") is None)

    async def _route(self, request, operation, headers, database, label):
        txn = self.world.txns.by_label(database.id, label)
        if operation == "begin":
            return self._begin(request, headers, database, label)
        if operation == "load":
            number = self.nodes.get((database.name, label), txn.coordinator if txn else -1)
            if number < 0:
                return answers.exception(NO_NODE.format(db=database.name, label=label), USER_ERROR)
            return self._send(number, request, operation, headers, label)
        if txn is None:
            return answers.exception(f"No transaction found with db[{database.name}] and label[{label}]", USER_ERROR)
        if txn.state == "PREPARE":
            return self._send(txn.coordinator, request, operation, headers, label)

        async def work():
            return await getattr(self, "_" + operation)(txn, headers)
        return await self.frontend.gate(request, operation, headers.get("table") or txn.tables[0], label, work)

    def _begin(self, request, headers, database, label):
        """The first begin picks a backend; a repeated one goes to the same."""
        number = self.nodes.get((database.name, label))
        if number is None or number in self.world.dead_backends:
            backend = self.frontend.next_backend()
            if backend is None:
                return answers.exception("No backend alive.", USER_ERROR)
            number = backend.number
            self.nodes[(database.name, label)] = number
            if len(self.nodes) > 4096:  # the newest 4096 labels are remembered
                self.nodes.pop(next(iter(self.nodes)))
        return self._send(number, request, "begin", headers, label)

    def _send(self, number, request, operation, headers, label):
        backend = self.world.backends[number]
        return self.frontend.send_to(backend, request, operation, headers.get("table"), label)

    # ------------------------------------------------------------ transactions that no backend holds any more
    async def _prepare(self, txn, headers):
        if txn.state == "PREPARED":
            return answers.frontend({"Label": txn.label, "Status": "OK", "TxnId": txn.id,
                                     "Message": f"Transaction {txn.id} has already prepared, label is {txn.label}"})
        return answers.exception(f"Can not prepare {txn.state} transaction {txn.id}, label is {txn.label}", USER_ERROR)

    async def _commit(self, txn, headers):
        if txn.state == "ABORTED":
            return answers.exception(f"Can not commit ABORTED transaction {txn.id}, label is {txn.label}", USER_ERROR)
        message = ""
        if txn.state == "PREPARED":
            try:
                late = await self.world.commit_prepared(txn, headers)
            except LoadError as e:
                return answers.exception(e.message, USER_ERROR)
            if late:
                return await self._wait_visible(txn, headers)
        else:
            message = f"Transaction {txn.id} has already committed, label is {txn.label}"
        return answers.frontend({"Label": txn.label, "Status": "OK", "TxnId": txn.id, "Message": message})

    async def _wait_visible(self, txn, headers):
        """Publishing is slow: waits as long as the client says, then fails although it is committed."""
        text = headers.get("timeout", "")
        wait = float(text) if text.isdigit() else PUBLISH_WAIT
        for _ in range(int(wait * 50)):
            if txn.state == "VISIBLE":
                return answers.frontend({"Label": txn.label, "Status": "OK", "TxnId": txn.id, "Message": ""})
            await asyncio.sleep(0.02)
        return answers.failed(f"transaction {txn.id} commit successfully, but it will be visible later, "
                              f"publish timeout: {int(wait * 1000)}")

    async def _rollback(self, txn, headers):
        if txn.state in ("COMMITTED", "VISIBLE"):
            return answers.exception(f"Can not abort {txn.state} transaction {txn.id}, label is {txn.label}: cannot abort "
                                     f"committed transaction {txn.id}, label {txn.label}", USER_ERROR)
        message = ""
        if txn.state == "ABORTED":
            message = f"Transaction {txn.id} has already aborted, label is {txn.label}"
        else:
            self.world.abort(txn, "User initiated rollback")
        return answers.frontend({"Label": txn.label, "Status": "OK", "TxnId": txn.id, "Message": message})
