"""What came with PostgreSQL 18: virtual generated columns, stored ones that a publication sends, keys without overlaps."""
import pytest

from tests.support.case import Case
from tests.support.pg_server import PgServer
from tests.support.pg_versions import server_programs
from tests.support.rows_job import FRESH

NEWEST = {major: folder for major, folder in server_programs().items() if major >= 18}

TABLE = ("CREATE TABLE kinds (half int GENERATED ALWAYS AS (a / 2) VIRTUAL, a int, twice int GENERATED ALWAYS AS (a * 2) STORED, "
         "id int PRIMARY KEY, v text)", "INSERT INTO kinds (a, id, v) SELECT n, n, 'old' FROM generate_series(1, 10) n")
CHANGES = ("UPDATE kinds SET a = 100 WHERE id = 1", "INSERT INTO kinds (id, v) VALUES (11, 'new')", "DELETE FROM kinds WHERE id = 2",
           "UPDATE kinds SET id = 30, a = NULL WHERE id = 3")


@pytest.fixture(scope="module", params=NEWEST, ids=[f"pg{major}" for major in NEWEST])
def server(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PG_BIN", str(NEWEST[request.param]))
        with PgServer() as pg:
            yield pg


@pytest.fixture
def case(server, rockpool, tmp_path):
    with Case("generated_kinds", server, rockpool, tmp_path) as made:
        yield made


def follow(case, changes):
    with case.walrock("kinds", changes) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.kinds")
        case.source(*CHANGES)
        case.settle(walrock)
        assert walrock.table("public.kinds")["state"] == "ready", walrock.table("public.kinds")
    wanted = case.source("SELECT id::text, a::text, v FROM kinds ORDER BY kinds.id")
    assert case.target("SELECT id, a, v FROM kinds ORDER BY id") == [list(row) for row in wanted]


def test_virtual_generated_columns_are_left_out_and_the_others_are_exact(case):
    case.source(*TABLE)
    follow(case, FRESH)
    assert [row[0] for row in case.target("DESC kinds")] == ["id", "a", "v"]


def test_a_publication_that_sends_stored_generated_columns_changes_nothing_of_the_others(case):
    case.source(*TABLE, "CREATE PUBLICATION mine FOR TABLE kinds WITH (publish_generated_columns = stored)")
    follow(case, {"source": {"postgres-cdc": {"publication.name": "mine"}}, **FRESH})


def test_a_key_without_overlaps(case):
    """It is no replica identity, so the table says FULL; its rows are unique by the whole key all the same."""
    case.source("CREATE TABLE booked (room int4range, during int4range, v text, PRIMARY KEY (room, during WITHOUT OVERLAPS))",
                "ALTER TABLE booked REPLICA IDENTITY FULL",
                "INSERT INTO booked SELECT int4range(n, n + 1), int4range(n, n + 5), 'old' FROM generate_series(1, 10) n")
    with case.walrock("booked", FRESH) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.booked")
        case.source("UPDATE booked SET v = 'new' WHERE room = '[1,2)'", "UPDATE booked SET during = '[100,200)' WHERE room = '[2,3)'",
                    "DELETE FROM booked WHERE room = '[3,4)'", "INSERT INTO booked VALUES ('[3,4)', '[3,4)', 'again')")
        case.settle_and_compare(walrock, "booked")
