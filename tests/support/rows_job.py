"""One running job for all tests of a module: each test brings its own tables, changes them and compares them.

A start and a copy cost seconds, a change and a comparison a fraction of one. A table that is set aside leaves the
others going, so the tests do not disturb one another.
"""
from contextlib import contextmanager

import pytest

from tests.support.case import Case

FRESH = {"walrock": {"freshness": "200ms"}}


class RowsJob:
    """Statements are gathered while the module is read; running() performs them and starts the job."""

    def __init__(self):
        self._statements = []

    def having(self, *statements):
        """A decorator: these statements are performed before the copy."""
        self._statements += statements
        return lambda test: test

    @contextmanager
    def running(self, name, pg, rockpool, folder, changes=None):
        with Case(name, pg, rockpool, folder) as case:
            case.source(*self._statements)
            with case.walrock("public.*", changes or FRESH) as walrock:
                walrock.start()
                walrock.wait_until("every table to be copied", lambda: self._is_copied(walrock))
                yield Rows(case, walrock)

    def _is_copied(self, walrock):
        tables = (walrock.status() or {}).get("tables", [])
        return tables and all(table["state"] in ("ready", "errored") for table in tables)


class Rows:
    """What a test of such a module works with."""

    def __init__(self, case, walrock):
        self.case, self.walrock = case, walrock

    def since(self, major):
        """For what older servers do not send, such as partitions as one table (13)."""
        if int(self.case.source("SHOW server_version_num")[0][0]) < major * 10000:
            pytest.skip(f"PostgreSQL {major} or later")

    def change(self, *statements):
        """Each statement is a transaction of its own."""
        self.case.source(*statements)

    def change_at_once(self, *statements):
        """One transaction, so one batch."""
        with self.case.transaction() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def compare(self, *tables):
        """After everything is flushed; a table that is set aside fails with its reason."""
        self.case.settle(self.walrock)
        for name in tables:
            table = self.walrock.table(f"public.{name}")
            assert table and table["state"] == "ready", table
        self.case.assert_identical(*tables)
