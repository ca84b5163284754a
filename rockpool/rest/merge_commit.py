"""Merge commit: plain loads of one table with the same parameters become one transaction per window of time.

The window opens with the first request and takes every body that comes before it ends. The transaction has a label of
the server's own; a client's label is only the id of its request. One bad body fails them all.
"""
import asyncio
import secrets
import time
import uuid
from dataclasses import dataclass, field

from rockpool.errors import LoadError, SqlError, internal, invalid
from rockpool.loads import options
from rockpool.rest.context import LoadContext

SINCE = (3, 4)
KIND = "MERGE_COMMIT"
TIMEOUT_SECONDS = 600
# what must be the same in requests that merge; skip_header and label are not among them
PARAMETERS = ("format", "columns", "where", "max_filter_ratio", "timeout", "partitions", "temporary_partitions", "negative",
              "strict_mode", "timezone", "load_mem_limit", "exec_mem_limit", "partial_update", "partial_update_mode",
              "transmission_compression_type", "load_dop", "merge_condition", "log_rejected_record_num", "compression",
              "warehouse", "enable_merge_commit", "merge_commit_async", "merge_commit_interval_ms", "merge_commit_parallel",
              "column_separator", "row_delimiter", "trim_space", "enclose", "escape", "jsonpaths", "json_root",
              "strip_outer_array", "envelope")
TRUTHS = {"true": True, "1": True, "false": False, "0": False}


def is_asked(headers, version):
    """Whether a request is to be merged."""
    text = headers.get("enable_merge_commit")
    if not text or not version.since(*SINCE):
        return False
    if text.lower() not in TRUTHS:
        raise invalid(f"Invalid parameter enable_merge_commit. The value must be bool type, but is {text}")
    return TRUTHS[text.lower()]


def positive(headers, name, what):
    text = headers.get(name, "")
    if not text.isdigit() or int(text) == 0:
        raise invalid(f"Batch write {what} must be set positive, but is {text or 'null'}")
    return int(text)


def time_ordered_uuid():
    """A UUID of version 7: milliseconds first."""
    value = int(time.time() * 1000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 7 << 76
    return str(uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62))


@dataclass
class Window:
    """One transaction that still takes bodies."""
    context: LoadContext
    ends: float  # on the monotonic clock
    done: asyncio.Future
    bodies: list = field(default_factory=list)

    @property
    def left_ms(self):
        return max(0, round((self.ends - time.monotonic()) * 1000))


class MergeCommits:
    """The open windows of all backends."""

    def __init__(self, world):
        self.world = world
        self.windows = {}  # (database, table, parameters) -> Window
        self.tasks = set()

    def backend_for(self, frontend, headers, database, table):
        """The backend that coordinates a table and its parameters; LoadError for parameters that are none."""
        positive(headers, "merge_commit_interval_ms", "interval")
        parallel = positive(headers, "merge_commit_parallel", "parallel")
        living = [b for b in self.world.backends if b.number not in self.world.dead_backends]
        if parallel > 1 or len(living) < 2:
            return frontend.next_backend()
        kept = tuple(headers.get(p, "") for p in PARAMETERS)
        return living[sum(map(ord, f"{database}.{table}{kept}")) % len(living)]

    # ------------------------------------------------------------ a request
    async def take(self, backend, context, headers, names, user, body):
        """The answer to one request, whose body is complete."""
        window = None
        try:
            window = self._window(backend, headers, names, user)
            window.bodies.append(body)
            context.left_ms = window.left_ms
            if headers.get("merge_commit_async", "").lower() != "true":
                await self._wait(window, int(headers.get("timeout") or TIMEOUT_SECONDS))
        except (LoadError, SqlError) as e:
            return self._answer(backend, context, window, "Fail", e.message if isinstance(e, LoadError) else e.text)
        status = window.done.result()[0] if window.done.done() else "Success"
        return self._answer(backend, context, window, status, "OK" if status == "Success" else window.done.result()[1])

    @staticmethod
    async def _wait(window, seconds):
        try:
            await asyncio.wait_for(asyncio.shield(window.done), seconds)
        except asyncio.TimeoutError:
            raise internal(f"Failed to get load final status, current status: {window.context.txn.state}, error: wait "
                           "timeout") from None
        status, message = window.done.result()
        if status == "Fail":
            raise internal(message)

    @staticmethod
    def _answer(backend, context, window, status, message):
        body = backend.plain_answer(context, status, message)
        if window is not None:
            body["TxnId"] = window.context.txn.id
        body["Label"] = window.context.label if window is not None else ""
        return {**body, "RequestId": context.label, "LeftTimeMs": context.left_ms}

    # ------------------------------------------------------------ a window
    def _window(self, backend, headers, names, user):
        kept = {p: headers[p] for p in PARAMETERS if headers.get(p)}
        key = (*names, tuple(kept.items()))
        found = self.windows.get(key)
        if found is not None and found.context.txn.state == "PREPARE":
            return found
        interval = positive(headers, "merge_commit_interval_ms", "interval")
        positive(headers, "merge_commit_parallel", "parallel")
        context = self._begin(backend, kept, names, user)
        window = Window(context, time.monotonic() + interval / 1000, asyncio.get_running_loop().create_future())
        self.windows[key] = window
        task = asyncio.ensure_future(self._run(backend, key, window, interval / 1000))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return window

    def _begin(self, backend, kept, names, user):
        context = LoadContext(f"merge_commit_{time_ordered_uuid()}", restarts=backend.restarts)
        context.options = options.read(kept, self.world.version)
        self.world.need_leader()
        database, context.table = backend.target(None, user, *names)
        context.txn = self.world.txns.begin(database, [context.table], context.label, context.options.timeout,
                                            coordinator=backend.number, user=user.name, kind=KIND, headers=kept)
        try:
            backend.plan(context)
        except (LoadError, SqlError) as e:
            message = e.message if isinstance(e, LoadError) else e.text
            backend.drop(context, message)
            raise internal(f"Load is aborted, reason: {message}") from None
        return context

    async def _run(self, backend, key, window, seconds):
        """Waits for the end of the window, or of its transaction, and commits it."""
        context = window.context
        while time.monotonic() < window.ends and context.txn.state == "PREPARE":
            await asyncio.sleep(min(0.05, max(0.001, window.ends - time.monotonic())))
        if self.windows.get(key) is window:
            del self.windows[key]
        try:
            outcome = await self._commit(backend, window)
        except Exception as e:
            outcome = "Fail", f"Load is aborted, reason: {e}"
            backend.drop(context, str(e))
        window.done.set_result(outcome)

    async def _commit(self, backend, window):
        context, world = window.context, self.world
        if context.txn.state != "PREPARE":
            backend.drop(context, "")
            return "Fail", f"Load is aborted, reason: {context.txn.reason}"
        try:
            for body in window.bodies:
                context.bytes += len(body)
                await world.parse(backend._feed_last, context.stream, body)
            segments = await backend.finish(context)
            if context.txn.state != "PREPARE":
                raise internal(context.txn.reason)
            return await backend.commit(context, segments)
        except (LoadError, SqlError) as e:
            reason = self._reason(context, e.message if isinstance(e, LoadError) else e.text)
            backend.drop(context, reason)
            return "Fail", f"Load is aborted, reason: {reason}"

    @staticmethod
    def _reason(context, message):
        if not context.error_url or message != "too many filtered rows":
            return message
        return (f"There is a data quality issue. Please check the tracking URL or SQL for details. Tracking URL: "
                f"{context.error_url}. Tracking SQL: SELECT tracking_log FROM information_schema.load_tracking_logs WHERE "
                f"JOB_ID={context.txn.id}")
