"""Whatever StarRocks answers, or does not answer, for a while: walrock waits, goes on by itself, and the content is the same.

An append-only table shows any row that is loaded twice, a keyed one any that is lost or older."""
import threading
import time
from contextlib import contextmanager

import pytest
import requests

from tests.support.case import Case
from tests.support.rockpool import Rockpool
from tests.support.waiting import wait_until

SCHEMA = ["CREATE TABLE events (n bigint, what text)", "ALTER TABLE events REPLICA IDENTITY NOTHING",
          "CREATE TABLE keyed (id int PRIMARY KEY, what text)"]


class Writer:
    """Small transactions on both tables, one after the other, in a thread of its own."""

    def __init__(self, case, pause=0.02):
        self._case, self._pause = case, pause
        self._stop, self._thread = threading.Event(), threading.Thread(target=self._write)
        self.count = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _write(self):
        while not self._stop.is_set():
            self.count += 1
            with self._case.transaction() as cursor:
                cursor.execute(f"INSERT INTO events SELECT {self.count * 100} + n, 'event' FROM generate_series(1, 20) n")
                cursor.execute(f"INSERT INTO keyed VALUES ({self.count}, 'new')")
                cursor.execute(f"UPDATE keyed SET what = 'changed' || {self.count} WHERE id % 7 = {self.count % 7}")
            self._stop.wait(self._pause)

    def wait_for(self, more):
        wanted = self.count + more
        wait_until(f"{more} more transactions", lambda: self.count >= wanted, 60)


@contextmanager
def running(case, changes=None):
    case.source(*SCHEMA)
    walrock = case.walrock("public.*", changes).start()
    walrock.wait_until_ready("public.events", "public.keyed")
    with Writer(case) as writer:
        writer.wait_for(10)
        yield walrock, writer


def settle_and_compare(case, walrock, seconds=120):
    case.settle(walrock, seconds)
    wait_until("the frontend that is compared with to be back", lambda: case.target_count("events") is not None, 30)
    case.assert_identical("events", "keyed")
    states = {table["name"]: table["state"] for table in walrock.status()["tables"]}
    assert set(states.values()) == {"ready"}, states


def fired(case, point):
    """Asked of any frontend: the one that is hit may be away."""
    for port in case.rockpool.fe_ports:
        try:
            answer = requests.get(f"http://127.0.0.1:{port}/_rockpool/faults", timeout=20)
            return [fault for fault in answer.json()["fired"] if fault["point"] == point]
        except requests.ConnectionError:
            continue
    return []


# -- answers ------------------------------------------------------------------------------------

LASTING = [
    {"point": "publish_timeout", "seconds": 3, "count": 4},
    {"point": "too_many_versions", "count": 12},
    {"point": "lost_answer", "at": "commit", "count": 4},
    {"point": "lost_answer", "at": "prepare", "count": 4},
    {"point": "cut_answer", "at": "commit", "bytes": 20, "count": 4},
    {"point": "cut_answer", "at": "prepare", "bytes": 20, "count": 4},
    {"point": "cut_answer", "at": "begin", "bytes": 20, "count": 4},
    {"point": "cut_request", "at": "load", "bytes": 100, "count": 4},
    {"point": "redirect_dead", "count": 10},
    {"point": "html", "at": "begin", "status": 502, "count": 10},
    {"point": "html", "at": "commit", "status": 200, "count": 6},
    {"point": "html", "at": "get_load_state", "status": 502, "count": 4},
    {"point": "http_500", "at": "prepare", "count": 6},
    {"point": "restart_be", "at": "load", "when": "after", "count": 3},
    {"point": "restart_be", "at": "commit", "when": "before", "count": 3},
    {"point": "disk_full", "count": 6},
]


@pytest.mark.parametrize("rule", LASTING, ids=lambda rule: f"{rule['point']}_at_{rule.get('at', 'any')}")
def test_a_trouble_that_lasts_ends_in_identical_content(case_with_own_rockpool, rule):
    case = case_with_own_rockpool
    with running(case) as (walrock, writer):
        case.rockpool.order_fault(**rule)
        if rule.get("at") == "get_load_state":
            case.rockpool.order_fault(point="lost_answer", at="commit", count=3)
        walrock.wait_until("the fault to strike often", lambda: len(fired(case, rule["point"])) >= rule["count"], 90)
        writer.wait_for(5)
    settle_and_compare(case, walrock)


def test_too_many_versions_makes_loads_rarer(case_with_own_rockpool):
    """Every load for ten seconds is refused for it: loads must become few, each with more rows."""
    case = case_with_own_rockpool
    with running(case) as (walrock, writer):
        case.rockpool.order_fault(point="too_many_versions", table="events", count=100000)
        end = time.monotonic() + 10
        walrock.wait_until("ten seconds of it", lambda: time.monotonic() > end, 20, every=0.5)
        refused = len(fired(case, "too_many_versions"))
        case.rockpool.clear_faults()
        writer.wait_for(5)
    settle_and_compare(case, walrock)
    assert 2 <= refused <= 60, f"{refused} loads in ten seconds"


# -- limits ---------------------------------------------------------------------------------------

def transaction_call(case, operation, label):
    """A frontend sends on to a backend, which is another host to requests: it would leave the password out there."""
    sent = {"timeout": 20, "auth": ("root", ""), "headers": {"label": label, "db": case.name, "table": "keyed"}}
    frontend = requests.post(f"http://{case.rockpool.fe_address}/api/transaction/{operation}", allow_redirects=False, **sent)
    assert frontend.status_code == 307, frontend.text
    return requests.post(frontend.headers["Location"], **sent).json()


def test_the_limit_of_running_transactions_is_waited_for(case_with_own_rockpool):
    case = case_with_own_rockpool
    with running(case) as (walrock, writer):
        others = [f"other_{number}" for number in range(20)]
        for label in others:
            assert transaction_call(case, "begin", label)["Status"] == "OK"
        requests.post(f"http://{case.rockpool.fe_address}/_rockpool/settings", json={"max_running_txn_num_per_db": 20},
                      timeout=20).raise_for_status()
        walrock.wait_until("the limit to be named", lambda: "running txns" in walrock.status()["trouble"], 60)
        writer.wait_for(20)
        for label in others:
            assert transaction_call(case, "rollback", label)["Status"] == "OK"
    settle_and_compare(case, walrock)


def test_a_quota_that_is_exceeded_is_waited_for(case_with_own_rockpool):
    case = case_with_own_rockpool
    with running(case) as (walrock, writer):
        case.rockpool.execute(f"ALTER DATABASE {case.name} SET DATA QUOTA 1B")
        walrock.wait_until("the quota to be named", lambda: "quota" in walrock.status()["trouble"], 60)
        writer.wait_for(20)
        case.rockpool.execute(f"ALTER DATABASE {case.name} SET DATA QUOTA 100GB")
    settle_and_compare(case, walrock)


# -- servers --------------------------------------------------------------------------------------

@pytest.fixture
def case_with_three_frontends(request, pg, tmp_path):
    with Rockpool(tmp_path / "rockpool", frontends=3) as own, Case("three", pg, own, tmp_path) as made:
        yield made


def all_frontends(case):
    return {"sink": {"starrocks": {
        "fe-nodes": ",".join(f"127.0.0.1:{port}" for port in case.rockpool.fe_ports),
        "mysql-port": None,
        "jdbc-url": "jdbc:mysql://" + ",".join(f"127.0.0.1:{port}" for port in case.rockpool.mysql_ports)}}}


def control(case, call, fe=0):
    requests.post(f"http://127.0.0.1:{case.rockpool.fe_ports[fe]}/_rockpool/{call}", timeout=20).raise_for_status()


def test_a_leader_switch_in_mid_stream_loses_and_doubles_nothing(case_with_three_frontends):
    case = case_with_three_frontends
    with running(case, all_frontends(case)) as (walrock, writer):
        for before, leader in ((0, 1), (1, 2), (2, 0), (0, 1)):  # the one of before is away for a second
            control(case, f"leader?fe={leader}&seconds=1", fe=before)
            writer.wait_for(30)
    settle_and_compare(case, walrock)


@pytest.mark.parametrize("step", ["begin", "load", "prepare", "commit"])
@pytest.mark.parametrize("when", ["before", "during", "after"])
def test_a_leader_switch_at_a_step_loses_and_doubles_nothing(case_with_three_frontends, step, when):
    case = case_with_three_frontends
    with running(case, all_frontends(case)) as (walrock, writer):
        case.rockpool.order_fault(point="leader_switch", at=step, when=when, seconds=1, count=2)
        walrock.wait_until("the leader to switch twice", lambda: len(fired(case, "leader_switch")) >= 2, 60)
        writer.wait_for(10)
    settle_and_compare(case, walrock)


def test_frontends_that_restart_in_turn_are_passed_over(case_with_three_frontends):
    case = case_with_three_frontends
    with running(case, all_frontends(case)) as (walrock, writer):
        for fe in (0, 1, 2):
            control(case, f"restart_fe?fe={fe}&seconds=2", fe=(fe + 1) % 3)
            writer.wait_for(60)
    settle_and_compare(case, walrock)


def test_backends_that_restart_under_load_lose_nothing(case_with_own_rockpool):
    case = case_with_own_rockpool
    with running(case) as (walrock, writer):
        for be in (0, 1, 0, 1):
            control(case, f"restart_be?be={be}&seconds=1")
            writer.wait_for(25)
    settle_and_compare(case, walrock)


def passed(status, uptime_ms):
    return status if status["uptime_ms"] > uptime_ms else None


def test_while_every_frontend_is_away_memory_and_files_stay_bounded(case_with_own_rockpool):
    """Bounded in time here; what grows would grow with the bytes, and those are many times the budget."""
    case = case_with_own_rockpool
    changes = {"walrock": {"memory": "64MB", "spool-limit": "24MB", "freshness": "200ms"}}
    with running(case, changes) as (walrock, _):
        case.rockpool.kill()
        for turn in range(80):
            case.source(f"INSERT INTO events SELECT {10_000_000 + turn * 10_000} + n, md5(n::text) || md5((n * {turn})::text) "
                        "|| md5((n + 1)::text) FROM generate_series(1, 10000) n",
                        f"INSERT INTO keyed SELECT {10_000_000 + turn * 5_000} + n, repeat(md5((n * {turn})::text), 4) "
                        "FROM generate_series(1, 5000) n")
        walrock.wait_until("the full spool to be named", lambda: "spool is full" in walrock.log(), 90)
        assert walrock.open_files() < 100
        assert walrock.peak_memory_bytes() < 110 << 20, walrock.peak_memory_bytes()
        before = walrock.status()
        later = wait_until("some seconds of absence", lambda: passed(walrock.status(), before["uptime_ms"] + 3000), 30)
        assert later["flushed_lsn"] == before["flushed_lsn"], "nothing is acknowledged that StarRocks does not have"
        case.rockpool.start()
    settle_and_compare(case, walrock, seconds=180)
    assert "spool has room again" in walrock.log()
