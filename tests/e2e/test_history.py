"""Every version of every row (`history: true`), compared with what an independent reading of the changes says."""
import random

import pytest

from tests.support.lost_slot import copied_again

HISTORY = {"sink": {"starrocks": {"history": True}}}
COLUMNS = "id, v, big, _walrock_operation"
ORDER = "_walrock_lsn, _walrock_index"
PRESENT = """
WITH emptied AS (SELECT _walrock_lsn AS lsn, _walrock_index AS place FROM docs WHERE _walrock_operation IN ('truncate', 'copy')
                 ORDER BY _walrock_lsn DESC, _walrock_index DESC LIMIT 1),
     versions AS (SELECT docs.*, ROW_NUMBER() OVER (PARTITION BY id ORDER BY _walrock_lsn DESC, _walrock_index DESC) AS age
                  FROM docs LEFT JOIN emptied ON TRUE
                  WHERE lsn IS NULL OR _walrock_lsn > lsn OR (_walrock_lsn = lsn AND _walrock_index > place))
SELECT id, v, big FROM versions WHERE age = 1 AND _walrock_operation <> 'delete'"""


def begin(case, identity="FULL", changes=None, key="PRIMARY KEY"):
    case.source(f"CREATE TABLE docs (id int {key}, v text, big text)", "ALTER TABLE docs ALTER big SET STORAGE EXTERNAL",
                f"ALTER TABLE docs REPLICA IDENTITY {identity}",
                "INSERT INTO docs SELECT n, 'v' || n, repeat(md5(n::text), 200) FROM generate_series(1, 20) n")
    walrock = case.walrock("public.docs", {**HISTORY, **(changes or {})}).start()
    walrock.wait_until_ready("public.docs")
    return walrock


def with_number(row):
    """Cells of the target come as texts."""
    return (None if row[0] is None else int(row[0]), *row[1:])


def versions(case):
    """(operation, row) in order; those of a copy have no order of their own."""
    return [(row[3], with_number(row[:3])) for row in case.target(f"SELECT {COLUMNS} FROM docs ORDER BY {ORDER}")]


def rows_of(case):
    return sorted((tuple(row) for row in case.source("SELECT id, v, big FROM docs")), key=repr)


def present(case):
    return sorted((with_number(row) for row in case.target(PRESENT)), key=repr)


class Told:
    """The versions that the statements make, worked out here."""

    def __init__(self, case):
        self.rows = {row[0]: row for row in rows_of(case)}
        self.versions = [("read", row) for row in self.rows.values()]

    def insert(self, row):
        self.rows[row[0]] = row
        self.versions.append(("insert", row))

    def update(self, key, **changes):
        old = self.rows.pop(key)
        new = tuple(changes.get(name, value) for name, value in zip(("id", "v", "big"), old, strict=True))
        if new[0] != key:
            self.versions += [("delete", old), ("insert", new)]
        else:
            self.versions.append(("update", new))
        self.rows[new[0]] = new

    def delete(self, key):
        self.versions.append(("delete", self.rows.pop(key)))

    def truncate(self):
        self.rows.clear()
        self.versions.append(("truncate", (None, None, None)))


def play(case, told, dice, transactions=12):
    for _ in range(transactions):
        with case.transaction() as cursor:
            for _ in range(dice.randint(1, 5)):
                key = dice.choice(sorted(told.rows)) if told.rows else None
                word = dice.choice(["insert", "insert", "update", "update", "move", "delete"]) if key is not None else "insert"
                if word == "insert":
                    row = (max(told.rows, default=0) + dice.randint(1, 5) + 1000, dice.choice(["x", "a\x01b", "\\N", None, ""]), "b" * 3000)
                    cursor.execute("INSERT INTO docs VALUES (%s, %s, %s)", row)
                    told.insert(row)
                elif word == "update":
                    cursor.execute("UPDATE docs SET v = %s WHERE id = %s", ("new", key))
                    told.update(key, v="new")
                elif word == "move":
                    moved = max(told.rows) + 100
                    cursor.execute("UPDATE docs SET id = %s WHERE id = %s", (moved, key))
                    told.update(key, id=moved)
                else:
                    cursor.execute("DELETE FROM docs WHERE id = %s", (key,))
                    told.delete(key)
            if dice.random() < 0.1:
                cursor.execute("TRUNCATE docs")
                told.truncate()


def assert_told(case, told):
    found = versions(case)
    copied = sum(kind == "read" for kind, _ in told.versions)
    assert sorted(found[:copied], key=repr) == sorted(told.versions[:copied], key=repr)
    assert found[copied:] == told.versions[copied:]
    assert present(case) == rows_of(case)


def test_every_version_is_there_once(case):
    seed = random.SystemRandom().randrange(1 << 31)
    print(f"seed {seed}")
    walrock = begin(case)
    told = Told(case)
    play(case, told, random.Random(seed))
    case.settle(walrock)
    assert_told(case, told)


@pytest.mark.parametrize("semantic", ["exactly-once", "at-least-once"])
@pytest.mark.parametrize("failpoint", ["after_stream_prepare", "after_stream_recorded", "after_stream_commit", "before_stream_applied"])
def test_killed_it_has_every_version_once(case, failpoint, semantic):
    if failpoint == "after_stream_recorded" and semantic == "at-least-once":
        pytest.skip("nothing is recorded there")
    seed = random.SystemRandom().randrange(1 << 31)
    print(f"seed {seed}")
    walrock = begin(case, changes={"sink": {"starrocks": {"history": True, "sink.semantic": semantic}}})
    told = Told(case)
    walrock.stop()
    walrock.set_environment({"WALROCK_FAILPOINT": failpoint})
    walrock.start()
    walrock.wait_until_ready("public.docs")
    play(case, told, random.Random(seed))
    assert walrock.wait_for_exit(60) == -9
    walrock.set_environment({"WALROCK_FAILPOINT": ""})
    walrock.start()
    play(case, told, random.Random(seed + 1), 4)
    case.settle(walrock)
    assert_told(case, told)


@pytest.mark.parametrize("failpoint", ["", "after_copy_fill", "after_copy_commit", "after_copy_swap"])
def test_copied_again_it_keeps_the_old_versions(case, failpoint):
    walrock = begin(case)
    told = Told(case)
    play(case, told, random.Random(1), 4)
    case.settle(walrock)
    before = versions(case)
    lost = copied_again(case, walrock, "docs", HISTORY, failpoint, ["DELETE FROM docs WHERE id = (SELECT min(id) FROM docs)"])
    case.source("INSERT INTO docs VALUES (-1, 'after', NULL)")
    case.settle(lost)
    after = versions(case)
    assert sorted(after[:len(before)], key=repr) == sorted(before, key=repr)
    copies = 2 if failpoint == "after_copy_swap" else 1  # a copy that was complete stays
    assert [kind for kind, _ in after[len(before):]].count("copy") == copies
    reads = [row for kind, row in after[len(before):] if kind == "read"]
    assert sorted(reads, key=repr) == sorted([row for row in rows_of(case) if row[0] != -1] * copies, key=repr)
    assert after[-1] == ("insert", (-1, "after", None))
    assert present(case) == rows_of(case)


def test_without_identity_full_a_delete_tells_the_key(case):
    walrock = begin(case, "DEFAULT")
    case.source("DELETE FROM docs WHERE id = 1", "UPDATE docs SET id = 200, big = 'x' WHERE id = 2", "TRUNCATE docs")
    case.settle(walrock)
    assert versions(case)[20:] == [("delete", (1, None, None)), ("delete", (2, None, None)), ("insert", (200, "v2", "x")),
                                   ("truncate", (None, None, None))]


def test_without_identity_full_an_unchanged_large_value_sets_the_table_aside(case):
    walrock = begin(case, "DEFAULT")
    assert "REPLICA IDENTITY FULL" in walrock.log()
    case.source("UPDATE docs SET v = 'new' WHERE id = 1")
    walrock.wait_until_table("public.docs", "errored")
    assert "REPLICA IDENTITY FULL" in walrock.table("public.docs")["reason"]


def test_a_source_without_any_key_has_a_history_as_well(case):
    walrock = begin(case, key="")
    case.source("INSERT INTO docs SELECT * FROM docs WHERE id = 1", "UPDATE docs SET v = 'new' WHERE id = 1", "DELETE FROM docs WHERE id = 2")
    case.settle(walrock)
    big = case.source("SELECT big FROM docs WHERE id = 1")[0][0]
    found = versions(case)[20:]
    assert found[:3] == [("insert", (1, "v1", big)), ("update", (1, "new", big)), ("update", (1, "new", big))]
    assert [(kind, row[0]) for kind, row in found[3:]] == [("delete", 2)]
