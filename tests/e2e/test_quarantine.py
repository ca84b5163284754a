"""bad-rows: quarantine. Rows that the target cannot take are kept aside, and everything else goes on."""
import json
import re

import pytest

from tests.support.waiting import wait_until

KEYED = 'PRIMARY KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 PROPERTIES ("replication_num" = "1")'
KEEP = {"sink": {"starrocks": {"bad-rows": "quarantine"}}}
WIDE = "repeat(md5(random()::text), 100)"


def make_tables(case, columns="what varchar(4)"):
    """narrow: its target has less room than its source; big is stored out of line."""
    case.source("CREATE TABLE narrow (id int PRIMARY KEY, what text, n int, big text)",
                "ALTER TABLE narrow ALTER big SET STORAGE EXTERNAL", "CREATE TABLE healthy (id int PRIMARY KEY)")
    case.target(f"CREATE TABLE narrow (id INT NOT NULL, {columns}, n INT, big STRING) " + KEYED)


def start(case, changes=KEEP, environment=None, ready=True):
    walrock = case.walrock("public.*", changes, environment=environment).start()
    if ready:
        walrock.wait_until_ready("public.healthy", "public.narrow")
    return walrock


def kept(walrock):
    """What the command lists: {id: [values of its rows, in order]}."""
    answer = walrock.command("quarantine", "--json")
    assert answer.returncode == 0, answer.stderr
    found = {}
    for row in json.loads(answer.stdout):
        found.setdefault(int(row["key"]["id"]), []).append(row["values"])
    return found


def as_texts(rows):
    return [tuple(None if cell is None else str(cell) for cell in row) for row in rows]


def target_ids(case):
    return [int(row[0]) for row in case.target("SELECT id FROM narrow ORDER BY id")]


def assert_exact_but_for(case, walrock, *ids):
    """The target is the source but for these keys, which are in quarantine."""
    case.settle(walrock)
    assert sorted(kept(walrock)) == sorted(ids)
    others = ", ".join(map(str, ids)) or "0"
    query = f"SELECT id, what, n, length(big) FROM narrow WHERE id NOT IN ({others}) ORDER BY id"
    assert as_texts(case.source(query)) == as_texts(case.target(query))
    assert walrock.table("public.narrow")["state"] == "ready"


def test_refused_rows_of_the_stream_are_kept_and_the_rest_goes_on(case):
    make_tables(case)
    walrock = start(case)
    case.source("INSERT INTO narrow VALUES (1, 'abcd', 1, 'x'), (2, 'too long', 2, 'x'), (3, 'abc', 3, 'x')",
                "INSERT INTO healthy VALUES (1)")
    assert_exact_but_for(case, walrock, 2)
    assert kept(walrock)[2] == [{"id": "2", "what": "too long", "n": "2", "big": "x"}]
    assert walrock.table("public.narrow")["quarantined_rows"] == 1
    assert "rows are in quarantine table=public.narrow" in walrock.log()
    listed = walrock.command("quarantine").stdout
    assert "public.narrow" in listed and "id=2" in listed and "what" in listed, listed
    case.settle_and_compare(walrock, "healthy")


def test_more_refused_rows_than_the_error_log_names(case):
    make_tables(case)
    walrock = start(case)
    case.source("INSERT INTO narrow SELECT n, CASE WHEN n % 2 = 0 THEN 'too long' ELSE 'ok' END, n "
                "FROM generate_series(1, 300) n")
    assert_exact_but_for(case, walrock, *range(2, 301, 2))


def test_a_row_that_the_error_log_does_not_name_is_searched(case_with_own_rockpool):
    case = case_with_own_rockpool
    make_tables(case)
    walrock = start(case)
    case.source("INSERT INTO narrow VALUES (7, 'ok', 1), (8, 'no room', 1)",
                "BEGIN", "INSERT INTO narrow VALUES (9, 'no room')", "UPDATE narrow SET what = 'ok', n = 5 WHERE id = 9",
                "UPDATE narrow SET what = 'no room either' WHERE id = 9", "COMMIT")
    assert_exact_but_for(case, walrock, 8, 9)


def test_a_partial_update_joins_and_a_full_row_or_a_delete_releases(case):
    make_tables(case)
    walrock = start(case)
    case.source(f"INSERT INTO narrow SELECT n, 'ok', 0, {WIDE} FROM generate_series(1, 3) n")
    case.settle(walrock)
    case.source("UPDATE narrow SET what = 'too long' WHERE id IN (1, 2)")
    assert_exact_but_for(case, walrock, 1, 2)
    case.source("UPDATE narrow SET what = 'ok', n = 7 WHERE id = 1")  # big did not change: it is not sent
    assert_exact_but_for(case, walrock, 1, 2)
    assert [row.get("n") for row in kept(walrock)[1]] == ["0", "7"]
    assert all("big" not in row for row in kept(walrock)[1])
    assert as_texts(case.target("SELECT n, what FROM narrow WHERE id = 1")) == [("0", "ok")]
    case.source(f"UPDATE narrow SET big = {WIDE} WHERE id = 1", "DELETE FROM narrow WHERE id = 2")
    assert_exact_but_for(case, walrock)
    case.assert_identical("narrow")
    assert walrock.table("public.narrow")["quarantined_rows"] == 0


def test_a_restart_knows_what_is_in_quarantine(case):
    make_tables(case)
    walrock = start(case)
    case.source(f"INSERT INTO narrow VALUES (1, 'ok', 0, {WIDE})")
    case.settle(walrock)
    case.source("UPDATE narrow SET what = 'too long' WHERE id = 1")
    assert_exact_but_for(case, walrock, 1)
    walrock.kill()
    case.source("UPDATE narrow SET n = 8, what = 'ok' WHERE id = 1")
    walrock.start().wait_until_ready("public.narrow")
    assert_exact_but_for(case, walrock, 1)
    assert len(kept(walrock)[1]) == 2, "the partial update has joined"


def test_a_truncate_empties_the_quarantine_of_its_table(case):
    make_tables(case)
    walrock = start(case)
    case.source("INSERT INTO narrow VALUES (1, 'too long')")
    assert_exact_but_for(case, walrock, 1)
    case.source("TRUNCATE narrow", "INSERT INTO narrow VALUES (2, 'ok'), (3, 'no room')")
    assert_exact_but_for(case, walrock, 3)


@pytest.mark.parametrize("existing", ["truncate", "swap"])
def test_refused_rows_of_the_copy_are_kept_and_their_changes_after_it_too(case, existing):
    make_tables(case)
    case.target("INSERT INTO narrow VALUES (77, 'old', 1, 'x')")
    case.source(f"INSERT INTO narrow SELECT n, CASE n WHEN 5 THEN 'too long' ELSE 'ok' END, n, {WIDE} "
                "FROM generate_series(1, 50) n")
    # A twin is made as walrock makes tables: it is narrow where the job says so.
    walrock = start(case, {"sink": {"starrocks": {"bad-rows": "quarantine", "existing-rows": existing}},
                           "tables": {"narrow": {"column-types": {"what": "VARCHAR(4)"}}}})
    assert_exact_but_for(case, walrock, 5)
    assert walrock.table("public.narrow")["rows"] == 49
    case.source("UPDATE narrow SET n = 99 WHERE id = 5")
    assert_exact_but_for(case, walrock, 5)
    assert len(kept(walrock)[5]) == 2
    case.source("DELETE FROM narrow WHERE id = 5")
    assert_exact_but_for(case, walrock)


@pytest.mark.parametrize("when", ["copy", "stream"])
def test_a_value_that_walrock_would_bend_is_kept_too(case, when):
    case.source("CREATE TABLE narrow (id int PRIMARY KEY, at timestamp)", "CREATE TABLE healthy (id int PRIMARY KEY)")
    bad = "INSERT INTO narrow VALUES (1, '2026-01-01'), (42, '0044-03-15 12:00:00 BC')"
    if when == "copy":
        case.source(bad)
    walrock = start(case)
    if when == "stream":
        case.source(bad)
    case.settle(walrock)
    assert list(kept(walrock)) == [42] and target_ids(case) == [1]
    case.source("UPDATE narrow SET at = '2026-02-02' WHERE id = 42")
    case.settle_and_compare(walrock, "narrow")
    assert kept(walrock) == {}


def test_a_key_that_the_target_cannot_say_comes_and_goes(case):
    case.source("CREATE TABLE narrow (id text PRIMARY KEY, n int)", "CREATE TABLE healthy (id int PRIMARY KEY)")
    case.target("CREATE TABLE narrow (id VARCHAR(4) NOT NULL, n INT) " + KEYED)
    walrock = start(case)
    case.source("INSERT INTO narrow VALUES ('abcd', 1), ('a key too long', 2)")
    case.settle(walrock)
    assert walrock.table("public.narrow")["quarantined_rows"] == 1
    case.source("DELETE FROM narrow WHERE n = 2")
    case.settle_and_compare(walrock, "narrow")
    assert walrock.table("public.narrow")["quarantined_rows"] == 0


def test_more_rows_than_the_limit_set_the_table_aside(case):
    make_tables(case)
    walrock = start(case, {"sink": {"starrocks": {"bad-rows": "quarantine", "bad-rows-limit": 3}}})
    case.source("INSERT INTO narrow SELECT n, 'too long' FROM generate_series(1, 10) n")
    reason = walrock.wait_until_table("public.narrow", "errored")["reason"]
    assert "quarantine_full" in reason and "bad-rows-limit" in reason, reason
    case.source("INSERT INTO healthy VALUES (1)")
    case.settle_and_compare(walrock, "healthy")


def test_an_append_only_table_stops_and_says_why(case):
    case.source("CREATE TABLE narrow (n int, what text)", "ALTER TABLE narrow REPLICA IDENTITY NOTHING",
                "CREATE TABLE healthy (id int PRIMARY KEY)")
    case.target("CREATE TABLE narrow (n INT, what VARCHAR(4), _walrock_lsn BIGINT, _walrock_index BIGINT) "
                'DUPLICATE KEY(n) DISTRIBUTED BY HASH(n) BUCKETS 1 PROPERTIES ("replication_num" = "1")')
    walrock = start(case)
    case.source("INSERT INTO narrow VALUES (1, 'too long')")
    reason = walrock.wait_until_table("public.narrow", "errored")["reason"]
    assert "load_rejected" in reason and "only appends" in reason, reason


def test_without_the_setting_rows_in_quarantine_refuse_the_start(case):
    make_tables(case)
    walrock = start(case)
    case.source("INSERT INTO narrow VALUES (1, 'too long')")
    assert_exact_but_for(case, walrock, 1)
    assert walrock.stop() == 0
    without = case.walrock("public.*", job_name="without.yml").start()
    assert without.wait_for_exit() == 2
    assert "1 rows of public.narrow are in quarantine" in without.log()


@pytest.fixture
def loader(case):
    """A user who may do to `narrow` what a job without quarantine needs, and make tables."""
    make_tables(case)
    name = f"{case.name}_loader"
    case.target(f"CREATE USER {name} IDENTIFIED BY 'pw'", f"GRANT CREATE TABLE ON DATABASE {case.name} TO USER {name}",
                f"GRANT SELECT, INSERT, ALTER, DROP ON TABLE {case.name}.narrow TO USER {name}")
    yield name
    case.target(f"DROP USER {name}")


def lacking_of_quarantine(case, user):
    """The rights that `walrock check` misses on the quarantine table."""
    job = case.walrock("narrow", {"sink": {"starrocks": {"username": user, "password": "pw", "bad-rows": "quarantine"}}})
    return re.findall(r"lacks (\w+) on the table of rows in quarantine", job.command("check").stdout)


def test_check_tells_the_rights_that_the_quarantine_needs(case, loader):
    assert sorted(set(lacking_of_quarantine(case, loader))) == ["DELETE", "INSERT", "SELECT", "UPDATE"]
    case.target(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN DATABASE {case.name} TO USER {loader}")
    assert lacking_of_quarantine(case, loader) == []


def test_check_tells_that_the_quarantine_table_is_missing_or_another(case):
    make_tables(case)
    by_hand = {**KEEP, "schema-sync": {"auto-create-table": False}}
    found = case.walrock("narrow", by_hand).command("check")
    assert found.returncode == 3 and "CREATE TABLE IF NOT EXISTS" in found.stdout and "_walrock_quarantine" in found.stdout
    case.target("CREATE TABLE _walrock_quarantine (id INT NOT NULL) " + KEYED)
    found = case.walrock("narrow", KEEP).command("check")
    assert found.returncode == 3 and "is not the table of rows in quarantine" in found.stdout, found.stdout


# ---------------------------------------------------------------- retry

def stop_with_rows(case):
    make_tables(case)
    walrock = start(case)
    case.source("INSERT INTO narrow VALUES (1, 'too long', 1, 'x'), (2, 'ok', 2, 'x'), (3, 'long again', 3, 'x'), "
                "(4, 'not here', 4, 'x')")
    assert_exact_but_for(case, walrock, 1, 3, 4)
    assert walrock.stop() == 0
    return walrock


def test_retry_loads_the_present_rows(case):
    walrock = stop_with_rows(case)
    case.source("UPDATE narrow SET what = 'ok' WHERE id = 1", "DELETE FROM narrow WHERE id = 4")
    answer = walrock.command("quarantine", "retry")
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert "released: public.narrow id=1" in answer.stdout
    assert "removed: public.narrow id=4" in answer.stdout
    assert "refused: public.narrow id=3: " in answer.stdout
    assert list(kept(walrock)) == [3] and target_ids(case) == [1, 2]
    row = json.loads(walrock.command("quarantine", "--json").stdout)[0]
    assert row["tries"] == 1
    case.target("ALTER TABLE narrow MODIFY COLUMN what VARCHAR(40)")
    answer = walrock.command("quarantine", "retry", "public.narrow")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    walrock.start().wait_until_ready("public.narrow")
    case.settle_and_compare(walrock, "narrow")


def test_retry_is_refused_while_the_job_runs(case):
    make_tables(case)
    walrock = start(case)
    answer = walrock.command("quarantine", "retry")
    assert answer.returncode == 4 and "another walrock runs" in answer.stderr, answer.stderr


@pytest.mark.parametrize("failpoint", ["before_stream_begin", "after_stream_prepare", "after_stream_commit"])
def test_a_retry_that_dies_is_made_good_by_the_next_start(case, failpoint):
    walrock = stop_with_rows(case)
    case.source("UPDATE narrow SET what = 'ok'")
    walrock.set_environment({"WALROCK_FAILPOINT": f"{failpoint}"})
    assert walrock.command("quarantine", "retry").returncode == -9
    walrock.set_environment({"WALROCK_FAILPOINT": ""})
    refused = walrock.command("quarantine", "retry")
    assert "are not finished" in refused.stderr, refused.stderr
    walrock.start().wait_until_ready("public.narrow")
    case.settle(walrock)  # the updates are full rows: they release their keys
    assert_exact_but_for(case, walrock)
    case.assert_identical("narrow")


# ---------------------------------------------------------------- deaths

def write_on(case):
    """Changes that join, that go to the target, and that are refused."""
    case.source("UPDATE narrow SET n = n + 1 WHERE id IN (1, 3, 9)")
    return True


@pytest.mark.parametrize("semantic", ["exactly-once", "at-least-once"])
@pytest.mark.parametrize("failpoint", [
    "before_quarantine_table", "after_quarantine_table", "before_quarantine_empty", "after_quarantine_empty",
    "before_quarantine_begin", "after_quarantine_begin", "before_quarantine_prepare", "after_quarantine_prepare",
    "before_stream_recorded", "after_stream_recorded", "before_stream_commit", "after_stream_commit",
    "after_stream_commit:2", "before_stream_applied", "after_stream_applied"])
def test_a_death_at_any_step_loses_and_doubles_nothing(case, failpoint, semantic):
    make_tables(case)
    case.source(f"INSERT INTO narrow SELECT n, 'ok', 0, {WIDE} FROM generate_series(1, 5) n")
    changes = {"sink": {"starrocks": {"bad-rows": "quarantine", "sink.semantic": semantic}}}
    walrock = start(case, changes, {"WALROCK_FAILPOINT": f"{failpoint}"}, ready=False)
    for statement in ("UPDATE narrow SET what = 'too long' WHERE id IN (1, 2)", "UPDATE narrow SET n = 5 WHERE id = 1",
                      "INSERT INTO narrow VALUES (9, 'no room', 1, 'x')", "UPDATE narrow SET n = n + 1"):
        case.source(statement)
    wait_until("walrock to die", lambda: write_on(case) and not walrock.is_running, every=0.2)
    assert walrock.wait_for_exit() == -9
    walrock.set_environment({"WALROCK_FAILPOINT": ""})
    walrock.start().wait_until_ready("public.narrow")
    assert_exact_but_for(case, walrock, 1, 2, 9)
    walrock.kill()
    walrock.set_environment({"WALROCK_FAILPOINT": "after_quarantine_read"})
    assert walrock.start().wait_for_exit() == -9
    walrock.set_environment({"WALROCK_FAILPOINT": ""})
    walrock.start().wait_until_ready("public.narrow")
    case.source("UPDATE narrow SET n = 50 WHERE id = 2", "DELETE FROM narrow WHERE id = 9")
    assert_exact_but_for(case, walrock, 1, 2)
    assert kept(walrock)[2][-1]["n"] == "50"
    case.source(f"UPDATE narrow SET what = 'ok', big = {WIDE}")
    assert_exact_but_for(case, walrock)
    case.assert_identical("narrow")


def test_a_row_with_a_new_key_and_a_value_that_is_not_held_goes_to_quarantine_whole(case):
    """Its large value is known only under the old key, so the table is copied again."""
    case.source("CREATE TABLE narrow (id int PRIMARY KEY, day date, n int, big text)", "ALTER TABLE narrow ALTER big SET STORAGE EXTERNAL",
                "CREATE TABLE healthy (id int PRIMARY KEY)",
                f"INSERT INTO narrow SELECT n, '2024-01-01', n, {WIDE} FROM generate_series(1, 5) n")
    walrock = start(case)
    case.source("UPDATE narrow SET id = 9, day = 'infinity' WHERE id = 2", "UPDATE narrow SET id = 10 WHERE id = 3")
    walrock.wait_until("the table to be copied again", lambda: walrock.log().count("copied table=public.narrow") == 2)
    walrock.wait_until_ready("public.narrow")
    case.settle(walrock)
    (row,) = kept(walrock)[9]
    assert sorted(kept(walrock)) == [9]
    assert [str(row[name]) for name in ("id", "day", "n")] == ["9", "infinity", "2"]
    assert row["big"] == case.source("SELECT big FROM narrow WHERE id = 9")[0][0]
    query = "SELECT id, day, n, big FROM narrow WHERE id <> 9 ORDER BY id"
    assert as_texts(case.source(query)) == as_texts(case.target(query))
    case.source("UPDATE narrow SET day = '2024-02-02', big = 'sent' WHERE id = 9")
    case.settle(walrock)
    assert kept(walrock) == {}
    case.assert_identical("narrow")
