"""transactions: across-tables: readers never see half of a source transaction, whatever dies meanwhile."""
import random
import signal
import threading

import pytest

from tests.support.case import Case
from tests.support.rockpool import Rockpool
from tests.support.waiting import wait_until

ACROSS = {"sink": {"starrocks": {"transactions": "across-tables"}}, "walrock": {"freshness": "100ms"}}
ACCOUNTS = 20
MONEY = 2 * ACCOUNTS * 1000
BANKS = [statement for bank in ("north", "south") for statement in (
    f"CREATE TABLE {bank} (id int PRIMARY KEY, money int NOT NULL)",
    f"INSERT INTO {bank} SELECT n, 1000 FROM generate_series(1, {ACCOUNTS}) n")]
# Every transfer in a table that is only appended to.
TRANSFERS = ("CREATE TABLE transfers (n int, amount int)", "ALTER TABLE transfers REPLICA IDENTITY NOTHING",
             "INSERT INTO transfers VALUES (0, 0)")
SUM = "SELECT (SELECT sum(money) FROM north) + (SELECT sum(money) FROM south)"


class Transfers:
    """Moves money between the accounts of two tables, one transaction after the other."""

    def __init__(self, case, seed=1, logs=False):
        self._case, self._dice, self._logs = case, random.Random(seed), logs
        self.count = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.failure = None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        if self.failure:
            raise self.failure

    def _run(self):
        try:
            while not self._stop.wait(0.005):
                self._transfer()
        except Exception as error:  # noqa: BLE001 (told to the test at the end)
            self.failure = error

    def _transfer(self):
        amount, here, there = self._dice.randint(-50, 50), self._dice.randint(1, ACCOUNTS), self._dice.randint(1, ACCOUNTS)
        self.count += 1
        with self._case.transaction() as cursor:
            cursor.execute("UPDATE north SET money = money - %s WHERE id = %s", (amount, here))
            cursor.execute("UPDATE south SET money = money + %s WHERE id = %s", (amount, there))
            if self._logs:
                cursor.execute("INSERT INTO transfers VALUES (%s, %s)", (self.count, amount))


class Reader:
    """Adds up both tables in the target again and again."""

    def __init__(self, case):
        self._case = case
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seen, self.reads, self.failure = set(), 0, None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        if self.failure:
            raise self.failure

    def _run(self):
        try:
            while not self._stop.is_set():
                self.seen.add(int(self._case.target(SUM)[0][0]))
                self.reads += 1
        except Exception as error:  # noqa: BLE001 (told to the test at the end)
            self.failure = error


def test_readers_see_all_of_a_transaction_or_nothing(case):
    case.source(*BANKS)
    walrock = case.walrock(["north", "south"], ACROSS).start()
    walrock.wait_until_ready()
    with Reader(case) as reader, Transfers(case) as transfers:
        wait_until("transfers to be read meanwhile", lambda: transfers.count > 300 and reader.reads > 100, 60)
        case.settle(walrock)
    assert reader.seen == {MONEY}
    case.settle_and_compare(walrock, "north", "south")
    assert case.target("SELECT DISTINCT job FROM _walrock_progress") == [[case.name]]


def test_without_it_readers_see_halves(case):
    """What the test above would miss if its reader were blind."""
    case.source(*BANKS)
    walrock = case.walrock(["north", "south"], {"walrock": {"freshness": "100ms"}}).start()
    walrock.wait_until_ready()
    case.rockpool.order_fault(point="slow", at="commit", label=f"{case.name}", ms=200, probability=0.5)
    with Reader(case) as reader, Transfers(case):
        wait_until("half a transaction to be seen", lambda: len(reader.seen) > 1, 60)
    case.rockpool.clear_faults()


@pytest.mark.parametrize("failpoint", ["before_group_begin:4", "after_group_begin:4", "after_group_load:8",
                                       "before_group_commit:4", "after_group_commit:4", "after_stream_applied:3"])
def test_killed_at_any_step_nothing_is_half_visible_lost_or_doubled(case, failpoint):
    case.source(*BANKS, *TRANSFERS)
    walrock = case.walrock(["north", "south", "transfers"], ACROSS).start()
    walrock.wait_until_ready()
    assert walrock.stop() == 0
    walrock.set_environment({"WALROCK_FAILPOINT": failpoint})
    with Reader(case) as reader, Transfers(case, logs=True) as transfers:
        walrock.start()
        assert walrock.wait_for_exit(120) == -signal.SIGKILL, walrock.end_of_log()
        walrock.set_environment({"WALROCK_FAILPOINT": ""})
        walrock.start()
        walrock.wait_until_ready()
        count = transfers.count
        wait_until("transfers after the start", lambda: transfers.count > count + 50, 60)
    case.settle_and_compare(walrock, "north", "south", "transfers")
    assert reader.seen == {MONEY}


def test_a_transaction_in_doubt_is_asked_for(case):
    case.source(*BANKS, *TRANSFERS)
    walrock = case.walrock(["north", "south", "transfers"], ACROSS).start()
    walrock.wait_until_ready()
    for point in ("lost_answer", "cut", "publish_timeout"):
        case.rockpool.order_fault(point=point, at="commit", label="_g[0-9]+_", count=2)
    with Reader(case) as reader, Transfers(case, logs=True) as transfers:
        wait_until("transfers", lambda: transfers.count > 200, 60)
        case.settle(walrock)
    assert reader.seen == {MONEY}
    case.settle_and_compare(walrock, "north", "south", "transfers")


def test_a_refused_row_takes_its_table_out_and_the_others_go_on(case):
    case.source(*BANKS, "CREATE TABLE narrow (id int PRIMARY KEY, what text)", "INSERT INTO narrow VALUES (1, 'ok')")
    case.target("CREATE TABLE narrow (id INT NOT NULL, what VARCHAR(4)) PRIMARY KEY (id) DISTRIBUTED BY HASH (id) "
                "PROPERTIES(\"replication_num\" = \"1\")")
    walrock = case.walrock(["north", "south", "narrow"], ACROSS).start()
    walrock.wait_until_ready()
    with Reader(case) as reader:
        with case.transaction() as cursor:
            cursor.execute("UPDATE north SET money = money - 7 WHERE id = 1")
            cursor.execute("UPDATE south SET money = money + 7 WHERE id = 1")
            cursor.execute("INSERT INTO narrow VALUES (2, 'much too long')")
        walrock.wait_until_table("public.narrow", "errored")
        case.settle(walrock)
    assert reader.seen == {MONEY}
    case.assert_identical("north", "south")
    assert "id=2" in walrock.table("public.narrow")["reason"]


def test_a_column_is_added_in_between(case):
    case.source(*BANKS)
    walrock = case.walrock(["north", "south"], ACROSS).start()
    walrock.wait_until_ready()
    with Reader(case) as reader, Transfers(case) as transfers:
        wait_until("transfers", lambda: transfers.count > 50, 60)
        case.source("ALTER TABLE north ADD COLUMN note text", "UPDATE north SET note = 'new' WHERE id = 3")
        count = transfers.count
        wait_until("transfers behind it", lambda: transfers.count > count + 100, 60)
        case.settle(walrock)
    assert reader.seen == {MONEY}
    case.settle_and_compare(walrock, "north", "south")


@pytest.mark.parametrize("version", ["3.5.4", "4.0.2"])
def test_a_server_that_cannot_is_refused_at_the_start_and_by_check(request, pg, tmp_path, version):
    name = f"across_{version.replace('.', '_')}"
    with Rockpool(tmp_path / "rockpool", version=version) as own, Case(name, pg, own, tmp_path) as case:
        case.source(*BANKS)
        walrock = case.walrock(["north", "south"], ACROSS)
        checked = walrock.command("check")
        assert checked.returncode != 0
        assert version in checked.stdout and "4.0.5" in checked.stdout
        walrock.start()
        assert walrock.wait_for_exit(60) != 0
        assert f"StarRocks {version} cannot commit several tables at once" in walrock.log()
        assert "needs 4.0.5 or later" in walrock.log()


def test_at_least_once_is_refused(case):
    case.source(*BANKS)
    walrock = case.walrock(["north", "south"], {"sink": {"starrocks": {"transactions": "across-tables",
                                                                       "sink.semantic": "at-least-once"}}})
    assert "across-tables goes with exactly-once only" in walrock.command("check").stderr
