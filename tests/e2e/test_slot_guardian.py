"""The guardian of the slot warns before a limit, says when it is reached, and an idle job lets WAL go."""
from tests.support.case import Case
from tests.support.pg_server import PgServer
from tests.support.walrock import parse_lsn
from tests.support.waiting import wait_until

SMALL = ["CREATE TABLE small (id int PRIMARY KEY, what text)", "INSERT INTO small VALUES (1, 'a')"]


def write_wal(case, megabytes, database=None):
    case.pg.execute(database or case.name, "SELECT pg_logical_emit_message(false, 'fill', repeat('x', 1000000)) "
                                           f"FROM generate_series(1, {megabytes})")


def test_a_limit_that_comes_nearer_is_warned_of_with_its_seconds(case_with_own_rockpool):
    case = case_with_own_rockpool
    case.source(*SMALL)
    walrock = case.walrock("small", {"source": {"postgres-cdc": {"slot.wal-limit": "200MB"}}}).start()
    walrock.wait_until_ready("public.small")
    case.settle(walrock)
    case.rockpool.kill()
    case.source("INSERT INTO small VALUES (2, 'b')")

    def is_warned():
        write_wal(case, 1)
        slot = walrock.status()["slot"]
        return slot and slot["warning"] and slot["seconds_left"] is not None and slot

    slot = walrock.wait_until("the warning with its seconds", is_warned, 90, every=1)
    assert slot["name"] == case.slot_name and slot["limit"] == "slot.wal-limit"
    assert 0 < slot["seconds_left"] < 3600 and slot["bytes_per_second"] > 0
    assert abs(slot["retained_bytes"] + slot["left_bytes"] - (200 << 20)) < 1 << 20
    assert "at the present rate" in walrock.command("status").stdout
    assert walrock.log().count("at the present rate") <= 3, "a warning is said once a minute"
    case.rockpool.start()
    case.settle_and_compare(walrock, "small")
    walrock.wait_until("the warning to end", lambda: not walrock.status()["slot"]["warning"], 300, every=1)


def test_the_servers_own_limit_is_known(rockpool, tmp_path):
    with PgServer(max_slot_wal_keep_size="64MB", max_wal_size="256MB") as server, \
            Case("keep", server, rockpool, tmp_path) as case:
        case.source(*SMALL)
        walrock = case.walrock("small").start()
        walrock.wait_until_ready("public.small")
        slot = walrock.wait_until("the slot to be looked at", lambda: walrock.status()["slot"], 30)
        assert slot["limit"] == "max_slot_wal_keep_size" and 0 < slot["left_bytes"] <= 128 << 20
        assert slot["wal_status"] == "reserved"


def test_an_idle_slot_advances_while_only_others_write(case):
    """Another database, an unpublished table, and WAL without a row."""
    case.source(*SMALL, "CREATE TABLE unpublished (n int)")
    walrock = case.walrock("small").start()
    walrock.wait_until_ready("public.small")
    case.settle(walrock)
    other = f"{case.name}_other"
    case.pg.create_database(other)
    try:
        case.pg.execute(other, "CREATE TABLE t (n int)")
        writers = [lambda: case.pg.execute(other, "INSERT INTO t SELECT generate_series(1, 1000)"),
                   lambda: case.source("INSERT INTO unpublished SELECT generate_series(1, 1000)"),
                   lambda: write_wal(case, 2)]
        for write in writers:
            for _ in range(3):
                write()
            wanted = parse_lsn(case.pg.current_lsn())
            wait_until("the slot to reach what was written", lambda wanted=wanted: parse_lsn(
                case.pg.slot(case.slot_name)["confirmed_flush_lsn"]) >= wanted, 30)
        case.pg.execute("postgres", "CHECKPOINT")
        before = parse_lsn(case.pg.slot(case.slot_name)["restart_lsn"])

        def has_moved():
            case.pg.execute(other, "INSERT INTO t VALUES (1)")
            return parse_lsn(case.pg.slot(case.slot_name)["restart_lsn"]) > before

        wait_until("restart_lsn to move too, so that WAL can go", has_moved, 60, every=1)
    finally:
        case.pg.drop_database(other)
