"""Load transactions: their states, and the labels that name them. Used by the event loop's thread only.

PREPARE -> PREPARED -> COMMITTED -> VISIBLE, or ABORTED from the first two. A label is unique in its database while
its newest transaction is not ABORTED, and is remembered for 3 days or the last 1000 finished transactions.
"""
import re
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass, field, replace

from rockpool.clock import Clock
from rockpool.errors import LoadError, analysis, internal
from rockpool.publication import Publication

LABEL = re.compile(r"[-\w]{1,128}", re.A)
FINISHED = ("VISIBLE", "ABORTED")
KEEP_SECONDS = 259200
KEEP_NUMBER = 1000
MAX_RUNNING = 1000
PREPARED_SECONDS = 86400
MIN_TIMEOUT, MAX_TIMEOUT = 1, 259200
TIMED_OUT = "timeout by txn manager"
BACKEND_DOWN = "coordinate BE is down"
WIDTHS = {"BOOLEAN": 1, "TINYINT": 1, "SMALLINT": 2, "INT": 4, "BIGINT": 8, "FLOAT": 4, "DOUBLE": 8, "DATE": 4,
          "DATETIME": 8}  # bytes of a value; 16 where the type is not here
LOST = "LOST"  # of a PREPARE transaction that no frontend knows any more; a backend may still hold its load
MAX_VERSIONS = 1000  # tablet_max_versions
COMPACTED_PER_SECOND = 500.0  # versions of a table that compaction merges away in a second: a pass takes many small ones


@dataclass
class Txn:
    id: int
    label: str
    database_id: int
    database: str
    tables: list  # names, for people
    table_ids: list
    state: str = "PREPARE"
    coordinator: int = -1  # number of the backend; -1: the frontend
    source: str = "BACKEND_STREAMING"
    kind: str = "STREAM"  # TYPE in information_schema.loads
    multi: bool = False
    timeout: float = 600.0
    prepared_timeout: float = float(PREPARED_SECONDS)
    idle_timeout: float = 0.0
    begun: float = field(default_factory=time.time)
    prepared: float = 0.0
    committed: float = 0.0
    published: float = 0.0
    finished: float = 0.0
    active: float = 0.0  # last call, for the idle timeout
    reason: str = ""
    user: str = "root"
    total: int = 0
    loaded: int = 0
    filtered: int = 0
    unselected: int = 0
    bytes: int = 0
    tracking: str = ""  # ErrorURL
    headers: dict = field(default_factory=dict)
    seq: int = 0
    parts: list = field(default_factory=list)  # of many tables: id, tables and counts of the load into each
    gone_tables: list = field(default_factory=list)  # ids of tables truncated meanwhile: what was loaded is lost

    def jobs(self):
        """Loads as information_schema shows them: this one, or one per table."""
        return [replace(self, **part) for part in self.parts] or [self]

    @property
    def is_finished(self):
        return self.state in FINISHED


class Transactions:
    """The label tables of all databases."""

    def __init__(self, meta, storage, catalog, stats, clock=None):
        self.meta, self.storage, self.catalog, self.stats = meta, storage, catalog, stats
        self.clock = clock or Clock()
        self.by_id = {}
        self.labels = {}  # (database id, label) -> its transactions that are remembered, oldest first
        self.running = Counter()  # database id -> transactions that are not finished
        self.finished = OrderedDict()  # id -> Txn in order of finishing
        self.segments = {}  # txn id -> segments of transactions that are not visible yet
        self.error_logs = {}  # file name -> text; in BE memory only
        self.max_running = MAX_RUNNING
        self.keep_number, self.keep_seconds = KEEP_NUMBER, KEEP_SECONDS
        self.seq = 0
        self.watches = None  # what wants to know when rows become visible
        self.storage.on_truncate = self.truncated
        self.on_end = []  # called with the transaction when it is finished
        self.versions = {}  # table id -> (versions that compaction has not merged, when that was counted)
        self.max_versions, self.compacted_per_second = MAX_VERSIONS, COMPACTED_PER_SECOND
        self._restore()
        self.publication = Publication(catalog, self.segments, self._publish)

    def _restore(self):
        for key, kept in self.meta.all("txn"):
            txn = Txn(**kept)
            if txn.state == "PREPARE":  # never in the frontends' journal: a restart of all of them forgets it
                self.meta.remove("txn", key)
                continue
            self.by_id[key] = txn
            self._name(txn)
            self.seq = max(self.seq, txn.seq)
            if txn.is_finished:
                self.finished[key] = txn
            else:
                self.running[txn.database_id] += 1
        for txn in sorted(self.finished.values(), key=lambda t: t.finished):
            self.finished.move_to_end(txn.id)
        self.seq = max(self.seq, self.storage.highest_seq())
        visible = {t.id for t in self.by_id.values() if t.state in ("COMMITTED", "VISIBLE")}
        self.segments = self.storage.restore(visible)
        for txn in sorted(self.by_id.values(), key=lambda t: t.seq):
            if txn.state == "COMMITTED":
                self._finish(txn, "VISIBLE")

    def save(self, txn):
        self.meta.put("txn", txn.id, txn.__dict__)

    # ------------------------------------------------------------ finding
    def by_label(self, database_id, label):
        """The newest transaction of a label; earlier ones are aborted."""
        found = self.labels.get((database_id, label))
        return found[-1] if found else None

    def _name(self, txn):
        self.labels.setdefault((txn.database_id, txn.label), []).append(txn)

    def _unname(self, txn):
        key = (txn.database_id, txn.label)
        self.labels[key].remove(txn)
        if not self.labels[key]:
            del self.labels[key]

    def newest_of(self, database_id):
        return [t for t in self.by_id.values() if t.database_id == database_id]

    def unfinished_on(self, table_id):
        return [t for t in self.by_id.values() if table_id in t.table_ids and not t.is_finished]

    # ------------------------------------------------------------ begin
    def begin(self, database, tables, label, timeout, **more):
        """Opens a transaction, or raises what a client reads; the order of the checks is the server's."""
        if not label:
            raise analysis("empty label")
        check_timeout(timeout)
        self.check_quota(database)
        check_label(label)
        earlier = self.by_label(database.id, label)
        if earlier is not None and earlier.state != "ABORTED":
            raise already_used(label, "FINISHED" if earlier.state in ("COMMITTED", "VISIBLE") else "RUNNING")
        if self.running[database.id] >= self.max_running:
            raise analysis(f"current running txns on db {database.id} is {self.running[database.id]}, "
                           f"larger than limit {self.max_running}")
        txn = Txn(self.meta.number("txn"), label, database.id, database.name, [t.name for t in tables],
                  [t.id for t in tables], timeout=timeout, begun=self.clock.now(), **more)
        txn.active = txn.begun
        self.by_id[txn.id] = txn
        self._name(txn)
        self.running[database.id] += 1
        self.save(txn)
        self.stats.began(txn)
        return txn

    def check_quota(self, database):
        quota = int(database.properties.get("data_quota", 0))
        if quota and self.size_of(database) >= quota:
            raise analysis(f"Database[{database.name}] data size exceeds quota[{readable(quota)}]")

    def size_of(self, database):
        """Bytes of a database's rows: rows times what a row of their types takes."""
        return sum(self.storage.estimate(t) * sum(WIDTHS.get(c.type.name, 16) for c in t.columns)
                   for t in database.tables.values() if t.view_sql is None)

    # ------------------------------------------------------------ the way to VISIBLE
    def prepare(self, txn, segments, prepared_timeout=None):
        """The rows are safe from now on: they survive a restart."""
        self._check_known(txn)
        txn.state, txn.prepared = "PREPARED", self.clock.now()
        if prepared_timeout is not None:
            txn.prepared_timeout = prepared_timeout
        with self.meta.together():
            self._keep(txn, segments)
            self.save(txn)
        self.stats.prepared(txn)

    @staticmethod
    def _check_known(txn):
        if txn.state == LOST:
            raise analysis("transaction not found")

    def _keep(self, txn, segments):
        kept = []
        for s in segments:
            if s.table_id in txn.gone_tables:
                s.forget()
                continue
            kept.append(s)
            self.meta.add_segment(s.id, txn.id, s.table_id, 0, s.head(), s.path, s.body())
        self.segments[txn.id] = kept

    def commit(self, txn, segments=None, publish=True):
        """From PREPARED, or from PREPARE with the rows given. Visible at once unless its publication is kept back
        (publish=False: until publication.release()) or that of an earlier one of the same tables is."""
        self._check_known(txn)
        with self.meta.together():  # a segment has a seq if and only if its transaction is committed
            self._commit(txn, segments, publish)

    def _commit(self, txn, segments, publish):
        if segments is not None:
            self._keep(txn, segments)
        self.seq += 1
        txn.seq = self.seq
        txn.state, txn.committed = "COMMITTED", self.clock.now()
        for segment in self.segments.get(txn.id, ()):
            segment.seq = txn.seq
        if self.segments.get(txn.id):
            self.meta.sequence_segments(txn.id, txn.seq)
        self.stats.committed(txn)
        self.publication.add(txn, held=not publish)
        if txn.state == "COMMITTED":
            self.save(txn)

    def _publish(self, txn):
        """COMMITTED -> VISIBLE: readers see the rows."""
        txn.published = self.clock.now()
        for table_id in dict.fromkeys(txn.table_ids):
            self.versions[table_id] = (self.versions_of(table_id) + 1, txn.published)
        segments = self.segments.pop(txn.id, [])
        if self.watches is not None and self.watches.known:
            self.watches.published(txn, segments)
        self.storage.commit(segments)
        self._finish(txn, "VISIBLE")

    def abort(self, txn, reason):
        if txn.state not in ("PREPARE", "PREPARED"):
            return
        for segment in self.segments.pop(txn.id, []):
            self.meta.drop_segments([segment.id])
            segment.forget()
        txn.reason = reason
        self._finish(txn, "ABORTED")

    def _finish(self, txn, state):
        txn.state, txn.finished = state, self.clock.now()
        self.running[txn.database_id] -= 1
        self.finished[txn.id] = txn
        self.save(txn)
        self.stats.ended(txn)
        for listener in self.on_end:
            listener(txn)

    # ------------------------------------------------------------ versions of tablets
    def versions_of(self, table_id):
        """Versions that a tablet of a table has: one per load, fewer as compaction goes on."""
        count, when = self.versions.get(table_id, (0, 0.0))
        return max(0.0, count - (self.clock.now() - when) * self.compacted_per_second)

    def check_versions(self, table):
        """A load writes to tablets that take a version more, or fails."""
        count = int(self.versions_of(table.id))
        if count >= self.max_versions:
            raise too_many_versions(table, count + 1, self.max_versions)

    # ------------------------------------------------------------ what happens to tables and servers meanwhile
    def truncated(self, table_id):
        """Rows loaded or prepared for a table, and not visible yet, go with its partitions; commits succeed. An INSERT
        is the statement that empties the table itself, or comes after it."""
        for txn in self.unfinished_on(table_id):
            if txn.kind == "INSERT":
                continue
            if table_id not in txn.gone_tables:
                txn.gone_tables.append(table_id)
            kept = []
            for segment in self.segments.get(txn.id, ()):
                if segment.table_id == table_id:
                    self.meta.drop_segments([segment.id])
                    segment.forget()
                else:
                    kept.append(segment)
            if txn.id in self.segments:
                self.segments[txn.id] = kept
            self.save(txn)

    def committed_on(self, table_id):
        """The last transaction that waits to become visible in a table, or None."""
        return self.publication.newest(table_id)

    def forget_open(self):
        """A new leader knows no PREPARE transaction: they are not in the journal [doWriteTxnStateEditLog]."""
        for txn in [t for t in self.by_id.values() if t.state == "PREPARE"]:
            txn.state = LOST
            self.running[txn.database_id] -= 1
            del self.by_id[txn.id]
            self._unname(txn)
            self.meta.remove("txn", txn.id)
            self.stats.ended(txn)

    def backend_down(self, number):
        """The frontend takes a backend for dead: the PREPARE transactions that it coordinates are aborted."""
        for txn in [t for t in self.by_id.values() if t.state == "PREPARE" and t.coordinator == number]:
            self.abort(txn, BACKEND_DOWN)

    # ------------------------------------------------------------ the clock
    def expire(self, now=None):
        """Aborts what took too long."""
        now = now or self.clock.now()
        gone = []
        for txn in [t for t in self.by_id.values() if not t.is_finished]:
            if txn.state == "PREPARE" and now - txn.begun > txn.timeout:
                gone.append((txn, TIMED_OUT))
            elif txn.state == "PREPARE" and txn.idle_timeout and now - txn.active > txn.idle_timeout:
                gone.append((txn, f"transaction is aborted by idle timeout {int(txn.idle_timeout)} seconds."))
            elif txn.state == "PREPARED" and now - txn.prepared > txn.prepared_timeout:
                gone.append((txn, TIMED_OUT))
        for txn, reason in gone:
            self.abort(txn, reason)

    def forget_old(self, now=None):
        """Drops labels of finished transactions: older than 3 days, or beyond the newest 1000 of a database."""
        now = now or self.clock.now()
        count = Counter(t.database_id for t in self.finished.values())
        for txn in list(self.finished.values()):
            if count[txn.database_id] > self.keep_number or now - txn.finished > self.keep_seconds:
                count[txn.database_id] -= 1
                self._forget(txn)

    def _forget(self, txn):
        del self.finished[txn.id]
        del self.by_id[txn.id]
        self._unname(txn)
        self.meta.remove("txn", txn.id)

    def drop_database(self, database_id):
        for txn in self.newest_of(database_id):
            self.abort(txn, "database is dropped")
            if txn.id in self.finished:
                self._forget(txn)


def check_label(label):
    if not LABEL.fullmatch(label):
        raise analysis(f"Label format error. regex: ^[-\\w]{{1,128}}$, label: {label}")


def check_timeout(timeout):
    if not MIN_TIMEOUT <= timeout <= MAX_TIMEOUT:
        raise analysis(f"Invalid timeout. Timeout should between {MIN_TIMEOUT} and {MAX_TIMEOUT} seconds")


def already_used(label, status):
    return LoadError("LABEL_ALREADY_EXISTS", f"Label [{label}] has already been used.", ExistingJobStatus=status)


def too_many_versions(table, count, limit):
    return internal(f"Failed to load data into tablet {table.id + 3}, because of too many versions, current/limit: "
                    f"{count}/{limit}. You can reduce the loading job concurrency, or increase loading data batch size. If "
                    "you are loading data with Routine Load, you can increase FE configs "
                    "routine_load_task_consume_second and max_routine_load_batch_size,")


def readable(size):
    """Bytes as the frontend prints a quota: three decimals and the largest unit that fits."""
    for unit in ("B", "KB", "MB", "GB", "TB", "PB"):
        if size < 1024 or unit == "PB":
            return f"{size:.3f} {unit}"
        size /= 1024
