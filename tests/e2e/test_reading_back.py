"""Key changes of rows with large values that PostgreSQL does not send again: docs/design/reading-back.md."""
import pytest

BIG = "repeat(md5({}::text), 200)"
READ_BACK = {"sink": {"starrocks": {"unchanged-values": "read-back"}}}


def make(case):
    case.source("CREATE TABLE docs (id int, area varchar(20), v text, big text, raw bytea, doc jsonb, PRIMARY KEY (area, id))",
                "ALTER TABLE docs ALTER big SET STORAGE EXTERNAL, ALTER raw SET STORAGE EXTERNAL, ALTER doc SET STORAGE EXTERNAL",
                f"INSERT INTO docs SELECT n, 'it''s \\', 'v', {BIG.format('n')}, decode({BIG.format('n')}, 'hex'), "
                f"jsonb_build_object('a', {BIG.format('n')}, 'b', null) FROM generate_series(1, 60) n",
                "INSERT INTO docs VALUES (61, '', NULL, NULL, NULL, NULL)")


def begin(case, changes=None):
    make(case)
    walrock = case.walrock("public.docs", changes).start()
    walrock.wait_until_ready("public.docs")
    return walrock


def copies(walrock):
    return walrock.log().count("copied table=public.docs")


@pytest.mark.parametrize("changes", [None, READ_BACK], ids=["partial-update", "read-back"])
def test_a_key_change_keeps_large_values(case, changes):
    walrock = begin(case, changes)
    case.source("UPDATE docs SET id = id + 1000 WHERE id % 2 = 0")
    case.settle_and_compare(walrock, "docs")
    # Two rows change places, one goes twice, one is written, moved and written again.
    case.source("BEGIN", "UPDATE docs SET id = 5000 WHERE id = 1", "UPDATE docs SET id = 1 WHERE id = 3",
                "UPDATE docs SET id = 3 WHERE id = 5000", "UPDATE docs SET id = 6000, v = 'a' WHERE id = 5",
                "UPDATE docs SET id = 6001, v = 'b' WHERE id = 6000", f"UPDATE docs SET big = {BIG.format(7)} WHERE id = 7",
                "UPDATE docs SET id = 7000, doc = '{}' WHERE id = 7", "UPDATE docs SET v = 'c' WHERE id = 7000",
                "UPDATE docs SET area = 'other' WHERE id = 61", "COMMIT")
    case.settle_and_compare(walrock, "docs")
    assert copies(walrock) == 1
    assert walrock.table("public.docs")["reason"] == ""


def test_every_unchanged_value_may_be_read_back(case):
    walrock = begin(case, READ_BACK)
    case.source("BEGIN", "UPDATE docs SET v = 'x' WHERE id < 30", f"INSERT INTO docs VALUES (100, 'n', 'v', {BIG.format(1)}, NULL, '1')",
                "UPDATE docs SET doc = '[]' WHERE id = 50", "UPDATE docs SET v = E'a\x01b' WHERE id = 51", "COMMIT")
    case.settle_and_compare(walrock, "docs")
    assert copies(walrock) == 1


def test_what_nobody_can_tell_is_copied_again(case):
    walrock = begin(case)
    # The row is updated in two ways in one transaction, then moved: its values are neither in the target nor at hand.
    case.source("BEGIN", f"UPDATE docs SET big = {BIG.format(9)} WHERE id = 9", "UPDATE docs SET v = 'p' WHERE id = 10",
                f"UPDATE docs SET big = {BIG.format(3)} WHERE id = 10", f"UPDATE docs SET raw = '\\x00' WHERE id = 10",
                "UPDATE docs SET id = 9000 WHERE id = 9", "COMMIT")
    walrock.wait_until("the table to be copied again", lambda: copies(walrock) == 2, 60)
    walrock.wait_until_ready("public.docs")
    case.settle_and_compare(walrock, "docs")
    assert "table is copied again table=public.docs: an UPDATE of public.docs changed the key" in walrock.log()


def test_a_row_that_is_missing_in_the_target_has_its_table_copied_again(case):
    walrock = begin(case)
    case.target("DELETE FROM docs WHERE id = 2")
    case.source("UPDATE docs SET id = 2000 WHERE id = 2")
    walrock.wait_until("the table to be copied again", lambda: copies(walrock) == 2, 60)
    walrock.wait_until_ready("public.docs")
    case.settle_and_compare(walrock, "docs")
    assert "is not there" in walrock.log()
