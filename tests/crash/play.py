"""Plays one case on a site: deaths, the last start, the comparison."""
import random
import signal
import zlib

import requests

from tests.crash.site import Life, database_name, state_database
from tests.crash.workload import RELEASE_NARROW
from tests.support.job_file import merge
from tests.support.waiting import wait_until

EXISTING = ('CREATE TABLE {name}.wiped (id INT NOT NULL, what STRING) PRIMARY KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 '
            'PROPERTIES ("replication_num" = "1")', "INSERT INTO {name}.wiped VALUES (999999, 'was here before')")


NARROW = ('CREATE TABLE {name}.narrow (id INT NOT NULL, what VARCHAR(4), hits INT, body STRING) PRIMARY KEY(id) '
          'DISTRIBUTED BY HASH(id) BUCKETS 1 PROPERTIES ("replication_num" = "1")')


def play(site, number, case, seed):
    scene = case.scene
    name = database_name(f"c{number}_{case.kind}")
    changes = merge({"sink": {"starrocks": {"sink.semantic": case.semantic}}, "walrock": {"freshness": "200ms"}}, scene.changes)
    if scene.is_stateless:
        changes = merge(changes, {"walrock": {"checkpoint-store": "starrocks", "checkpoint-database": state_database(name),
                                              "checkpoint-takeover": "1s"}})
    if scene.is_slot_lost:
        changes = merge(changes, {"source": {"postgres-cdc": {"slot.lost": "copy"}}})
    dice = random.Random(seed ^ zlib.crc32(case.id.encode()))
    life = Life(site, name, scene.tables, dice.randrange(1 << 30), changes, scene.rows)
    has_passed = False
    try:
        if scene.existing:
            site.rockpool.execute(f"CREATE DATABASE {name}", *(sql.format(name=name) for sql in EXISTING))
        if "narrow" in scene.tables:
            site.rockpool.execute(f"CREATE DATABASE {name}", NARROW.format(name=name))
        with life.workload:
            KINDS[case.kind](life, case, dice)
            wait_until("a frontend that takes orders", lambda: has_cleared(site.rockpool), 60)
            if not life.walrock.is_running:
                life.start()
            life.wait_for_work(10)
            if scene.sets_aside:
                bring_back(life)
            if "narrow" in scene.tables:
                life.workload.stop()
                life.source(RELEASE_NARROW)
            life.settle()
        life.compare()
        life.stop_clean()
        has_passed = True
    finally:
        if not has_passed:
            life.walrock.kill()
            site.mend()
        life.end(keeps_folder=not has_passed)


def bring_back(life):
    """A table that was set aside is copied again; the others are not touched by it."""
    wait_until("every table to have a state", lambda: all(life.state_of(table) for table in life.tables))
    wait_until("the tables to be ready or set aside",
               lambda: all(life.state_of(table) in ("ready", "catching_up", "errored") for table in life.tables), 120)
    life.workload.stop()
    if any(life.state_of(table) == "errored" for table in life.tables):
        life.copy_again()


def killed(life, case, dice):
    last = start_at_last_death(life, case)
    life.wait_for_death(last)


def failing(life, case, dice):
    last = start_at_last_death(life, case)
    if case.scene.is_stopped:
        life.walrock.wait_for_exit()
    life.wait_for_failure(last)
    life.wait_for_work(20)


def start_at_last_death(life, case):
    """Through the earlier deaths to the start that meets the last failpoint; returns that failpoint."""
    *earlier, last = case.deaths
    if case.scene.is_dropped:
        with_walrock_down(life, lambda: life.rockpool.execute(f"DROP TABLE {life.name}.events FORCE"))
    if case.scene.is_slot_lost:
        with_walrock_down(life, lambda: life.pg.execute("postgres", f"SELECT pg_drop_replication_slot('{life.name}_slot')"))
    if case.scene.is_failover_taken:
        with_walrock_down(life, life.take_failover)
    for failpoint in earlier:
        life.start(failpoint)
        life.wait_for_death(failpoint)
    order_faults(life, case.scene.faults)
    life.start(last)
    if case.scene.is_stopped:
        stop_when_followed(life)
    return last


def with_walrock_down(life, somebody_acts):
    """Everything was complete; then walrock is stopped."""
    life.start()
    wait_until_followed(life)
    assert life.walrock.stop() == 0, life.walrock.end_of_log()
    somebody_acts()


def wait_until_followed(life):
    """Copied, and its changes are taken. Under a load that never ends a slow machine need not catch up."""
    wait_until("every table to be followed",
               lambda: all(life.state_of(table) in ("ready", "catching_up") for table in life.tables), 120, every=0.02)


def stop_when_followed(life):
    wait_until_followed(life)
    life.wait_for_work(5)
    life.walrock.signal(signal.SIGTERM)


def order_faults(life, faults):
    for fault in faults:
        life.rockpool.order_fault(**fault)  # nobody else uses this rockpool meanwhile


def at_random_times(life, case, dice):
    for _ in range(4):
        life.start()
        life.wait_for_work(dice.randint(1, 150))
        life.walrock.kill()
        life.assert_nothing_is_acknowledged_ahead()


def under_a_fault(life, case, dice):
    life.start()
    if dice.random() < 0.8:
        wait_until_followed(life)
    before = len(life.rockpool.fired_faults())
    wanted = [case.fault]
    if case.fault.get("at") == "rollback":  # there is none where nothing fails
        wanted.append({"point": "fail", "at": "prepare", "message": "told to fail", "count": 4})
    order_faults(life, wanted)
    wait_until(f"the fault {case.fault}", lambda: has_struck(life.rockpool, case.fault["point"], before), 60, every=0.005)
    life.wait_for_work(dice.randint(0, 8))
    life.walrock.kill()
    life.assert_nothing_is_acknowledged_ahead()


def has_cleared(rockpool):
    try:
        rockpool.clear_faults()
        return True
    except requests.RequestException:  # still away
        return False


def has_struck(rockpool, point, before):
    try:
        return point in [fault["point"] for fault in rockpool.fired_faults()[before:]]
    except requests.RequestException:  # the frontend is away: that is the fault
        return False


def servers(life, case, dice):
    """Kills what the case names, three times, at random moments; in the copy once."""
    life.start()
    in_copy = case.dying.endswith("_in_copy")
    dying = case.dying.removesuffix("_in_copy")
    for _ in range(1 if in_copy else 3):
        if in_copy:
            wait_until("the copy", lambda: life.state_of("keyed") in ("copying", "copied", "catching_up", "ready"), 60, every=0.005)
        else:
            life.wait_for_work(dice.randint(10, 120))
        if dying.startswith("walrock") or dying == "all_three":
            life.walrock.kill()
        if "rockpool" in dying or dying == "all_three":
            life.rockpool.kill()
        if "postgres" in dying or dying == "all_three":
            life.pg.kill() if dying != "postgres_immediate" else life.pg.stop_immediately()
            life.pg.start()
        if "rockpool" in dying or dying == "all_three":
            life.rockpool.start()
        if not life.walrock.is_running and (dying.startswith("walrock") or dying == "all_three"):
            life.start()


KINDS = {"kill": killed, "twice": killed, "fail": failing, "random": at_random_times, "fault": under_a_fault, "servers": servers}
