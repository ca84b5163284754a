"""A StarRocks that goes away is waited for without limit; nothing is lost and nothing is doubled."""
import time

import pytest

from tests.support.shop import ORDER_LINES, SEED_TABLES, TABLES, Traffic, fill_statements

AWAY_S = 20


def wait_for_absence(traffic, walrock):
    """The absence itself is a length of time; traffic goes on meanwhile and walrock must not give up."""
    end = time.monotonic() + AWAY_S
    walrock.wait_until("the absence to be over", lambda: time.monotonic() >= end, AWAY_S + 10, every=0.5)
    assert traffic.transactions > 0


@pytest.mark.slow
@pytest.mark.parametrize("how", ["frozen", "killed"])
def test_a_starrocks_that_is_away_for_20_seconds_is_waited_for(case_with_own_rockpool, how):
    case = case_with_own_rockpool
    case.source(*SEED_TABLES, ORDER_LINES, "CREATE TABLE events (n bigint)", "ALTER TABLE events REPLICA IDENTITY NOTHING",
                *fill_statements(lines=5_000))
    walrock = case.walrock("public.*").start()
    walrock.wait_until_ready()
    with Traffic(case.pg.dsn(case.name), seed=3) as traffic:
        case.source("INSERT INTO events SELECT generate_series(1, 20000)")
        case.rockpool.pause() if how == "frozen" else case.rockpool.kill()
        case.source("INSERT INTO events SELECT generate_series(20001, 40000)")
        wait_for_absence(traffic, walrock)
        case.rockpool.resume() if how == "frozen" else case.rockpool.start()
        case.source("INSERT INTO events SELECT generate_series(40001, 40100)")
    case.settle_and_compare(walrock, *TABLES, "events", seconds=90)


def test_a_starrocks_that_goes_away_in_the_copy_is_waited_for(case_with_own_rockpool):
    case = case_with_own_rockpool
    case.source(ORDER_LINES, *list(fill_statements(lines=300_000))[3:])
    walrock = case.walrock("order_lines", {"source": {"copy-rate": "10MB"}}).start()
    walrock.wait_until("the copy to be under way", lambda: is_copying(walrock.table("public.order_lines")), every=0.01)
    case.rockpool.kill()
    walrock.wait_until("the failure to be noticed", lambda: "127.0.0.1" in walrock.log())
    case.rockpool.start()
    walrock.wait_until_ready("public.order_lines")
    case.settle_and_compare(walrock, "order_lines")


def is_copying(table):
    return table is not None and table["state"] == "copying" and (table["rows"] or 0) > 0


def test_a_starrocks_that_is_not_there_at_the_start_is_waited_for(case_with_own_rockpool):
    case = case_with_own_rockpool
    case.source("CREATE TABLE small (id int PRIMARY KEY)", "INSERT INTO small VALUES (1)")
    walrock = case.walrock("small")
    case.rockpool.kill()
    walrock.start()
    port = str(case.rockpool.mysql_port)
    walrock.wait_until("the unreachable server to be named", lambda: port in walrock.log())
    case.rockpool.start()
    walrock.wait_until_ready("public.small")
    case.settle_and_compare(walrock, "small")
