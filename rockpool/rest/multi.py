"""Transactions of many tables (4.0): kept by the leader, loaded through backends, one verdict for all tables.

[MultiStatementTransactionHandler, StreamLoadMgr, StreamLoadMultiStmtTask]. Before 4.0.5 the frontend looks at the state
of a task neither at begin nor at commit, and a rollback says OK and rolls nothing back (PR 68542).
"""
from dataclasses import dataclass, field

from rockpool.errors import LoadError, SqlError, invalid
from rockpool.loads import options
from rockpool.rest import answers
from rockpool.rest.context import LoadContext
from rockpool.rest.frontend_txn import FeError

DEFAULT_SECONDS = 20
KEPT_SECONDS = 259200  # stream_load_task_keep_max_second


@dataclass
class Task:
    """One transaction. Labels of tasks are unique in the whole cluster, also after a rollback."""
    label: str
    database: object
    txn: object
    timeout: float
    created: float
    state: str = "BEGIN"  # COMMITED, CANCELLED: spelled as there
    contexts: dict = field(default_factory=dict)  # table name -> LoadContext
    error: str = ""
    ended: float = 0.0


class MultiTable:
    def __init__(self, world):
        self.world = world
        self.tasks = {}

    @property
    def fixed(self):
        return self.world.version.since(4, 0, 5)

    # ------------------------------------------------------------ calls at the frontend
    async def __call__(self, request, operation, headers, database, user):
        label, table = headers["label"], headers.get("table", "")
        task = self._current(label)
        if operation == "load":
            return self._send(request, task, database, table, label, headers, user)

        async def work():
            try:
                if operation == "begin":
                    return self._begin(task, label, database, headers, user)
                if operation == "prepare":
                    raise FeError("Unsupported operation: TXN_PREPARE")
                if task is None:
                    raise FeError(f"stream load task {label} does not exist" if operation == "commit"
                                  else f"stream load task{label}does not exist")
                return await (self._commit(task) if operation == "commit" else self._rollback(task))
            except FeError as e:
                return self.world.frontend.transactions.exception(e.message, e.kind)
        return await self.world.frontend.gate(request, operation, table, label, work, database.name)

    def _current(self, label):
        """The task of a label; one that ran out of time is cancelled now."""
        task = self.tasks.get(label)
        if task is not None:
            self._expire(task)
            if task.ended and self.world.clock.now() - task.ended > KEPT_SECONDS:
                del self.tasks[label]
                return None
        return task

    def _begin(self, task, label, database, headers, user):
        if task is not None and self.fixed:
            started = f"Transaction already started with label [{label}], txnId: {task.txn.id}"
            body = {"Status": "LABEL_ALREADY_EXISTS", "Message": started, "ExistingJobStatus": task.state,
                    "TxnId": task.txn.id}
            if task.state == "COMMITED":
                body = {"Status": "LABEL_ALREADY_EXISTS", "Message": f"Label [{label}] has already been used.",
                        "ExistingJobStatus": task.state}
            return answers.frontend(body)
        if task is not None:
            return answers.frontend({"Status": "OK", "Message": ""})
        earlier = self.world.txns.by_label(database.id, label)
        if earlier is not None and earlier.state != "ABORTED":
            return answers.frontend({"Status": "LABEL_ALREADY_EXISTS", "Message": f"Label [{label}] has already been used.",
                                     "ExistingJobStatus": earlier.state, "Db": database.name})
        timeout = float(headers.get("timeout") or DEFAULT_SECONDS)
        try:
            txn = self.world.txns.begin(database, [], label, timeout, source="MULTI_STATEMENT_STREAMING", multi=True,
                                        user=user.name)
        except LoadError as e:
            raise FeError(e.message) from None
        self.tasks[label] = Task(label, database, txn, timeout, self.world.clock.now())
        return answers.frontend({"Status": "OK", "Message": ""})

    def _send(self, request, task, database, table, label, headers, user):
        """Plans the load of a table when its first bytes come, and sends the client on to a backend."""
        frontend = self.world.frontend
        try:
            if task is None:
                raise FeError(f"stream load task {label} does not exist")
            if task.state != "BEGIN":
                return self._ended(task, label)
            if task.database is not database:
                raise FeError(f"Request database {database.name} not equal transaction database {task.database.name}")
            context = task.contexts.get(table) or self._plan(task, table, headers, user)
        except (FeError, LoadError, SqlError) as e:
            message = e.text if isinstance(e, SqlError) else e.message
            if task is not None:
                self._cancel(task, message)
            return frontend.transactions.exception(message, e.kind) if isinstance(e, FeError) else answers.failed(message)
        return frontend.send_to(self.world.backends[context.number], request, "load", table, label)

    def _ended(self, task, label):
        text = (f"stream load task {label} has already been cancelled: {task.error}" if task.state == "CANCELLED"
                else f"stream load task {label} has already been commited")
        return answers.frontend({"Status": "FAILED" if self.fixed else "OK", "Message": text})

    def _plan(self, task, table, headers, user):
        backend = self.world.frontend.next_backend()
        if backend is None:
            raise FeError("No backend alive.", "com.starrocks.common.DdlException")
        found = self.world.catalog.find(task.database.name, table)
        if found is None or found.view_sql is not None:
            raise FeError(f"Failed to find table {table} in db {task.database.name}")
        if not self.world.users.may(user, "INSERT", task.database.name, table):
            raise FeError(f"Access denied; you need (at least one of) the INSERT privilege(s) on TABLE {table} for this "
                          "operation")
        context = LoadContext(task.label, txn=task.txn, table=found, multi=True, restarts=backend.restarts)
        context.number = backend.number
        context.job_id = self.world.meta.number("object", 10001)
        context.options = options.read(headers, self.world.version)
        backend.plan(context)
        task.contexts[found.name] = context
        task.txn.tables.append(found.name)
        task.txn.table_ids.append(found.id)
        return context

    # ------------------------------------------------------------ the end of tasks
    def _expire(self, task):
        if task.state == "BEGIN" and self.world.clock.now() - task.created > task.timeout:
            self._cancel(task, f"transaction timeout after {int(task.timeout * 1000)}ms", "timeout")
        elif task.state == "BEGIN" and task.txn.state not in ("PREPARE", "COMMITTED", "VISIBLE"):
            self._cancel(task, task.txn.reason)

    def expire(self):
        for task in list(self.tasks.values()):
            self._expire(task)

    def _cancel(self, task, error, reason=None):
        task.state, task.error, task.ended = "CANCELLED", error, self.world.clock.now()
        for context in task.contexts.values():
            if context.stream is not None:
                context.stream.abandon()
        self.world.txns.abort(task.txn, reason or error)

    def cancel_all(self, error):
        """A leader that begins anew cancels what was open."""
        for task in self.tasks.values():
            if task.state == "BEGIN":
                self._cancel(task, error, "recover after FE restart")

    # ------------------------------------------------------------ on a backend
    async def load(self, backend, request, headers):
        label, table = headers.get("label", ""), headers.get("table", "")
        task = self._current(label)
        context = task.contexts.get(table) if task is not None and task.state == "BEGIN" else None
        if context is None or context.number != backend.number or context.restarts != backend.restarts:
            raise LoadError("TXN_NOT_EXISTS", f"Transaction with label {label} not exists")
        if headers.get("db", "") != task.database.name:
            raise invalid(f"Request database {headers.get('db', '')} not equal transaction database {task.database.name}")
        if context.busy:
            raise LoadError("TXN_IN_PROCESSING", "Transaction is in processing", Label=label)
        context.busy = True
        before = context.plan_ms, context.receive_ms
        try:
            options.same(context.options, options.read(headers, self.world.version))
            size = await backend.receive(context, request)
        except (LoadError, SqlError) as e:
            message = e.message if isinstance(e, LoadError) else e.text
            self._cancel(task, message)
            raise
        finally:
            context.busy = False
        return {"Status": "OK", "Message": "", "Label": label, "TxnId": task.txn.id, "LoadBytes": size,
                "StreamLoadPlanTimeMs": context.plan_ms - before[0], "ReceivedDataTimeMs": context.receive_ms - before[1]}

    # ------------------------------------------------------------ the verdict
    @staticmethod
    def _answer(task, status, message):
        """With loads, the answer is that of their channel; without, there is none."""
        if not task.contexts:
            return answers.frontend({"Status": status, "Message": message})
        return answers.frontend({"Label": task.label, "Status": status, "TxnId": task.txn.id, "ChannelId": 0,
                                 "Message": message, "Prepared Channel Num": 1})

    async def _commit(self, task):
        txn = task.txn
        if task.state == "COMMITED":
            return answers.frontend({"Label": task.label, "Status": "OK", "TxnId": txn.id, "Message":
                                     f"Transaction {txn.id} has already committed, label is {task.label}"})
        if task.state == "CANCELLED":
            return answers.frontend({"Status": "FAILED" if self.fixed else "OK", "Message":
                                     f"Can not commit CANCELLED transaction {txn.id}, label is {task.label}"})
        task.state = "COMMITING"
        try:
            segments = await self._finish_loads(task)
        except (LoadError, SqlError) as e:
            message = e.message if isinstance(e, LoadError) else e.text
            self._cancel(task, message, "commit failed: " + message)
            return self._answer(task, "FAILED", message)
        late = self.world.faults.fire("publish_timeout", "commit", None, task.label, task.database.name)
        self.world.txns.commit(txn, segments, publish=not late)
        if late:
            self.world.release_later(txn, float(late.get("seconds", 5)))
        for context in task.contexts.values():
            self.world.backends[context.number].count_only(context)
        task.state, task.ended = "COMMITED", self.world.clock.now()
        await self.world.visible(txn, task.timeout)
        return self._answer(task, "OK", "")

    async def _finish_loads(self, task):
        """The segments of all tables; LoadError names the table that has none."""
        segments, totals, txn = [], [0, 0, 0, 0, 0], task.txn
        for context in task.contexts.values():
            txn.parts.append({"id": context.job_id, "tables": [context.table.name], "parts": []})
            backend = self.world.backends[context.number]
            try:
                if context.restarts != backend.restarts:
                    raise LoadError("CANCELLED", "the backend was restarted")
                segments += await backend.finish(context)
            except (LoadError, SqlError) as e:
                message = f"Failed to load table {context.table.name}: " + (e.message if isinstance(e, LoadError) else e.text)
                if context.error_url:
                    message += f", tracking_url: {context.error_url}"
                raise LoadError("FAILED", message) from None
            finally:
                counts = context.counts
                mine = counts.total, counts.loaded, counts.filtered, counts.unselected, context.bytes
                txn.parts[-1].update(zip(("total", "loaded", "filtered", "unselected", "bytes"), mine),
                                     tracking=context.error_url)
            totals = [a + b for a, b in zip(totals, mine)]
        txn.total, txn.loaded, txn.filtered, txn.unselected, txn.bytes = totals
        return segments

    async def _rollback(self, task):
        number, label = task.txn.id, task.label
        if task.state in ("COMMITED", "COMMITING"):
            text = (f"Can not abort VISIBLE transaction {number}, label is {label}" if task.state == "COMMITED"
                    else f"Can not abort transaction {number} during committing, label is {label}")
            return answers.frontend({"Status": "FAILED" if self.fixed else "OK", "Message": text})
        if task.state == "CANCELLED":
            return answers.frontend({"Label": label, "Status": "OK", "TxnId": number, "Message":
                                     f"Transaction {number} has already aborted, label is {label}"})
        if self.fixed:
            self._cancel(task, "manual abort")
        return answers.frontend({"Status": "OK", "Message": f"stream load {label} abort"})
