"""The frontend's side of the transaction addresses: routing by label, and answers that need no backend.

[TransactionLoadAction, TransactionWithoutChannelHandler, TransactionLoadCoordinatorMgr]
"""
import json
from collections import OrderedDict

from aiohttp import web

from rockpool.errors import LoadError
from rockpool.rest import answers

OPERATIONS = ("begin", "load", "prepare", "commit", "rollback")
NO_NODE = ("Can't find the transaction with db [{db}] and label[{label}]. The possible reasons: 1. FE leader is started "
           "or switched; 2. The transaction timeouts and is cleaned.")
PUBLISH_WAIT = 20  # seconds, when the client names none
KNOWN_LABELS, KNOWN_SECONDS = 4096, 900  # transaction_stream_load_coordinator_cache_…


class FeError(Exception):
    """An exception of the frontend: the client reads its class and its message."""

    def __init__(self, message, kind=None):
        super().__init__(message)
        self.message, self.kind = message, kind


class Coordinators:
    """Which backend holds the open load of a label. In the memory of one frontend; by label alone, without database."""

    def __init__(self, clock):
        self.clock = clock
        self.known = OrderedDict()  # label -> (number of the backend, when it was last asked for)

    def __contains__(self, label):
        return self.get(label) is not None

    def get(self, label):
        number, asked = self.known.get(label, (None, 0.0))
        if number is None or self.clock.now() - asked > KNOWN_SECONDS:
            self.known.pop(label, None)
            return None
        self.put(label, number)
        return number

    def put(self, label, number):
        self.known[label] = (number, self.clock.now())
        self.known.move_to_end(label)
        while len(self.known) > KNOWN_LABELS:
            self.known.popitem(last=False)

    def clear(self):
        self.known.clear()


class TransactionGate:
    def __init__(self, frontend):
        self.frontend = frontend
        self.world = frontend.world
        self.nodes = Coordinators(self.world.clock)

    # ------------------------------------------------------------ the head of a call
    async def call(self, request):
        operation = request.match_info["op"].lower()
        await self.world.faults.silence()
        user = self.frontend.user(request)
        if isinstance(user, web.Response):
            return user
        if not self.frontend.is_leader:
            return self.frontend.to_leader(request)
        try:
            return await self._serve(request, operation, answers.lower_headers(request), user)
        except FeError as e:
            return self.exception(e.message, e.kind)

    def exception(self, message, kind=None):
        return answers.exception(message, kind or self.kind)

    @property
    def kind(self):
        """The class of most exceptions was renamed in 3.4."""
        return "com.starrocks.common." + ("StarRocksException" if self.world.version.since(3, 4) else "UserException")

    async def _serve(self, request, operation, headers, user):
        newer = self.world.version.since(3, 3)
        if operation not in OPERATIONS:
            raise FeError(f"Unknown transaction operation: {request.match_info['op']}" if newer
                          else f"Unsupported operation: {request.match_info['op']}")
        label, name = headers.get("label", ""), headers.get("db", "")
        if not name:
            raise FeError("No database selected.")
        if not label:
            raise FeError("Empty label." if newer else "empty label.")
        await self._check_rest(request, operation, headers, newer)
        database = self.world.catalog.databases.get(name)
        if database is None:
            raise FeError(f"Database[{name}] does not exist." if newer else f"database {name} not exists")
        if self._is_multi(request, headers):
            return await self.world.multi(request, operation, headers, database, user)
        return await self._route(request, operation, headers, database, label)

    async def _check_rest(self, request, operation, headers, newer):
        if not newer:
            return
        for key in ("timeout", "prepared_timeout"):
            text = headers.get(key)
            if text is not None and not text.lstrip("+-").isdigit():
                raise FeError(f'For input string: "{text}"', "java.lang.NumberFormatException")
        if (headers.get("channel_num") is None) != (headers.get("channel_id") is None):
            missing = "channel_id" if headers.get("channel_id") is None else "channel_num"
            raise FeError(f"Must provide {missing} when stream load begin.", "com.starrocks.common.DdlException")
        source = headers.get("source_type")
        if source and not source.isdigit():
            raise FeError(f"Invalid source type: {source}")
        if operation != "load" and request.body_exists:
            text = await request.text()
            if text.strip() and not _is_object(text):
                raise FeError(f"Malformed json tablets, label is {headers['label']}",
                              "com.starrocks.common.StarRocksHttpException")

    def _is_multi(self, request, headers):
        if not self.world.version.since(4, 0):
            return False
        source = request.query.get("source_type") or headers.get("source_type")
        return headers.get("transaction_type", "").lower() == "multi" or source == "12"

    # ------------------------------------------------------------ where a call goes
    async def _route(self, request, operation, headers, database, label):
        if operation == "begin":
            return self._begin(request, headers, database, label)
        txn = self.world.txns.by_label(database.id, label)
        if operation != "load" and label not in self.nodes and txn is None:
            raise FeError(self._nothing_found(operation, database, label))
        if operation in ("load", "prepare") or txn is not None and txn.state == "PREPARE":
            return self._send(self._coordinator(operation, database, label, txn), request, operation, headers, label)

        async def work():
            if txn is None:  # the label is one of another database
                return self.exception(f"No transaction found by label {label}")
            try:
                return await getattr(self, "_" + operation)(txn, headers)
            except FeError as e:
                return self.exception(e.message, e.kind)
        table = headers.get("table") or (txn.tables[0] if txn is not None and txn.tables else None)
        return await self.frontend.gate(request, operation, table, label, work, database.name)

    def _nothing_found(self, operation, database, label):
        version = self.world.version
        if version.since(3, 5, 3):
            return f"No transaction found with db[{database.name}] and label[{label}]"
        return f"No transaction found by label {label}" if version.since(3, 3) else self._no_node(operation, label)

    def _no_node(self, operation, label):
        if self.world.version.since(3, 3):
            return f"Transaction with op[{operation}] and label[{label}] has no node."
        return f"transaction with op {operation} label {label} has no node"

    def _coordinator(self, operation, database, label, txn):
        """The backend of a label: from memory, and since 3.5.3 else from the transaction itself."""
        number = self.nodes.get(label)
        if number is None and self.world.version.since(3, 5, 3):
            if txn is None:
                raise FeError(NO_NODE.format(db=database.name, label=label))
            if txn.coordinator < 0:
                raise FeError(f"The source type for transaction stream load with db [{database.name}] and label[{label}] "
                              "should be BE, but is FE.")
            number = txn.coordinator
        if number is None:
            raise FeError(self._no_node(operation, label))
        return number

    def _begin(self, request, headers, database, label):
        """The first begin picks a backend, a repeated one goes to the same."""
        number = self.nodes.get(label)
        if number in self.world.dead_backends:
            txn = self.world.txns.by_label(database.id, label)
            if txn is None or txn.state != "PREPARE" or txn.coordinator != number:
                number = None
        if number is None:
            backend = self.frontend.next_backend()
            if backend is None:
                raise FeError("No backend alive.", "com.starrocks.common.DdlException")
            number = backend.number
            self.nodes.put(label, number)
        return self._send(number, request, "begin", headers, label)

    def _send(self, number, request, operation, headers, label):
        backend = self.world.backends[number]
        return self.frontend.send_to(backend, request, operation, headers.get("table"), label)

    # ------------------------------------------------------------ transactions that no backend holds any more
    def _already(self, txn, word):
        if self.world.version.since(3, 3):
            return f"Transaction {txn.id} has already {word}, label is {txn.label}"
        return f"label {txn.label} transaction {txn.id} has already {word}"

    async def _commit(self, txn, headers):
        if txn.state == "ABORTED":
            raise FeError(f"Can not commit ABORTED transaction {txn.id}, label is {txn.label}"
                          if self.world.version.since(3, 3)
                          else f"cannot commit aborted transaction {txn.id}, label {txn.label} ")
        if txn.state in ("COMMITTED", "VISIBLE"):
            return self._answer(txn, self._already(txn, "committed"))
        try:
            self.world.commit_prepared(txn)
        except LoadError as e:
            raise FeError(e.message) from None
        text = headers.get("timeout", "")
        seconds = int(text) if text.isdigit() else PUBLISH_WAIT
        if not await self.world.visible(txn, seconds):
            raise FeError(f"publish timeout: {seconds * 1000}")
        return self._answer(txn)

    async def _rollback(self, txn, headers):
        if txn.state in ("COMMITTED", "VISIBLE"):
            raise FeError(f"Can not abort {txn.state} transaction {txn.id}, label is {txn.label}"
                          if self.world.version.since(3, 3)
                          else f"cannot abort committed transaction {txn.id}, label {txn.label}")
        if txn.state == "ABORTED":
            return self._answer(txn, self._already(txn, "aborted"))
        table = txn.tables[0] if txn.tables else None
        failing = self.world.faults.fire("fail", "rollback", table, txn.label, txn.database)
        if failing:
            raise FeError(failing.get("message", "rollback failed"))
        self.world.abort(txn, "User Aborted")
        return self._answer(txn)

    @staticmethod
    def _answer(txn, message=""):
        return answers.frontend({"Label": txn.label, "Status": "OK", "TxnId": txn.id, "Message": message})


def _is_object(text):
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
