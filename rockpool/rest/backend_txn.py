"""A backend's side of the transaction addresses: begin, load, prepare, commit, rollback."""
import asyncio
import time

from rockpool.errors import LoadError, SqlError, analysis, internal, invalid
from rockpool.faults import Call
from rockpool.rest import answers
from rockpool.rest.context import LoadContext
from rockpool.loads import options
from rockpool.txn import LOST, check_timeout

OPERATIONS = ("prepare", "commit", "rollback")
MULTI_REFUSED = "Multi-statement transaction requests can only be sent to FE nodes, not BE nodes"


def not_found(label, operation):
    word = "Transaction" if operation == "load" else "transaction"
    return LoadError("TXN_NOT_EXISTS", f"{word} with label {label} not exists")


class TransactionCalls:
    def __init__(self, backend):
        self.backend = backend
        self.world = backend.world

    # ------------------------------------------------------------ begin, prepare, commit, rollback
    async def other(self, request):
        operation = request.match_info["op"].lower()
        headers = answers.lower_headers(request)
        label, table = headers.get("label", ""), headers.get("table", "")
        await request.read()

        async def work():
            try:
                return self._reply(await self._call(request, operation, headers, label))
            except (LoadError, SqlError) as e:
                return self._refusal(e)
        return await self.backend.gate(request, operation, table, label, work, headers.get("db"))

    def _reply(self, body, as_json=True):
        return answers.backend(body, as_json and self.world.version.since(3, 3))

    async def _call(self, request, operation, headers, label):
        if operation == "list":
            return self._list()
        if not label:
            raise invalid("empty label")
        if headers.get("transaction_type") and self.world.version.since(4, 0):
            raise invalid(MULTI_REFUSED)
        if operation == "begin":
            return self.begin(request, headers, label)
        if operation not in OPERATIONS:
            raise invalid(f"unsupport transaction operation {request.match_info['op']}")
        context = self.backend.contexts.get(label)
        if context is None:
            raise not_found(label, operation)
        if headers.get("db", "") != context.txn.database:
            raise invalid(f"request db {headers.get('db', '')} transaction db {context.txn.database} not match")
        if operation == "rollback":  # takes no lock: a load that runs is broken off
            return self.rollback(context)
        limit = self._prepared_timeout(headers) if operation == "prepare" else None
        self._lock(context)
        try:
            return await (self.prepare(context, limit) if operation == "prepare" else self.commit(context))
        finally:
            context.busy = False

    def _lock(self, context):
        """One call at a time for a label; whoever comes second is told to come again."""
        if context.busy:
            text = "Transaction is in processing" if self.world.version.since(4, 0) else (
                "Transaction in processing, please retry later")
            raise LoadError("TXN_IN_PROCESSING", text, Label=context.label)
        context.busy = True
        context.txn.active = self.world.clock.now()

    def _list(self):
        """The open loads of this backend, one object after the other."""
        return [{"Status": "OK", "InProcessing": c.busy, "Label": c.label, "TxnId": c.txn.id,
                 "NumberTotalRows": c.txn.total, "NumberLoadedRows": c.txn.loaded, "NumberFilteredRows": c.txn.filtered,
                 "NumberUnselectedRows": c.txn.unselected, "LoadBytes": c.bytes, "StreamLoadPlanTimeMs": c.plan_ms,
                 "ReceivedDataTimeMs": c.receive_ms, "WriteDataTimeMs": c.write_ms, "BeginTimestamp": int(c.txn.begun),
                 "LastActiveTimestamp": int(c.txn.active), "TransactionTimeoutSec": int(c.txn.timeout),
                 "IdleTransactionTimeoutSec": int(c.txn.idle_timeout)} for c in self.backend.contexts.values()]

    def _refusal(self, e, context=None, as_json=True):
        """What a failed call answers: the name of the status, and what belongs to it [to_resp_json]."""
        if isinstance(e, SqlError):
            e = internal(e.text)
        body = {"Status": e.status, **{k: v for k, v in e.more.items() if k != "ErrorURL"}, "Message": e.message}
        url = e.more.get("ErrorURL") or (context.error_url if context is not None else "")
        if url:
            body["ErrorURL"] = url
        return self._reply(body, as_json)

    def begin(self, request, headers, label):
        world, backend = self.world, self.backend
        begun = time.perf_counter()
        table = headers.get("table", "")
        failing = world.faults.fire("fail", "begin", table, label, headers.get("db"))
        if failing:
            raise internal(failing.get("message", "begin failed"))
        if label in backend.contexts:
            raise LoadError("LABEL_ALREADY_EXISTS", "", ExistingJobStatus="")
        timeout = options.timeout_of(headers)
        idle = options.timeout_of({"timeout": headers.get("idle_transaction_timeout")}, 0)
        user = backend.user(request)
        world.need_leader()
        database, found = backend.target(request, user, headers.get("db", ""), table)
        check_timeout(timeout)
        context = LoadContext(label, table=found, restarts=backend.restarts)
        context.txn = world.txns.begin(database, [found], label, timeout, coordinator=backend.number,
                                       user=user.name, idle_timeout=idle)
        backend.contexts[label] = context
        context.begin_ms = round((time.perf_counter() - begun) * 1000)
        return {"Status": "OK", "Message": "", "Label": label, "TxnId": context.txn.id,
                "BeginTxnTimeMs": context.begin_ms}

    def _context(self, headers, label):
        """The open load of a label; it must be of the database and table that the call names."""
        if not label:
            raise invalid("Invalid label ")
        context = self.backend.contexts.get(label)
        if context is None:
            raise not_found(label, "load")
        database, table = headers.get("db", ""), headers.get("table", "")
        if database != context.txn.database:
            raise invalid(f"Request database {database} not equal transaction database {context.txn.database}")
        if table != context.table.name:
            raise invalid(f"Request table {table} not equal transaction table {context.table.name}")
        return context

    def _is_multi(self, headers):
        return headers.get("label", "") in self.world.multi.tasks and headers.get("label", "") not in self.backend.contexts

    # ------------------------------------------------------------ load
    async def expect_load(self, request):
        """Whatever the head already shows to be wrong is answered before 100 Continue."""
        headers = answers.lower_headers(request)
        request["headers"] = headers
        label = headers.get("label", "")
        if not self._is_multi(headers):
            try:
                context = self._context(headers, label)
                self._lock(context)
                context.busy = False
            except LoadError as e:
                return self._refusal(e, as_json=False)
        await self.backend.gate.slow(Call("load", headers.get("table"), label, headers.get("db")), "continue")
        if request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return None

    async def load(self, request):
        headers = request.get("headers") or answers.lower_headers(request)
        label, table = headers.get("label", ""), headers.get("table", "")

        async def work():
            try:
                if self._is_multi(headers):
                    return self._reply(await self.world.multi.load(self.backend, request, headers))
                context = self._context(headers, label)
                self._lock(context)
            except (LoadError, SqlError) as e:
                return self._refusal(e, as_json=False)
            try:
                return self._reply(await self._load(context, request, headers))
            except (LoadError, SqlError) as e:
                self.roll_back(context, e.message if isinstance(e, LoadError) else e.text)
                return self._refusal(e, context)
            except (asyncio.CancelledError, ConnectionError):
                self.roll_back(context, "client is gone")
                raise
            except Exception as e:
                self.roll_back(context, str(e))
                if type(e).__name__ == "ClientPayloadError":
                    raise
                self.world.log(f"load {label} failed: {type(e).__name__}: {e}")
                return self._refusal(internal(str(e)), context)
            finally:
                context.busy = False
        return await self.backend.gate(request, "load", table, label, work, headers.get("db"))

    async def _load(self, context, request, headers):
        planned, received = context.plan_ms, context.receive_ms
        self._check_open(context)
        if context.options is None:
            self._first(context, request, headers)
        else:
            options.same(context.options, options.read(headers, self.world.version, transaction=True))
            self.backend.check_size(context, request)
        faults = self.world.faults
        failing = faults.fire("fail", "load", context.table.name, context.label, context.txn.database)
        if failing:
            raise internal(failing.get("message", "load failed"))
        size = await self.backend.receive(context, request)
        self._check_open(context)
        context.txn.active = self.world.clock.now()
        return {"Status": "OK", "Message": "", "Label": context.label, "TxnId": context.txn.id, "LoadBytes": size,
                "StreamLoadPlanTimeMs": context.plan_ms - planned, "ReceivedDataTimeMs": context.receive_ms - received}

    def _first(self, context, request, headers):
        """The first load of a transaction is planned by the leader, which must still know the transaction."""
        context.options = options.read(headers, self.world.version, transaction=True)
        self.backend.check_size(context, request)
        self.world.need_leader()
        if context.txn.state == LOST:
            raise analysis(f"txn does not exist: {context.txn.id}")
        self.backend.plan(context, transaction=True)

    @staticmethod
    def _check_open(context):
        if context.aborted or context.txn.state not in ("PREPARE", LOST):
            raise LoadError("ABORTED", context.aborted or "current transaction is aborted")

    # ------------------------------------------------------------ the end
    def roll_back(self, context, reason):
        if self.backend.contexts.get(context.label) is context:
            del self.backend.contexts[context.label]
        self.backend.drop(context, reason)

    def _prepared_timeout(self, headers):
        """Seconds from the header `prepared_timeout` (since 3.5.4), or None."""
        text = headers.get("prepared_timeout")
        if not text or not self.world.version.since(3, 5, 4):
            return None
        if not text.isdigit() or not 0 < int(text) <= 2147483647:
            raise invalid(f"Invalid prepared_timeout: {text}")
        return int(text)

    async def prepare(self, context, limit):
        segments = await self._ended(context, "prepare")
        begun = time.perf_counter()
        self.world.txns.prepare(context.txn, segments, limit)
        self._counting(context)
        context.commit_ms = round((time.perf_counter() - begun) * 1000)
        self.backend.contexts.pop(context.label, None)
        return self._numbers(context)

    async def commit(self, context):
        """One phase: straight from PREPARE."""
        segments = await self._ended(context, "commit")
        status, message = await self.backend.commit(context, segments)
        self.backend.contexts.pop(context.label, None)
        if status == "Publish Timeout":
            raise LoadError("PUBLISH_TIMEOUT", message)
        return self._numbers(context)

    async def _ended(self, context, operation):
        """The segments of a load that ends now. A failure rolls back and says why."""
        try:
            failing = self.world.faults.fire("fail", operation, context.table.name, context.label, context.txn.database)
            if failing:
                raise internal(failing.get("message", f"{operation} failed"))
            if context.aborted or context.txn.state not in ("PREPARE", LOST):
                raise LoadError("ABORTED", context.aborted or "transaction is aborted")
            if context.stream is None:
                raise internal(f"transaction {self._brief(context)} hasn't send any data yet")
            segments = await self.backend.finish(context)
            self.world.need_leader("Transaction status unknown, you can retry with same label.")
            if context.txn.state == LOST:
                raise analysis("transaction not found")
            return segments
        except (LoadError, SqlError) as e:
            self.roll_back(context, e.message if isinstance(e, LoadError) else e.text)
            if isinstance(e, LoadError) and context.error_url:
                e.more["ErrorURL"] = context.error_url
            raise
        except Exception as e:
            self.world.log(f"{operation} {context.label} failed: {type(e).__name__}: {e}")
            self.roll_back(context, str(e))
            raise internal(str(e)) from None

    @staticmethod
    def _brief(context):
        return f"id={context.load_id}, job_id=-1, txn_id: {context.txn.id}, label={context.label}, db={context.txn.database}"

    def _counting(self, context):
        """Counting mode: a prepared load is counted when it becomes visible."""
        if self.world.counting:
            self.world.count_when_visible(context.txn.id, lambda: self.backend.count_only(context))

    @staticmethod
    def _numbers(context):
        txn = context.txn
        body = {"Status": "OK", "Message": "", "Label": context.label, "TxnId": txn.id, "NumberTotalRows": txn.total,
                "NumberLoadedRows": txn.loaded, "NumberFilteredRows": txn.filtered,
                "NumberUnselectedRows": txn.unselected, "LoadBytes": txn.bytes,
                "LoadTimeMs": round((time.monotonic() - context.started) * 1000),
                "StreamLoadPlanTimeMs": context.plan_ms, "ReceivedDataTimeMs": context.receive_ms,
                "WriteDataTimeMs": context.write_ms, "CommitAndPublishTimeMs": context.commit_ms}
        if context.error_url:
            body["ErrorURL"] = context.error_url
        return body

    def rollback(self, context):
        self.world.need_leader()
        failing = self.world.faults.fire("fail", "rollback", context.table.name, context.label, context.txn.database)
        if failing:
            raise internal(failing.get("message", "rollback failed"))
        context.aborted = "transaction is aborted by user."
        self.backend.contexts.pop(context.label, None)
        if context.busy:
            self.world.txns.abort(context.txn, context.aborted)  # the load that runs ends by itself
        else:
            self.backend.drop(context, context.aborted)
        return {"Status": "OK", "Message": "", "Label": context.label}
