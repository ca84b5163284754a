"""Rows that are deleted and stay (`deletes`), and columns that say where a row came from (`metadata-columns`)."""
import pytest

from tests.support.lost_slot import copied_again

BIG = "repeat(md5({}::text), 200)"
SOFT = {"sink": {"starrocks": {"deletes": "soft"}}}
IGNORE = {"sink": {"starrocks": {"deletes": "ignore"}}}
METADATA = {"sink": {"starrocks": {"metadata-columns": ["lsn", "commit-time", "xid", "operation", "source-table"]}}}
MADE = "_walrock_lsn, _walrock_commit_time, _walrock_xid, _walrock_operation, _walrock_source_table"


def make(case, identity="DEFAULT"):
    case.source("CREATE TABLE docs (id int PRIMARY KEY, v text, big text)", "ALTER TABLE docs ALTER big SET STORAGE EXTERNAL",
                f"ALTER TABLE docs REPLICA IDENTITY {identity}",
                f"INSERT INTO docs SELECT n, 'v' || n, {BIG.format('n')} FROM generate_series(1, 40) n")


def begin(case, changes, identity="DEFAULT"):
    make(case, identity)
    walrock = case.walrock("public.docs", changes).start()
    walrock.wait_until_ready("public.docs")
    return walrock


def source_rows(case, where="TRUE"):
    return {row[0]: tuple(row[1:]) for row in case.source(f"SELECT id, v, big FROM docs WHERE {where}")}


def target_rows(case, where="TRUE"):
    return {int(row[0]): tuple(row[1:]) for row in case.target(f"SELECT id, v, big FROM docs WHERE {where}")}


def live(case):
    return target_rows(case, "NOT _walrock_deleted")


def gone(case):
    return target_rows(case, "_walrock_deleted")


def times(case):
    return {int(row[0]): row[1] for row in case.target("SELECT id, _walrock_deleted_at FROM docs WHERE _walrock_deleted")}


@pytest.mark.parametrize("identity", ["DEFAULT", "FULL"])
def test_soft_deletes_keep_the_row_and_say_when(case, identity):
    walrock = begin(case, SOFT, identity)
    before = source_rows(case)
    case.source("DELETE FROM docs WHERE id <= 5")
    # Written and deleted in one transaction; a text that only JSON can say; a key that changes with its large value.
    case.source("BEGIN", "INSERT INTO docs VALUES (100, 'new', 'x')", "DELETE FROM docs WHERE id = 100",
                "UPDATE docs SET v = E'a\x01b' WHERE id = 6", "DELETE FROM docs WHERE id = 7", "UPDATE docs SET v = 'part' WHERE id = 8",
                "DELETE FROM docs WHERE id = 8", "COMMIT")
    case.source("UPDATE docs SET id = 1009 WHERE id = 9", "DELETE FROM docs WHERE id = 6")
    # Back again under the same key.
    case.source("INSERT INTO docs VALUES (1, 'again', NULL)")
    case.settle(walrock)
    assert live(case) == source_rows(case)
    expected = {key: before[key] for key in (2, 3, 4, 5, 7, 9)}
    expected |= {100: ("new", "x"), 6: ("a\x01b", before[6][1]), 8: ("part", before[8][1])}
    assert gone(case) == expected
    assert all(time is not None for time in times(case).values())
    assert walrock.table("public.docs")["reason"] == ""


def test_a_truncate_marks_what_is_there_and_what_came_before_it(case):
    walrock = begin(case, SOFT)
    before = source_rows(case)
    case.source("DELETE FROM docs WHERE id = 1")
    case.settle(walrock)
    first = times(case)[1]
    case.source("BEGIN", "INSERT INTO docs VALUES (50, 'before', 'b')", "UPDATE docs SET v = 'changed' WHERE id = 2", "TRUNCATE docs",
                "INSERT INTO docs VALUES (3, 'after', 'a'), (51, 'after', 'a')", "TRUNCATE docs", "INSERT INTO docs VALUES (3, 'end', 'e')",
                "COMMIT")
    case.settle(walrock)
    assert live(case) == source_rows(case) == {3: ("end", "e")}
    expected = {key: row for key, row in before.items() if key != 3}
    expected |= {2: ("changed", before[2][1]), 50: ("before", "b"), 51: ("after", "a")}
    assert gone(case) == expected
    assert times(case)[1] == first
    assert len(set(times(case).values())) == 2


@pytest.mark.parametrize("failpoint", ["before_mark_deleted", "after_mark_deleted", "after_stream_recorded"])
def test_a_truncate_that_is_killed_marks_the_same(case, failpoint):
    walrock = begin(case, SOFT)
    before = source_rows(case)
    walrock.stop()
    walrock.set_environment({"WALROCK_FAILPOINT": failpoint})
    walrock.start()
    walrock.wait_until_ready("public.docs")
    case.source("BEGIN", "INSERT INTO docs VALUES (50, 'before', 'b')", "TRUNCATE docs", "INSERT INTO docs VALUES (3, 'end', 'e')", "COMMIT")
    assert walrock.wait_for_exit(60) == -9
    walrock.set_environment({"WALROCK_FAILPOINT": ""})
    walrock.start()
    case.settle(walrock)
    assert live(case) == source_rows(case)
    assert gone(case) == {key: row for key, row in before.items() if key != 3} | {50: ("before", "b")}
    assert len(set(times(case).values())) == 1


@pytest.mark.parametrize("changes", [SOFT, IGNORE], ids=["soft", "ignore"])
@pytest.mark.parametrize("failpoint", ["", "before_copy_fill", "after_copy_fill", "before_copy_swap", "after_copy_swap"])
def test_what_stays_is_not_lost_when_the_table_is_copied_again(case, changes, failpoint):
    walrock = begin(case, changes)
    before = source_rows(case)
    case.source("DELETE FROM docs WHERE id <= 5")
    case.settle(walrock)
    marked = times(case) if changes is SOFT else {}
    lost = copied_again(case, walrock, "docs", changes, failpoint, ["DELETE FROM docs WHERE id = 6", "UPDATE docs SET v = 'new' WHERE id = 7"])
    case.settle(lost)
    stays = {key: before[key] for key in range(1, 7)}
    if changes is IGNORE:
        assert target_rows(case) == source_rows(case) | stays
        return
    assert live(case) == source_rows(case)
    assert gone(case) == stays
    assert {key: time for key, time in times(case).items() if key <= 5} == marked


def test_ignored_deletes_leave_the_row_as_it_is(case):
    walrock = begin(case, IGNORE)
    before = source_rows(case)
    case.source("DELETE FROM docs WHERE id <= 5", "UPDATE docs SET id = 1009 WHERE id = 9", "UPDATE docs SET v = 'new' WHERE id = 10")
    case.source("BEGIN", "INSERT INTO docs VALUES (100, 'new', 'x')", "DELETE FROM docs WHERE id = 100", "COMMIT")
    case.settle(walrock)
    rows = source_rows(case) | {key: before[key] for key in (1, 2, 3, 4, 5, 9)} | {100: ("new", "x")}
    assert target_rows(case) == rows
    case.source("TRUNCATE docs", "INSERT INTO docs VALUES (2, 'end', 'e')")
    case.settle(walrock)
    assert target_rows(case) == rows | {2: ("end", "e")}


def test_marks_come_to_a_target_that_was_there_before(case):
    walrock = begin(case, {})
    walrock.stop()
    soft = case.walrock("public.docs", SOFT).start()
    soft.wait_until_ready("public.docs")
    case.source("DELETE FROM docs WHERE id = 1")
    case.settle(soft)
    assert live(case) == source_rows(case)
    assert list(gone(case)) == [1]


def test_metadata_columns_say_where_each_row_came_from(case):
    walrock = begin(case, METADATA)
    rows = case.target(f"SELECT {MADE} FROM docs")
    assert {(row[2], row[3], row[4]) for row in rows} == {(None, "read", "public.docs")}
    assert len({(row[0], row[1]) for row in rows}) == 1 and rows[0][1] is not None
    with case.transaction() as cursor:
        cursor.execute("SELECT txid_current() % (1::bigint << 32)")
        xid = cursor.fetchone()[0]
        cursor.execute("INSERT INTO docs VALUES (100, 'new', 'x')")
        cursor.execute("UPDATE docs SET v = 'part' WHERE id = 2")
        cursor.execute("UPDATE docs SET id = 1003 WHERE id = 3")
        cursor.execute("UPDATE docs SET v = E'a\x01b' WHERE id = 4")
    case.settle_and_compare(walrock, "docs")
    changed = {int(row[0]): row[1:] for row in case.target(f"SELECT id, {MADE} FROM docs WHERE _walrock_operation <> 'read'")}
    assert {key: row[3] for key, row in changed.items()} == {100: "insert", 2: "update", 1003: "update", 4: "update"}
    assert {int(row[2]) for row in changed.values()} == {xid}
    assert len({(row[0], row[1]) for row in changed.values()}) == 1
    assert all(int(row[0]) > int(rows[0][0]) and row[1] >= rows[0][1] for row in changed.values())


def test_metadata_columns_come_to_a_target_that_was_there_before(case):
    walrock = begin(case, {})
    walrock.stop()
    second = case.walrock("public.docs", METADATA).start()
    second.wait_until_ready("public.docs")
    case.source("UPDATE docs SET v = 'new' WHERE id = 1")
    case.settle_and_compare(second, "docs")
    assert case.target("SELECT id, _walrock_operation FROM docs WHERE _walrock_operation IS NOT NULL") == [["1", "update"]]


def test_where_no_columns_are_to_be_added_the_job_says_which_are_lacking(case):
    walrock = begin(case, {})
    walrock.stop()
    second = case.walrock("public.docs", {**METADATA, "schema-sync": {"enable": False}}).start()
    second.wait_until_table("public.docs", "errored")
    assert "ADD COLUMN" in second.table("public.docs")["reason"]


def test_a_column_of_the_source_may_not_have_the_name_of_one_that_walrock_fills(case):
    case.source("CREATE TABLE docs (id int PRIMARY KEY, _walrock_xid bigint)", "CREATE TABLE other (id int PRIMARY KEY)")
    walrock = case.walrock(["public.docs", "public.other"], METADATA).start()
    walrock.wait_until_table("public.docs", "errored")
    assert "_walrock_xid" in walrock.table("public.docs")["reason"]
