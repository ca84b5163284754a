"""kill -9 at any moment, start again: nothing is lost and nothing is doubled."""
import random
import signal

import pytest

from tests.support.shop import ORDER_LINES, SEED_TABLES, TABLES, Traffic, fill_statements

EVENTS = "CREATE TABLE events (n bigint, what text)"
APPEND_ONLY = "ALTER TABLE events REPLICA IDENTITY NOTHING"

# Long enough that a kill comes in the middle of it.
SLOW_COPY = {"source": {"copy-rate": "12MB"}}


def insert_events(first, last):
    return f"INSERT INTO events SELECT n, 'event ' || n % 1000 FROM generate_series({first}, {last}) n"


def restart(walrock, *tables):
    walrock.start()
    walrock.wait_until_ready(*tables)


def kill_when(walrock, table, *states, rows=0):
    """kill -9 as soon as the table is in one of the states with that many rows."""
    walrock.wait_until(f"{table} to be {states}", lambda: seen_in(walrock.table(table), states, rows), 60, every=0.005)
    walrock.kill()


def seen_in(table, states, rows):
    return table is not None and table["state"] in states and (table["rows"] or 0) >= rows


def test_killed_in_the_copy_it_starts_again_and_is_exact(case):
    case.source(*SEED_TABLES, ORDER_LINES, *fill_statements(lines=400_000))
    walrock = case.walrock("public.*", SLOW_COPY).start()
    kill_when(walrock, "public.order_lines", "copying", rows=1)
    restart(walrock)
    case.settle_and_compare(walrock, *TABLES)


def test_an_append_only_table_killed_in_the_copy_has_no_row_twice(case):
    case.source(EVENTS, APPEND_ONLY, insert_events(1, 1_000_000))
    walrock = case.walrock("events", {"source": {"copy-rate": "6MB"}}).start()
    kill_when(walrock, "public.events", "copying", rows=1)
    restart(walrock, "public.events")
    case.source(insert_events(1_000_001, 1_000_100))
    case.settle_and_compare(walrock, "events")


def test_rows_deleted_between_two_tries_of_a_copy_are_not_in_the_target(case):
    case.source(ORDER_LINES, *list(fill_statements(lines=400_000))[3:])
    walrock = case.walrock("order_lines", SLOW_COPY).start()
    kill_when(walrock, "public.order_lines", "copying", rows=1)
    case.source("DELETE FROM order_lines WHERE line_id % 3 = 0", "UPDATE order_lines SET note = 'new' WHERE line_id < 1000")
    restart(walrock, "public.order_lines")
    case.settle_and_compare(walrock, "order_lines")


@pytest.mark.parametrize("semantic", ["exactly-once", "at-least-once"])
def test_killed_in_the_hand_over_nothing_is_lost_or_doubled(case, semantic):
    case.source(*SEED_TABLES, ORDER_LINES, *fill_statements(lines=150_000))
    if semantic == "exactly-once":
        case.source(EVENTS, APPEND_ONLY, insert_events(1, 50_000))
    walrock = case.walrock("public.*", {"sink": {"starrocks": {"sink.semantic": semantic}}})
    with Traffic(case.pg.dsn(case.name), seed=11) as traffic:
        walrock.start()
        kill_when(walrock, "public.order_lines", "copied", "catching_up", "ready")
        if semantic == "exactly-once":
            case.source(insert_events(50_001, 60_000))
        reached = traffic.transactions + 200
        restart(walrock)
        walrock.wait_until("more traffic", lambda: traffic.transactions >= reached)
    case.settle_and_compare(walrock, *TABLES, *(["events"] if semantic == "exactly-once" else []))


def test_killed_again_and_again_in_the_stream_nothing_is_lost_or_doubled(case):
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    moments = random.Random(seed)
    case.source(*SEED_TABLES, ORDER_LINES, EVENTS, APPEND_ONLY, *fill_statements(lines=5_000))
    walrock = case.walrock("public.*").start()
    walrock.wait_until_ready()
    appended = 0
    with Traffic(case.pg.dsn(case.name), seed=seed) as traffic:
        for _ in range(6):
            for _ in range(moments.randint(1, 8)):
                case.source(insert_events(appended + 1, appended + 500))
                appended += 500
                reached = traffic.transactions + moments.randint(1, 120)
                walrock.wait_until("traffic", lambda reached=reached: traffic.transactions >= reached)
            walrock.kill()
            walrock.start()
    walrock.wait_until_ready()
    case.settle_and_compare(walrock, *TABLES, "events")


def test_killed_while_starrocks_does_not_answer_it_finishes_what_was_prepared(case_with_own_rockpool):
    case = case_with_own_rockpool
    case.source(EVENTS, APPEND_ONLY)
    walrock = case.walrock("events").start()
    walrock.wait_until_ready("public.events")
    for turn in range(5):
        case.source(insert_events(turn * 1000 + 1, turn * 1000 + 1000))
        case.rockpool.pause()
        walrock.kill()
        case.rockpool.resume()
        walrock.start()
    walrock.wait_until_ready("public.events")
    case.settle_and_compare(walrock, "events")


def test_both_ends_killed_together_nothing_is_lost_or_doubled(case_with_own_rockpool):
    case = case_with_own_rockpool
    case.source(EVENTS, APPEND_ONLY, insert_events(1, 1000))
    walrock = case.walrock("events").start()
    walrock.wait_until_ready("public.events")
    for turn in range(1, 4):
        case.source(insert_events(turn * 1000 + 1, turn * 1000 + 1000))
        case.rockpool.kill()
        walrock.kill()
        case.rockpool.start()
        walrock.start()
    walrock.wait_until_ready("public.events")
    case.settle_and_compare(walrock, "events")


def test_a_clean_stop_and_start_goes_on_without_a_copy(case):
    case.source(EVENTS, APPEND_ONLY, insert_events(1, 1000))
    walrock = case.walrock("events").start()
    walrock.wait_until_ready("public.events")
    case.source(insert_events(1001, 2000))
    assert walrock.stop() == 0
    case.source(insert_events(2001, 3000))
    restart(walrock, "public.events")
    case.settle_and_compare(walrock, "events")


def test_a_lost_checkpoint_is_noticed_and_the_slot_refused(case):
    case.source(EVENTS, APPEND_ONLY, insert_events(1, 10))
    walrock = case.walrock("events").start()
    walrock.wait_until_ready("public.events")
    walrock.stop()
    for path in sorted((case.folder / "checkpoint").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    walrock.start()
    assert walrock.wait_for_exit() == 4
    assert f"pg_drop_replication_slot('{case.slot_name}')" in walrock.log()


# -- startup mode latest --------------------------------------------------------------------------

LATEST = {"source": {"postgres-cdc": {"scan.startup.mode": "latest-offset"}}}
IN_A_START = ["after_start_slot", "after_start_table", "before_start_tables_record", "after_start_tables_record",
              "before_stream_start"]


@pytest.mark.parametrize("failpoint", IN_A_START)
def test_a_first_start_that_copies_nothing_and_is_killed_copies_nothing_afterwards(case, failpoint):
    case.source(EVENTS, APPEND_ONLY, insert_events(1, 1000))
    walrock = case.walrock("events", LATEST, environment={"WALROCK_FAILPOINT": failpoint}).start()
    assert walrock.wait_for_exit() == -signal.SIGKILL, walrock.end_of_log()
    walrock.set_environment({"WALROCK_FAILPOINT": ""})
    restart(walrock, "public.events")
    case.source(insert_events(2001, 2100))
    case.settle(walrock)
    assert case.target("SELECT min(n), count(*) FROM events") == [["2001", "100"]]
    walrock.kill()
    case.source(insert_events(3001, 3100))
    restart(walrock, "public.events")
    case.settle(walrock)
    assert case.target("SELECT min(n), count(*) FROM events") == [["2001", "200"]]


@pytest.mark.parametrize("failpoint", ["after_start_job_record", "after_start_slot", "after_start_table",
                                       "before_start_tables_record"])
def test_a_slot_that_was_lost_is_repaired_by_a_copy_also_without_a_first_one_and_after_a_kill(case, failpoint):
    """startup mode latest says nothing of a table whose changes were lost."""
    lost_copy = {"source": {"postgres-cdc": {**LATEST["source"]["postgres-cdc"], "slot.lost": "copy"}}}
    case.source(EVENTS, APPEND_ONLY, insert_events(1, 1000))
    walrock = case.walrock("events", lost_copy)
    restart(walrock, "public.events")
    assert walrock.stop() == 0
    case.source_as_superuser(f"SELECT pg_drop_replication_slot('{case.slot_name}')")
    case.source(insert_events(2001, 2100))
    if failpoint == "after_start_table":
        case.target("DROP TABLE events FORCE")
    walrock.set_environment({"WALROCK_FAILPOINT": failpoint})
    assert walrock.start().wait_for_exit() == -signal.SIGKILL, walrock.end_of_log()
    walrock.set_environment({"WALROCK_FAILPOINT": ""})
    restart(walrock, "public.events")
    case.settle_and_compare(walrock, "events")
