"""StarRocks answers badly, or not at all: nothing is lost, nothing is doubled, and it goes on by itself."""
import pytest

from tests.support.programs import free_port
from tests.support.waiting import wait_until

EVENTS = ("CREATE TABLE events (n bigint, what text)", "ALTER TABLE events REPLICA IDENTITY NOTHING")
KEYED = "CREATE TABLE keyed (id int PRIMARY KEY, what text)"


def insert(first, last):
    return f"INSERT INTO events SELECT n, 'event ' || n FROM generate_series({first}, {last}) n"


@pytest.fixture
def running(case_with_own_rockpool):
    """A job over an append-only table (a doubled row shows) and a keyed one."""
    case = case_with_own_rockpool
    case.source(*EVENTS, KEYED, insert(1, 100))
    walrock = case.walrock("public.*").start()
    walrock.wait_until_ready("public.events", "public.keyed")
    return case, walrock


FAULTS = [
    {"point": "lost_answer", "at": "begin"}, {"point": "lost_answer", "at": "load"},
    {"point": "lost_answer", "at": "prepare"}, {"point": "lost_answer", "at": "commit"},
    {"point": "cut", "at": "load"}, {"point": "cut", "at": "commit"},
    {"point": "publish_timeout", "seconds": 2},
    {"point": "http_500", "at": "load"}, {"point": "http_500", "at": "commit"}, {"point": "html", "at": "begin"},
    {"point": "html", "at": "commit"}, {"point": "too_many_versions"},
    {"point": "redirect_dead"}, {"point": "restart_be", "at": "prepare"}, {"point": "fail", "at": "prepare"},
]


@pytest.mark.parametrize("rule", FAULTS, ids=lambda rule: f"{rule['point']}_at_{rule.get('at', 'any')}")
def test_after_a_fault_everything_arrives_once(running, rule):
    case, walrock = running
    case.rockpool.order_fault(count=2, **rule)
    for turn in range(1, 6):
        with case.transaction() as cursor:
            cursor.execute(insert(turn * 1000, turn * 1000 + 500))
            cursor.execute("INSERT INTO keyed VALUES (%s, 'new')", (turn,))
            cursor.execute("UPDATE keyed SET what = 'changed' WHERE id = %s", (turn - 1,))
    case.settle_and_compare(walrock, "events", "keyed", seconds=90)
    struck = [fault["point"] for fault in case.rockpool.fired_faults()]
    assert rule["point"] in struck, "the fault was never met, so nothing was tried"


def test_killed_after_a_commit_whose_answer_was_lost_no_row_is_doubled(running):
    case, walrock = running
    for turn in range(1, 4):
        case.rockpool.order_fault(point="lost_answer", at="commit", count=1)
        case.source(insert(turn * 1000, turn * 1000 + 500))
        walrock.wait_until("the answer to be lost", lambda turn=turn: len(case.rockpool.fired_faults()) >= turn)
        walrock.kill()
        walrock.start()
    walrock.wait_until_ready("public.events")
    case.settle_and_compare(walrock, "events", "keyed", seconds=90)


def test_a_copy_that_becomes_visible_late_is_not_mixed_with_the_next_try(case_with_own_rockpool):
    """Emptying a table is a barrier: what an earlier try has committed must be visible before it."""
    case = case_with_own_rockpool
    case.source(*EVENTS, KEYED, insert(1, 5000), "INSERT INTO keyed SELECT n, 'old' FROM generate_series(1, 5000) n")
    case.rockpool.order_fault(point="publish_timeout", seconds=4, count=2)
    walrock = case.walrock("public.*").start()
    walrock.wait_until("both copies to be committed", lambda: len(case.rockpool.fired_faults()) == 2, every=0.01)
    walrock.kill()
    case.source("DELETE FROM keyed WHERE id > 100", "UPDATE keyed SET what = 'new'")
    walrock.start()
    walrock.wait_until_ready("public.events", "public.keyed")
    case.settle(walrock)
    wait_until("every load to be over", lambda: all(
        load["state"] in ("VISIBLE", "ABORTED") for load in case.rockpool.stats()["history"]))
    case.assert_identical("events", "keyed")


def test_backends_that_restart_again_and_again_lose_nothing(running):
    case, walrock = running
    for turn in range(1, 11):
        case.source(insert(turn * 1000, turn * 1000 + 500))
        case.rockpool.restart_backends()
    case.settle_and_compare(walrock, "events", "keyed", seconds=90)


def test_a_dead_frontend_address_is_passed_over(case):
    case.source(KEYED, "INSERT INTO keyed VALUES (1, 'a')")
    walrock = case.walrock("keyed", {"sink": {"starrocks": {
        "fe-nodes": f"127.0.0.1:{free_port()},{case.rockpool.fe_address}"}}}).start()
    walrock.wait_until_ready("public.keyed")
    case.source("INSERT INTO keyed VALUES (2, 'b')")
    case.settle_and_compare(walrock, "keyed")
