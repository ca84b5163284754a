"""A slot or a server that is not what it was is recognised, at the start and while running, named, and refused with the
command that helps or repaired by copying; never passed over."""
import contextlib
import signal

import psycopg2
import pytest

from tests.support.case import Case
from tests.support.pg_server import PgServer
from tests.support.standby import Standby, copy_folder
from tests.support.waiting import wait_until

TABLES = ["CREATE TABLE keyed (id int PRIMARY KEY, what text)", "CREATE TABLE events (n bigint, what text)",
          "ALTER TABLE events REPLICA IDENTITY NOTHING"]
COPY = {"source": {"postgres-cdc": {"slot.lost": "copy"}}}


def insert(first, last):
    return [f"INSERT INTO keyed SELECT n, 'row ' || n FROM generate_series({first}, {last}) n",
            f"INSERT INTO events SELECT n, 'event ' || n FROM generate_series({first}, {last}) n"]


def begin(case, changes=None):
    case.source(*TABLES, *insert(1, 50))
    walrock = case.walrock("public.*", changes).start()
    walrock.wait_until_ready("public.keyed", "public.events")
    case.settle(walrock)
    return walrock


def while_unused(case, *statements, slot=None, seconds=30):
    """Runs statements at a moment at which nobody reads the slot, whoever reads it now."""
    def tried():
        case.pg.execute("postgres", "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots "
                                    f"WHERE slot_name = '{slot or case.slot_name}' AND active_pid IS NOT NULL")
        try:
            case.source_as_superuser(*statements)
            return True
        except psycopg2.errors.ObjectInUse:
            return False
    wait_until("the slot to be free for a moment", tried, seconds, every=0.001)


def drop(case):
    return [f"SELECT pg_drop_replication_slot('{case.slot_name}')", *insert(101, 110)]


def make_anew(case):
    return [*drop(case), f"SELECT pg_create_logical_replication_slot('{case.slot_name}', 'pgoutput')"]


def advance(case):
    return [f"SELECT pg_replication_slot_advance('{case.slot_name}', pg_current_wal_lsn())"]


TROUBLES = [("dropped", drop, "does not exist"), ("made_anew", make_anew, "made anew"), ("advanced", advance, "was moved")]


@pytest.mark.parametrize("when", ["at_start", "while_running"])
@pytest.mark.parametrize("name,trouble,words", TROUBLES, ids=[name for name, *_ in TROUBLES])
def test_a_slot_that_is_not_what_it_was_is_refused(case, name, trouble, words, when):
    walrock = begin(case)
    if when == "at_start":
        walrock.stop()
        case.source(*insert(200, 210))
        case.source_as_superuser(*trouble(case))
        walrock.start()
    else:
        case.rockpool.order_fault(point="stop", database=case.name, seconds=5, count=1000)
        case.source(*insert(200, 210))
        while_unused(case, *trouble(case))
        case.source(*insert(300, 300))
        case.rockpool.clear_faults()
    assert walrock.wait_for_exit(60) == 4, walrock.end_of_log()
    assert words in walrock.log() and "slot.lost: copy" in walrock.log(), walrock.end_of_log()


def wait_until_copied_again(walrock):
    """The log says it of each table; the status shows the tables of before until their copy has begun."""
    for table in ("keyed", "events"):
        walrock.wait_until(f"{table} to be ready a second time",
                           lambda ready=f"table=public.{table} state=ready": walrock.log().count(ready) == 2, 90)


@pytest.mark.parametrize("when", ["at_start", "while_running"])
@pytest.mark.parametrize("name,trouble,words", TROUBLES, ids=[name for name, *_ in TROUBLES])
def test_with_slot_lost_copy_every_table_is_copied_again(case, name, trouble, words, when):
    walrock = begin(case, COPY)
    gap = [*insert(200, 210), "DELETE FROM keyed WHERE id < 10"]
    if when == "at_start":
        walrock.stop()
        case.source(*gap)
        case.source_as_superuser(*trouble(case))
        walrock.start()
    else:
        while_unused(case, *gap, *trouble(case))
    walrock.wait_until("the loss to be named", lambda: "every table is copied again" in walrock.log())
    case.source(*insert(400, 410))
    wait_until_copied_again(walrock)
    case.settle_and_compare(walrock, "keyed", "events", seconds=90)
    assert words in walrock.log()
    assert walrock.table("public.keyed")["reason"] == ""


def test_the_old_rows_are_shown_until_the_copy_is_complete_also_when_it_is_interrupted(case):
    walrock = begin(case, {**COPY})
    walrock.stop()
    case.source("INSERT INTO keyed SELECT n, repeat('x', 1000) FROM generate_series(1000, 60000) n")
    case.source_as_superuser(*drop(case))
    walrock = case.walrock("public.*", {"source": {"copy-rate": "5MB", **COPY["source"]}}).start()
    for _ in range(2):
        table = walrock.wait_until_table("public.keyed", "copying")
        assert "slot_missing" in table["reason"]
        assert case.target_count("keyed") == 50
        walrock.kill()
        walrock.start()
    walrock.kill()
    walrock = case.walrock("public.*", COPY).start()
    walrock.wait_until_ready("public.keyed", "public.events")
    case.settle_and_compare(walrock, "keyed", "events")


# -- servers of their own -----------------------------------------------------------------------

@contextlib.contextmanager
def own_server_case(request, rockpool, tmp_path, **settings):
    with PgServer(durable=True, **settings) as server, Case("own", server, rockpool, tmp_path) as made:
        yield made


@pytest.fixture
def case_with_own_pg(request, rockpool, tmp_path):
    with own_server_case(request, rockpool, tmp_path) as made:
        yield made


@pytest.mark.parametrize("when", ["at_start", "while_running"])
@pytest.mark.parametrize("policy", ["fail", "copy"])
def test_a_slot_that_lost_its_wal_is_refused_or_copied_again(request, rockpool, tmp_path, policy, when):
    with own_server_case(request, rockpool, tmp_path, max_slot_wal_keep_size="16MB", max_wal_size="64MB",
                         min_wal_size="32MB") as case:
        walrock = begin(case, COPY if policy == "copy" else None)
        if when == "at_start":
            walrock.stop()
        else:
            case.rockpool.order_fault(point="stop", database=case.name, count=100000, seconds=600)
        case.source(*insert(200, 210))
        for _ in range(6):
            case.source_as_superuser("SELECT pg_logical_emit_message(false, 'fill', repeat('x', 1000000)) "
                                     "FROM generate_series(1, 15)", "CHECKPOINT", "SELECT pg_switch_wal()")
        wait_until("the slot to be lost", lambda: case.pg.slot(case.slot_name)["wal_status"] == "lost", 30)
        if when == "at_start":
            walrock.start()
        else:
            case.rockpool.clear_faults()
        if policy == "fail":
            assert walrock.wait_for_exit(60) == 4, walrock.end_of_log()
            assert "is invalidated" in walrock.log()
        else:
            walrock.wait_until("the loss to be named", lambda: "every table is copied again" in walrock.log())
            case.source(*insert(400, 410))
            wait_until_copied_again(walrock)
            case.settle_and_compare(walrock, "keyed", "events", seconds=90)


def test_another_cluster_is_refused_whatever_the_policy(case_with_own_pg, pg):
    case = case_with_own_pg
    walrock = begin(case, COPY)
    walrock.stop()
    pg.create_database(case.name)
    try:
        pg.execute(case.name, *TABLES, *insert(1, 3))
        walrock = case.walrock("public.*", {"source": {"postgres-cdc": {
            "port": pg.port, **COPY["source"]["postgres-cdc"]}}}).start()
        assert walrock.wait_for_exit(60) == 4
        assert "another cluster" in walrock.log() and "walrock drop" in walrock.log()
        assert case.target_count("keyed") == 50
    finally:
        pg.drop_database(case.name)


@pytest.mark.parametrize("policy", ["fail", "copy"])
def test_a_server_that_was_restored_from_an_older_state_is_recognised(case_with_own_pg, tmp_path, policy):
    case = case_with_own_pg
    walrock = begin(case, COPY if policy == "copy" else None)
    case.pg.stop()
    copy_folder(case.pg.cluster_folder, tmp_path / "backup")
    case.pg.start()
    case.source(*insert(100, 5000))
    case.settle(walrock)
    case.pg.stop()
    copy_folder(tmp_path / "backup", case.pg.cluster_folder)
    case.pg.start()
    if policy == "fail":
        assert walrock.wait_for_exit(60) == 4, walrock.end_of_log()
        assert "was restored from an older state" in walrock.log()
    else:
        walrock.wait_until("the loss to be named", lambda: "every table is copied again" in walrock.log())
        case.source(*insert(400, 410))
        wait_until_copied_again(walrock)
        case.settle_and_compare(walrock, "keyed", "events", seconds=90)


def test_a_crash_of_the_server_is_no_gap(case_with_own_pg):
    case = case_with_own_pg
    walrock = begin(case)
    for turn in range(1, 4):
        case.source(*insert(turn * 1000, turn * 1000 + 100))
        case.settle(walrock)
        case.pg.kill()
        case.pg.start()
        case.source(*insert(turn * 1000 + 500, turn * 1000 + 600))
    case.settle_and_compare(walrock, "keyed", "events", seconds=90)


# -- promoted standbys ----------------------------------------------------------------------------

@contextlib.contextmanager
def promoted(case, before=(), lost=(), after=()):
    """A standby of the case's server, which takes its place; what is `lost` reaches walrock but not the standby."""
    with Standby(case.pg) as standby:
        case.source(*before)
        standby.catch_up()
        yield standby
        if lost:
            standby.stop_receiving()
            case.source(*lost)


def hosts(*servers):
    return {"hostname": ",".join(f"127.0.0.1:{server.port}" for server in servers), "connect.timeout": "3s"}


def follow_both(case, standby, policy=None):
    postgres = {**hosts(case.pg, standby), **({"slot.lost": policy} if policy else {})}
    return case.walrock("public.*", {"source": {"postgres-cdc": postgres}})


def take_over(case, standby):
    case.pg.stop()
    standby.promote()
    primary, case.pg = case.pg, standby
    return primary


@pytest.fixture
def failover(case_with_own_pg):
    """A running job over two hosts and a standby that has the slot as of a moment ago."""
    case = case_with_own_pg
    primary = case.pg
    walrock = begin(case)
    walrock.stop()
    with Standby(primary) as standby:
        yield case, standby
        case.pg = primary
        primary.stop()
        primary.start()


def test_a_promoted_standby_with_the_slot_is_followed(failover):
    case, standby = failover
    walrock = follow_both(case, standby).start()
    case.source(*insert(1000, 1100))
    case.settle(walrock)
    standby.catch_up()
    take_over(case, standby)
    case.source(*insert(2000, 2100), "UPDATE keyed SET what = 'after' WHERE id < 20")
    case.settle_and_compare(walrock, "keyed", "events", seconds=90)
    assert "was promoted" in walrock.log()
    walrock.kill()
    case.source(*insert(3000, 3100))
    walrock.start()
    case.settle_and_compare(walrock, "keyed", "events", seconds=90)


@pytest.mark.parametrize("failpoint", ["before_start_job_record", "after_start_job_record"])
def test_killed_while_a_promotion_is_recorded_it_follows_afterwards(failover, failpoint):
    case, standby = failover
    walrock = follow_both(case, standby)
    walrock.set_environment({"WALROCK_FAILPOINT": failpoint})
    walrock.start()
    case.source(*insert(1000, 1100))
    case.settle(walrock)
    standby.catch_up()
    take_over(case, standby)
    case.source(*insert(2000, 2100), "UPDATE keyed SET what = 'after' WHERE id < 20")
    assert walrock.wait_for_exit(60) == -signal.SIGKILL, walrock.end_of_log()
    walrock.set_environment({"WALROCK_FAILPOINT": ""})
    walrock.start()
    case.settle_and_compare(walrock, "keyed", "events", seconds=90)


@pytest.mark.parametrize("policy", ["fail", "copy"])
def test_a_promoted_standby_without_the_slot_is_not_passed_over(failover, policy):
    case, standby = failover
    walrock = follow_both(case, standby, policy).start()
    case.source(*insert(1000, 1100))
    case.settle(walrock)
    standby.catch_up()
    standby.execute("postgres", f"SELECT pg_drop_replication_slot('{case.slot_name}')")
    take_over(case, standby)
    case.source(*insert(2000, 2100), "DELETE FROM keyed WHERE id < 20")
    if policy == "fail":
        assert walrock.wait_for_exit(60) == 4, walrock.end_of_log()
        assert "was promoted" in walrock.log() and "does not exist" in walrock.log()
    else:
        wait_until_copied_again(walrock)
        assert "every table is copied again" in walrock.log()
        case.settle_and_compare(walrock, "keyed", "events", seconds=90)


@pytest.mark.parametrize("when", ["at_start", "while_running"])
@pytest.mark.parametrize("policy", ["fail", "copy"])
def test_commits_that_a_failover_lost_are_recognised(failover, policy, when):
    case, standby = failover
    walrock = follow_both(case, standby, policy).start()
    case.source(*insert(1000, 1100))
    case.settle(walrock)
    standby.catch_up()
    standby.stop_receiving()
    case.source(*insert(1500, 1600))
    case.settle(walrock)
    if when == "at_start":
        walrock.stop()
    take_over(case, standby)
    case.source(*insert(2000, 2100))
    if when == "at_start":
        walrock.start()
    if policy == "fail":
        assert walrock.wait_for_exit(60) == 4, walrock.end_of_log()
        assert "lost in the failover" in walrock.log()
    else:
        wait_until_copied_again(walrock)
        case.settle_and_compare(walrock, "keyed", "events", seconds=90)
        assert "timeline_diverged" in walrock.log()
