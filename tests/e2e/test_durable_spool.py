"""walrock.durable-spool: while StarRocks is away PostgreSQL lets its WAL go, and what it let go is not lost: neither when
walrock is killed, nor without a word when the folder is."""
import shutil

import pytest

from tests.e2e.test_failover import SCHEMA, is_synchronized, programs_from
from tests.support.case import Case
from tests.support.pg_server import PgServer
from tests.support.rockpool import Rockpool
from tests.support.standby import Standby
from tests.support.waiting import wait_until
from tests.support.walrock import parse_lsn

TABLES = ["CREATE TABLE keyed (id int PRIMARY KEY, what text)", "CREATE TABLE events (n bigint, what text)",
          "ALTER TABLE events REPLICA IDENTITY NOTHING"]
DURABLE = {"walrock": {"durable-spool": "log", "freshness": "100ms"}}
COPY = {"source": {"postgres-cdc": {"slot.lost": "copy"}}}


def rows(first, last):
    return [f"INSERT INTO keyed SELECT n, repeat('row ' || n, 20) FROM generate_series({first}, {last}) n",
            f"INSERT INTO events SELECT n, 'event ' || n FROM generate_series({first}, {last}) n",
            f"UPDATE keyed SET what = 'new ' || id WHERE id % 7 = 0 AND id BETWEEN {first} AND {last}",
            f"DELETE FROM keyed WHERE id % 11 = 0 AND id BETWEEN {first} AND {last}"]


def begin(case, changes=None):
    case.source(*TABLES, *rows(1, 100))
    walrock = case.walrock("public.*", DURABLE | (changes or {})).start()
    walrock.wait_until_ready("public.keyed", "public.events")
    case.settle(walrock)
    return walrock


def slot(case):
    [row] = case.pg.execute(case.name, "SELECT confirmed_flush_lsn::text, restart_lsn::text FROM pg_replication_slots "
                                       f"WHERE slot_name = '{case.slot_name}'")
    return [parse_lsn(text) for text in row]


def wait_until_acknowledged(case, walrock):
    """PostgreSQL was told that what it has now is durable, although StarRocks does not have it; returns how far that is."""
    end = parse_lsn(case.pg.current_lsn())
    walrock.wait_until("the slot to stand behind what was committed", lambda: slot(case)[0] >= end, 60)
    return end


def go_away(case, walrock, first, last):
    """StarRocks goes, and what comes is in the durable spool only."""
    case.rockpool.kill()
    case.source(*rows(first, last))
    return wait_until_acknowledged(case, walrock)


def start_again(walrock):
    """Returns when the stream runs: until then the status is that of the checkpoint."""
    before = walrock.log().count("stream started")
    walrock.start()
    walrock.wait_until("the stream to run", lambda: walrock.log().count("stream started") > before, 90)
    walrock.wait_until_ready("public.keyed", "public.events")


def test_postgresql_lets_its_wal_go_while_starrocks_is_away(case_with_own_rockpool):
    case = case_with_own_rockpool
    walrock = begin(case)
    before = slot(case)[1]
    end = go_away(case, walrock, 1001, 3000)
    # restart_lsn follows when running transactions are logged: at a checkpoint of the server.
    case.pg.execute("postgres", "CHECKPOINT")
    case.source(*rows(3001, 3010))
    wait_until_acknowledged(case, walrock)
    walrock.wait_until("restart_lsn to move on", lambda: slot(case)[1] > before, 60)
    status = walrock.status()
    assert parse_lsn(status["logged_lsn"]) >= end > parse_lsn(status["flushed_lsn"])
    assert status["durable_spool_used_bytes"] > 0
    case.rockpool.start()
    case.settle_and_compare(walrock, "keyed", "events")


def test_killed_while_rows_are_in_the_durable_spool_alone(case_with_own_rockpool):
    case = case_with_own_rockpool
    walrock = begin(case)
    first = 1001
    for _ in range(3):
        go_away(case, walrock, first, first + 500)
        walrock.kill()
        case.source(*rows(first + 501, first + 600))
        case.rockpool.start()
        start_again(walrock)
        first += 1000
    case.settle_and_compare(walrock, "keyed", "events")
    assert "continues durable spool" in walrock.log()


@pytest.mark.parametrize("repair", ["fail", "copy"])
def test_a_durable_spool_that_is_gone_is_recognised(case_with_own_rockpool, repair):
    case = case_with_own_rockpool
    walrock = begin(case, COPY if repair == "copy" else None)
    go_away(case, walrock, 1001, 1500)
    walrock.kill()
    shutil.rmtree(walrock.job_path.parent / "log")
    case.rockpool.start()
    if repair == "fail":
        walrock.start()
        assert walrock.wait_for_exit(60) == 4, walrock.end_of_log()
        assert "durable spool" in walrock.log() and "slot.lost: copy" in walrock.log(), walrock.end_of_log()
        return
    start_again(walrock)
    case.settle_and_compare(walrock, "keyed", "events")
    assert "because of spool_lost" in walrock.log()


def test_switched_off_while_it_is_needed_is_refused(case_with_own_rockpool):
    case = case_with_own_rockpool
    walrock = begin(case)
    go_away(case, walrock, 1001, 1500)
    walrock.kill()
    case.rockpool.start()
    without = case.walrock("public.*", {"walrock": {"durable-spool": "off", "freshness": "100ms"}}, job_name="off.yml")
    without.start()
    assert without.wait_for_exit(60) == 4, without.end_of_log()
    said = without.log()
    assert "walrock.durable-spool is off, and StarRocks lacks changes" in said, without.end_of_log()
    assert "Name its folder again" in said and "slot.lost: copy" in said, without.end_of_log()
    start_again(walrock)  # with its folder nothing is missing, and nothing was changed
    case.settle_and_compare(walrock, "keyed", "events")
    assert "copied again" not in walrock.log()


def test_a_job_that_is_dropped_leaves_no_durable_spool(case):
    walrock = begin(case)
    assert walrock.stop() == 0
    shown = walrock.command("status", "--checkpoint")
    assert "durable spool" in shown.stdout, shown.stdout
    log = walrock.job_path.parent / "log"
    assert list(log.iterdir())
    dropped = walrock.command("drop", "--yes")
    assert dropped.returncode == 0, dropped.stderr
    assert "removes: durable spool" in dropped.stdout and not list(log.iterdir())


def test_a_durable_spool_that_nothing_needs_may_go(case):
    walrock = begin(case)
    case.source(*rows(1001, 1100))
    case.settle(walrock)
    assert walrock.stop() == 0
    shutil.rmtree(walrock.job_path.parent / "log")
    case.source(*rows(2001, 2100))
    start_again(walrock)
    case.settle_and_compare(walrock, "keyed", "events")


def test_what_a_failover_lost_is_not_loaded_from_the_durable_spool(tmp_path, monkeypatch):
    """The log has commits that the standby never received: on the new primary others stand in their place."""
    monkeypatch.setenv("PG_BIN", str(programs_from(17)))
    with PgServer(durable=True) as primary, Rockpool(tmp_path / "rockpool") as rockpool, \
            Case("lost", primary, rockpool, tmp_path) as case:
        case.source(*SCHEMA)
        primary.execute("postgres", "SELECT pg_create_physical_replication_slot('standby_slot')")
        with Standby(primary, primary_slot_name="standby_slot", hot_standby_feedback="on",
                     sync_replication_slots="on") as standby:
            walrock = case.walrock("keyed", DURABLE | {"source": {"postgres-cdc": {
                "hostname": f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}", "slot.failover": True,
                "connect.timeout": "3s"}}}).start()
            walrock.wait_until_ready("public.keyed")
            case.source("INSERT INTO keyed SELECT n, 'before' FROM generate_series(1001, 1100) n")
            case.settle(walrock)
            wait_until("the slot to be kept on the standby", lambda: is_synchronized(standby, case.slot_name), 90, every=0.5)
            rockpool.kill()
            case.source("INSERT INTO keyed SELECT n, 'kept' FROM generate_series(1201, 1300) n")
            wait_until_acknowledged(case, walrock)
            standby.catch_up()
            standby.stop_receiving()
            case.source("INSERT INTO keyed SELECT n, 'lost' FROM generate_series(3001, 3100) n")
            wait_until_acknowledged(case, walrock)
            primary.stop()
            standby.promote()
            case.pg = standby
            case.source("INSERT INTO keyed SELECT n, 'after' FROM generate_series(2001, 2100) n",
                        "DELETE FROM keyed WHERE id % 10 = 0")
            rockpool.start()
            walrock.wait_until("the promotion to be noticed", lambda: "was promoted" in walrock.log(), 90)
            case.settle_and_compare(walrock, "keyed", seconds=90)
            walrock.stop()
            case.pg = primary
            primary.start()
