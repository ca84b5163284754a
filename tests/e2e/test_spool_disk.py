"""The disk under the spool: full, or unreadable. The spool is a cache, so neither ends the run, nor costs a table anything."""
import os
import resource
from contextlib import contextmanager

from tests.e2e.test_target_trouble import running, settle_and_compare
from tests.support.waiting import wait_until

UNLIMITED = resource.RLIM_INFINITY
WAITS = "the spool waits for its disk"
SETTINGS = {"walrock": {"memory": "64MB", "freshness": "200ms"}}


def limit_files(walrock, size):
    """No file of the process may grow beyond it: its writes fail as on a full disk. The checkpoint stays below."""
    resource.prlimit(walrock.pid, resource.RLIMIT_FSIZE, (size, UNLIMITED))


def trouble_of(walrock):
    return (walrock.status() or {}).get("trouble", "")


def insert_much(case):
    for turn in range(80):
        case.source(f"INSERT INTO events SELECT {10_000_000 + turn * 10_000} + n, md5(n::text) || md5((n * {turn})::text) "
                    "|| md5((n + 1)::text) FROM generate_series(1, 10000) n",
                    f"INSERT INTO keyed SELECT {10_000_000 + turn * 5_000} + n, repeat(md5((n * {turn})::text), 4) "
                    "FROM generate_series(1, 5000) n")


@contextmanager
def running_on_a_full_disk(case):
    """StarRocks is away, and the disk of the spool takes no more."""
    with running(case, SETTINGS) as (walrock, _):
        case.rockpool.kill()
        limit_files(walrock, 8 << 20)
        insert_much(case)
        walrock.wait_until("the full disk to be named", lambda: WAITS in trouble_of(walrock), 90)
        yield walrock


def test_a_full_disk_while_starrocks_is_away_is_waited_for(case_with_own_rockpool):
    case = case_with_own_rockpool
    with running_on_a_full_disk(case) as walrock:
        trouble = trouble_of(walrock)
        assert str(case.folder / "checkpoint" / "spool") in trouble and "Check space" in trouble, trouble
        before = walrock.status()
        later = wait_until("some seconds of it", lambda: (status := walrock.status())["uptime_ms"] > before["uptime_ms"] + 5000
                           and status, 30)
        assert later["flushed_lsn"] == before["flushed_lsn"], "nothing is acknowledged that StarRocks does not have"
        assert walrock.peak_memory_bytes() < 110 << 20, walrock.peak_memory_bytes()
        assert "stream is started again" not in walrock.log(), "the stream stays alive"
        # There is room again, and StarRocks is still away.
        limit_files(walrock, UNLIMITED)
        walrock.wait_until("the trouble to be over", lambda: WAITS not in trouble_of(walrock), 60)
        case.rockpool.start()
    settle_and_compare(case, walrock, seconds=180)


def test_starrocks_takes_what_the_disk_did_not(case_with_own_rockpool):
    case = case_with_own_rockpool
    with running_on_a_full_disk(case) as walrock:
        case.rockpool.start()
    settle_and_compare(case, walrock, seconds=180)
    limit_files(walrock, UNLIMITED)
    assert WAITS not in trouble_of(walrock)


def test_a_full_disk_under_a_transaction_in_progress_is_waited_for(case_with_own_rockpool):
    case = case_with_own_rockpool
    case.source_as_superuser(f"ALTER ROLE replicator IN DATABASE {case.name} SET logical_decoding_work_mem = '64kB'")
    with running(case, SETTINGS) as (walrock, _):
        limit_files(walrock, 8 << 20)
        with case.transaction() as cursor:
            for turn in range(20):
                cursor.execute(f"INSERT INTO keyed SELECT {10_000_000 + turn * 10_000} + n, md5(n::text) || md5((n * {turn})::text)"
                               " || md5((n + 7)::text) || md5((n + 9)::text) FROM generate_series(1, 10000) n")
            walrock.wait_until("the full disk to be named", lambda: WAITS in trouble_of(walrock), 60)
            assert "transaction." in trouble_of(walrock), trouble_of(walrock)
            limit_files(walrock, UNLIMITED)
            walrock.wait_until("the trouble to be over", lambda: WAITS not in trouble_of(walrock), 60)
    settle_and_compare(case, walrock, seconds=180)
    assert "stream is started again" not in walrock.log()


def spool_files(walrock):
    """They have no names any more, but those of their descriptors."""
    folder = f"/proc/{walrock.pid}/fd"
    return [path for path in (os.path.join(folder, name) for name in os.listdir(folder)) if "/spool/bodies." in os.readlink(path)]


def test_what_cannot_be_read_back_is_read_again_from_postgresql(case_with_own_rockpool):
    case = case_with_own_rockpool
    with running(case, {"walrock": {"memory": "64MB", "spool-limit": "24MB", "freshness": "200ms"}}) as (walrock, _):
        case.rockpool.kill()
        insert_much(case)
        walrock.wait_until("the full spool to be named", lambda: "spool is full" in walrock.log(), 90)
        for path in spool_files(walrock):
            os.truncate(path, 0)
        case.rockpool.start()
        walrock.wait_until("a new beginning", lambda: "begins again: cannot read all of" in walrock.log(), 90)
    settle_and_compare(case, walrock, seconds=180)
    assert "table is copied again" not in walrock.log() and "table is set aside" not in walrock.log()
