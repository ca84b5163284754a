"""Several hosts, failover slots, a standby as the source. Servers from 16 and 17 on where they are at hand."""
import pytest

from tests.support.case import Case
from tests.support.pg_server import PgServer
from tests.support.pg_versions import server_programs
from tests.support.programs import free_port
from tests.support.standby import Standby
from tests.support.waiting import wait_until

SCHEMA = ["CREATE TABLE keyed (id int PRIMARY KEY, what text)",
          "INSERT INTO keyed SELECT n, 'row ' || n FROM generate_series(1, 100) n"]


def programs_from(major):
    """A folder with the programs of the first server from this version on (tests/support/pg_versions.py), or the test is
    left out."""
    found = [folder for version, folder in server_programs().items() if version >= major]
    if not found:
        pytest.skip(f"no PostgreSQL from {major} on: name one in WALROCK_PG_BINS")
    return found[0]


def test_hosts_that_do_not_answer_are_passed_over(case):
    case.source(*SCHEMA)
    walrock = case.walrock("keyed", {"source": {"postgres-cdc": {
        "hostname": f"127.0.0.1:{free_port()},127.0.0.1:{case.pg.port}", "connect.timeout": "2s"}}}).start()
    walrock.wait_until_ready("public.keyed")
    case.settle_and_compare(walrock, "keyed")


def test_a_host_that_takes_no_writes_is_passed_over_and_named(rockpool, tmp_path):
    with PgServer() as primary, Standby(primary) as standby, Case("attrs", primary, rockpool, tmp_path) as case:
        case.source(*SCHEMA)
        hosts = {"hostname": f"127.0.0.1:{standby.port},127.0.0.1:{primary.port}"}
        walrock = case.walrock("keyed", {"source": {"postgres-cdc": hosts}}).start()
        walrock.wait_until_ready("public.keyed")
        case.settle_and_compare(walrock, "keyed")
        walrock.stop()
        lonely = case.walrock("keyed", {"source": {"postgres-cdc": {
            "port": standby.port, "target-session-attrs": "read-write"}}}, job_name="lonely.yml").start()
        lonely.wait_until("the refusal to be named", lambda: "read-only" in lonely.log() or "hot standby" in lonely.log())


def test_a_standby_of_an_old_server_is_refused_in_words(rockpool, tmp_path):
    with PgServer() as primary, Standby(primary) as standby, Case("old", primary, rockpool, tmp_path) as case:
        case.source(*SCHEMA)
        standby.catch_up()
        walrock = case.walrock("keyed", {"source": {"postgres-cdc": {"port": standby.port}}}).start()
        assert walrock.wait_for_exit(60) == 1
        assert "a standby can be followed from 16 on" in walrock.log()


def test_failover_slots_are_refused_before_17(case):
    case.source(*SCHEMA)
    walrock = case.walrock("keyed", {"source": {"postgres-cdc": {"slot.failover": True}}}).start()
    if case.pg.scalar("postgres", "SHOW server_version_num") < "170000":
        assert walrock.wait_for_exit(60) == 1
        assert "failover slots" in walrock.log() and case.pg.slot(case.slot_name) is None


def test_after_a_failover_the_synchronized_slot_is_followed(rockpool, tmp_path, monkeypatch):
    monkeypatch.setenv("PG_BIN", str(programs_from(17)))
    with PgServer(durable=True) as primary, Case("sync", primary, rockpool, tmp_path) as case:
        case.source(*SCHEMA)
        primary.execute("postgres", "SELECT pg_create_physical_replication_slot('standby_slot')")
        with Standby(primary, primary_slot_name="standby_slot", hot_standby_feedback="on",
                     sync_replication_slots="on") as standby:
            primary.execute("postgres", "ALTER SYSTEM SET synchronized_standby_slots = 'standby_slot'",
                            "SELECT pg_reload_conf()")
            walrock = case.walrock("keyed", {"source": {"postgres-cdc": {
                "hostname": f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}", "slot.failover": True,
                "connect.timeout": "3s"}}}).start()
            walrock.wait_until_ready("public.keyed")
            assert primary.slot(case.slot_name)["failover"]
            case.source("INSERT INTO keyed SELECT n, 'before' FROM generate_series(1001, 1100) n")
            case.settle(walrock)
            wait_until("the slot to be kept on the standby", lambda: is_synchronized(standby, case.slot_name), 90, every=0.5)
            primary.stop()
            standby.promote()
            case.pg = standby
            case.source("INSERT INTO keyed SELECT n, 'after' FROM generate_series(2001, 2100) n",
                        "DELETE FROM keyed WHERE id % 10 = 0")
            case.settle_and_compare(walrock, "keyed", seconds=90)
            assert "was promoted" in walrock.log()
            walrock.stop()
            case.pg = primary
            primary.start()


def is_synchronized(standby, slot_name):
    slot = standby.slot(slot_name)
    return slot and slot["synced"] and not slot["temporary"] and not slot["invalidation_reason"]


def test_a_standby_is_a_source_from_16_on(rockpool, tmp_path, monkeypatch):
    monkeypatch.setenv("PG_BIN", str(programs_from(16)))
    with PgServer(durable=True) as primary, Case("standby", primary, rockpool, tmp_path) as case, \
            Standby(primary, hot_standby_feedback="on") as standby:
        case.source(*SCHEMA)
        standby.catch_up()
        walrock = case.walrock("keyed", {"source": {"postgres-cdc": {
            "port": standby.port, "target-session-attrs": "standby"}}}).start()
        assert walrock.wait_for_exit(60) == 1
        assert "On the primary: CREATE PUBLICATION" in walrock.log()
        case.source(f"CREATE PUBLICATION {case.slot_name}_publication FOR TABLE keyed")
        standby.catch_up()
        walrock.start()

        def is_ready():
            primary.execute("postgres", "SELECT pg_log_standby_snapshot()")
            table = walrock.table("public.keyed")
            return table and table["state"] == "ready"

        walrock.wait_until("the table to be ready", is_ready, 90, every=0.5)
        case.source("INSERT INTO keyed SELECT n, 'later' FROM generate_series(1001, 1100) n", "DELETE FROM keyed WHERE id < 10")
        walrock.wait_until_flushed(primary.current_lsn(), 60)
        case.assert_identical("keyed")
        assert standby.slot(case.slot_name) and not primary.slot(case.slot_name)
        walrock.kill()
        standby.restart()
        case.source("INSERT INTO keyed SELECT n, 'restarted' FROM generate_series(2001, 2100) n")
        walrock.start()
        walrock.wait_until_flushed(primary.current_lsn(), 60)
        case.assert_identical("keyed")
