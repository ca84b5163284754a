"""What updates and deletes of a leaf carry is the leaf's own matter, whatever the root's replica identity says."""
import pytest

from tests.e2e.test_partitions import look
from tests.support.job_file import merge

FRESH = {"walrock": {"freshness": "200ms", "log-level": "debug"}}
ROOM = ["CREATE TABLE room (id int, floor int, what text, PRIMARY KEY (id, floor)) PARTITION BY RANGE (floor)",
        "CREATE TABLE room_low PARTITION OF room FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE healthy (id int PRIMARY KEY)",
        "INSERT INTO room SELECT n, n, 'old' FROM generate_series(0, 9) n"]
HIGH = ["CREATE TABLE room_high (id int NOT NULL, floor int NOT NULL, what text, PRIMARY KEY (id, floor))",
        "CREATE UNIQUE INDEX room_high_id ON room_high (id)"]
BY_ID = "ALTER TABLE room_high REPLICA IDENTITY USING INDEX room_high_id"
ATTACH = "ALTER TABLE room ATTACH PARTITION room_high FOR VALUES FROM (10) TO (20)"
# Nothing of the old row is sent of it: the index has not changed.
MOVE = "UPDATE room_high SET floor = floor + 1 WHERE floor = 12"
CURE = 'ALTER TABLE "public"."room_high" REPLICA IDENTITY DEFAULT;'
WORDS = "updates and deletes of its partition public.room_high do not carry (id, floor)"


def job(case, *tables, changes=None):
    return case.walrock([f"public.{table}" for table in tables], merge(FRESH, changes or {}))


def test_a_leaf_whose_identity_lacks_a_column_of_the_key_is_named_by_check_and_set_aside_at_the_start(case):
    case.source(*ROOM, *HIGH, BY_ID, ATTACH, "INSERT INTO room VALUES (12, 12, 'old')")
    walrock = job(case, "room", "healthy")
    checked = walrock.command("check")
    assert checked.returncode != 0 and WORDS in checked.stdout and CURE in checked.stdout
    walrock.start()
    table = walrock.wait_until_table("public.room", "errored")
    assert WORDS in table["reason"] and CURE in table["reason"]
    walrock.wait_until_ready("public.healthy")
    walrock.stop()
    case.source(CURE)
    walrock.start()
    walrock.wait_until_table("public.room", "ready")
    case.source(MOVE, "DELETE FROM room WHERE id = 3")
    case.settle_and_compare(walrock, "room")
    assert walrock.command("check").returncode == 0


def test_a_leaf_that_is_attached_with_another_identity_sets_its_table_aside(case):
    case.source(*ROOM)
    walrock = job(case, "room", "healthy").start()
    walrock.wait_until_ready("public.room", "public.healthy")
    case.source(*HIGH, BY_ID, ATTACH)
    table = walrock.wait_until_table("public.room", "errored")
    assert WORDS in table["reason"] and CURE in table["reason"]
    case.source("INSERT INTO healthy VALUES (7)")
    case.settle_and_compare(walrock, "healthy")


def test_an_identity_of_a_leaf_that_is_another_between_two_looks_is_seen_at_its_first_row(case):
    case.source(*ROOM, *HIGH, ATTACH, "INSERT INTO room VALUES (12, 12, 'old')")
    walrock = job(case, "room").start()
    walrock.wait_until_ready("public.room")
    look(case, walrock)
    case.source(BY_ID, MOVE, CURE)
    assert WORDS in walrock.wait_until_table("public.room", "errored")["reason"]


def test_an_identity_of_a_leaf_that_changed_while_walrock_was_down_sets_its_table_aside(case):
    case.source(*ROOM, *HIGH, ATTACH, "INSERT INTO room VALUES (12, 12, 'old')")
    walrock = job(case, "room").start()
    walrock.wait_until_ready("public.room")
    walrock.stop()
    case.source(BY_ID, MOVE)
    walrock.start()
    assert WORDS in walrock.wait_until_table("public.room", "errored")["reason"]


def test_a_leaf_without_any_identity_is_not_published_because_its_updates_would_fail(case):
    case.source("CREATE TABLE note (id int NOT NULL, what text) PARTITION BY RANGE (id)",
                "CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (0) TO (10)", "ALTER TABLE ONLY note REPLICA IDENTITY FULL",
                "CREATE TABLE healthy (id int PRIMARY KEY)", "INSERT INTO note VALUES (1, 'old'), (1, 'old'), (2, 'old')")
    walrock = job(case, "note", "healthy").start()
    reason = walrock.wait_until_table("public.note", "errored")["reason"]
    assert 'ALTER TABLE "public"."note_1" REPLICA IDENTITY FULL;' in reason
    walrock.wait_until_ready("public.healthy")
    case.source("UPDATE note SET what = 'new' WHERE id = 2")
    walrock.stop()
    case.source("ALTER TABLE note_1 REPLICA IDENTITY FULL")
    walrock.start()
    walrock.wait_until_table("public.note", "ready")
    case.source("DELETE FROM note WHERE ctid = (SELECT min(ctid) FROM note WHERE id = 1)", "UPDATE note SET what = 'newer' WHERE id = 2")
    case.settle(walrock)
    assert sorted(case.target("SELECT id, what FROM note")) == [["1", "old"], ["2", "newer"]]


def test_a_new_leaf_without_an_identity_takes_inserts(case):
    """CREATE TABLE PARTITION OF does not take the root's identity over, and PostgreSQL refuses its updates until it has one."""
    case.source("CREATE TABLE note (id int NOT NULL, what text) PARTITION BY RANGE (id)",
                "CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (0) TO (10)", "ALTER TABLE note_1 REPLICA IDENTITY FULL",
                "ALTER TABLE ONLY note REPLICA IDENTITY FULL", "INSERT INTO note VALUES (1, 'old'), (2, 'old')")
    walrock = job(case, "note").start()
    walrock.wait_until_ready("public.note")
    case.source("CREATE TABLE note_2 PARTITION OF note FOR VALUES FROM (10) TO (20)", "INSERT INTO note VALUES (12, 'new')")
    look(case, walrock)
    case.source("ALTER TABLE note_2 REPLICA IDENTITY FULL", "UPDATE note SET what = 'newer' WHERE id = 12")
    look(case, walrock)
    case.settle(walrock)
    assert sorted(case.target("SELECT id, what FROM note")) == [["1", "old"], ["12", "newer"], ["2", "old"]]


@pytest.mark.parametrize("identity", ["DEFAULT", "FULL"])
def test_rows_that_are_known_by_all_their_values_need_whole_rows_of_every_leaf(case, identity):
    case.source("CREATE TABLE note (id int NOT NULL, what text) PARTITION BY RANGE (id)",
                "CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (0) TO (10)", "ALTER TABLE note_1 ADD PRIMARY KEY (id)",
                "ALTER TABLE ONLY note REPLICA IDENTITY FULL", f"ALTER TABLE note_1 REPLICA IDENTITY {identity}",
                "INSERT INTO note VALUES (1, 'old'), (2, 'old')")
    walrock = job(case, "note").start()
    if identity == "DEFAULT":
        reason = walrock.wait_until_table("public.note", "errored")["reason"]
        assert "partition public.note_1 do not carry the whole row" in reason and "REPLICA IDENTITY FULL;" in reason
        return
    walrock.wait_until_ready("public.note")
    case.source("UPDATE note SET what = 'new' WHERE id = 2", "DELETE FROM note WHERE id = 1")
    case.settle(walrock)
    assert case.target("SELECT id, what FROM note") == [["2", "new"]]
