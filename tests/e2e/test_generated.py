"""What came with PostgreSQL 18: virtual generated columns, stored ones that a publication sends or not, keys without overlaps."""
from contextlib import contextmanager

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


MINE = {"source": {"postgres-cdc": {"publication.name": "mine"}}, **FRESH}
SENT = ["id", "a", "twice", "v"]
LEFT_OUT = ["id", "a", "v"]


def columns_of_target(case):
    return [row[0] for row in case.target("DESC kinds")]


def compare(case, columns):
    texts = ", ".join(column if column == "v" else f"{column}::text" for column in columns)
    wanted = case.source(f"SELECT {texts} FROM kinds ORDER BY kinds.id")
    assert case.target(f"SELECT {', '.join(columns)} FROM kinds ORDER BY id") == [list(row) for row in wanted]


@contextmanager
def following(case, changes, columns):
    with case.walrock("kinds", changes) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.kinds")
        case.source(*CHANGES)
        case.settle(walrock)
        assert walrock.table("public.kinds")["state"] == "ready", walrock.table("public.kinds")
        assert columns_of_target(case) == columns
        compare(case, columns)
        assert "copied again" not in walrock.log()
        yield walrock


def test_stored_generated_columns_are_copied_and_streamed_and_virtual_ones_are_left_out(case):
    """The publication that walrock makes asks for them."""
    case.source(*TABLE)
    with following(case, FRESH, SENT) as walrock:
        found = walrock.command("check")
        assert "kinds.half: is a virtual generated column" in found.stdout and "kinds.twice" not in found.stdout, found.stdout


def test_a_publication_that_sends_stored_generated_columns(case):
    case.source(*TABLE, "CREATE PUBLICATION mine FOR TABLE kinds WITH (publish_generated_columns = stored)")
    with following(case, MINE, SENT):
        pass


def test_a_column_list_that_names_a_generated_column(case):
    case.source(*TABLE, "CREATE PUBLICATION mine FOR TABLE kinds (id, twice, v)")
    with following(case, MINE, ["id", "twice", "v"]):
        pass


def test_a_publication_that_leaves_generated_columns_out(case):
    case.source(*TABLE, "CREATE PUBLICATION mine FOR TABLE kinds")
    with following(case, MINE, LEFT_OUT) as walrock:
        found = walrock.command("check")
        assert "kinds.twice: is a generated column that the publication does not send" in found.stdout, found.stdout


def test_a_publication_that_begins_to_send_generated_columns_has_the_table_copied_again(case):
    case.source(*TABLE, "CREATE PUBLICATION mine FOR TABLE kinds")
    with following(case, MINE, LEFT_OUT) as walrock:
        case.source("ALTER PUBLICATION mine SET (publish_generated_columns = stored)", "UPDATE kinds SET a = 77 WHERE id = 4")
        walrock.wait_until("the column to be in the target", lambda: "twice" in columns_of_target(case))
        walrock.wait_until("the table to be copied again", lambda: "copied table" in walrock.log().split("table is copied again")[-1])
        walrock.wait_until_ready("public.kinds")
        case.source("INSERT INTO kinds (a, id, v) VALUES (41, 41, 'last')")
        case.settle(walrock)
        compare(case, SENT)


def test_a_publication_that_began_to_send_generated_columns_while_walrock_was_down(case):
    case.source(*TABLE, "CREATE PUBLICATION mine FOR TABLE kinds")
    with following(case, MINE, LEFT_OUT) as walrock:
        walrock.stop()
        case.source("ALTER PUBLICATION mine SET (publish_generated_columns = stored)", "UPDATE kinds SET a = 77 WHERE id = 4")
        walrock.start()
        walrock.wait_until_ready("public.kinds")
        case.source("INSERT INTO kinds (a, id, v) VALUES (41, 41, 'last')")
        case.settle(walrock)
        compare(case, SENT)


def test_a_generated_column_that_is_added_is_copied(case):
    """Its values of old rows are in no stream."""
    case.source(*TABLE)
    with following(case, FRESH, SENT) as walrock:
        case.source("ALTER TABLE kinds ADD COLUMN thrice int GENERATED ALWAYS AS (a * 3) STORED", "UPDATE kinds SET a = 77 WHERE id = 4")
        walrock.wait_until("the table to be copied again", lambda: "thrice" in columns_of_target(case) and
                           "copied table" in walrock.log().split("table is copied again")[-1])
        walrock.wait_until_ready("public.kinds")
        case.source("INSERT INTO kinds (a, id, v) VALUES (41, 41, 'last')", "UPDATE kinds SET a = 78 WHERE id = 5")
        case.settle(walrock)
        compare(case, [*SENT, "thrice"])
        walrock.stop()
        case.source("ALTER TABLE kinds ADD COLUMN fourth int GENERATED ALWAYS AS (a * 4) STORED", "UPDATE kinds SET a = 79 WHERE id = 4")
        walrock.start()
        walrock.wait_until("the table to be copied again", lambda: "fourth" in columns_of_target(case) and
                           "copied table" in walrock.log().split("table is copied again")[-1])
        walrock.wait_until_ready("public.kinds")
        case.settle(walrock)
        compare(case, [*SENT, "thrice", "fourth"])


def test_a_stored_generated_column_may_be_the_key(case):
    case.source("CREATE TABLE keyed (a int, twice int GENERATED ALWAYS AS (a * 2) STORED PRIMARY KEY, v text)",
                "INSERT INTO keyed (a, v) SELECT n, 'old' FROM generate_series(1, 10) n")
    with case.walrock("keyed", FRESH) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.keyed")
        case.source("UPDATE keyed SET v = 'new' WHERE a = 1", "UPDATE keyed SET a = 30 WHERE a = 2", "DELETE FROM keyed WHERE a = 3")
        case.settle(walrock)
        wanted = case.source("SELECT twice::text, a::text, v FROM keyed ORDER BY keyed.twice")
        assert case.target("SELECT twice, a, v FROM keyed ORDER BY twice") == [list(row) for row in wanted]


def test_identity_full_with_a_virtual_column_is_not_published_because_its_updates_would_fail(case):
    case.source("CREATE TABLE kinds (id int PRIMARY KEY, half int GENERATED ALWAYS AS (id / 2) VIRTUAL)", "ALTER TABLE kinds REPLICA IDENTITY FULL",
                "INSERT INTO kinds VALUES (1)", "CREATE TABLE healthy (id int PRIMARY KEY)")
    with case.walrock(["kinds", "healthy"], FRESH) as walrock:
        found = walrock.command("check")
        assert found.returncode == 3 and "REPLICA IDENTITY DEFAULT" in found.stdout, found.stdout
        walrock.start()
        walrock.wait_until_ready("public.healthy")
        assert "generated column in its replica identity" in walrock.wait_until_table("public.kinds", "errored")["reason"]
        case.source("UPDATE kinds SET id = 2")


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
