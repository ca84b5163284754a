"""The whole stand-in: what the listeners share, and its start and end."""
import asyncio
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web

from rockpool.catalog import Catalog
from rockpool.clock import Clock
from rockpool.errors import LoadError, internal
from rockpool.faults import Faults
from rockpool.rest.backend import Backend
from rockpool.rest.cluster import Cluster
from rockpool.rest.frontend import Frontend
from rockpool.rest.merge_commit import MergeCommits
from rockpool.rest.multi import MultiTable
from rockpool.jobs import Jobs
from rockpool.meta import Meta
from rockpool.scan.reading import Reading
from rockpool.sql import rewrite
from rockpool.stats import Stats
from rockpool.storage import Storage
from rockpool.txn import Transactions
from rockpool.users import Users
from rockpool.version import Version
from rockpool.watch import Watches

HOST = "127.0.0.1"
CLEAN_SECONDS = 30


def truth(value):
    return value if isinstance(value, bool) else str(value).lower() == "true"


SETTINGS = {  # name -> who holds it, under which name, how it is read
    "max_running_txn_num_per_db": ("txns", "max_running", int),
    "label_keep_max_num": ("txns", "keep_number", int),
    "label_keep_max_second": ("txns", "keep_seconds", int),
    "tablet_max_versions": ("txns", "max_versions", int),
    "compaction_versions_per_second": ("txns", "compacted_per_second", float),
    "empty_load_as_error": ("world", "empty_load_as_error", truth),
    "streaming_load_max_mb": ("world", "max_body_mb", float),
    "streaming_load_max_batch_size_mb": ("world", "max_json_mb", float),
    "transaction_clean_interval_second": ("world", "clean_seconds", float),
    "timeout_check_interval_second": ("world", "timeout_seconds", float)}

class PortTaken(Exception):
    pass


class World:
    def __init__(self, folder, version=None, counting=False, quiet=False, frontends=1, seed=0,
                 memory=None):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.quiet, self.counting = folder, quiet, counting
        self.version = version or Version()
        self.started = time.time()
        self.meta = Meta(os.path.join(folder, "meta.sqlite"))
        self.catalog = Catalog(self.meta, self.version)
        self.clock = Clock()
        self.stats = Stats(self.log, self.clock)
        self.storage = Storage(folder, self.meta, self.catalog, self.log, memory)
        rewrite.finish(self)
        self.txns = Transactions(self.meta, self.storage, self.catalog, self.stats, self.clock)
        self.watches = self.txns.watches = Watches(self.catalog)
        self.users = Users(self.meta)
        self.faults = Faults(self.log, seed)
        self.parser = ThreadPoolExecutor(1, "load-parser")
        self.dead_backends = set()
        self.empty_load_as_error = True
        self.max_body_mb, self.max_json_mb = 102400, 100
        self.tracking_logs = {}  # txn id -> text of the error log
        self.on_visible = {}  # txn id -> what to call when it becomes visible
        self.frontend_config = {}
        self.global_variables = {}
        self.ports = {}
        self.multi = MultiTable(self)
        self.merging = MergeCommits(self)
        self.reading = Reading(self, HOST)
        self.jobs = Jobs(self)
        self.frontends = [Frontend(self, n, HOST) for n in range(frontends)]
        self.cluster = Cluster(self)
        self.backends = [Backend(self, n, HOST) for n in range(2)]
        self.waiters = {}  # txn id -> asyncio.Event, set when the transaction is finished
        self.timeout_seconds = 1.0  # how often timeouts are looked for; 30 in a real server
        self.clean_seconds = CLEAN_SECONDS
        self.txns.on_end.append(self._ended)
        self.tasks = []
        self.tls, self.require_tls, self.fe_https = None, False, None  # an SSLContext; a port, None for no HTTPS

    def log(self, text):
        if not self.quiet:
            sys.stderr.write(time.strftime("%H:%M:%S ") + text + "\n")
            sys.stderr.flush()

    @property
    def frontend(self):
        """The frontend that leads."""
        return self.cluster.leader

    @property
    def mysql(self):
        return self.frontends[0].mysql

    @property
    def empty_load_text(self):
        if self.version.since(3, 3):
            return ("No partitions have data available for loading. If you are sure there may be no data to be loaded, "
                    "you can use `ADMIN SET FRONTEND CONFIG ('empty_load_as_error' = 'false')` to ensure such load jobs "
                    "can succeed")
        return "all partitions have no load data"

    # ------------------------------------------------------------ loads
    async def parse(self, work, *arguments):
        """Runs the parsing of a large body aside, so that small requests are answered meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self.parser, work, *arguments)

    async def check_new_keys(self, plan, segment):
        """A partial update may only bring new keys when every column left out has a default or takes NULL."""
        present = set(segment.read().column_names)
        missing = [c for c in plan.table.columns if c.store_name not in present and not c.nullable
                   and not c.has_default and not c.auto_increment and c.generated is None]
        if not missing:
            return
        keys = plan.table.key_columns
        cursor = await self.storage.snapshot([plan.table.id])
        rows = segment.read().select([k.store_name for k in keys])

        def unknown():
            cursor.register("incoming", rows)
            same = " AND ".join(f"t.{k.store_name} = CAST(i.{k.store_name} AS {k.type.duckdb()})" for k in keys)
            return cursor.execute(f"SELECT count(*) FROM incoming AS i ANTI JOIN {plan.table.store_name} AS t "
                                  f"ON {same}").fetchall()[0][0]
        try:
            if await self.storage.read(unknown):
                raise internal(f"partial update of a new key: Column has no default value. column: {missing[0].name}")
        finally:
            cursor.close()

    def commit_prepared(self, txn):
        """Commits what a backend prepared; it may become visible later."""
        faults, table = self.faults, txn.tables[0] if txn.tables else None
        failing = faults.fire("fail", "commit", table, txn.label, txn.database)
        if failing:
            raise internal(failing.get("message", "commit failed"))
        if txn.state != "PREPARED":
            raise internal(txn.reason or "transaction not found")
        late = faults.fire("publish_timeout", None, table, txn.label, txn.database)
        self.txns.commit(txn, publish=not late)
        if late:
            self.release_later(txn, float(late.get("seconds", 5)))

    def release_later(self, txn, seconds):
        """Publication of a committed transaction is kept back for a while."""
        asyncio.get_running_loop().call_later(seconds, self.txns.publication.release, txn)

    async def visible(self, txn, seconds):
        """Waits until a committed transaction is visible; whether it is."""
        if txn.state == "COMMITTED" and seconds > 0:
            done = self.waiters.setdefault(txn.id, asyncio.Event())
            try:
                await asyncio.wait_for(done.wait(), seconds)
            except asyncio.TimeoutError:
                pass
        return txn.state == "VISIBLE"

    async def caught_up(self, table):
        """Waits until everything committed to a table is visible: what is written next is published after it."""
        while (last := self.txns.committed_on(table.id)) is not None:
            await self.visible(last, 60)

    def need_leader(self, more=""):
        """What a backend says when no frontend leads that it could ask."""
        if self.cluster.leader_is_away:
            raise LoadError("THRIFT_RPC_ERROR", f"call frontend service failed, address={HOST}:9020, "
                            f"reason=connect() failed: Connection refused{more and '. ' + more}")

    def order(self, point, seconds, backend=None, frontend=None):
        """A restart, a leader switch or a jump of the clock, now."""
        if point == "restart_be":
            for one in self.backends if backend is None else [backend]:
                self.cluster.restart_backend(one, seconds)
        elif point == "away_be":
            for one in self.backends if backend is None else [backend]:
                self.cluster.cut_off(one, seconds)
        elif point == "away_fe":
            self.cluster.cut_off(self.frontend, seconds)
        elif point == "restart_fe":
            self.cluster.restart_frontend(self.frontend if frontend is None else self.frontends[int(frontend)], seconds)
        elif point == "leader_switch":
            self.cluster.switch(frontend, seconds)
        elif point == "clock_jump":
            self.clock.jump(seconds)
            self.expire()
            self.txns.forget_old()
            self.tasks.append(asyncio.ensure_future(self._set_sql_clock()))

    async def _set_sql_clock(self):
        """now() of SQL goes by the servers' clock: a macro of that name stands before DuckDB's own."""
        ahead = self.clock.ahead

        def work(db):
            there = db.execute("SELECT count(*) FROM duckdb_functions() WHERE function_name = 'now' AND NOT internal")
            if ahead or there.fetchall()[0][0]:
                db.execute(f"CREATE OR REPLACE MACRO now() AS (get_current_timestamp() + INTERVAL ({ahead}) SECOND)")
        await self.storage.write(work)

    def abort(self, txn, reason):
        """Aborts a transaction; its backend forgets it."""
        self.txns.abort(txn, reason)

    def expire(self):
        self.multi.expire()
        self.txns.expire()

    def set_dead(self, numbers):
        """Backends that the frontends take for dead; what they coordinate and have not prepared is aborted."""
        numbers = set(numbers)
        for number in numbers - self.dead_backends:
            self.txns.backend_down(number)
        self.dead_backends = numbers

    def count_when_visible(self, txn_id, work):
        self.on_visible[txn_id] = work

    def _ended(self, txn):
        if txn.state == "ABORTED" and 0 <= txn.coordinator < len(self.backends):
            context = self.backends[txn.coordinator].contexts.get(txn.label)
            if context is not None and context.txn is txn and not context.busy:
                del self.backends[txn.coordinator].contexts[txn.label]
                if context.stream is not None:
                    context.stream.abandon()
        done = self.waiters.pop(txn.id, None)
        if done is not None:
            done.set()
        work = self.on_visible.pop(txn.id, None)
        if work is not None and txn.state == "VISIBLE":
            work()
        if len(self.tracking_logs) > 2000:
            self.tracking_logs.pop(next(iter(self.tracking_logs)))

    def approximate_rows(self, table):
        """Rows merged so far, from the store's own statistics; cheap and a little late."""
        return self.storage.estimate(table)

    async def count_rows(self, table):
        if self.counting:
            name = f"{self.catalog.database_of(table).name}.{table.name}"
            return self.stats.counting[name]["rows"] if name in self.stats.counting else 0
        return await self.storage.count(table)

    # ------------------------------------------------------------ settings of /_rockpool
    def settings(self):
        return {**{name: getattr(self._holder(name), place) for name, (_, place, _) in SETTINGS.items()},
                "counting": self.counting, "version": self.version.text}

    def _holder(self, name):
        return self.txns if SETTINGS[name][0] == "txns" else self

    def set(self, given):
        for name, value in given.items():
            if name not in SETTINGS:
                raise KeyError(f"setting {name} is not known; known: {', '.join(SETTINGS)}")
            _, place, read = SETTINGS[name]
            setattr(self._holder(name), place, read(value))

    # ------------------------------------------------------------ start and end
    async def start(self, fe_http, be_http, mysql):
        """Opens all ports; the numbers that serve, in the form of the ready line. With several frontends fe_http and
        mysql may be lists; the line names those of the first one, which leads, and then all."""
        fe_http, mysql = (list(p) if isinstance(p, (list, tuple)) else [p] for p in (fe_http, mysql))
        for backend, port in zip(self.backends, be_http):
            await self._guarded(backend.open_ports(port), port, "--be-http")
        for n, frontend in enumerate(self.frontends):
            http, sql = (p[n] if n < len(p) else 0 for p in (fe_http, mysql))
            frontend.port = await self._guarded(frontend.door.open(http), http, "--fe-http")
            await self._guarded(frontend.open_mysql(sql), sql, "--mysql")
        first = self.frontends[0]
        self.ports = {"fe_http": first.port, "be_http": [b.port for b in self.backends], "mysql": first.mysql_port}
        if len(self.frontends) > 1:
            self.ports["frontends"] = [{"fe_http": f.port, "mysql": f.mysql_port} for f in self.frontends]
        if self.tls is not None and self.fe_https is not None:
            runner = first.door.runner
            site = web.TCPSite(runner, HOST, self.fe_https, backlog=1024, ssl_context=self.tls)
            await self._guarded(site.start(), self.fe_https, "--fe-https")
            self.ports["fe_https"] = runner.addresses[-1][1]
        self.ports.update(await self.reading.start(self._guarded))
        await self._set_sql_clock()
        self.tasks.append(asyncio.ensure_future(self._clockwork()))
        return self.ports

    async def _guarded(self, start, port, option):
        try:
            return await start
        except OSError as e:
            raise PortTaken(f"port {port} of {option} on {HOST} cannot be opened: {e.strerror or e}. Choose another one, "
                            f"or 0 for any free port.") from None

    async def _clockwork(self):
        cleaned = looked = time.monotonic()
        while True:
            await asyncio.sleep(1)
            now = time.monotonic()
            try:
                if now - looked >= self.timeout_seconds - 0.1:
                    looked = now
                    self.expire()
                self.reading.expire()
                await self.storage.tidy()
                if now - cleaned > self.clean_seconds:
                    cleaned = now
                    self.txns.forget_old()
            except Exception as e:
                self.log(f"clockwork: {type(e).__name__}: {e}")

    async def stop(self):
        self.cluster.stop()
        for task in self.tasks:
            task.cancel()
        for frontend in self.frontends:
            await frontend.mysql.stop()
        for server in (*self.frontends, *self.backends):
            await server.door.end()
        await self.reading.stop()
        self.parser.shutdown(wait=True)
        self.storage.close()
        self.meta.close()
