"""Rows that an UPDATE carries into a publication's row filter: PostgreSQL sends them as an INSERT that leaves out the large
values which did not change and are not of the replica identity."""
import pytest

from tests.support.job_file import merge
from tests.support.rows_job import FRESH

BIG = "repeat(md5({}::text), 200)"
CREATED = {
    "DEFAULT": ("CREATE TABLE docs (id int, status text, v text, big text, PRIMARY KEY (id, status))",),
    "INDEX": ("CREATE TABLE docs (id int PRIMARY KEY, status text NOT NULL, v text, big text)",
              "CREATE UNIQUE INDEX docs_border ON docs (id, status)", "ALTER TABLE docs REPLICA IDENTITY USING INDEX docs_border"),
    "FULL": ("CREATE TABLE docs (id int PRIMARY KEY, status text NOT NULL, v text, big text)", "ALTER TABLE docs REPLICA IDENTITY FULL"),
}
FILTERED = merge(FRESH, {"source": {"postgres-cdc": {"publication.name": "mine"}}})
ADVICE = 'ALTER TABLE "public"."docs" REPLICA IDENTITY FULL'


def begin(case, identity, changes=None, rows=20):
    case.source(*CREATED[identity], "ALTER TABLE docs ALTER big SET STORAGE EXTERNAL",
                f"INSERT INTO docs SELECT n, CASE WHEN n % 2 = 0 THEN 'live' ELSE 'draft' END, 'v', {BIG.format('n')} FROM generate_series(1, {rows}) n",
                "CREATE PUBLICATION mine FOR TABLE docs WHERE (status = 'live')")
    walrock = case.walrock("public.docs", merge(FILTERED, changes or {})).start()
    walrock.wait_until_ready("public.docs")
    return walrock


def copies(walrock):
    return walrock.log().count("copied table=public.docs")


def assert_the_live_rows_are_there(case):
    columns = "id, status, v, big"
    wanted = case.source(f"SELECT {columns} FROM docs WHERE status = 'live'")
    assert sorted((int(row[0]), *row[1:]) for row in case.target(f"SELECT {columns} FROM docs")) == sorted(wanted)


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("identity", ["DEFAULT", "INDEX"])
def test_a_row_that_comes_in_without_a_large_value_has_its_table_copied_again(case, identity, is_streamed):
    if is_streamed:
        case.source_as_superuser(f"ALTER ROLE replicator IN DATABASE {case.name} SET logical_decoding_work_mem = '64kB'")
    walrock = begin(case, identity)
    many = f"INSERT INTO docs SELECT n, 'live', repeat('w', 400), 'small' FROM generate_series(1001, {3000 if is_streamed else 1010}) n"
    case.source("BEGIN", many, "UPDATE docs SET status = 'live' WHERE id = 3", "COMMIT")
    walrock.wait_until("the table to be copied again", lambda: copies(walrock) == 2, 60)
    walrock.wait_until_ready("public.docs")
    case.source("UPDATE docs SET v = 'w' WHERE id IN (3, 4)", "UPDATE docs SET status = 'gone' WHERE id = 6")
    case.settle(walrock)
    assert_the_live_rows_are_there(case)
    log = walrock.log()
    assert "table is copied again table=public.docs" in log and "row filter" in log and "column big" in log and ADVICE in log


def test_a_row_that_comes_in_whole_needs_no_copy(case):
    walrock = begin(case, "FULL")
    case.source("UPDATE docs SET status = 'live' WHERE id IN (3, 5)")
    case.settle(walrock)
    assert_the_live_rows_are_there(case)
    assert copies(walrock) == 1 and "large value" not in walrock.log()


def test_a_row_that_comes_in_with_another_large_value_needs_no_copy(case):
    walrock = begin(case, "INDEX")
    case.source(f"UPDATE docs SET status = 'live', big = {BIG.format(99)} WHERE id = 3", "UPDATE docs SET v = 'w' WHERE id = 4")
    case.settle(walrock)
    assert_the_live_rows_are_there(case)
    assert copies(walrock) == 1


def test_of_a_history_the_table_is_set_aside(case):
    walrock = begin(case, "INDEX", {"sink": {"starrocks": {"history": True}}})
    case.source("UPDATE docs SET status = 'live' WHERE id = 3")
    table = walrock.wait_until_table("public.docs", "errored")
    assert "row filter" in table["reason"] and "column big" in table["reason"], table
    assert ADVICE in walrock.log()
    assert walrock.is_running


def test_check_and_start_tell_what_a_row_filter_needs(case):
    walrock = begin(case, "INDEX")
    found = walrock.command("check")
    for text in (found.stdout, walrock.log()):
        assert "row filter" in text and "(v, big)" in text and ADVICE in text, text
    case.source(ADVICE)
    found = walrock.command("check")
    assert ADVICE not in found.stdout, found.stdout
