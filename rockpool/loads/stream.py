"""One load from its first byte to its segment: decompression, framing, conversion, counting.

The bodies of a transaction are one stream. Used by one thread at a time; nothing here touches shared state.
"""
import threading

from rockpool.errors import LoadError, internal
from rockpool.loads.compress import Decompressor
from rockpool.loads.csv_rows import Csv
from rockpool.loads.engine import Engine
from rockpool.loads.json_rows import Json
from rockpool.loads.sink import Counts, Sink
from rockpool.segments import SegmentWriter

LOCAL = threading.local()
MAX_JSON_BODY = 4 << 30
BLOCK_BYTES = 8 << 20


def engine():
    """The engine of this thread, made when the first load needs one."""
    if not hasattr(LOCAL, "engine"):
        LOCAL.engine = Engine()
    return LOCAL.engine


class Lazy:
    """Stands for the thread's engine until something is evaluated."""

    @staticmethod
    def evaluate(*arguments):
        return engine().evaluate(*arguments)


class LoadStream:
    def __init__(self, plan, folder, key):
        self.plan = plan
        self.counts = Counts(plan.options.log_rejected)
        self.writer = SegmentWriter(folder, key)
        self.sink = Sink(plan, self.counts, Lazy)
        self.sink.check()
        self.is_json = plan.options.format == "json"
        self.csv = None if self.is_json else Csv(plan.options, len(plan.fields))
        self.json = Json(plan.options, plan) if self.is_json else None
        self.json_body = []
        self.decompressor = None
        self.error = None

    def feed(self, chunk):
        """Bytes of the current body."""
        if self.plan.options.compression:
            if self.decompressor is None:
                self.decompressor = Decompressor(self.plan.options.compression)
            chunk = self.decompressor.feed(chunk)
        if self.is_json:
            self.json_body.append(chunk)
            return
        for at in range(0, len(chunk), BLOCK_BYTES):
            block = self.csv.feed(chunk[at:at + BLOCK_BYTES] if len(chunk) > BLOCK_BYTES else chunk)
            if block is not None:
                self._store(block)

    def end_body(self):
        """The current body is complete."""
        if self.decompressor is not None:
            self.decompressor.finish()
            self.decompressor = None
        if self.is_json and self.json_body:
            body, self.json_body = b"".join(self.json_body), []
            if len(body) >= MAX_JSON_BODY:
                raise internal(f"payload size [{len(body)}] of single write beyond the JSON payload limit "
                               f"[{MAX_JSON_BODY}]")
            try:
                block = self.json.block(body)
            except LoadError as e:
                self.counts.total += 1
                self.counts.filtered += 1
                self.counts.note(f"Data quality error: {e.message}", "")
                raise
            self._store(block)

    def _store(self, block):
        table = self.sink.take(block)
        if table is not None:
            self.writer.add(table)

    def finish(self):
        """Ends the stream: checks the share of refused rows and gives the segment, or None without rows."""
        if self.csv is not None:
            block = self.csv.finish()
            if block is not None:
                self._store(block)
        counts = self.counts
        judged = counts.total - counts.unselected
        if judged and counts.filtered / judged > self.plan.options.max_filter_ratio:
            self.writer.abandon()
            raise LoadError("INTERNAL_ERROR", "too many filtered rows")
        if self.plan.condition is not None and self.sink.saw_delete:
            self.writer.abandon()
            raise internal(f"memtable of tablet {self.plan.table.id + 3} delete with condition column "
                           f"{self.plan.condition.name}")
        condition = self.plan.condition.uid if self.plan.condition is not None else None
        return self.writer.finish(self.plan.table.id, self.plan.partial, condition)

    def abandon(self):
        self.writer.abandon()
