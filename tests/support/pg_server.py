"""A PostgreSQL server of our own, in a fresh folder, on a free port of 127.0.0.1.

The server refuses to run as root; started by root, it runs as the account `postgres`. Only password
logins (scram-sha-256) are let in, so that a wrong password is wrong.
"""
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import psycopg2.extensions

from tests.support.programs import end_of, free_port, postgres_programs
from tests.support.waiting import NotReached, wait_until

SUPERUSER = "postgres"
SUPERUSER_PASSWORD = "owner_pass"
REPLICATOR = "replicator"
REPLICATOR_PASSWORD = "replicator_pass"

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "wal_level": "logical",
    "max_replication_slots": "20",
    "max_wal_senders": "20",
    "max_connections": "100",
    "max_prepared_transactions": "10",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "log_min_messages": "warning",
}


class PgServer:
    """Starts and ends one server process; use it with `with`."""

    def __init__(self, folder=None, durable=False, **settings):
        """`durable` keeps fsync on; without it a server is quicker, and safe as long as the machine lives."""
        self._owns_folder = folder is None
        self.folder = Path(folder or tempfile.mkdtemp(prefix="walrock-pg-"))
        self.port = free_port()
        self.settings = {**SETTINGS, **settings}
        if not durable:
            self.settings |= {"fsync": "off", "full_page_writes": "off"}
        self._server = None

    # -- life ---------------------------------------------------------------------------------

    def __enter__(self):
        try:
            self.init()
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        self.remove()

    def init(self):
        """Makes the cluster folder and the two roles."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        password = self.folder / "password"
        password.write_text(SUPERUSER_PASSWORD + "\n", encoding="ascii")
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            for path in (self.folder, password):
                os.chown(path, account.pw_uid, account.pw_gid)
        self._run("initdb", "-D", self.cluster_folder, "-U", SUPERUSER, "-A", "scram-sha-256", "--pwfile", password,
                  "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        password.unlink()

    def start(self, seconds=60):
        options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        with open(self.log_path, "ab") as log:
            self._server = subprocess.Popen(
                self._as_account(postgres_programs() / "postgres", "-D", self.cluster_folder, "-p", str(self.port),
                                 "-k", self.folder, *options),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        wait_until("PostgreSQL to take connections", self._takes_connections, seconds)
        self._make_replicator()

    def stop(self):
        """The fast shutdown: ends sessions, keeps everything that was committed."""
        if self._server is not None:
            self._end(signal.SIGINT)

    def stop_immediately(self):
        """The immediate shutdown: nothing is written, the next start recovers."""
        if self._server is not None:
            self._end(signal.SIGQUIT)

    def kill(self):
        """kill -9 of the postmaster; its children end by themselves when they notice."""
        if self._server is not None:
            self._end(signal.SIGKILL)
            wait_until("the children of PostgreSQL to end", self._is_abandoned, 30)

    def restart(self):
        self.stop()
        self.start()

    def remove(self):
        if self._owns_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    # -- use ----------------------------------------------------------------------------------

    @property
    def cluster_folder(self):
        return self.folder / "cluster"

    @property
    def log_path(self):
        return self.folder / "server.log"

    @property
    def pid(self):
        return self._server.pid

    def dsn(self, database="postgres", user=SUPERUSER, password=SUPERUSER_PASSWORD):
        return f"host=127.0.0.1 port={self.port} dbname={database} user={user} password={password}"

    def connect(self, database="postgres", user=SUPERUSER, password=SUPERUSER_PASSWORD, autocommit=True):
        connection = psycopg2.connect(self.dsn(database, user, password))
        connection.autocommit = autocommit
        return connection

    def execute(self, database, *statements, user=SUPERUSER, password=SUPERUSER_PASSWORD):
        """Runs statements, each a transaction of its own; returns the rows of the last that has any."""
        connection = self.connect(database, user, password)
        try:
            with connection.cursor() as cursor:
                rows = None
                for statement in statements:
                    cursor.execute(statement)
                    rows = cursor.fetchall() if cursor.description else rows
                return rows
        finally:
            connection.close()

    def scalar(self, database, statement):
        return self.execute(database, statement)[0][0]

    def current_lsn(self):
        return self.scalar("postgres", "SELECT pg_current_wal_lsn()::text")

    def create_database(self, name, owner=REPLICATOR):
        self.execute("postgres", f'CREATE DATABASE "{name}" OWNER "{owner}"')

    def drop_database(self, name):
        """Also drops the replication slots that hold it."""
        for (slot, pid) in self.execute(
                "postgres", f"SELECT slot_name, active_pid FROM pg_replication_slots WHERE database = '{name}'"):
            if pid:
                self.execute("postgres", f"SELECT pg_terminate_backend({pid})")
            # A temporary one goes with its session.
            wait_until(f"slot {slot} to be free", lambda slot=slot: not (self.slot(slot) or {}).get("active_pid"), 20)
            self.execute("postgres", f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{slot}'")
        self.execute("postgres", f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        wait_until(f"sessions of {name} to end", lambda: not self.scalar(
            "postgres", f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"), 20)
        self.execute("postgres", f'DROP DATABASE IF EXISTS "{name}"')

    def slot(self, name):
        """The row of pg_replication_slots as a dict, or None."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT * FROM pg_replication_slots WHERE slot_name = %s", (name,))
                row = cursor.fetchone()
                return dict(zip([column.name for column in cursor.description], row)) if row else None
        finally:
            connection.close()

    @contextmanager
    def transaction(self, database, user=SUPERUSER, password=SUPERUSER_PASSWORD):
        """A cursor in one transaction, committed at the end."""
        connection = self.connect(database, user, password, autocommit=False)
        try:
            with connection.cursor() as cursor:
                yield cursor
            connection.commit()
        finally:
            connection.close()

    # -- inside -------------------------------------------------------------------------------

    def _as_account(self, program, *arguments):
        command = [str(program), *map(str, arguments)]
        if os.geteuid() != 0:
            return command
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]

    def _run(self, program, *arguments):
        done = subprocess.run(self._as_account(postgres_programs() / program, *arguments), cwd="/",
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stdout[-1000:]}{done.stderr[-2000:]}")

    def _takes_connections(self):
        if self._server.poll() is not None:
            raise NotReached(f"PostgreSQL ended at its start:\n{end_of(self.log_path)}")
        try:
            self.connect().close()
            return True
        except psycopg2.OperationalError:
            return False

    def _make_replicator(self):
        if not self.scalar("postgres", f"SELECT count(*) FROM pg_roles WHERE rolname = '{REPLICATOR}'"):
            self.execute("postgres",
                         f"CREATE ROLE {REPLICATOR} WITH REPLICATION LOGIN PASSWORD '{REPLICATOR_PASSWORD}'")

    def _end(self, by_signal):
        self._server.send_signal(by_signal)
        try:
            self._server.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._server = None

    def _is_abandoned(self):
        """True when no process works in the cluster folder any more."""
        marks = str(self.cluster_folder)
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(entry / "cwd") == marks:
                    return False
            except OSError:
                continue
        return True
