"""Transactions of many tables (4.0): kept by the frontend, loaded through backends, one verdict for all tables."""
import time
from dataclasses import dataclass, field

from rockpool.errors import LoadError, SqlError, invalid
from rockpool.rest import answers
from rockpool.rest.context import LoadContext
from rockpool.loads import options

DEFAULT_SECONDS = 20


@dataclass
class Task:
    """One transaction. Labels of tasks are unique in the whole cluster, also after a rollback."""
    label: str
    database: object
    txn: object
    state: str = "BEFORE_LOAD"
    timeout: float = DEFAULT_SECONDS
    created: float = field(default_factory=time.monotonic)
    contexts: dict = field(default_factory=dict)  # table name -> LoadContext
    error: str = ""


class MultiTable:
    def __init__(self, world):
        self.world = world
        self.tasks = {}

    async def __call__(self, request, operation, headers, database, user):
        frontend = self.world.frontend
        label, table = headers.get("label", ""), headers.get("table", "")
        task = self.tasks.get(label)
        if task is not None:
            self._expire(task)
        if operation == "load":
            return self._send(request, task, table, label)

        async def work():
            if operation == "begin":
                return self._begin(task, label, database, headers, user)
            if operation == "prepare":
                return answers.exception("Unsupported operation: prepare", "com.starrocks.common.StarRocksException")
            if task is None:
                return answers.failed(f"No transaction found with db[{database.name}] and label[{label}]")
            return await (self._commit(task) if operation == "commit" else self._rollback(task))
        return await frontend.gate(request, operation, table, label, work)

    def _send(self, request, task, table, label):
        if task is None:
            return answers.failed(f"No transaction found with label[{label}]")
        if not table:
            return answers.failed("No table selected.")
        if task.state in ("COMMITED", "CANCELLED"):
            return answers.failed(f"Can not load into {task.state} transaction {task.txn.id}, label is {label}. "
                                  + task.error)
        context = task.contexts.get(table)
        backend = self.world.backends[context.number] if context else self.world.frontend.next_backend()
        return self.world.frontend.send_to(backend, request, "load", table, label)

    def _begin(self, task, label, database, headers, user):
        if task is not None:
            return answers.frontend({"Status": "LABEL_ALREADY_EXISTS", "Message": f"Label [{label}] has already been used.",
                                     "ExistingJobStatus": task.state})
        try:
            timeout = options.timeout_of(headers, DEFAULT_SECONDS)
            txn = self.world.txns.begin(database, [], label, timeout, source="FRONTEND_STREAMING", multi=True,
                                        user=user.name)
        except LoadError as e:
            status = e.status if e.status == "LABEL_ALREADY_EXISTS" else "FAILED"
            return answers.frontend({"Status": status, "Message": e.message, **e.more})
        self.tasks[label] = Task(label, database, txn, timeout=timeout)
        return answers.frontend({"Status": "OK", "Message": ""})

    def _expire(self, task):
        if task.state not in ("COMMITED", "CANCELLED") and (
                time.monotonic() - task.created > task.timeout or task.txn.state == "ABORTED"):
            self._cancel(task, "timeout by txn manager")

    def _cancel(self, task, reason):
        task.state, task.error = "CANCELLED", reason
        for context in task.contexts.values():
            if context.stream is not None:
                context.stream.abandon()
        self.world.txns.abort(task.txn, reason)

    # ------------------------------------------------------------ on a backend
    async def load(self, backend, request, headers, user):
        label, table = headers.get("label", ""), headers.get("table", "")
        task = self.tasks.get(label)
        if task is None or task.state in ("COMMITED", "CANCELLED"):
            raise LoadError("FAILED", f"transaction with label {label} not exists")
        context = task.contexts.get(table)
        if context is not None and context.busy:
            raise LoadError("TXN_IN_PROCESSING", "Transaction in processing, please retry later", Label=label)
        try:
            context = self._context(backend, task, headers, user, request, context)
            context.busy = True
            before = context.plan_ms, context.receive_ms
            given = options.read(headers, self.world.version)
            if context.options is None:
                context.options = given
                backend.plan(context)
            else:
                options.same(context.options, given)
            size = await backend.receive(context, request)
        except (LoadError, SqlError) as e:
            message = e.message if isinstance(e, LoadError) else e.text
            self._cancel(task, message)
            raise LoadError("FAILED", message) from None
        finally:
            if context is not None:
                context.busy = False
        return {"Status": "OK", "Message": "", "Label": label, "TxnId": task.txn.id, "LoadBytes": size,
                "StreamLoadPlanTimeMs": context.plan_ms - before[0], "ReceivedDataTimeMs": context.receive_ms - before[1]}

    def _context(self, backend, task, headers, user, request, context):
        """The load of one table inside the transaction, made when the table's first bytes come."""
        if headers.get("db", "") != task.database.name:
            raise invalid(f"Request database {headers.get('db', '')} not equal transaction database {task.database.name}")
        if context is not None:
            return context
        _, table = backend.target(request, user, task.database.name, headers.get("table", ""))
        context = LoadContext(task.label, txn=task.txn, table=table, multi=True)
        context.number = backend.number
        task.contexts[table.name] = context
        task.txn.tables.append(table.name)
        task.txn.table_ids.append(table.id)
        task.state = "LOADING"
        return context

    # ------------------------------------------------------------ the verdict
    def _answer(self, task, status, message):
        return answers.frontend({"Label": task.label, "Status": status, "TxnId": task.txn.id, "ChannelId": 0,
                                 "Message": message, "Prepared Channel Num": 1})

    async def _commit(self, task):
        if task.state == "COMMITED":
            return self._answer(task, "OK", f"Transaction {task.txn.id} has already committed, label is {task.label}")
        if task.state == "CANCELLED":
            return self._answer(task, "FAILED", f"Can not commit CANCELLED transaction {task.txn.id}, label is "
                                                f"{task.label}. {task.error}")
        segments, totals = [], [0, 0, 0, 0, 0]
        for context in task.contexts.values():
            try:
                segments += await self.world.backends[context.number].finish(context)
            except (LoadError, SqlError) as e:
                message = f"Failed to load table {context.table.name}: " + (e.message if isinstance(e, LoadError) else e.text)
                if context.error_url:
                    message += f", tracking_url: {context.error_url}"
                self._cancel(task, message)
                return self._answer(task, "FAILED", message)
            counts = context.counts
            totals = [a + b for a, b in zip(totals, (counts.total, counts.loaded, counts.filtered, counts.unselected,
                                                     context.bytes))]
        txn = task.txn
        txn.total, txn.loaded, txn.filtered, txn.unselected, txn.bytes = totals
        self.world.txns.commit(txn, segments)
        for context in task.contexts.values():
            self.world.backends[context.number].count_only(context)
        task.state = "COMMITED"
        return self._answer(task, "OK", "")

    async def _rollback(self, task):
        if task.state == "COMMITED":
            return answers.failed(f"Transaction {task.txn.id} has already committed, label is {task.label}")
        if task.state != "CANCELLED":
            self._cancel(task, "User initiated rollback")
        return self._answer(task, "OK", "")
