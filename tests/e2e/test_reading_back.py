"""Key changes of rows with large values that PostgreSQL does not send again: docs/design/reading-back.md."""
import pytest

from tests.support.job_file import merge

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


def copies_of(walrock, table):
    return walrock.log().count(f"copied table=public.{table}")


def copies(walrock):
    return copies_of(walrock, "docs")


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


def test_answers_that_are_too_large_are_asked_for_in_pieces(case):
    """What StarRocks sends of these rows together, and of row 100 alone, is more than is taken at once."""
    megabyte = "repeat(md5({}::text), 32000)"
    wide = [f"c{n}" for n in range(36)]
    case.source("CREATE TABLE large (id int PRIMARY KEY, v text, a text, b text, c text, " + ", ".join(f"{name} text" for name in wide) + ")",
                *(f"ALTER TABLE large ALTER {name} SET STORAGE EXTERNAL" for name in ("a", "b", "c", *wide)),
                f"INSERT INTO large (id, v, a, b, c) SELECT n, 'v', {megabyte.format('n')}, {megabyte.format('(-n)')}, {megabyte.format('(n * 7)')} FROM generate_series(1, 17) n",
                f"INSERT INTO large (id, v, {', '.join(wide)}) SELECT 100, 'w', {', '.join(megabyte.format(n) for n in range(len(wide)))}")
    walrock = case.walrock("public.large").start()
    walrock.wait_until_ready("public.large")
    case.source("UPDATE large SET id = id + 1000")
    case.settle_and_compare(walrock, "large", seconds=120)
    assert copies_of(walrock, "large") == 1
    assert "more than" not in walrock.log()


# Texts, JSON and numbers of an ARRAY column go to StarRocks in one form and come back in another.
ELEMENTS = r"""ARRAY['a\b', 'a"b', NULL, '', E'a\nb', 'x,y', '[z]', '{k}', '\', '"', '\"', '""', '\\', '\n', '\N', 'null', '''', ' ', 'ü€😀']"""
ARRAYS = {"tables": {"public.lists": {"column-types": {"texts": "ARRAY<VARCHAR(20000)>", "days": "ARRAY<DATE>", "flags": "ARRAY<BOOLEAN>",
                                                       "prices": "ARRAY<DECIMAL(10,2)>", "halves": "ARRAY<DOUBLE>"}}}}


@pytest.mark.parametrize("changes", [None, READ_BACK], ids=["partial-update", "read-back"])
def test_arrays_come_back_as_they_were(case, changes):
    names = ("texts", "days", "flags", "prices", "halves")
    case.source("CREATE TABLE lists (id int PRIMARY KEY, v text, texts text[], days date[], flags boolean[], prices numeric(10,2)[], halves float8[])",
                *(f"ALTER TABLE lists ALTER {name} SET STORAGE EXTERNAL" for name in names),
                f"INSERT INTO lists SELECT n, 'v', {ELEMENTS} || repeat('long ', 800), array_fill('2021-01-05'::date, ARRAY[1000]) || NULL::date, "
                "array_fill(true, ARRAY[4000]) || NULL::boolean || false, array_fill(1.50::numeric(10,2), ARRAY[500]) || NULL::numeric, "
                "array_fill(0.1::float8, ARRAY[400]) || NULL::float8 || 1e100::float8 FROM generate_series(1, 3) n",
                "INSERT INTO lists VALUES (4, 'v', '{}', '{}', '{}', '{}', '{}')")
    walrock = case.walrock("public.lists", merge(ARRAYS, changes or {})).start()
    walrock.wait_until_ready("public.lists")
    columns = ", ".join(names)
    before = case.target(f"SELECT id, {columns} FROM lists ORDER BY id")
    assert bytes(before[0][1]).startswith(rb'["a\\b","a\"b",null,"",'), before[0][1][:100]
    case.source("UPDATE lists SET v = 'w' WHERE id = 1", "UPDATE lists SET id = id + 1000 WHERE id > 1")
    case.settle(walrock)
    assert copies_of(walrock, "lists") == 1
    after = case.target(f"SELECT id, v, {columns} FROM lists ORDER BY id")
    assert [row[:2] for row in after] == [["1", "w"], ["1002", "v"], ["1003", "v"], ["1004", "v"]]
    assert [row[2:] for row in after] == [row[1:] for row in before]
