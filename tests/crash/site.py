"""What one worker of the matrix owns: a PostgreSQL, a rockpool, and the life of one case on them."""
import contextlib
import json
import random
import re
import shutil
import signal
import socket
import sqlite3
import tempfile
from pathlib import Path

import psycopg2
import pymysql
import requests
from psycopg2.extras import LogicalReplicationConnection

from tests.crash.workload import Workload, make_statements
from tests.support import job_file, verify
from tests.support.pg_server import REPLICATOR, REPLICATOR_PASSWORD, PgServer
from tests.support.rockpool import Rockpool
from tests.support.waiting import NotReached, wait_until
from tests.support.walrock import Walrock, parse_lsn

PG_SETTINGS = {
    "logical_decoding_work_mem": "64kB",  # a transaction of some hundred rows is streamed in progress
    "wal_sender_timeout": "10s",
    "max_replication_slots": "50",
}
PATIENCE = 120.0  # a loaded machine is slow, and a hang lasts for ever


class Site:
    """Servers that are reused over cases; each case has a job, a schema and a target database of its own."""

    def __init__(self, number):
        self.number = number
        self.folder = Path(tempfile.mkdtemp(prefix=f"walrock-crash-{number}-"))
        self.pg = PgServer(**PG_SETTINGS)
        self.rockpool = Rockpool(self.folder / "rockpool", frontends=2)
        # A server that is down must find its ports free again: none that the kernel lends to clients.
        self.pg.port, *self.rockpool.fe_ports = (lasting_port() for _ in range(3))
        self.rockpool.be_ports = [lasting_port(), lasting_port()]
        self.rockpool.mysql_ports = [lasting_port(), lasting_port()]

    def __enter__(self):
        self.pg.__enter__()
        self.rockpool.start()
        return self

    def mend(self):
        """After a case that failed in the middle: both servers run and have no orders."""
        self.rockpool.kill()
        self.pg.kill()
        self.pg.start()
        self.rockpool.start()

    def __exit__(self, *_):
        self.rockpool.stop()
        self.pg.__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)


def lasting_port():
    """A free port below those of outgoing connections."""
    while True:
        port = random.randrange(12000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Life:
    """One job from its first start to the comparison."""

    def __init__(self, site, name, tables, seed, changes, rows):
        self.pg, self.rockpool, self.name, self.tables = site.pg, site.rockpool, name, tables
        self.is_soft = changes.get("sink", {}).get("starrocks", {}).get("deletes") == "soft"
        self.folder = site.folder / name
        self.folder.mkdir()
        self.pg.create_database(name)
        self.pg.execute(name, *make_statements(tables, rows), user=REPLICATOR, password=REPLICATOR_PASSWORD)
        content = job_file.job(name, self.pg, self.rockpool, name, "public.*", name, self.folder / "checkpoint", changes)
        self.walrock = Walrock(job_file.write_job(self.folder / "job.yml", content))
        self.workload = Workload(self._connect, seed, tables)

    def source(self, *statements):
        self.pg.execute(self.name, *statements, user=REPLICATOR, password=REPLICATOR_PASSWORD)

    def take_failover(self):
        """Standbys are not to keep the slot any more; only a replication connection can say so."""
        dsn = self.pg.dsn(self.name, REPLICATOR, REPLICATOR_PASSWORD)
        with contextlib.closing(psycopg2.connect(dsn, connection_factory=LogicalReplicationConnection)) as connection:
            connection.cursor().execute(f"ALTER_REPLICATION_SLOT {self.name}_slot (FAILOVER false)")

    def _connect(self):
        return self.pg.connect(self.name, REPLICATOR, REPLICATOR_PASSWORD, autocommit=False)

    def end(self, keeps_folder):
        self.walrock.kill()
        self.pg.drop_database(self.name)
        for database in (self.name, state_database(self.name)):
            self.rockpool.execute(f"DROP DATABASE IF EXISTS {database} FORCE")
        if not keeps_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    # -- life and death -----------------------------------------------------------------------

    def start(self, failpoint=None):
        self.walrock.set_environment({"WALROCK_FAILPOINT": failpoint or ""})
        self.walrock.start()

    def wait_for_death(self, failpoint):
        """Until the failpoint has killed it; a failpoint that is never reached fails the case."""
        code = self.walrock.wait_for_exit(PATIENCE)
        assert code == -signal.SIGKILL, f"walrock ended with {code}, not at {failpoint}:\n{self.walrock.end_of_log()}"
        self.assert_nothing_is_acknowledged_ahead()

    def wait_for_failure(self, failpoint):
        """Until a failpoint that throws was reached. It goes on or ends with an error."""
        name = failpoint.split(":")[0]
        wait_until(f"{failpoint} to be reached",
                   lambda: f"failpoint reached name={name}" in self.walrock.log() or not self.walrock.is_running, PATIENCE)
        assert f"failpoint reached name={name}" in self.walrock.log(), self.walrock.end_of_log()

    def wait_for_work(self, transactions):
        reached = self.workload.transactions + transactions
        wait_until("the source to go on", lambda: self.workload.transactions >= reached or self.workload.failure, PATIENCE)

    def assert_nothing_is_acknowledged_ahead(self):
        """PostgreSQL was never told more than the checkpoint knows."""
        known = self.checkpoint_flushed()
        slot = self.pg.slot(f"{self.name}_slot")
        if known is None or slot is None:
            return
        consistent, flushed = known
        told = parse_lsn(slot["confirmed_flush_lsn"])
        assert told <= max(consistent, flushed), f"PostgreSQL was told {told:x}, the checkpoint has {flushed:x}"

    def checkpoint_flushed(self):
        """(consistent_lsn, flushed_lsn or logged_lsn) of the store; None without one, or when it knows no slot yet."""
        job, flushed = self._records_in_starrocks() or self._records_in_file() or (None, None)
        if not job or not flushed or parse_lsn(job) == 0:
            return None
        return parse_lsn(job), max(map(parse_lsn, flushed))

    def _records_in_starrocks(self):
        """Of the newest start whose records are complete."""
        try:
            rows = self.rockpool.execute(f"SELECT incarnation, kind, content FROM {state_database(self.name)}.checkpoint "
                                         "WHERE kind IN ('owner', 'job') ORDER BY incarnation DESC")
        except pymysql.MySQLError:  # it is not there, or nobody answers
            return None
        records = [(number, kind, json.loads(content)) for number, kind, content in rows]
        for number, kind, owner in records:
            if kind == "owner" and owner["state"] != "claimed":
                job = next((content["consistent_lsn"] for of, kind, content in records if of == number and kind == "job"), None)
                return job, (owner["flushed_lsn"], owner["logged_lsn"])
        return None

    def _records_in_file(self):
        """Read from a copy, so that looking changes nothing."""
        store = self.folder / "checkpoint" / "checkpoint.db"
        if not store.exists():
            return None
        with tempfile.TemporaryDirectory() as copy:
            for path in store.parent.glob("checkpoint.db*"):
                if not path.name.endswith("-shm"):
                    shutil.copy(path, copy)
            connection = sqlite3.connect(Path(copy) / "checkpoint.db")
            try:
                job = connection.execute("SELECT consistent_lsn FROM job").fetchone()
                flushed = connection.execute("SELECT flushed_lsn, logged_lsn FROM progress").fetchone()
            except sqlite3.OperationalError:  # killed before its tables were made
                return None
            finally:
                connection.close()
        return (job and job[0]), flushed

    # -- the end ------------------------------------------------------------------------------

    def status(self):
        """Asked of the program itself; None while it does not answer."""
        try:
            address = (self.folder / "checkpoint" / "endpoint").read_text(encoding="ascii").split()[0]
            return requests.get(f"http://{address}/api/v1/status", timeout=5).json()
        except (OSError, IndexError, ValueError):
            return None

    def state_of(self, table):
        tables = (self.status() or {}).get("tables", [])
        return next((found["state"] for found in tables if found["name"] == f"public.{table}"), None)

    def settle(self):
        """Quiet: every table is ready, and everything that the source has is acknowledged."""
        self.workload.stop()
        end = parse_lsn(self.pg.current_lsn())

        def is_quiet():
            if "parts" in self.tables and not self._are_partitions_looked_at(end):
                return False
            if not self.walrock.is_running:
                raise NotReached(f"walrock ended by itself:\n{self.walrock.end_of_log()}")
            status = self.status() or {}
            tables = status.get("tables", [])
            errored = [table for table in tables if table["state"] == "errored"]
            if errored:
                raise NotReached(f"set aside: {errored}\n{self.walrock.end_of_log()}")
            return (len(tables) == len(self.tables) and all(table["state"] == "ready" for table in tables)
                    and parse_lsn(status["flushed_lsn"]) >= end)

        try:
            wait_until("everything to be in the target", is_quiet, PATIENCE, every=0.02)
        except NotReached as late:
            raise NotReached(f"{late}\nstatus: {json.dumps(self.status())}\n{self.walrock.end_of_log()}") from None

    def _are_partitions_looked_at(self, end):
        """Two looks behind the last change: what the first one saw is under way when the second has come."""
        looks = re.findall(r"partitions looked at .*lsn=(\S+)", self.walrock.log())
        return sum(parse_lsn(lsn) >= end for lsn in looks) >= 2

    def compare(self):
        if self.is_soft:
            for table in self.tables:
                if table != "events":
                    self.rockpool.execute(f"DELETE FROM {self.name}.{table} WHERE _walrock_deleted = TRUE")
        pairs = [(f"public.{table}", f"{self.name}.{table}") for table in self.tables]
        found = verify.compare(self.pg.dsn(self.name), self.rockpool.mysql_address, pairs)
        assert all(comparison.identical for comparison in found), "\n".join(map(str, found)) + self.walrock.end_of_log()
        if "narrow" in self.tables:
            left = self.rockpool.execute(f"SELECT COUNT(*) FROM {self.name}._walrock_quarantine")
            assert int(left[0][0]) == 0, f"{left[0][0]} rows are in quarantine, and their keys are gone"

    def stop_clean(self):
        """A clean stop leaves nothing behind: no label, no open transaction."""
        assert self.walrock.stop() == 0, self.walrock.end_of_log()
        open_ones = self.rockpool.execute(f"SHOW PROC '/transactions/{self.name}/running'")
        assert not open_ones, f"transactions that nobody ends: {open_ones}"
        self.assert_nothing_is_acknowledged_ahead()

    def copy_again(self):
        """A table that was set aside comes back when its target is dropped."""
        self.walrock.stop()
        for table in self.tables:
            self.rockpool.execute(f"DROP TABLE IF EXISTS {self.name}.{table} FORCE")
        self.start()


def state_database(name):
    """Where the checkpoint is of a job that keeps it in StarRocks."""
    return f"{name}_state"


def database_name(case_id):
    """A name for both databases and the slot: short, lower case."""
    return re.sub(r"\W+", "_", case_id).strip("_").lower()
