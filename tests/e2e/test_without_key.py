"""Tables without a key whose replica identity is full: equal rows are counted, and each delete removes one. docs/design/rows-without-key.md"""
import pytest

from tests.support.job_file import merge
from tests.support.rows_job import FRESH

NOTES = ("CREATE TABLE notes (a int, v text, big text)", "ALTER TABLE notes REPLICA IDENTITY FULL", "ALTER TABLE notes ALTER big SET STORAGE EXTERNAL")
AT_LEAST_ONCE = {"sink": {"starrocks": {"sink.semantic": "at-least-once"}}}
BIG = "repeat(md5(({})::text), 200)"
COPIED_ONCE = 1


def begin(case, *statements, changes=None):
    case.source(*NOTES, *statements)
    walrock = case.walrock("notes", merge(FRESH, changes or {})).start()
    walrock.wait_until_ready("public.notes")
    return walrock


def copies(walrock):
    return walrock.log().count("copied table=public.notes")


def at_once(case, *statements):
    with case.transaction() as cursor:
        for statement in statements:
            cursor.execute(statement)


def some(count, condition):
    """Of rows that are equal not all."""
    return f"WHERE ctid IN (SELECT ctid FROM notes WHERE {condition} LIMIT {count})"


def same(case, walrock):
    case.settle_and_compare(walrock, "notes")
    assert copies(walrock) == COPIED_ONCE
    assert walrock.table("public.notes")["reason"] == ""


def test_equal_rows_are_counted(case):
    walrock = begin(case, "INSERT INTO notes SELECT n % 5, 'v' FROM generate_series(1, 20000) n", "INSERT INTO notes VALUES (NULL, NULL), (NULL, '')")
    same(case, walrock)
    case.source("INSERT INTO notes SELECT n % 5, 'v' FROM generate_series(1, 3000) n", "INSERT INTO notes VALUES (NULL, NULL), (NULL, '')")
    same(case, walrock)
    case.source(f"DELETE FROM notes {some(2500, 'a = 1')}", f"DELETE FROM notes {some(1, 'a IS NULL AND v IS NULL')}",
                'DELETE FROM notes WHERE v = \'\'')
    same(case, walrock)
    case.source("DELETE FROM notes WHERE a = 2")
    same(case, walrock)


def test_updates_make_rows_equal_and_unequal(case):
    walrock = begin(case, "INSERT INTO notes SELECT n % 3, 'v' FROM generate_series(1, 300) n")
    case.source(f"UPDATE notes SET v = 'w' {some(70, 'a = 0')}", "UPDATE notes SET a = 1 WHERE v = 'w'", "UPDATE notes SET v = 'v' WHERE v = 'w'",
                "UPDATE notes SET v = v", f"UPDATE notes SET v = '' {some(3, 'a = 2')}", f"UPDATE notes SET v = NULL {some(3, 'a = 2')}")
    same(case, walrock)
    at_once(case, "UPDATE notes SET a = 7", f"UPDATE notes SET a = 8 {some(100, 'true')}", f"UPDATE notes SET a = 7 {some(50, 'a = 8')}",
            f"DELETE FROM notes {some(20, 'a = 7')}")
    same(case, walrock)


def test_insert_and_delete_in_one_transaction(case):
    walrock = begin(case, "INSERT INTO notes VALUES (1, 'old'), (1, 'old'), (2, 'old')")
    at_once(case, "INSERT INTO notes VALUES (1, 'old'), (3, 'new'), (3, 'new')", f"DELETE FROM notes {some(1, 'a = 3')}", "DELETE FROM notes WHERE a = 1",
            "INSERT INTO notes VALUES (1, 'old')", "UPDATE notes SET a = 4 WHERE a = 3", "UPDATE notes SET a = 3 WHERE a = 4")
    same(case, walrock)
    at_once(case, "INSERT INTO notes SELECT 9, 'brief' FROM generate_series(1, 1000)", "DELETE FROM notes WHERE a = 9")
    same(case, walrock)


@pytest.mark.parametrize("changes", [None, AT_LEAST_ONCE], ids=["exactly-once", "at-least-once"])
def test_large_values_and_texts_that_only_json_says(case, changes):
    walrock = begin(case, f"INSERT INTO notes SELECT n % 4, 'v', {BIG.format('n % 2')} FROM generate_series(1, 40) n", changes=changes)
    case.source(f"UPDATE notes SET v = 'touched' {some(5, 'a = 1')}", "UPDATE notes SET a = 11 WHERE v = 'touched'",
                f"INSERT INTO notes SELECT 5, E'a\\x01b', {BIG.format(1)} FROM generate_series(1, 6)", "INSERT INTO notes VALUES (6, E'\\\\N'), (6, E'\\\\N')")
    same(case, walrock)
    at_once(case, f"DELETE FROM notes {some(2, 'a = 5')}", f"DELETE FROM notes {some(1, 'a = 6')}", "INSERT INTO notes VALUES (6, E'\\\\N')",
            f"UPDATE notes SET v = E'\\x02' {some(2, 'a = 5')}", f"DELETE FROM notes {some(1, 'a = 6')}", "UPDATE notes SET v = 'said' WHERE a = 5")
    same(case, walrock)


def test_truncate(case):
    walrock = begin(case, "INSERT INTO notes SELECT 1, 'v' FROM generate_series(1, 100)")
    at_once(case, f"DELETE FROM notes {some(10, 'true')}", "INSERT INTO notes VALUES (2, 'gone')", "TRUNCATE notes",
            "INSERT INTO notes VALUES (1, 'v'), (1, 'v'), (2, 'x')", f"DELETE FROM notes {some(1, 'a = 1')}")
    same(case, walrock)
    case.source("TRUNCATE notes", "INSERT INTO notes VALUES (1, 'v')")
    same(case, walrock)


@pytest.mark.parametrize("changes", [None, AT_LEAST_ONCE], ids=["exactly-once", "at-least-once"])
def test_killed_again_and_again(case, changes):
    walrock = begin(case, "INSERT INTO notes SELECT n % 7, 'v' FROM generate_series(1, 7000) n", changes=changes)
    for turn in range(6):
        case.source(f"DELETE FROM notes {some(40, 'a = 3')}", f"UPDATE notes SET a = (a + 1) % 7 {some(300, 'true')}",
                    f"INSERT INTO notes SELECT n % 7, 'v' FROM generate_series(1, {100 * turn}) n", f"DELETE FROM notes {some(15, 'a = 4')}")
        if turn % 2:
            case.settle(walrock)
        case.source(f"UPDATE notes SET v = 'w{turn % 2}' {some(50, 'a = 5')}")
        walrock.kill()
        walrock.start()
    walrock.wait_until_ready("public.notes")
    same(case, walrock)


def test_rows_change_while_they_are_copied(case):
    case.source(*NOTES, "INSERT INTO notes SELECT n % 1000, repeat('v', 50) FROM generate_series(1, 300000) n")
    walrock = case.walrock("notes", merge(FRESH, {"source": {"copy-rate": "6MB"}})).start()
    walrock.wait_until("the copy to be under way", lambda: (walrock.table("public.notes") or {}).get("state") == "copying", 60, every=0.01)
    for turn in range(5):
        case.source(f"DELETE FROM notes {some(300, f'a = {turn}')}", f"UPDATE notes SET a = {turn + 10} {some(200, f'a = {turn + 20}')}",
                    f"INSERT INTO notes SELECT {turn}, repeat('v', 50) FROM generate_series(1, 100)")
    walrock.wait_until_ready("public.notes", seconds=120)
    same(case, walrock)


def test_a_row_that_is_not_in_the_target_means_another_copy(case):
    walrock = begin(case, "INSERT INTO notes SELECT n % 3, 'v' FROM generate_series(1, 30) n")
    case.settle(walrock)
    case.target(f"DELETE FROM {case.name}.notes WHERE a = 1")
    case.source("DELETE FROM notes WHERE a = 1")
    walrock.wait_until("the table to be copied again", lambda: copies(walrock) == 2, 60)
    walrock.wait_until_ready("public.notes")
    case.settle_and_compare(walrock, "notes")


def test_a_column_is_added_between(case):
    walrock = begin(case, "INSERT INTO notes SELECT n % 3, 'v' FROM generate_series(1, 30) n")
    case.source("ALTER TABLE notes ADD COLUMN more text", f"DELETE FROM notes {some(4, 'a = 1')}", f"UPDATE notes SET more = 'm' {some(3, 'a = 2')}")
    same(case, walrock)


def test_an_older_target_stays_append_only(case):
    case.source(*NOTES, "INSERT INTO notes VALUES (1, 'v'), (1, 'v')")
    walrock = case.walrock("notes", merge(FRESH, {"tables": {"public.notes": {"without-key": "append"}}})).start()
    walrock.wait_until_ready("public.notes")
    walrock.stop()
    walrock = case.walrock("notes", FRESH).start()
    walrock.wait_until_ready("public.notes")
    case.source("INSERT INTO notes VALUES (1, 'v')")
    case.settle_and_compare(walrock, "notes")
    case.source("DELETE FROM notes")
    assert "no key" in walrock.wait_until_table("public.notes", "errored")["reason"]


@pytest.mark.parametrize("key, value, words", [("partition-by", "date_trunc('day', v)", "partition-by"), ("deletes", "soft", "deletes")])
def test_what_needs_a_key_is_refused(case, key, value, words):
    case.source(*NOTES)
    walrock = case.walrock("notes", {"tables": {"public.notes": {key: value}}}).start()
    reason = walrock.wait_until_table("public.notes", "errored")["reason"]
    assert words in reason and "without-key: append" in reason
