"""Load transactions: their states, and the labels that name them. Used by the event loop's thread only.

PREPARE -> PREPARED -> COMMITTED -> VISIBLE, or ABORTED from the first two. A label is unique in its database while
its newest transaction is not ABORTED, and is remembered for 3 days or the last 1000 finished transactions.
"""
import re
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass, field

from rockpool.errors import LoadError, analysis

LABEL = re.compile(r"[-\w]{1,128}", re.A)
FINISHED = ("VISIBLE", "ABORTED")
KEEP_SECONDS = 259200
KEEP_NUMBER = 1000
MAX_RUNNING = 1000
PREPARED_SECONDS = 86400
MIN_TIMEOUT, MAX_TIMEOUT = 1, 259200
TIMED_OUT = "timeout by txn manager"


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

    @property
    def is_finished(self):
        return self.state in FINISHED


class Transactions:
    """The label tables of all databases."""

    def __init__(self, meta, storage, catalog, stats):
        self.meta, self.storage, self.catalog, self.stats = meta, storage, catalog, stats
        self.by_id = {}
        self.labels = {}  # (database id, label) -> newest Txn
        self.running = Counter()  # database id -> transactions that are not finished
        self.finished = OrderedDict()  # id -> Txn in order of finishing
        self.segments = {}  # txn id -> segments of transactions that are not visible yet
        self.error_logs = {}  # file name -> text; in BE memory only
        self.max_running = MAX_RUNNING
        self.keep_number, self.keep_seconds = KEEP_NUMBER, KEEP_SECONDS
        self.seq = 0
        self.evicted = OrderedDict()
        self.on_end = []  # called with the transaction when it is finished
        self._restore()

    def _restore(self):
        for key, kept in self.meta.all("txn"):
            txn = Txn(**kept)
            self.by_id[key] = self.labels[(txn.database_id, txn.label)] = txn
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
        for txn in list(self.by_id.values()):
            if txn.state == "COMMITTED":
                self._finish(txn, "VISIBLE")

    def save(self, txn):
        self.meta.put("txn", txn.id, txn.__dict__)

    # ------------------------------------------------------------ finding
    def by_label(self, database_id, label):
        return self.labels.get((database_id, label))

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
        check_label(label)
        earlier = self.labels.get((database.id, label))
        if earlier is not None and earlier.state != "ABORTED":
            raise already_used(label, "FINISHED" if earlier.state in ("COMMITTED", "VISIBLE") else "RUNNING")
        if self.running[database.id] >= self.max_running:
            raise analysis(f"current running txns on db {database.id} is {self.running[database.id]}, "
                           f"larger than limit {self.max_running}")
        txn = Txn(self.meta.number("txn"), label, database.id, database.name, [t.name for t in tables],
                  [t.id for t in tables], timeout=timeout, **more)
        txn.active = txn.begun
        self.by_id[txn.id] = self.labels[(database.id, label)] = txn
        self.running[database.id] += 1
        self.save(txn)
        self.stats.began(txn)
        return txn

    # ------------------------------------------------------------ the way to VISIBLE
    def prepare(self, txn, segments, prepared_timeout=None):
        """The rows are safe from now on: they survive a restart."""
        txn.state, txn.prepared = "PREPARED", time.time()
        if prepared_timeout is not None:
            txn.prepared_timeout = prepared_timeout
        self._keep(txn, segments)
        self.save(txn)
        self.stats.prepared(txn)

    def _keep(self, txn, segments):
        self.segments[txn.id] = segments
        for s in segments:
            self.meta.add_segment(s.id, txn.id, s.table_id, 0, s.head(), s.path, s.body())

    def commit(self, txn, segments=None, publish=True):
        """From PREPARED, or from PREPARE with the rows given."""
        if segments is not None:
            self._keep(txn, segments)
        self.seq += 1
        txn.seq = self.seq
        txn.state, txn.committed = "COMMITTED", time.time()
        for segment in self.segments.get(txn.id, ()):
            segment.seq = txn.seq
        if self.segments.get(txn.id):
            self.meta.sequence_segments(txn.id, txn.seq)
        if publish:
            self.publish(txn)
        else:
            self.save(txn)

    def publish(self, txn):
        """COMMITTED -> VISIBLE: readers see the rows."""
        if txn.state != "COMMITTED":
            return
        txn.published = time.time()
        self.storage.commit(self.segments.pop(txn.id, []))
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
        txn.state, txn.finished = state, time.time()
        self.running[txn.database_id] -= 1
        self.finished[txn.id] = txn
        self.save(txn)
        self.stats.ended(txn)
        for listener in self.on_end:
            listener(txn)

    # ------------------------------------------------------------ the clock
    def expire(self, now=None):
        """Aborts what took too long."""
        now = now or time.time()
        gone = []
        for txn in [t for t in self.by_id.values() if not t.is_finished]:
            if txn.state == "PREPARE" and now - txn.begun > txn.timeout:
                gone.append((txn, TIMED_OUT))
            elif txn.state == "PREPARE" and txn.idle_timeout and now - txn.active > txn.idle_timeout:
                gone.append((txn, "transaction is aborted by idle timeout."))
            elif txn.state == "PREPARED" and now - txn.prepared > txn.prepared_timeout:
                gone.append((txn, TIMED_OUT))
        for txn, reason in gone:
            self.abort(txn, reason)

    def forget_old(self, now=None):
        """Drops labels of finished transactions: older than 3 days, or beyond the newest 1000 of a database."""
        now = now or time.time()
        count = Counter(t.database_id for t in self.finished.values())
        for txn in list(self.finished.values()):
            if count[txn.database_id] > self.keep_number or now - txn.finished > self.keep_seconds:
                count[txn.database_id] -= 1
                self._forget(txn)

    def _forget(self, txn):
        del self.finished[txn.id]
        del self.by_id[txn.id]
        if self.labels.get((txn.database_id, txn.label)) is txn:
            del self.labels[(txn.database_id, txn.label)]
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
