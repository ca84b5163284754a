"""The checkpoint: disks that refuse, files that are damaged, a table in StarRocks, and who owns it."""
import json
import resource
import signal
from pathlib import Path

import pytest

from tests.support.waiting import wait_until

SMALL = "CREATE TABLE small (id int PRIMARY KEY, what text)"
EVENTS = "CREATE TABLE events (n bigint, what text)"
APPEND_ONLY = "ALTER TABLE events REPLICA IDENTITY NOTHING"
UNLIMITED = resource.RLIM_INFINITY
FILE = {}


def in_starrocks(case, takeover="2s"):
    return {"walrock": {"checkpoint-store": "starrocks", "checkpoint-database": f"{case.name}_state",
                        "checkpoint-takeover": takeover}}


def insert_small(first, last):
    return f"INSERT INTO small SELECT n, 'row ' || n FROM generate_series({first}, {last}) n"


def confirmed_flush_lsn(case):
    return case.source(f"SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '{case.slot_name}'")[0][0]


def checkpoint_of(walrock):
    """What `walrock status JOB --checkpoint --json` prints."""
    answer = walrock.command("status", "--checkpoint", "--json")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


# -- the file ---------------------------------------------------------------------------------

def test_a_disk_that_refuses_is_waited_for_and_nothing_runs_ahead_of_it(case):
    case.source(SMALL, insert_small(1, 10))
    walrock = case.walrock("small").start()
    walrock.wait_until_ready("public.small")
    case.settle(walrock)
    # No file of the process may grow: its writes fail as on a full disk.
    resource.prlimit(walrock.pid, resource.RLIMIT_FSIZE, (0, UNLIMITED))
    case.source(insert_small(11, 20))
    inserted_at = case.pg.current_lsn()

    def trouble():
        return (walrock.status() or {}).get("trouble", "")

    walrock.wait_until("the trouble to be named", lambda: "the checkpoint cannot be written" in trouble())
    assert str(case.folder / "checkpoint") in trouble()
    assert case.target_count("small") == 10
    assert case.source(f"SELECT '{inserted_at}'::pg_lsn > '{confirmed_flush_lsn(case)}'::pg_lsn")[0][0]
    assert checkpoint_of(walrock)["is_running"]
    resource.prlimit(walrock.pid, resource.RLIMIT_FSIZE, (UNLIMITED, UNLIMITED))
    case.settle_and_compare(walrock, "small")
    walrock.wait_until("the trouble to be over", lambda: not trouble())
    assert walrock.stop() == 0


def test_a_damaged_checkpoint_is_refused_never_begun_anew_and_can_be_dropped(case):
    case.source(SMALL, insert_small(1, 10))
    walrock = case.walrock("small").start()
    walrock.wait_until_ready("public.small")
    assert walrock.stop() == 0
    path = case.folder / "checkpoint" / "checkpoint.db"
    content = path.read_bytes()
    path.write_bytes(content[:len(content) // 2])
    walrock.start()
    assert walrock.wait_for_exit() == 1, walrock.log()
    errors = [line for line in walrock.log().splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and str(path) in errors[0] and "is damaged" in errors[0], walrock.log()
    assert path.read_bytes() == content[:len(content) // 2]
    shown = walrock.command("status", "--checkpoint")
    assert shown.returncode == 1 and "is damaged" in shown.stderr and "walrock drop" in shown.stderr, shown.stderr
    dropped = walrock.command("drop", "--yes")
    assert dropped.returncode == 0, dropped.stderr
    assert not path.exists()


# -- what a person reads ----------------------------------------------------------------------

@pytest.mark.parametrize("store", ["file", "starrocks"])
def test_status_tells_the_checkpoint_and_the_plan_of_a_restart(case, store):
    changes = FILE if store == "file" else in_starrocks(case)
    case.source(SMALL, insert_small(1, 10))
    walrock = case.walrock("small", changes)
    never = walrock.command("status", "--checkpoint")
    assert never.returncode == 1 and "it has never run" in never.stderr, never.stderr
    walrock.start()
    walrock.wait_until_ready("public.small")
    case.settle(walrock)
    seen = checkpoint_of(walrock)
    assert seen["is_running"] and seen["slot"] == case.slot_name, seen
    walrock.kill()
    seen = checkpoint_of(walrock)
    table, = seen["tables"]
    assert not seen["is_running"]
    assert (table["name"], table["state"], table["copied_rows"]) == ("public.small", "ready", 10)
    assert table["restart"] == f"follows from {table['applied_lsn']}"
    assert seen["write_number"] > 0 and seen["incarnation"] > 0 and seen["format"] >= 1
    shown = walrock.command("status", "--checkpoint").stdout
    for text in (case.name, "not running", "public.small", seen["flushed_lsn"], "a restart reads the slot from"):
        assert text in shown, shown
    case.rockpool.execute(f"DROP DATABASE IF EXISTS {case.name}_state FORCE")


# -- the table in StarRocks -------------------------------------------------------------------

@pytest.fixture
def stateless(case):
    """A case whose checkpoint is in StarRocks, and an append-only table that shows every doubling."""
    case.source(EVENTS, APPEND_ONLY, "INSERT INTO events SELECT n, 'old' FROM generate_series(1, 1000) n")
    yield case
    case.rockpool.execute(f"DROP DATABASE IF EXISTS {case.name}_state FORCE")


def another_container(case, name, takeover="2s"):
    """A walrock of the same job with a folder of its own."""
    changes = in_starrocks(case, takeover)
    changes["walrock"]["checkpoint"] = str(case.folder / name)
    return case.walrock("events", changes, job_name=f"{name}.yml")


def insert_events(case, first, last):
    case.source(f"INSERT INTO events SELECT n, 'new' FROM generate_series({first}, {last}) n")


def test_a_container_without_a_disk_goes_on_where_the_one_before_ended(stateless):
    case = stateless
    first = another_container(case, "one").start()
    first.wait_until_ready("public.events")
    insert_events(case, 1001, 1100)
    case.settle(first)
    assert first.stop() == 0
    insert_events(case, 1101, 1200)
    second = another_container(case, "two").start()
    case.settle_and_compare(second, "events")
    second.kill()
    insert_events(case, 1201, 1300)
    third = another_container(case, "three").start()
    case.settle_and_compare(third, "events")
    assert third.stop() == 0
    assert third.command("drop", "--yes").returncode == 0
    assert third.command("status", "--checkpoint").returncode == 1


def test_a_second_container_is_refused_while_the_first_lives(stateless):
    case = stateless
    first = another_container(case, "one", "6s").start()
    first.wait_until_ready("public.events")
    second = another_container(case, "two", "6s").start()
    assert second.wait_for_exit() == 4, second.log()
    assert "another walrock runs" in second.log() and f"pid {first.pid}" in second.log()
    insert_events(case, 1001, 1100)
    case.settle_and_compare(first, "events")


def pause(walrock):
    """Until it stands: on a busy machine a signal takes its time, and a thread that still runs would take the slot back."""
    walrock.signal(signal.SIGSTOP)
    wait_until("every thread to stand", lambda: set(states_of_threads(walrock.pid)) == {"T"})


def states_of_threads(pid):
    return [path.read_text(encoding="ascii").rpartition(")")[2].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")]


def take_the_slot(case):
    """PostgreSQL takes it from a reader that answers nothing after a while; here it is taken at once."""
    case.source_as_superuser("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots "
                             f"WHERE slot_name = '{case.slot_name}' AND active_pid IS NOT NULL")


def assert_ends_as_overtaken(walrock, seconds):
    assert walrock.wait_for_exit(seconds) == 4, walrock.end_of_log()
    assert "error: another walrock has taken over" in walrock.log(), walrock.end_of_log()


def test_a_paused_container_that_wakes_up_after_its_successor_took_over_is_harmless(stateless):
    case = stateless
    paused = another_container(case, "one").start()
    paused.wait_until_ready("public.events")
    insert_events(case, 1001, 2000)
    pause(paused)
    insert_events(case, 2001, 2100)
    take_the_slot(case)
    successor = another_container(case, "two").start()
    case.settle_and_compare(successor, "events")
    paused.signal(signal.SIGCONT)
    assert_ends_as_overtaken(paused, 30)
    insert_events(case, 2101, 2200)
    case.settle_and_compare(successor, "events")


def test_an_overtaken_container_that_has_nothing_to_write_ends_by_itself(stateless):
    """It looks for a later owner at every sign of life: every sixth of checkpoint-takeover, here a third of a second."""
    case = stateless
    paused = another_container(case, "one").start()
    paused.wait_until_ready("public.events")
    case.settle(paused)
    pause(paused)
    take_the_slot(case)
    successor = another_container(case, "two").start()
    # Its status alone may come from the checkpoint, which says ready before anybody has taken over.
    successor.wait_until("it to take over", lambda: "stream started" in successor.log())
    paused.signal(signal.SIGCONT)
    assert_ends_as_overtaken(paused, 10)
    insert_events(case, 2001, 2100)
    case.settle_and_compare(successor, "events")


def test_an_overtaken_container_that_waits_in_its_start_ends_by_itself(stateless):
    case = stateless
    first = another_container(case, "one").start()
    first.wait_until_ready("public.events")
    assert first.stop() == 0
    # A database that takes no connections: the start waits for it and has nothing to write.
    case.source_as_superuser(f"ALTER DATABASE {case.name} CONNECTION LIMIT 0")
    paused = another_container(case, "two").start()
    paused.wait_until("it to wait", lambda: "connecting to PostgreSQL is tried again" in paused.log())
    pause(paused)
    successor = another_container(case, "three").start()
    successor.wait_until("it to take over and wait", lambda: "connecting to PostgreSQL is tried again" in successor.log())
    paused.signal(signal.SIGCONT)
    assert_ends_as_overtaken(paused, 10)
    case.source_as_superuser(f"ALTER DATABASE {case.name} CONNECTION LIMIT -1")
    insert_events(case, 2001, 2100)
    case.settle_and_compare(successor, "events")


def test_the_checkpoint_in_starrocks_waits_while_starrocks_is_away(case_with_own_rockpool):
    case = case_with_own_rockpool
    case.source(SMALL, insert_small(1, 10))
    walrock = case.walrock("small", in_starrocks(case)).start()
    walrock.wait_until_ready("public.small")
    case.rockpool.kill()
    case.source(insert_small(11, 20))
    walrock.wait_until("it to wait", lambda: (walrock.status() or {}).get("state") == "waiting")
    case.rockpool.start()
    case.settle_and_compare(walrock, "small")
    wait_until("the checkpoint to be written", lambda: checkpoint_of(walrock)["tables"][0]["state"] == "ready")
    assert walrock.stop() == 0
