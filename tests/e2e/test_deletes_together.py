"""`deletes: soft` together with what else changes the way of a row: quarantine, read-back, unique-key, partitions; and rights."""
import re

import pytest

from tests.e2e.test_deletes import BIG, begin, gone, live, make, source_rows, times
from tests.e2e.test_partitions import SALES, look
from tests.e2e.test_quarantine import kept
from tests.support.job_file import merge
from tests.support.lost_slot import copied_again

SOFT = {"sink": {"starrocks": {"deletes": "soft"}}, "walrock": {"freshness": "200ms"}}


def soft(**options):
    return merge(SOFT, {"sink": {"starrocks": options}})


# -- quarantine: v has room for 8 bytes -------------------------------------------------------

QUARANTINE = merge(soft(**{"bad-rows": "quarantine"}), {"tables": {"public.docs": {"column-types": {"v": "VARCHAR(8)"}}}})


@pytest.mark.parametrize("identity", ["DEFAULT", "FULL"])
def test_a_delete_of_a_row_in_quarantine_marks_what_the_target_has_and_releases_it(case, identity):
    walrock = begin(case, QUARANTINE, identity)
    before = source_rows(case)
    case.source("UPDATE docs SET v = 'has no room' WHERE id IN (1, 2, 3, 4)", "INSERT INTO docs VALUES (100, 'never had room', 'x')")
    case.settle(walrock)
    assert sorted(kept(walrock)) == [1, 2, 3, 4, 100]
    case.source("DELETE FROM docs WHERE id IN (1, 100)", "UPDATE docs SET id = 1002, big = 'sent' WHERE id = 2", "DELETE FROM docs WHERE id = 3",
                "INSERT INTO docs VALUES (3, 'again', 'x')")
    case.settle(walrock)
    assert sorted(kept(walrock)) == [4, 1002]
    assert live(case) == {**{key: row for key, row in source_rows(case).items() if key != 1002}, 4: before[4]}
    assert gone(case) == {1: before[1], 2: before[2], 100: (None, None)}
    case.source("DELETE FROM docs WHERE id IN (4, 1002)", "DELETE FROM docs WHERE id = 3")
    case.settle(walrock)
    assert kept(walrock) == {}
    assert live(case) == source_rows(case)
    assert gone(case) == {1: before[1], 2: before[2], 3: ("again", "x"), 4: before[4], 100: (None, None), 1002: (None, None)}


@pytest.mark.parametrize("identity", ["DEFAULT", "FULL"])
def test_a_row_that_is_refused_and_deleted_at_once_is_never_shown(case, identity):
    walrock = begin(case, QUARANTINE, identity)
    before = source_rows(case)
    case.source("BEGIN", "INSERT INTO docs VALUES (100, 'never had room', 'x')", "DELETE FROM docs WHERE id = 100",
                "UPDATE docs SET v = 'has no room' WHERE id = 1", "DELETE FROM docs WHERE id = 1", "COMMIT")
    case.settle(walrock)
    walrock.command("quarantine", "retry")
    case.settle(walrock)
    assert kept(walrock) == {}
    assert live(case) == source_rows(case)
    assert set(gone(case)) == {1, 100} and gone(case)[1] in (before[1], (None, None))


def test_a_truncate_marks_the_rows_of_keys_in_quarantine_too(case):
    walrock = begin(case, QUARANTINE)
    before = source_rows(case)
    case.source("UPDATE docs SET v = 'has no room' WHERE id = 1")
    case.settle(walrock)
    case.source("TRUNCATE docs", "INSERT INTO docs VALUES (2, 'end', 'e'), (3, 'has no room', 'e')")
    case.settle(walrock)
    assert sorted(kept(walrock)) == [3]
    assert live(case) == {2: ("end", "e")}
    assert gone(case) == {key: row for key, row in before.items() if key != 2}


def test_a_row_in_quarantine_whose_table_is_copied_again_counts_as_marked_until_it_fits(case):
    """The copy fills the twin with every row, marked, and the row in quarantine is not overwritten."""
    walrock = begin(case, QUARANTINE)
    before = source_rows(case)
    case.source("UPDATE docs SET v = 'has no room' WHERE id = 1", "DELETE FROM docs WHERE id = 2")
    case.settle(walrock)
    again = copied_again(case, walrock, "docs", QUARANTINE)
    case.settle(again)
    assert sorted(kept(again)) == [1]
    assert live(case) == {key: row for key, row in source_rows(case).items() if key != 1}
    assert gone(case) == {key: before[key] for key in (1, 2)}
    case.source("UPDATE docs SET v = 'fits', big = 'sent' WHERE id = 1")
    case.settle(again)
    assert kept(again) == {} and live(case) == source_rows(case) and gone(case) == {2: before[2]}


# -- large values that are not sent again -----------------------------------------------------

@pytest.mark.parametrize("values", ["partial-update", "read-back"])
def test_large_values_stay_with_rows_that_are_marked_moved_and_back(case, values):
    walrock = begin(case, soft(**{"unchanged-values": values}))
    before = source_rows(case)
    case.source("UPDATE docs SET v = 'part' WHERE id = 1", "DELETE FROM docs WHERE id = 1", "UPDATE docs SET id = 1002 WHERE id = 2")
    case.settle(walrock)
    # Moved onto a key that is marked; moved twice; written, moved and deleted; two keys that change places.
    case.source("BEGIN", "UPDATE docs SET id = 1 WHERE id = 3", "UPDATE docs SET id = 1004 WHERE id = 4", "UPDATE docs SET id = 2004, v = 'twice' WHERE id = 1004",
                "UPDATE docs SET id = 1005, v = 'part' WHERE id = 5", "DELETE FROM docs WHERE id = 1005",
                "UPDATE docs SET id = -1 WHERE id = 6", "UPDATE docs SET id = 6 WHERE id = 7", "UPDATE docs SET id = 7 WHERE id = -1", "COMMIT")
    case.settle(walrock)
    # A table that is copied again holds nothing back.
    walrock.wait_until("the rows", lambda: live(case) == source_rows(case))
    marked = {2: before[2], 3: before[3], 4: before[4], 5: before[5], 1004: before[4], 1005: ("part", before[5][1]), -1: before[6]}
    if values == "partial-update":  # what goes in several loads may have to be copied again, which tells nothing of 1004, 1005 and -1
        marked = {key: row for key, row in marked.items() if key in gone(case) or 0 < key < 10}
    assert gone(case) == marked
    case.source("UPDATE docs SET id = 2 WHERE id = 1002", "UPDATE docs SET v = 'later' WHERE id IN (1, 6, 7)")
    case.settle(walrock)
    walrock.wait_until("the rows", lambda: live(case) == source_rows(case))
    assert values == "partial-update" or walrock.log().count("copied table=public.docs") == 1


DOCUMENTS = ["5", "-1.5", "true", "null", '"5"', '{"a": [1, null]}', "[5]", None]


def test_json_of_rows_that_are_marked_stays_what_it_is(case):
    """Numbers, true and null come back from the target in a form that would be loaded as texts."""
    case.source("CREATE TABLE papers (id int PRIMARY KEY, v text, doc jsonb, big text)", "ALTER TABLE papers ALTER big SET STORAGE EXTERNAL",
                *(f"INSERT INTO papers VALUES ({n}, 'v', {'NULL' if doc is None else repr(doc)}, {BIG.format(n)})" for n, doc in enumerate(DOCUMENTS)))
    walrock = case.walrock("public.papers", soft(**{"unchanged-values": "read-back"})).start()
    walrock.wait_until_ready("public.papers")
    before = case.target("SELECT id, v, CAST(doc AS STRING), json_query(doc, '$') IS NULL, big FROM papers ORDER BY id")
    kinds = case.target("SELECT id, doc FROM papers ORDER BY id")
    case.source("UPDATE papers SET v = 'w' WHERE id = 1", "DELETE FROM papers WHERE id % 2 = 0", "BEGIN", "UPDATE papers SET v = 'x' WHERE id = 3",
                "DELETE FROM papers WHERE id = 3", "COMMIT", "DELETE FROM papers")
    case.settle(walrock)
    assert case.target("SELECT COUNT(*) FROM papers WHERE _walrock_deleted") == [["8"]]
    assert case.target("SELECT id, doc FROM papers ORDER BY id") == kinds
    after = case.target("SELECT id, v, CAST(doc AS STRING), json_query(doc, '$') IS NULL, big FROM papers ORDER BY id")
    changed = {"1": "w", "3": "x"}
    assert after == [[row[0], changed.get(row[0], row[1]), *row[2:]] for row in before]
    assert walrock.log().count("copied table=public.papers") == 1


# -- a key that the job names ------------------------------------------------------------------

def test_a_key_that_the_job_names_is_the_one_that_is_marked(case):
    make(case, "FULL")
    case.source("ALTER TABLE docs ALTER v SET NOT NULL", "CREATE UNIQUE INDEX ON docs (v)")
    walrock = case.walrock("public.docs", merge(SOFT, {"tables": {"public.docs": {"unique-key": ["v"]}}})).start()
    walrock.wait_until_ready("public.docs")
    before = source_rows(case)
    case.source("DELETE FROM docs WHERE id = 1", "UPDATE docs SET v = 'moved' WHERE id = 2", "UPDATE docs SET id = 1003 WHERE id = 3",
                f"UPDATE docs SET big = {BIG.format(9)} WHERE id = 4", "INSERT INTO docs VALUES (100, 'v1', 'back')")
    case.settle(walrock)
    assert live(case) == source_rows(case)
    assert gone(case) == {2: before[2]}
    case.source("DELETE FROM docs WHERE id IN (1003, 100)", "BEGIN", "DELETE FROM docs WHERE id = 4", "INSERT INTO docs VALUES (4, 'v4', 'new')", "COMMIT")
    case.settle(walrock)
    assert live(case) == source_rows(case)
    assert gone(case) == {2: before[2], 1003: before[3], 100: ("v1", "back")}


# -- partitions that go -----------------------------------------------------------------------

@pytest.mark.parametrize("policy", ["copy-again", "keep"])
def test_rows_of_a_partition_that_goes_are_marked_or_stay_as_the_job_says(case, policy):
    case.source(*(statement for statement in SALES if "healthy" not in statement))
    walrock = case.walrock("public.sales", merge(soft(**{"dropped-partitions": policy}), {"walrock": {"log-level": "debug"}})).start()
    walrock.wait_until_ready("public.sales")
    look(case, walrock)
    first = {int(row[0]) for row in case.source("SELECT id FROM sales_1")}
    case.source("DELETE FROM sales WHERE id = 3")
    case.settle(walrock)
    marked = case.target("SELECT _walrock_deleted_at FROM sales WHERE id = 3")
    case.source("DROP TABLE sales_1", "INSERT INTO sales VALUES (30, 130, 'new')")
    look(case, walrock)
    if policy == "copy-again":
        walrock.wait_until("the copy", lambda: walrock.log().count("copied table=public.sales") == 2)
        case.settle(walrock)
    stays = {int(row[0]) for row in case.target("SELECT id FROM sales WHERE NOT _walrock_deleted")}
    now = {row[0] for row in case.source("SELECT id FROM sales")}
    assert stays == (now if policy == "copy-again" else now | (first - {3}))
    deleted = {int(row[0]): row[1] for row in case.target("SELECT id, _walrock_deleted_at FROM sales WHERE _walrock_deleted")}
    assert set(deleted) == (first if policy == "copy-again" else {3})
    assert deleted[3] == marked[0][0]


@pytest.mark.parametrize("identity", ["DEFAULT", "FULL"])
def test_a_row_that_moves_to_another_partition_is_not_marked(case, identity):
    case.source(*(statement for statement in SALES if "healthy" not in statement), f"ALTER TABLE ONLY sales REPLICA IDENTITY {identity}")
    walrock = case.walrock("public.sales", merge(SOFT, {"tables": {"public.sales": {"unchanged-values": "read-back"}}})).start()
    walrock.wait_until_ready("public.sales")
    case.source("UPDATE sales SET what = 'here' WHERE id = 4", "UPDATE sales SET day = day + 100 WHERE id = 4", "DELETE FROM sales WHERE id = 5")
    case.settle(walrock)
    assert sorted(case.target("SELECT id, day, what, _walrock_deleted FROM sales WHERE id IN (4, 5)")) == [
        ["4", "140", "here", "0"], ["4", "40", "here", "1"], ["5", "50", "sale 5", "1"]]


# -- rights -----------------------------------------------------------------------------------

KEPT = {"soft": {"deletes": "soft"}, "ignore": {"deletes": "ignore"}, "history": {"history": True}}


@pytest.mark.parametrize("setting", KEPT)
def test_check_tells_the_rights_that_rows_which_stay_need(case, setting):
    make(case, "FULL")
    user = f"{case.name}_loader"
    case.target(f"CREATE USER {user} IDENTIFIED BY 'pw'", f"GRANT CREATE TABLE ON DATABASE {case.name} TO USER {user}",
                "CREATE TABLE docs (id INT NOT NULL) PRIMARY KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 PROPERTIES ('replication_num' = '1')",
                f"GRANT SELECT, INSERT, ALTER, DROP, DELETE ON TABLE {case.name}.docs TO USER {user}", "DROP TABLE docs")
    try:
        job = case.walrock("public.docs", {"sink": {"starrocks": {**KEPT[setting], "username": user, "password": "pw"}}})
        lacking = re.findall(rf"user {user} lacks (\w+)", job.command("check").stdout)
        assert set(lacking) == {"INSERT", "ALTER", "DROP"} | ({"UPDATE"} if setting == "soft" else set())
        grant = ", ".join(sorted(set(lacking)))
        case.target(f"GRANT {grant} ON ALL TABLES IN DATABASE {case.name} TO USER {user}")
        case.target(f"GRANT SELECT, DELETE ON ALL TABLES IN DATABASE {case.name} TO USER {user}")
        found = job.command("check")
        assert found.returncode == 0 and "lacks" not in found.stdout, found.stdout
    finally:
        case.target(f"DROP USER {user}")
