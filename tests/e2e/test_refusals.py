"""What cannot work is refused with one clear error that says what to do; what can work runs on."""
import signal
import subprocess

import pytest

from tests.support.programs import walrock_program

SMALL = "CREATE TABLE small (id int PRIMARY KEY, what text)"
WRONG = "wr0ng-and-secret"


def run_until_it_ends(walrock, seconds=60):
    walrock.start()
    code = walrock.wait_for_exit(seconds)
    return code, walrock.log()


def error_lines(log):
    return [line for line in log.splitlines() if "error" in line.lower()]


# -- logins and rights ------------------------------------------------------------------------

@pytest.mark.parametrize("side", ["source", "target"])
def test_a_wrong_password_ends_with_one_clear_error_and_is_never_shown(case, side):
    case.source(SMALL)
    changes = {"source": {"source": {"postgres-cdc": {"password": WRONG}}},
               "target": {"sink": {"starrocks": {"password": WRONG}}}}[side]
    walrock = case.walrock("small", changes)
    code, log = run_until_it_ends(walrock)
    assert code == 1, log
    assert len(error_lines(log)) == 1, log
    assert {"source": "replicator", "target": "root"}[side] in error_lines(log)[0], log
    found = walrock.command("check")
    assert found.returncode == 3, found.stdout + found.stderr
    for text in (log, found.stdout, found.stderr):
        assert WRONG not in text


def test_passwords_are_in_no_output_and_no_process_list(case):
    case.source(SMALL)
    walrock = case.walrock("small").start()
    walrock.wait_until_ready("public.small")
    shown = walrock.log() + walrock.command("plan").stdout + walrock.command("status", "--json").stdout
    shown += open(f"/proc/{walrock.pid}/cmdline", encoding="utf-8").read()
    walrock.stop()
    assert "replicator_pass" not in shown + walrock.log()


def test_a_secret_can_come_from_the_environment_and_from_a_file(case):
    case.source(SMALL, "INSERT INTO small VALUES (1, 'a')")
    (case.folder / "user").write_text("replicator\n", encoding="utf-8")
    walrock = case.walrock("small", {"source": {"postgres-cdc": {
        "password": "${SOURCE_PASSWORD}", "username": "${file:" + str(case.folder / "user") + "}"}}},
                           environment={"SOURCE_PASSWORD": "replicator_pass"})
    walrock.start()
    walrock.wait_until_ready("public.small")
    case.assert_identical("small")


def test_a_missing_right_to_publish_is_named_with_the_sql_that_gives_it(case):
    case.source_as_superuser("CREATE TABLE owned (id int PRIMARY KEY)", "GRANT SELECT ON owned TO replicator")
    walrock = case.walrock("owned")
    code, log = run_until_it_ends(walrock)
    assert code == 1, log
    assert "CREATE PUBLICATION" in log or "OWNER TO" in log, log
    found = walrock.command("check")
    assert found.returncode == 3
    assert "CREATE PUBLICATION" in found.stdout or "OWNER TO" in found.stdout


def test_an_unreachable_source_is_waited_for(case):
    """A server that is away for a while is no error of the job."""
    case.source(SMALL, "INSERT INTO small VALUES (1, 'a')")
    walrock = case.walrock("small").start()
    walrock.wait_until_ready("public.small")
    case.source_as_superuser("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                             f"WHERE usename = 'replicator' AND datname = '{case.name}'")
    case.source("INSERT INTO small VALUES (2, 'b')")
    case.settle_and_compare(walrock, "small")
    assert walrock.is_running


# -- tables -----------------------------------------------------------------------------------

@pytest.fixture
def keyless(case):
    """A running job over a table without a key, beside a healthy one."""
    case.source("CREATE TABLE keyless (a int, b text)", "INSERT INTO keyless VALUES (1, 'x')", SMALL,
                "INSERT INTO small VALUES (1, 'a')")
    walrock = case.walrock(["public.small", "public.keyless"]).start()
    walrock.wait_until_ready("public.small")
    walrock.wait_until_table("public.keyless", "errored", "ready")
    return walrock


def test_a_table_without_a_key_is_named_with_the_sql_that_gives_it_one(case, keyless):
    said = keyless.log() + str(keyless.table("public.keyless"))
    assert "public.keyless" in said
    assert "ALTER TABLE" in said and ("PRIMARY KEY" in said or "REPLICA IDENTITY" in said)
    case.source("INSERT INTO small VALUES (2, 'b')")
    case.settle_and_compare(keyless, "small")


def test_a_table_without_a_key_can_still_be_written_at_the_source(case, keyless):
    """Published with its updates, PostgreSQL would refuse them: walrock must not break the source."""
    case.source("UPDATE keyless SET b = 'y'", "DELETE FROM keyless", "INSERT INTO keyless VALUES (3, 'z')",
                "INSERT INTO small VALUES (2, 'b')")
    case.settle_and_compare(keyless, "small")


@pytest.mark.parametrize("target_columns, column", [
    ("id INT NOT NULL, what INT", "what"),
    ("id INT NOT NULL", "what"),
])
def test_a_mismatching_target_is_set_aside_and_the_others_run(case, target_columns, column):
    case.source(SMALL, "CREATE TABLE healthy (id int PRIMARY KEY)", "INSERT INTO small VALUES (1, 'a')",
                "INSERT INTO healthy VALUES (1)")
    case.target(f"CREATE TABLE small ({target_columns}) PRIMARY KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 "
                'PROPERTIES ("replication_num" = "1")')
    walrock = case.walrock("public.*").start()
    walrock.wait_until_ready("public.healthy")
    table = walrock.wait_until_table("public.small", "errored")
    assert column in table["reason"]
    case.source("INSERT INTO healthy VALUES (2)", "INSERT INTO small VALUES (2, 'b')")
    case.settle_and_compare(walrock, "healthy")
    assert case.target_count("small") == 0


@pytest.mark.parametrize("existing_rows, kept", [("fail", 1), ("truncate", 2), ("keep", 3), ("swap", 2)])
def test_a_filled_target_is_set_aside_until_the_job_says_what_to_do(case, existing_rows, kept):
    case.source(SMALL, "INSERT INTO small VALUES (1, 'a'), (2, 'b')")
    case.target('CREATE TABLE small (id INT NOT NULL, what STRING) PRIMARY KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 '
                'PROPERTIES ("replication_num" = "1")', "INSERT INTO small VALUES (99, 'was here')")
    changes = {"existing-rows": existing_rows} if existing_rows != "fail" else {}
    walrock = case.walrock("small", {"sink": {"starrocks": changes}}).start()
    if existing_rows == "fail":
        reason = walrock.wait_until_table("public.small", "errored")["reason"]
        for choice in ("keep", "truncate", "swap"):
            assert choice in reason
    else:
        walrock.wait_until_ready("public.small")
        case.settle(walrock)
    assert case.target_count("small") == kept


def append_only(case, *then):
    """A target that somebody made without the columns that tell where a row came from."""
    case.source("CREATE TABLE log (n int, what text)", "ALTER TABLE log REPLICA IDENTITY NOTHING",
                "INSERT INTO log VALUES (1, 'a'), (1, 'a'), (2, 'b')")
    case.target("CREATE TABLE log (n INT, what STRING) DUPLICATE KEY(n) DISTRIBUTED BY HASH(n) BUCKETS 1 "
                'PROPERTIES ("replication_num" = "1")', *then)
    return case.walrock("log", {"sink": {"starrocks": {"existing-rows": "keep"}}} if then else {})


def test_an_empty_append_only_target_gets_the_columns_of_origin(case):
    walrock = append_only(case)
    found = walrock.command("check")
    assert found.returncode == 0 and "`_walrock_lsn` BIGINT NULL" in found.stdout, found.stdout
    walrock.start().wait_until_ready("public.log")
    case.source("INSERT INTO log VALUES (2, 'b'), (3, 'c')")
    case.settle_and_compare(walrock, "log")
    assert case.target("SELECT COUNT(*) FROM log WHERE _walrock_lsn IS NULL OR _walrock_index IS NULL") == [["0"]]
    assert "columns=_walrock_lsn, _walrock_index" in walrock.log()


def test_a_filled_append_only_target_without_the_columns_of_origin_is_refused(case):
    walrock = append_only(case, "INSERT INTO log VALUES (99, 'was here')")
    walrock.start()
    reason = walrock.wait_until_table("public.log", "errored")["reason"]
    assert "ALTER TABLE" in reason and "`_walrock_lsn` BIGINT NULL" in reason, reason
    found = walrock.command("check")
    assert found.returncode == 3 and "`_walrock_lsn` BIGINT NULL" in found.stdout, found.stdout
    assert case.target_count("log") == 1


def test_where_no_table_may_be_made_a_column_type_change_sets_it_aside_and_the_others_run_on(case):
    case.source(SMALL, "CREATE TABLE healthy (id int PRIMARY KEY)")
    walrock = case.walrock("public.*").start()
    walrock.wait_until_ready("public.healthy", "public.small")
    walrock.stop()
    walrock = case.walrock("public.*", {"schema-sync": {"auto-create-table": False}}).start()
    walrock.wait_until_ready("public.healthy", "public.small")
    case.source("ALTER TABLE small ALTER COLUMN id TYPE bigint", "INSERT INTO small VALUES (1, 'a')",
                "INSERT INTO healthy VALUES (1)")
    walrock.wait_until_table("public.small", "errored")
    case.settle_and_compare(walrock, "healthy")


# -- slots and instances ----------------------------------------------------------------------

def test_a_slot_that_no_checkpoint_knows_is_refused_with_the_sql_that_drops_it(case):
    case.source(SMALL)
    case.source_as_superuser(f"SELECT pg_create_logical_replication_slot('{case.slot_name}', 'pgoutput')")
    code, log = run_until_it_ends(case.walrock("small"))
    assert code == 4, log
    assert f"pg_drop_replication_slot('{case.slot_name}')" in log


def test_a_second_instance_is_refused_and_the_first_runs_on(case):
    case.source(SMALL)
    first = case.walrock("small").start()
    first.wait_until_ready("public.small")
    second = case.walrock_with(first.job_path)
    second.log_path = case.folder / "second.log"
    code, log = run_until_it_ends(second)
    assert code == 4, log
    case.source("INSERT INTO small VALUES (1, 'a')")
    case.settle_and_compare(first, "small")


def test_earliest_offset_without_a_slot_is_an_error(case):
    case.source(SMALL)
    walrock = case.walrock("small", {"source": {"postgres-cdc": {"scan.startup.mode": "earliest-offset"}}})
    code, log = run_until_it_ends(walrock)
    assert code in (1, 4), log
    assert case.slot_name in log


# -- job files and usage ----------------------------------------------------------------------

def test_an_unknown_key_names_the_nearest_known_key_with_line_and_column(case):
    walrock = case.walrock("small")
    lines = walrock.job_path.read_text(encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if "table-name" in line)
    lines[at] = lines[at].replace("table-name", "tabel-name")
    walrock.job_path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    code, log = run_until_it_ends(walrock)
    assert code == 2, log
    column = lines[at].index("tabel-name") + 1
    assert f"{at + 1}:{column}" in log, log
    assert "tabel-name" in log and "table-name" in log.replace("tabel-name", "")


def test_a_broken_job_file_is_an_error_with_its_line(case):
    walrock = case.walrock("small")
    walrock.job_path.write_text("job:\n  id: x\n bad indent: [\n", encoding="utf-8")
    code, log = run_until_it_ends(walrock)
    assert code == 2
    assert "job.yml:" in log


@pytest.mark.parametrize("arguments", [["no-such-command"], ["run"], ["run", "--no-such-option", "job.yml"],
                                       ["run", "there-is-no-such-file.yml"]])
def test_wrong_usage_ends_with_exit_code_2(case, arguments):
    done = subprocess.run([walrock_program(), *arguments], cwd=case.folder, capture_output=True, text=True, timeout=20,
                          check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.strip()


# -- stopping ---------------------------------------------------------------------------------

def test_a_second_signal_stops_at_once_with_exit_code_130(case_with_own_rockpool):
    case = case_with_own_rockpool
    case.source("CREATE TABLE events (n bigint PRIMARY KEY)")
    walrock = case.walrock("events").start()
    walrock.wait_until_ready("public.events")
    case.rockpool.pause()
    case.source("INSERT INTO events SELECT generate_series(1, 100000)")
    walrock.signal(signal.SIGTERM)
    walrock.wait_until("the first signal to be heard", lambda: "stop" in walrock.log().lower(), 10)
    walrock.signal(signal.SIGINT)
    assert walrock.wait_for_exit(5) == 130
    case.rockpool.resume()


def test_sigterm_drains_and_ends_with_exit_code_0(case):
    case.source(SMALL)
    walrock = case.walrock("small").start()
    walrock.wait_until_ready("public.small")
    case.source("INSERT INTO small SELECT n, 'x' FROM generate_series(1, 1000) n")
    assert walrock.stop(30) == 0
