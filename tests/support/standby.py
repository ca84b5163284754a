"""Copies of a PostgreSQL cluster's folder: standbys, and states to go back to."""
import shutil
from pathlib import Path

from tests.support.pg_server import SUPERUSER, SUPERUSER_PASSWORD, PgServer
from tests.support.waiting import wait_until


def copy_folder(origin, copy):
    """Of a server that is stopped; owners and rights stay."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(origin, copy, symlinks=True)
    for path in [Path(origin), *Path(origin).rglob("*")]:
        if not path.is_symlink():
            twin, state = Path(copy) / path.relative_to(origin), path.stat()
            shutil.chown(twin, state.st_uid, state.st_gid)
            twin.chmod(state.st_mode & 0o7777)


class Standby(PgServer):
    """Follows a primary; made from its folder while both are stopped."""

    def __init__(self, primary, **settings):
        super().__init__(**{**primary.settings, **settings})
        self._primary = primary

    def init(self):
        self.folder.chmod(0o755)
        if self.folder.stat().st_uid != self._primary.folder.stat().st_uid:
            shutil.chown(self.folder, self._primary.folder.stat().st_uid)
        self._primary.stop()
        copy_folder(self._primary.cluster_folder, self.cluster_folder)
        self._primary.start()
        (self.cluster_folder / "postmaster.pid").unlink(missing_ok=True)
        signal_file = self.cluster_folder / "standby.signal"
        signal_file.touch()
        shutil.chown(signal_file, self.cluster_folder.stat().st_uid)
        self.settings |= {"hot_standby": "on"}
        # In the file that ALTER SYSTEM writes: what the command line says cannot be changed while the server runs.
        with open(self.cluster_folder / "postgresql.auto.conf", "a", encoding="ascii") as settings:
            settings.write(f"primary_conninfo = 'host=127.0.0.1 port={self._primary.port} user={SUPERUSER} "
                           f"password={SUPERUSER_PASSWORD} dbname=postgres'\n")

    def catch_up(self, seconds=30):
        """Waits until everything the primary has written is replayed here."""
        wanted = self._primary.current_lsn()
        wait_until(f"the standby to replay {wanted}", lambda: self.scalar(
            "postgres", f"SELECT pg_last_wal_replay_lsn() >= '{wanted}'"), seconds)

    def stop_receiving(self):
        self.execute("postgres", "ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
        wait_until("the standby to stop receiving", lambda: not self.scalar(
            "postgres", "SELECT count(*) FROM pg_stat_wal_receiver"), 30)

    def promote(self, seconds=60):
        self.execute("postgres", "SELECT pg_promote(false)")
        wait_until("the standby to be promoted", lambda: not self.scalar(
            "postgres", "SELECT pg_is_in_recovery()"), seconds)
