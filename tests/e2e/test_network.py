"""The network between walrock and both servers breaks: nothing is lost, nothing is doubled, nothing hangs for ever."""
import os
import random

import pytest

from tests.support.hostile import PgFrames
from tests.support.network import Cut, CutPlan, RandomFaults
from tests.support.waiting import wait_until
from tests.support.wired import Wires

EVENTS = ("CREATE TABLE events (n bigint, what text)", "ALTER TABLE events REPLICA IDENTITY NOTHING")
KEYED = "CREATE TABLE keyed (id int PRIMARY KEY, what text)"
TABLES = ("public.events", "public.keyed")
SILENCE = {"source": {"receive-timeout": "2s"}}


def insert(first, last):
    return f"INSERT INTO events SELECT n, 'event ' || n FROM generate_series({first}, {last}) n"


class Source:
    """Transactions of a few rows, each number once."""

    def __init__(self, case):
        self._case, self.turn = case, 0

    def go_on(self, rows=20):
        self.turn += 1
        with self._case.transaction() as cursor:
            cursor.execute(insert(self.turn * 10_000, self.turn * 10_000 + rows - 1))
            cursor.execute("INSERT INTO keyed VALUES (%s, 'new') ON CONFLICT (id) DO UPDATE SET what = %s",
                           (self.turn % 50, f"turn {self.turn}"))


@pytest.fixture
def wires(case_with_own_rockpool):
    with Wires(case_with_own_rockpool) as made:
        yield made


def begun(case, wires, changes=None):
    """A job over an append-only table (a doubled row shows) and a keyed one, both ready."""
    case.source(*EVENTS, KEYED, insert(1, 100))
    walrock = case.walrock("public.*", wires.job_changes(changes)).start()
    walrock.wait_until_ready(*TABLES)
    return walrock, Source(case)


def compare(case, walrock, seconds=90):
    case.settle_and_compare(walrock, "events", "keyed", seconds=seconds)


@pytest.mark.parametrize(("call", "on"), [("commit", "fe"), ("begin", "fe"), ("begin", "be"), ("load", "be"), ("prepare", "be")])
def test_an_answer_cut_at_any_byte_loses_and_doubles_nothing(case_with_own_rockpool, wires, call, on):
    case = case_with_own_rockpool
    walrock, source = begun(case, wires)
    for after in (0, 1, 8, 12, 17, 33, 60, 95, 130):
        plan = CutPlan(f"/api/transaction/{call}".encode(), after)
        for wire in wires.each(*(("be0", "be1") if on == "be" else ("fe",))):
            wire.cut_all()  # kept-alive connections are made anew, behind the plan
            wire.interceptor = plan
        source.go_on()
        walrock.wait_until(f"the answer to {call} to be cut after {after} bytes", lambda plan=plan: plan.is_done, every=0.01)
        wires.make_whole()
    compare(case, walrock)


class CutInFrame(PgFrames):
    """Cuts in the middle of the n-th CopyData frame of a replication connection that holds a message of the stream."""

    def __init__(self, plan):
        super().__init__()
        self._plan = plan

    def told(self, kind, body, frame):
        if self.is_replication and kind == b"d" and body[:1] == b"w" and not self._plan["is_done"]:
            self._plan["frames"] -= 1
            if self._plan["frames"] < 0:
                self._plan["is_done"] = True
                raise Cut(frame[:min(self._plan["bytes"], len(frame) - 1)])
        return frame


def test_a_stream_cut_in_the_middle_of_a_message_goes_on_where_it_was(case_with_own_rockpool, wires):
    case = case_with_own_rockpool
    walrock, source = begun(case, wires)
    for turn in range(10):
        plan = {"frames": turn * 3, "bytes": 1 + turn * 7, "is_done": False}
        wires.pg.interceptor = lambda plan=plan: CutInFrame(plan)
        wires.pg.cut_all()
        source.go_on()
        walrock.wait_until("the message to be cut", lambda plan=plan: plan["is_done"], every=0.01)
        wires.pg.make_whole()
    compare(case, walrock)


def test_every_byte_in_a_packet_of_its_own_changes_nothing(case_with_own_rockpool, wires):
    case = case_with_own_rockpool
    for wire in wires.each():
        wire.piece = 1
    walrock, source = begun(case, wires)
    for _ in range(5):
        source.go_on()
    compare(case, walrock)


def test_a_slow_network_is_waited_for(case_with_own_rockpool, wires):
    case = case_with_own_rockpool
    walrock, source = begun(case, wires)
    for wire in wires.each():
        wire.delay, wire.rate = 0.05, 20_000
    for _ in range(8):
        source.go_on()
    compare(case, walrock)


@pytest.mark.parametrize("lost", ["down", "up"])
def test_a_silent_source_is_noticed_and_left(case_with_own_rockpool, wires, lost):
    """One direction is lost and nobody closes anything, so only a limit of walrock's own can end it."""
    case = case_with_own_rockpool
    walrock, source = begun(case, wires, SILENCE)
    wires.pg.hold(lost)
    source.go_on()
    walrock.wait_until("the silence to be noticed", lambda: "has been silent" in walrock.log(), 15)
    wires.pg.cut_all()
    wires.pg.release()
    compare(case, walrock)


def test_a_silent_starrocks_is_waited_for_and_nothing_is_sent_twice(case_with_own_rockpool, wires):
    case = case_with_own_rockpool
    walrock, source = begun(case, wires)
    for name, direction in (("fe", "down"), ("be0", "down"), ("fe", "up"), ("be1", "up"), ("be0", "up"), ("be1", "down")):
        wire = getattr(wires, name)
        wire.hold(direction)
        before = walrock.status()["flushed_lsn"]
        source.go_on()
        wait_until("a call to wait, or to have gone by", lambda wire=wire, before=before: walrock.status()["flushed_lsn"] != before
                   or wire.bytes_up, 10)
        wire.cut_all()
        wire.release()
    compare(case, walrock)


def test_ports_that_take_connections_and_serve_none_are_waited_for(case_with_own_rockpool, wires):
    case = case_with_own_rockpool
    walrock, source = begun(case, wires, SILENCE)
    for wire in wires.each():
        wire.accepting = False
        wire.cut_all()
    source.go_on()
    walrock.wait_until("the source to be missed", lambda: "source is waited for" in walrock.log(), 20)
    wires.make_whole()
    compare(case, walrock)


def test_a_stop_while_postgresql_takes_connections_and_answers_none_ends(case_with_own_rockpool, wires):
    """Whoever cancels a statement must not wait for the server that was given up."""
    walrock, _ = begun(case_with_own_rockpool, wires)
    wires.pg.accepting = False
    wires.pg.cut_all()
    walrock.wait_until("the source to be missed", lambda: "source is waited for" in walrock.log(), 20)
    assert walrock.stop(30) == 0, walrock.end_of_log()


def rounds_of_random_faults(case, wires, seed, rounds):
    print(f"seed {seed}")
    dice = random.Random(seed)
    walrock, source = begun(case, wires, SILENCE)
    faults = RandomFaults(seed, wires.named())
    for _ in range(rounds):
        print(faults.strike(), flush=True)
        for _ in range(dice.randint(1, 6)):
            source.go_on(dice.randint(1, 200))
            walrock.wait_until("a look", lambda: True)
            wait_until("a moment", lambda end=[dice.randint(1, 12)]: end.append(end.pop() - 1) or end[0] <= 0, 10, every=0.05)
        faults.heal(cuts=dice.random() < 0.7)
    compare(case, walrock, seconds=180)


def test_random_faults_of_the_network_lose_and_double_nothing(case_with_own_rockpool, wires):
    rounds_of_random_faults(case_with_own_rockpool, wires, random.randrange(1 << 30), 5)


SEEDS = int(os.environ.get("WALROCK_NETWORK_SEEDS", "0"))
FIRST_SEED = int(os.environ.get("WALROCK_FIRST_SEED", "1"))


@pytest.mark.skipif(SEEDS == 0, reason="the long run: make network-faults SEEDS=n")
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_a_long_run_of_random_faults(case_with_own_rockpool, wires, seed):
    rounds_of_random_faults(case_with_own_rockpool, wires, seed, 12)
