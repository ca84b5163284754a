"""The PostgreSQL that the tests start is one that can be killed, and that asks for passwords."""
import psycopg2
import pytest

from tests.support.pg_server import PgServer


def test_committed_rows_survive_kill_and_a_wrong_password_is_refused():
    with PgServer(durable=True) as pg:
        pg.create_database("keep")
        pg.execute("keep", "CREATE TABLE t (id int)", "INSERT INTO t VALUES (1)")
        pg.kill()
        pg.start()
        assert pg.execute("keep", "SELECT id FROM t") == [(1,)]
        assert pg.scalar("keep", "SHOW wal_level") == "logical"
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            pg.connect("keep", "replicator", "wrong")
    assert not pg.folder.exists()
