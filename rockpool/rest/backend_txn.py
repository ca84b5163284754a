"""A backend's side of the transaction addresses: begin, load, prepare, commit, rollback."""
import asyncio
import time

from rockpool.errors import LoadError, SqlError, internal, invalid
from rockpool.rest import answers
from rockpool.rest.context import LoadContext
from rockpool.loads import options
from rockpool.txn import check_label, check_timeout

OPERATIONS = ("begin", "prepare", "commit", "rollback", "list")
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
        operation = request.match_info["op"]
        headers = answers.lower_headers(request)
        label, table = headers.get("label", ""), headers.get("table", "")
        await request.read()

        async def work():
            try:
                return answers.backend(await self._call(request, operation, headers, label))
            except (LoadError, SqlError) as e:
                return self._refusal(e, label)
        return await self.backend.gate(request, operation, table, label, work)

    async def _call(self, request, operation, headers, label):
        user = self.backend.user(request)
        if operation not in OPERATIONS:
            raise invalid(f"unsupport transaction operation {operation}")
        if headers.get("transaction_type", "").lower() == "multi" and self.world.version.since(4, 0):
            raise invalid(MULTI_REFUSED)
        if operation == "list":
            return {"Status": "OK", "Message": "", "Labels": list(self.backend.contexts)}
        if not label:
            raise invalid("empty label")
        if operation == "begin":
            return self.begin(request, headers, label, user)
        context = self._context(headers, label, operation)
        if context.busy:
            raise LoadError("TXN_IN_PROCESSING", "Transaction in processing, please retry later", Label=label)
        context.busy = True
        try:
            return await getattr(self, operation)(context, headers)
        finally:
            context.busy = False

    @staticmethod
    def _refusal(e, label, context=None):
        if isinstance(e, SqlError):
            e = internal(e.text)
        body = {"Status": e.status, "Message": e.message, **e.more}
        if context is not None:
            body.setdefault("Label", label)
            if context.txn is not None:
                body["TxnId"] = context.txn.id
            if context.error_url:
                body["ErrorURL"] = context.error_url
        return answers.backend(body)

    def begin(self, request, headers, label, user):
        world, backend = self.world, self.backend
        begun = time.perf_counter()
        table = headers.get("table", "")
        if world.faults.rules:
            failing = world.faults.fire("fail", "begin", table, label)
            if failing:
                raise internal(failing.get("message", "begin failed"))
        if label in backend.contexts:
            raise LoadError("LABEL_ALREADY_EXISTS", "", ExistingJobStatus="")
        timeout = options.timeout_of(headers)
        idle = options.whole_number(headers, "idle_transaction_timeout", "Invalid idle_transaction_timeout format")
        database, found = backend.target(request, user, headers.get("db", ""), table)
        check_timeout(timeout)
        check_label(label)
        context = LoadContext(label, table=found)
        context.txn = world.txns.begin(database, [found], label, timeout, coordinator=backend.number,
                                       user=user.name, idle_timeout=idle)
        backend.contexts[label] = context
        context.begin_ms = round((time.perf_counter() - begun) * 1000)
        return {"Status": "OK", "Message": "", "Label": label, "TxnId": context.txn.id,
                "BeginTxnTimeMs": context.begin_ms}

    def _context(self, headers, label, operation):
        """The open load of a label; it must be of the database (and table) that the call names."""
        faults = self.world.faults
        if faults.rules and faults.fire("restart_be", operation, headers.get("table"), label):
            self.backend.restart()
        context = self.backend.contexts.get(label)
        if context is None:
            raise not_found(label, operation)
        database, table = headers.get("db", ""), headers.get("table", "")
        if database != context.txn.database:
            raise invalid(f"Request database {database} not equal transaction database {context.txn.database}")
        if table and table != context.table.name and operation == "load":
            raise invalid(f"Request table {table} not equal transaction table {context.table.name}")
        context.txn.active = time.time()
        return context

    def _is_multi(self, headers):
        return headers.get("transaction_type", "").lower() == "multi" and self.world.version.since(4, 0)

    # ------------------------------------------------------------ load
    async def expect_load(self, request):
        """Whatever the head already shows to be wrong is answered before 100 Continue."""
        headers = answers.lower_headers(request)
        request["headers"] = headers
        label = headers.get("label", "")
        if not self._is_multi(headers):
            try:
                self.backend.user(request)
                if not label:
                    raise invalid("empty label")
                if self._context(headers, label, "load").busy:
                    raise LoadError("TXN_IN_PROCESSING", "Transaction in processing, please retry later", Label=label)
            except LoadError as e:
                return self._refusal(e, label)
        if request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return None

    async def load(self, request):
        headers = request.get("headers") or answers.lower_headers(request)
        label, table = headers.get("label", ""), headers.get("table", "")
        multi = self._is_multi(headers)

        async def work():
            try:
                user = self.backend.user(request)
                if multi:
                    return answers.backend(await self.world.multi.load(self.backend, request, headers, user))
                if not label:
                    raise invalid("empty label")
                context = self._context(headers, label, "load")
            except (LoadError, SqlError) as e:
                return self._refusal(e, label)
            if context.busy:
                return self._refusal(LoadError("TXN_IN_PROCESSING", "Transaction in processing, please retry later",
                                               Label=label), label)
            context.busy = True
            try:
                return answers.backend(await self._load(context, request, headers))
            except (LoadError, SqlError) as e:
                self.roll_back(context, e.message if isinstance(e, LoadError) else e.text)
                return self._refusal(e, label, context)
            except (asyncio.CancelledError, ConnectionError):
                self.roll_back(context, "client is gone")
                raise
            except Exception as e:
                self.roll_back(context, str(e))
                if type(e).__name__ == "ClientPayloadError":
                    raise
                self.world.log(f"load {label} failed: {type(e).__name__}: {e}")
                return self._refusal(internal(str(e)), label, context)
            finally:
                context.busy = False
        return await self.backend.gate(request, "load", table, label, work)

    async def _load(self, context, request, headers):
        planned, received = context.plan_ms, context.receive_ms
        if context.txn.state != "PREPARE":
            raise LoadError("ABORTED", f"transaction is aborted {context.txn.reason}")
        given = options.read(headers, self.world.version, transaction=True)
        if context.options is None:
            context.options = given
            self.backend.check_size(context, request)
            self.backend.plan(context, transaction=True)
        else:
            options.same(context.options, given)
            self.backend.check_size(context, request)
        faults = self.world.faults
        if faults.rules and (failing := faults.fire("fail", "load", context.table.name, context.label)):
            raise internal(failing.get("message", "load failed"))
        size = await self.backend.receive(context, request)
        if context.txn.state != "PREPARE":
            raise LoadError("ABORTED", f"transaction is aborted {context.txn.reason}")
        context.txn.active = time.time()
        return {"Status": "OK", "Message": "", "Label": context.label, "TxnId": context.txn.id, "LoadBytes": size,
                "StreamLoadPlanTimeMs": context.plan_ms - planned, "ReceivedDataTimeMs": context.receive_ms - received}

    # ------------------------------------------------------------ the end
    def roll_back(self, context, reason):
        self.backend.contexts.pop(context.label, None)
        self.backend.drop(context, reason)

    async def _complete(self, context):
        if context.stream is None:
            raise internal(f"transaction {context.txn.id} hasn't send any data yet")
        if context.txn.state != "PREPARE":
            raise LoadError("ABORTED", "current transaction is aborted")
        return await self.backend.finish(context)

    async def prepare(self, context, headers):
        limit = headers.get("prepared_timeout")
        if limit is not None and self.world.version.since(3, 5, 4):
            if not limit.isdigit() or not 0 < int(limit) <= 2147483647:
                raise invalid(f"Invalid prepared_timeout: {limit}")
        else:
            limit = None
        segments = await self._ended(context, "prepare")
        begun = time.perf_counter()
        self.world.txns.prepare(context.txn, segments, int(limit) if limit is not None else None)
        self._counting(context)
        context.commit_ms = round((time.perf_counter() - begun) * 1000)
        self.backend.contexts.pop(context.label, None)
        return self._numbers(context)

    async def commit(self, context, headers):
        """One phase: straight from PREPARE."""
        segments = await self._ended(context, "commit")
        status, _ = await self.backend.commit(context, segments)
        self.backend.contexts.pop(context.label, None)
        body = self._numbers(context)
        if status == "Publish Timeout":
            body["Status"], body["Message"] = "PUBLISH_TIMEOUT", "Publish timeout. The data will be visible after a while"
        return body

    async def _ended(self, context, operation):
        """The segments of a load that ends now. A failure rolls back and says why."""
        faults = self.world.faults
        try:
            if faults.rules and (failing := faults.fire("fail", operation, context.table.name, context.label)):
                raise internal(failing.get("message", f"{operation} failed"))
            return await self._complete(context)
        except (LoadError, SqlError) as e:
            self.roll_back(context, e.message if isinstance(e, LoadError) else e.text)
            if isinstance(e, LoadError):
                e.more.setdefault("Label", context.label)
                e.more.setdefault("TxnId", context.txn.id)
                if context.error_url:
                    e.more["ErrorURL"] = context.error_url
            raise
        except Exception as e:
            self.world.log(f"{operation} {context.label} failed: {type(e).__name__}: {e}")
            self.roll_back(context, str(e))
            raise internal(str(e)) from None

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

    async def rollback(self, context, headers):
        self.roll_back(context, "User initiated rollback")
        return {"Status": "OK", "Message": "", "Label": context.label}
