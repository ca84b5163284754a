"""The whole stand-in: what the listeners share, and its start and end."""
import asyncio
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web

from rockpool.catalog import Catalog
from rockpool.errors import LoadError, internal
from rockpool.faults import Faults
from rockpool.rest.backend import Backend
from rockpool.rest.frontend import Frontend
from rockpool.rest.multi import MultiTable
from rockpool.jobs import Jobs
from rockpool.meta import Meta
from rockpool.stats import Stats
from rockpool.storage import Storage
from rockpool.txn import Transactions
from rockpool.users import Users
from rockpool.version import Version

HOST = "127.0.0.1"
CLEAN_SECONDS = 30


class PortTaken(Exception):
    pass


class World:
    def __init__(self, folder, version=None, counting=False, quiet=False):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.quiet, self.counting = folder, quiet, counting
        self.version = version or Version()
        self.started = time.time()
        self.meta = Meta(os.path.join(folder, "meta.sqlite"))
        self.catalog = Catalog(self.meta, self.version)
        self.stats = Stats(self.log)
        self.storage = Storage(folder, self.meta, self.catalog, self.log)
        self.txns = Transactions(self.meta, self.storage, self.catalog, self.stats)
        self.users = Users(self.meta)
        self.faults = Faults()
        self.parser = ThreadPoolExecutor(1, "load-parser")
        self.dead_backends = set()
        self.empty_load_as_error = True
        self.tracking_logs = {}  # txn id -> text of the error log
        self.on_visible = {}  # txn id -> what to call when it becomes visible
        self.frontend_config = {}
        self.global_variables = {}
        self.ports = {}
        self.multi = MultiTable(self)
        self.jobs = Jobs(self)
        self.frontend = Frontend(self)
        self.backends = [Backend(self, n, HOST) for n in range(2)]
        self.txns.on_end.append(self._ended)
        self.runners, self.tasks = [], []
        self.mysql = None

    def log(self, text):
        if not self.quiet:
            sys.stderr.write(time.strftime("%H:%M:%S ") + text + "\n")
            sys.stderr.flush()

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

    async def commit_prepared(self, txn, headers):
        """Commits what a backend prepared; True when it is not visible at once."""
        faults, table = self.faults, txn.tables[0] if txn.tables else None
        if faults.rules and (failing := faults.fire("fail", "commit", table, txn.label)):
            raise internal(failing.get("message", "commit failed"))
        late = faults.rules and faults.fire("publish_timeout", None, table, txn.label)
        if txn.state != "PREPARED":
            raise LoadError("ABORTED", f"transaction {txn.id} is {txn.state}")
        self.txns.commit(txn, publish=not late)
        if late:
            self.publish_later(txn, float(late.get("seconds", 5)))
        return bool(late)

    def publish_later(self, txn, seconds):
        asyncio.get_running_loop().call_later(seconds, self.txns.publish, txn)

    def abort(self, txn, reason):
        """Aborts a transaction; its backend forgets it."""
        self.txns.abort(txn, reason)

    def expire(self):
        self.txns.expire()

    def count_when_visible(self, txn_id, work):
        self.on_visible[txn_id] = work

    def _ended(self, txn):
        if txn.state == "ABORTED" and 0 <= txn.coordinator < len(self.backends):
            context = self.backends[txn.coordinator].contexts.get(txn.label)
            if context is not None and context.txn is txn and not context.busy:
                del self.backends[txn.coordinator].contexts[txn.label]
                if context.stream is not None:
                    context.stream.abandon()
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
        return {"max_running_txn_num_per_db": self.txns.max_running, "label_keep_max_num": self.txns.keep_number,
                "label_keep_max_second": self.txns.keep_seconds, "empty_load_as_error": self.empty_load_as_error,
                "counting": self.counting, "version": self.version.text}

    def set(self, given):
        for name, value in given.items():
            if name == "max_running_txn_num_per_db":
                self.txns.max_running = int(value)
            elif name == "label_keep_max_num":
                self.txns.keep_number = int(value)
            elif name == "label_keep_max_second":
                self.txns.keep_seconds = int(value)
            elif name == "empty_load_as_error":
                self.empty_load_as_error = value if isinstance(value, bool) else str(value).lower() == "true"
            else:
                raise KeyError(f"setting {name} is not known")

    # ------------------------------------------------------------ start and end
    async def start(self, fe_http, be_http, mysql):
        """Opens all ports; the numbers that serve, in the form of the ready line."""
        from rockpool.mysql.server import MysqlServer
        fe = await self._listen(self.frontend.app(), fe_http, "--fe-http")
        for backend, port in zip(self.backends, be_http):
            backend.port = await self._listen(backend.app(), port, "--be-http")
        self.ports = {"fe_http": fe, "be_http": [b.port for b in self.backends]}
        self.mysql = MysqlServer(self)
        self.ports["mysql"] = await self._guarded(self.mysql.start(HOST, mysql), mysql, "--mysql")
        self.tasks.append(asyncio.ensure_future(self._clockwork()))
        return self.ports

    async def _guarded(self, start, port, option):
        try:
            return await start
        except OSError as e:
            raise PortTaken(f"port {port} of {option} on {HOST} cannot be opened: {e.strerror or e}. Choose another one, "
                            f"or 0 for any free port.") from None

    async def _listen(self, app, port, option):
        runner = web.AppRunner(app, access_log=None, keepalive_timeout=75, handle_signals=False, auto_decompress=False,
                               shutdown_timeout=0.2, max_field_size=32768, max_headers=512, read_bufsize=4 << 20)
        await runner.setup()
        self.runners.append(runner)
        site = web.TCPSite(runner, HOST, port, backlog=1024, reuse_address=True)
        await self._guarded(site.start(), port, option)
        return runner.addresses[0][1]

    async def _clockwork(self):
        cleaned = time.monotonic()
        while True:
            await asyncio.sleep(1)
            try:
                self.expire()
                await self.storage.tidy()
                if time.monotonic() - cleaned > CLEAN_SECONDS:
                    cleaned = time.monotonic()
                    self.txns.forget_old()
            except Exception as e:
                self.log(f"clockwork: {type(e).__name__}: {e}")

    async def stop(self):
        for task in self.tasks:
            task.cancel()
        if self.mysql is not None:
            await self.mysql.stop()
        for runner in self.runners:
            await runner.cleanup()
        self.parser.shutdown(wait=True)
        self.storage.close()
        self.meta.close()
