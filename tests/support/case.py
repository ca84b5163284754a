"""What one end-to-end test works with: a database on each side, job files, a comparison at the end."""
from tests.support import job_file, verify
from tests.support.pg_server import REPLICATOR, REPLICATOR_PASSWORD
from tests.support.walrock import Walrock


class Case:
    """A source database and a target database of the same name, dropped at the end with all slots."""

    def __init__(self, name, pg, rockpool, folder):
        self.name, self.pg, self.rockpool, self.folder = name, pg, rockpool, folder
        self._walrocks = []

    def __enter__(self):
        self.pg.create_database(self.name)
        self.rockpool.execute(f"CREATE DATABASE {self.name}")
        return self

    def __exit__(self, *_):
        for walrock in self._walrocks:
            walrock.kill()
        self.pg.drop_database(self.name)
        self.rockpool.execute(f"DROP DATABASE IF EXISTS {self.name} FORCE")

    # -- source and target --------------------------------------------------------------------

    def source(self, *statements):
        """Statements in the source, by the role that owns its tables; returns the rows of the last query."""
        return self.pg.execute(self.name, *statements, user=REPLICATOR, password=REPLICATOR_PASSWORD)

    def source_as_superuser(self, *statements):
        return self.pg.execute(self.name, *statements)

    def transaction(self):
        """A cursor in one transaction of the source."""
        return self.pg.transaction(self.name, REPLICATOR, REPLICATOR_PASSWORD)

    def target(self, *statements):
        return self.rockpool.execute(*statements, database=self.name)

    def target_count(self, table):
        return self.rockpool.count(f"{self.name}.{table}")

    # -- the program --------------------------------------------------------------------------

    def walrock(self, tables, changes=None, job_name="job.yml", job_id=None, environment=None):
        """A job like the seed's for these tables (a name, a list or a pattern); not started."""
        content = job_file.job(job_id or self.name, self.pg, self.rockpool, self.name, tables, self.name,
                               self.folder / "checkpoint", changes)
        return self.walrock_with(job_file.write_job(self.folder / job_name, content), environment)

    def walrock_with(self, job_path, environment=None):
        walrock = Walrock(job_path, environment)
        self._walrocks.append(walrock)
        return walrock

    @property
    def slot_name(self):
        return f"{self.name}_slot"

    # -- the comparison -----------------------------------------------------------------------

    def settle(self, walrock, seconds=60.0):
        """Waits until everything that is committed in the source now is committed in the target."""
        walrock.wait_until_flushed(self.pg.current_lsn(), seconds)

    def assert_identical(self, *tables):
        """Compares tables of schema public, named without it, with their targets of the same name."""
        pairs = [(f"public.{table}", f"{self.name}.{table}") for table in tables]
        found = verify.compare(self.pg.dsn(self.name), self.rockpool.mysql_address, pairs)
        assert all(comparison.identical for comparison in found), "\n".join(map(str, found))

    def settle_and_compare(self, walrock, *tables, seconds=60.0):
        self.settle(walrock, seconds)
        self.assert_identical(*tables)
