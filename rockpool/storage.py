"""The rows of all tables, in one DuckDB file, and the committed segments that wait to be merged into it.

A commit only puts segments into a table's queue, which is what makes small loads cheap. Whoever reads a table has
its queue merged first, so a commit is visible at once. One thread writes; readers get a snapshot of their own.
"""
import asyncio
import contextlib
import os
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import duckdb

from rockpool import merge
from rockpool.scan.versions import Versions
from rockpool.segments import Segment
from rockpool.sql import udf

MERGE_ROWS = 250_000  # a queue is merged without being asked when it holds this many rows
MERGE_BYTES = 64 << 20
MERGE_SEGMENTS = 2000
MERGE_TOTAL_BYTES = 192 << 20  # of all queues together: then the largest is merged
IDLE_SECONDS = 20.0  # or when its oldest segment has waited this long
MERGING_BYTES = 256 << 20  # loads wait while merges of this size are under way
COUNTED_SECONDS = 5.0  # statements change tables, too: counts that are added up are good for a while
MEMORY = "2GB"  # of the row store, the largest user of memory; what does not fit goes to disk


class Queue:
    """Committed segments of one table, in order of commit."""

    def __init__(self):
        self.segments, self.rows, self.bytes, self.since = [], 0, 0, time.monotonic()

    def add(self, segment):
        self.segments.append(segment)
        self.rows += segment.rows
        self.bytes += segment.size

    def put_back(self, segments):
        """Segments that could not be merged, before those that came after them."""
        for segment in segments:
            self.add(segment)
        self.segments.sort(key=lambda s: s.seq)


class Storage:
    def __init__(self, folder, meta, catalog, log, memory=None):
        self.folder, self.meta, self.catalog, self.log = folder, meta, catalog, log
        self.spool = os.path.join(folder, "spool")
        os.makedirs(self.spool, exist_ok=True)
        self.db = duckdb.connect(os.path.join(folder, "rows.duckdb"), config={
            "threads": min(4, len(os.sched_getaffinity(0))),
            "memory_limit": memory or os.environ.get("ROCKPOOL_MEMORY", MEMORY),
            "temp_directory": os.path.join(folder, "tmp")})
        self.db.execute("SET TimeZone = 'UTC'")
        udf.install(self.db)
        self.db.execute("CREATE TABLE IF NOT EXISTS applied (table_id BIGINT, seq BIGINT)")
        self.db.execute("CREATE TABLE IF NOT EXISTS changed (table_id BIGINT, version BIGINT)")
        self.writer = ThreadPoolExecutor(1, "store-writer")
        self.readers = ThreadPoolExecutor(4, "store-reader")
        self.queues = defaultdict(Queue)  # table id -> what waits for it
        self.waiting_bytes = 0
        self.merging_bytes = 0  # taken from queues and not merged yet
        self.counted = {}  # table id -> when its rows were last counted, and not only added up
        self.has_room = asyncio.Event()
        self.has_room.set()
        self.stuck = {}  # table id -> seq of the first segment that could not be merged; the writing thread's
        self.on_truncate = lambda table_id: None  # what is prepared for a table goes with its partitions
        self.tasks = set()
        self.versions = Versions(meta)
        self.counts = {int(name[1:]): rows for name, rows in self.db.execute(  # table id -> rows as of the last merge
            "SELECT table_name, estimated_size FROM duckdb_tables() WHERE table_name ~ '^t[0-9]+$'").fetchall()}

    # ------------------------------------------------------------ threads
    async def write(self, work, *arguments):
        """Runs work(connection, ...) in the writing thread, in one transaction."""
        return await asyncio.get_running_loop().run_in_executor(self.writer, self._transaction, work, arguments)

    def _transaction(self, work, arguments):
        self.db.execute("BEGIN TRANSACTION")
        try:
            result = work(self.db, *arguments)
            self.db.execute("COMMIT")
            return result
        except BaseException:
            with contextlib.suppress(duckdb.Error):  # a COMMIT that fails has rolled back already
                self.db.execute("ROLLBACK")
            raise

    async def snapshot(self, tables=()):
        """A connection that sees everything committed so far to these tables, and nothing that comes later.

        Taking the queues, merging and pinning are one job, so no reader sees half of a transaction of many tables.
        """
        batches = self._take(tables)
        cursor, failed = await asyncio.get_running_loop().run_in_executor(self.writer, self._merge, batches, True)
        self._merged(batches, failed)
        return cursor

    async def read(self, work, *arguments):
        return await asyncio.get_running_loop().run_in_executor(self.readers, work, *arguments)

    # ------------------------------------------------------------ queues
    def commit(self, segments):
        """Makes committed segments visible. Their seq is set."""
        for key in {s.table_id for s in segments}:
            self.versions.bump(key)
        for segment in segments:
            queue = self.queues[segment.table_id]
            queue.add(segment)
            self.waiting_bytes += segment.size
            if queue.rows >= MERGE_ROWS or queue.bytes >= MERGE_BYTES or len(queue.segments) >= MERGE_SEGMENTS:
                self._settle_soon(segment.table_id)
            elif self.waiting_bytes >= MERGE_TOTAL_BYTES:
                self._settle_soon(max(self.queues, key=lambda k: self.queues[k].bytes))

    def _settle_soon(self, key):
        batches = self._take([key])
        if batches:
            task = asyncio.ensure_future(self._settle(batches))
            self.tasks.add(task)
            task.add_done_callback(self._settled)

    def _settled(self, task):
        self.tasks.discard(task)
        if not task.cancelled():
            task.exception()  # it is logged, and the queue keeps its loads

    async def settle(self, tables):
        """Merges the queues of tables (ids) into the store."""
        batches = self._take(tables)
        if batches:
            await self._settle(batches)

    def _settle(self, batches):
        """Hands the job over at once, so that jobs run in the order in which queues were taken."""
        job = asyncio.get_running_loop().run_in_executor(self.writer, self._merge, batches, False)

        async def wait():
            _, failed = await job
            self._merged(batches, failed)
        return wait()

    async def room(self):
        """Waits until merges have caught up with loads, so that what waits for them stays bounded."""
        await self.has_room.wait()

    def _take(self, tables):
        """Takes the queues of tables: [(target, segments)]. Must not wait between this and handing over the job."""
        batches = []
        for key in dict.fromkeys(tables):
            queue = self.queues.pop(key, None)
            if queue is None:
                continue
            self.waiting_bytes -= queue.bytes
            table = self.catalog.by_id.get(key)
            if table is None:
                self._discard(queue.segments)
            else:
                self.merging_bytes += queue.bytes
                if self.merging_bytes >= MERGING_BYTES:
                    self.has_room.clear()
                target = merge.Target.of(table)
                if time.monotonic() - self.counted.get(key, 0) < COUNTED_SECONDS:
                    target.stored_rows = self.counts.get(key, -1)
                else:
                    self.counted[key] = time.monotonic()
                batches.append((target, queue.segments))
        return batches

    def _merge(self, batches, pin):
        """In the writing thread: (pinned cursor or None, {table id: why its segments could not be merged})."""
        failed = {}
        for target, queue in batches:
            if self.stuck.get(target.id, queue[0].seq) < queue[0].seq:
                failed[target.id] = RuntimeError(f"earlier loads of table {target.name} could not be merged")
                continue
            try:
                self._transaction(merge.apply, (target, queue))
                self.stuck.pop(target.id, None)
            except Exception as e:
                self.log(f"merging {len(queue)} loads into table {target.name} failed: {e}")
                failed[target.id] = e
                self.stuck[target.id] = queue[0].seq
        if failed or not pin:
            return None, failed
        cursor = self.db.cursor()
        cursor.execute("BEGIN TRANSACTION")
        cursor.execute("SELECT 1 FROM applied LIMIT 1").fetchall()
        return cursor, failed

    def _merged(self, batches, failed):
        """Forgets segments that are merged, puts back the others: a committed row is never lost, only late."""
        for target, queue in batches:
            self.merging_bytes -= sum(s.size for s in queue)
            if target.id in failed:
                self.queues[target.id].put_back(queue)
                self.waiting_bytes += sum(s.size for s in queue)
            else:
                self.counts[target.id] = target.stored_rows
                self._discard(queue)
        if self.merging_bytes < MERGING_BYTES:
            self.has_room.set()
        if failed:
            raise next(iter(failed.values()))

    def _discard(self, queue):
        self.meta.drop_segments([s.id for s in queue])
        for segment in queue:
            segment.forget()

    async def tidy(self):
        """Merges what has waited for long; called once a second."""
        now = time.monotonic()
        for key in [k for k, queue in self.queues.items() if now - queue.since > IDLE_SECONDS][:20]:
            with contextlib.suppress(Exception):  # logged; the queue keeps its loads and is tried again
                await self.settle([key])

    def restore(self, visible):
        """After a restart: queues the committed segments; returns those of transactions not yet visible."""
        applied = self._transaction(_newest_applied, ())
        open_segments, known, stale = defaultdict(list), set(), []
        remembered = self.meta.keys("txn")
        for key, txn_id, table_id, seq, head, path, body in self.meta.segments():
            segment = Segment.restored(key, table_id, seq, head, path, body)
            if seq and seq <= applied.get(table_id, 0):
                stale.append(segment)
                continue
            known.add(path)
            is_forgotten = seq and txn_id not in remembered  # a label may be, before its rows are merged
            if txn_id in visible or is_forgotten:
                self.commit_quietly(segment)
            else:
                open_segments[txn_id].append(segment)
        self._discard(stale)
        for name in os.listdir(self.spool):
            if os.path.join(self.spool, name) not in known:
                os.unlink(os.path.join(self.spool, name))
        return open_segments

    def commit_quietly(self, segment):
        self.queues[segment.table_id].add(segment)
        self.waiting_bytes += segment.size

    def highest_seq(self):
        return self.db.execute("SELECT coalesce(max(seq), 0) FROM applied").fetchall()[0][0]

    # ------------------------------------------------------------ tables
    async def create(self, table):
        await self.write(lambda db: db.execute(merge.create_sql(table)))

    async def drop(self, table):
        if table.id in self.queues:
            queue = self.queues.pop(table.id)
            self.waiting_bytes -= queue.bytes
            self._discard(queue.segments)
        self.versions.reset(table.id)
        await self.write(lambda db: db.execute(f"DROP TABLE IF EXISTS {table.store_name}"))

    async def truncate(self, table):
        self.on_truncate(table.id)
        await self.settle([table.id])
        self.versions.reset(table.id)
        await self.write(lambda db: db.execute(f"DELETE FROM {table.store_name}"))

    async def run(self, table, *statements, version=None):
        """Statements against one table, after its queue has been merged; and the schema version they lead to."""
        await self.settle([table.id])

        def work(db):
            for statement in statements:
                db.execute(statement)
            if version is not None:
                db.execute("DELETE FROM changed WHERE table_id = ?", (table.id,))
                db.execute("INSERT INTO changed VALUES (?, ?)", (table.id, version))
        self.versions.bump(table.id)
        await self.write(work)

    def changed_to(self, table_id):
        """The schema version to which the rows of a table were last rewritten, or None. Before the first statement."""
        found = self.db.execute("SELECT version FROM changed WHERE table_id = ?", (table_id,)).fetchone()
        return found and found[0]

    async def count(self, table):
        cursor = await self.snapshot([table.id])
        try:
            query = f"SELECT count(*) FROM {table.store_name}"
            return (await self.read(lambda: cursor.execute(query).fetchall()))[0][0]
        finally:
            cursor.close()

    def estimate(self, table):
        return self.counts.get(table.id, 0) + (self.queues[table.id].rows if table.id in self.queues else 0)

    def close(self):
        """Waits for the merges under way; what still waits in queues is kept for the next start."""
        self.writer.shutdown(wait=True)
        self.readers.shutdown(wait=True)
        self.db.close()


def _newest_applied(db):
    """{table id: seq of its newest merged segment}; one row per table is kept."""
    applied = dict(db.execute("SELECT table_id, max(seq) FROM applied GROUP BY table_id").fetchall())
    db.execute("DELETE FROM applied")
    if applied:
        db.executemany("INSERT INTO applied VALUES (?, ?)", list(applied.items()))
    return applied
