"""A backend: takes the bytes of loads. Every answer is HTTP 200; the outcome is in the JSON."""
import asyncio
import os
import secrets
import time
import uuid
from collections import OrderedDict

from aiohttp import web

from rockpool.errors import LoadError, SqlError, analysis, internal
from rockpool.faults import Call
from rockpool.rest import answers, auth, merge_commit, receive
from rockpool.rest.backend_txn import TransactionCalls
from rockpool.rest.context import LoadContext
from rockpool.rest.gate import Gate, cut, cut_in_body
from rockpool.rest.port import HttpPort
from rockpool.loads import counting, options, plan
from rockpool.loads.compress import Decompressor
from rockpool.txn import LOST, too_many_versions

PIECE = 4 << 20  # bytes handed over to parsing at once
INLINE = 48 << 10  # bodies up to this size are parsed without a thread
MAX_LOGS = 1000


class Backend:
    def __init__(self, world, number, host):
        self.world, self.number, self.host, self.port = world, number, host, 0
        self.id = 10004 + number
        self.contexts = {}  # label -> LoadContext of an open transaction
        self.logs = OrderedDict()
        self.gate = Gate(world, self)
        self.calls = TransactionCalls(self)
        self.started = time.time()
        self.restarts = 0
        self.door = HttpPort(self.app(), host)

    def app(self):
        app = web.Application(client_max_size=1 << 40, middlewares=[answers.not_found("Not Found")])
        app.router.add_route("PUT", "/api/{db}/{table}/_stream_load", self.stream_load, expect_handler=self.expect_load)
        app.router.add_route("PUT", "/api/transaction/load", self.calls.load, expect_handler=self.calls.expect_load)
        for method in ("POST", "PUT"):
            app.router.add_route(method, "/api/transaction/{op}", self.calls.other)
        app.router.add_get("/api/_load_error_log", self.error_log, allow_head=False)
        app.router.add_get("/api/health", self.health, allow_head=False)
        return app

    async def open_ports(self, number=None):
        self.port = await self.door.open(number)
        await self.world.reading.ports[self.number].reopen()

    async def close_ports(self):
        await self.door.close()
        await self.world.reading.ports[self.number].close()

    async def health(self, request):
        await self.world.faults.silence()
        return web.Response(text='{"status": "OK","msg": "To Be Added"}', content_type="application/json")

    async def error_log(self, request):
        text = self.logs.get(request.query.get("file", ""))
        if text is None:
            return web.Response(status=404, text="file not exists.")
        return web.Response(text=text, content_type="text/plain")

    def restart(self):
        """Forgets every open load, as a restarted process does. Prepared transactions are not here any more."""
        for context in self.contexts.values():
            if context.stream is not None:
                context.stream.abandon()
        self.contexts.clear()
        self.world.reading.scanners[self.number].forget()
        self.started = time.time()
        self.restarts += 1

    # ------------------------------------------------------------ the head of a load
    def user(self, request):
        given = auth.backend_credentials(request)
        if given is None:
            raise internal("no valid Basic authorization")
        user = self.world.users.check(*given)
        if user is None:
            raise analysis(auth.denied(given[0], request))
        return user

    def target(self, request, user, database, table):
        """(database, table) that a load may write to; the order of the checks is the server's."""
        world = self.world
        found = world.catalog.find(database, table)
        if not world.users.may(user, "INSERT", database, table) and (found is None or found.view_sql is None):
            raise analysis(auth.NO_INSERT)
        if database not in world.catalog.databases:
            raise analysis(f"unknown database, database={database}")
        if found is None or found.view_sql is not None:
            raise analysis(f'unknown table "{database}.{table}"')
        if str(world.frontend_config.get("disable_load_job", "")).lower() == "true":
            raise analysis("disable_load_job is set to true, all load jobs are prevented")
        return world.catalog.databases[database], found

    def plan(self, context, transaction=False):
        """Plans a load whose transaction is open."""
        begun = time.perf_counter()
        full = self.world.faults.fire("disk_full", None, context.table.name, context.label, context.txn.database)
        if full:
            raise internal(full.get("message", f"disk /data/storage on backend {self.id} exceed limit usage"))
        made = plan.make(context.table, context.options)
        plan.check_states(made)
        made.most_partitions = int(self.world.frontend_config.get("max_automatic_partition_number", made.most_partitions))
        key = self.world.meta.number("segment")
        context.stream = counting.make(made, self.world.storage.spool, key, self.world.counting)
        if context.options.compression:
            Decompressor(context.options.compression)
        context.plan_ms += round((time.perf_counter() - begun) * 1000)

    @property
    def max_body(self):
        return int(self.world.max_body_mb * 1048576)

    def check_size(self, context, request):
        length = request.content_length or 0
        max_body, max_json = self.max_body, int(self.world.max_json_mb * 1048576)
        if context.bytes + length > max_body:
            raise internal(f"body size {context.bytes + length} exceed limit: {max_body}, label={context.label}. You can "
                           "increase the limit by setting streaming_load_max_mb in be.conf.")
        if context.options.format == "json" and not context.options.ignore_json_size and (
                context.bytes + length > max_json):
            raise internal(f"The size of this batch exceed the max size [{max_json}]  of json type data  data [ "
                           f"{context.bytes + length} ]. Set ignore_json_size to skip the check, although it may lead "
                           "huge memory consuming.")

    async def receive(self, context, request):
        """Feeds a body to the load's stream; the number of bytes."""
        if "cut_after" in request:
            await cut_in_body(request)
        begun, stream, total, parts, held = time.perf_counter(), context.stream, 0, [], 0
        if self.world.counting:
            total = await self._count_body(stream, request)
        else:
            await self.world.storage.room()
            async for chunk in request.content.iter_any():
                total += len(chunk)
                if total > self.max_body:  # of a chunked body, whose size no header told
                    raise web.HTTPRequestEntityTooLarge(self.max_body, total)
                parts.append(chunk)
                held += len(chunk)
                if held >= PIECE:
                    await self.world.parse(stream.feed, b"".join(parts))
                    parts, held = [], 0
        expected = request.content_length
        if expected is not None and expected != total:
            raise internal("receive body don't equal with body bytes")
        if held > INLINE or stream.is_json and total > INLINE:
            await self.world.parse(self._feed_last, stream, b"".join(parts))
        else:
            self._feed_last(stream, b"".join(parts))
        context.bytes += total
        context.receive_ms += round((time.perf_counter() - begun) * 1000)
        return total

    @staticmethod
    async def whole_body(context, request):
        begun, parts = time.perf_counter(), []
        async for chunk in request.content.iter_any():
            parts.append(chunk)
        context.receive_ms += round((time.perf_counter() - begun) * 1000)
        body = b"".join(parts)
        context.bytes = len(body)
        return body

    @staticmethod
    async def _count_body(stream, request):
        before = stream.size
        if receive.is_large(request, 0):
            await receive.rest_of_body(request, 0, stream.feed)
        else:
            async for chunk in request.content.iter_any():
                stream.feed(chunk)
        return stream.size - before

    @staticmethod
    def _feed_last(stream, piece):
        if piece:
            stream.feed(piece)
        stream.end_body()

    async def finish(self, context):
        """Ends the stream of a load: the segments to commit, or LoadError. Counts go into the transaction."""
        begun, txn = time.perf_counter(), context.txn
        try:
            self._strike(context)
            if not self.world.counting:
                self.world.txns.check_versions(context.table)
            if self.world.counting:
                segment = context.stream.finish()
            elif context.stream.csv is not None and len(context.stream.csv.rest) > INLINE:
                segment = await self.world.parse(context.stream.finish)
            else:
                segment = context.stream.finish()
            if segment is not None and segment.partial:
                await self.world.check_new_keys(context.stream.plan, segment)
        finally:
            self._take_counts(context)
            context.write_ms += round((time.perf_counter() - begun) * 1000)
        empty = txn.loaded == 0 and not (txn.filtered or txn.unselected) and context.counts.total == 0
        if empty and self.world.empty_load_as_error:
            raise internal(self.world.empty_load_text)
        if txn.loaded == 0 and self.world.empty_load_as_error and not (context.multi and not context.counts.filtered):
            raise internal(self.world.empty_load_text)
        return [segment] if segment is not None else []

    def _strike(self, context):
        faults = self.world.faults
        if not faults.rules:
            return
        table, label, database = context.table, context.label, context.txn.database
        if faults.fire("too_many_versions", None, table.name, label, database):
            raise too_many_versions(table, 1001, 1000)
        changing = faults.fire("schema_change", None, table.name, label, database)
        if changing:
            raise internal(changing.get("message", f"tablet {table.id + 3} is under schema change"))
        refused = faults.fire("reject_rows", None, table.name, label, database)
        for _ in range(int(refused.get("rows", 1)) if refused else 0):
            context.counts.filtered += 1
            context.counts.total += 1
            context.counts.note("Value '?' is out of range", "?")

    def _take_counts(self, context):
        txn, counts = context.txn, context.counts
        txn.total, txn.loaded, txn.filtered, txn.unselected = (counts.total, counts.loaded, counts.filtered,
                                                               counts.unselected)
        txn.bytes = context.bytes
        if counts.log:
            self.keep_log(context)

    def keep_log(self, context):
        name = f"error_log_{secrets.token_hex(8)}_{secrets.token_hex(8)}"
        text = "\n".join(context.counts.log) + "\n"
        self.logs[name] = text
        while len(self.logs) > MAX_LOGS:
            self.logs.popitem(last=False)
        context.error_url = f"http://{self.host}:{self.port}/api/_load_error_log?file={name}"
        context.txn.tracking = context.error_url
        self.world.tracking_logs[context.job_id or context.txn.id] = text
        if getattr(context.counts, "records", None):
            context.rejected_path = f"{self.host}:{self._keep_rejected(context)}"

    def _keep_rejected(self, context):
        """Writes refused rows to a file of this backend: the row, the reason, the source, with tabs between."""
        folder = os.path.join(self.world.folder, "rejected_record")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f"{context.txn.database}_{context.label}_{context.txn.id}")
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(record + "\n" for record in context.counts.records)
        return path

    def count_only(self, context):
        """Counting mode: adds what a committed load held to the counters of its table."""
        stream = context.stream
        if self.world.counting and stream is not None and hasattr(stream, "sums"):
            self.world.stats.counted(f"{context.txn.database}.{context.table.name}", stream.counts.loaded, stream.size,
                                     stream.sums)

    # ------------------------------------------------------------ plain stream load
    async def expect_load(self, request):
        """The head is checked, the transaction begun and planned before 100 Continue is sent."""
        refused = await self.begin_load(request)
        if refused is not None:
            return refused
        await self.gate.slow(request["call"], "continue")
        if request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return None

    def names(self, request):
        """Database and table of a path; before 3.5.1 escapes are not decoded."""
        read = answers.unquoted if self.world.version.since(3, 5, 1) else answers.as_written
        return read(request, "db"), read(request, "table")

    async def begin_load(self, request):
        """Opens the transaction of a plain load; an answer when that fails."""
        headers = answers.lower_headers(request)
        context = LoadContext(headers.get("label") or str(uuid.uuid4()), restarts=self.restarts)
        request["context"] = context
        name, table = self.names(request)
        request["call"] = Call("stream_load", table, context.label, name)
        struck = await self.gate.before(request, request["call"])
        if struck is not None:
            return struck
        context.restarts = self.restarts
        try:
            user = self.user(request)
            context.merging = merge_commit.is_asked(headers, self.world.version)
            context.options = options.head(headers)
            self.check_size(context, request)
            if context.merging:
                request["merge"] = (headers, (name, table), user)
                return None
            begun = time.perf_counter()
            self.world.need_leader()
            database, context.table = self.target(request, user, name, table)
            context.txn = self.world.txns.begin(database, [context.table], context.label, context.options.timeout,
                                                coordinator=self.number, user=user.name)
            context.begin_ms = round((time.perf_counter() - begun) * 1000)
            context.options = options.read(headers, self.world.version)
            context.txn.headers = context.options.kept
            failing = self.world.faults.strike("fail", request["call"])
            if failing:
                raise internal(failing.get("message", "load failed"))
            self.plan(context)
        except (LoadError, SqlError) as e:
            return self.plain_failure(context, e)
        return None

    async def stream_load(self, request):
        if "context" not in request:
            refused = await self.begin_load(request)
            if refused is not None:
                return refused
        context = request["context"]
        self.world.stats.requests["stream_load"] += 1
        if context.merging:
            body = await self.whole_body(context, request)
            found = await self.world.merging.take(self, context, *request["merge"], body)
            return await self.gate.after(request, request["call"], self.answer(found))
        try:
            await self.receive(context, request)
            if context.txn.state not in ("PREPARE", LOST):
                raise internal(context.txn.reason or "transaction is aborted")
            segments = await self.finish(context)
            if context.restarts != self.restarts:
                self.drop(context, "")
                return cut(request)
            self.world.need_leader("Transaction status unknown, you can retry with same label.")
            status, message = await self.commit(context, segments)
        except (LoadError, SqlError) as e:
            return self.plain_failure(context, e)
        except (asyncio.CancelledError, ConnectionError, web.HTTPException):
            self.drop(context, "client is gone")
            raise
        except Exception as e:
            self.world.log(f"load {context.label} failed: {type(e).__name__}: {e}")
            self.drop(context, str(e))
            if type(e).__name__ == "ClientPayloadError":
                raise
            return self.plain_failure(context, internal(str(e)))
        return await self.gate.after(request, request["call"], self.answer(self.plain_answer(context, status, message)))

    def answer(self, body):
        return answers.backend(body, self.world.version.since(3, 3))

    async def commit(self, context, segments):
        """Commits a load and waits until it is visible; (Status, Message) of a plain answer."""
        begun, world = time.perf_counter(), self.world
        late = world.faults.fire("publish_timeout", None, context.table.name, context.label, context.txn.database)
        world.txns.commit(context.txn, segments, publish=not late)
        self.count_only(context)
        if late:
            world.release_later(context.txn, float(late.get("seconds", 5)))
        seen = not late and await world.visible(context.txn, context.txn.timeout)
        context.commit_ms = round((time.perf_counter() - begun) * 1000)
        if seen:
            return "Success", "OK"
        return "Publish Timeout", "Publish timeout. The data will be visible after a while"

    def drop(self, context, reason):
        if context.txn is not None and context.txn.state in ("COMMITTED", "VISIBLE"):
            return
        if context.stream is not None:
            context.stream.abandon()
        if context.txn is not None and context.restarts == self.restarts:  # a process that died aborts nothing
            self.world.txns.abort(context.txn, reason)

    def plain_failure(self, context, e):
        message = e.message if isinstance(e, LoadError) else e.text
        already = isinstance(e, LoadError) and e.status == "LABEL_ALREADY_EXISTS"
        if context.txn is not None and context.counts is not None and context.counts.log and not context.error_url:
            self._take_counts(context)
        self.drop(context, message)
        return self.answer(self.plain_answer(context, "Label Already Exists" if already else "Fail", message,
                                             e.more if isinstance(e, LoadError) else {}))

    @staticmethod
    def plain_answer(context, status, message, more=None):
        txn, counts = context.txn, context.counts
        body = {"TxnId": txn.id if txn else -1, "Label": context.label, "Status": status}
        body.update(more or {})
        body.update({
            "Message": message, "NumberTotalRows": counts.total if counts else 0,
            "NumberLoadedRows": counts.loaded if counts else 0, "NumberFilteredRows": counts.filtered if counts else 0,
            "NumberUnselectedRows": counts.unselected if counts else 0, "LoadBytes": context.bytes,
            "LoadTimeMs": round((time.monotonic() - context.started) * 1000), "BeginTxnTimeMs": context.begin_ms,
            "StreamLoadPlanTimeMs": context.plan_ms, "ReadDataTimeMs": context.receive_ms,
            "WriteDataTimeMs": context.write_ms, "CommitAndPublishTimeMs": context.commit_ms})
        if context.error_url:
            body["ErrorURL"] = context.error_url
        if context.rejected_path:
            body["RejectedRecordPath"] = context.rejected_path
        return body
