"""The commands beside run: what a person asks for once, and what scripts read."""
import json
import os
import re
import subprocess

import requests

from tests.support.programs import walrock_program
from tests.support.walrock import parse_lsn

SMALL = ("CREATE TABLE small (id int PRIMARY KEY, what text)", "INSERT INTO small SELECT n, 'x' FROM generate_series(1, 100) n")


def test_check_of_a_good_job_finds_nothing_and_changes_nothing(case):
    case.source(*SMALL)
    found = case.walrock("small").command("check")
    assert found.returncode == 0, found.stdout + found.stderr
    assert case.pg.slot(case.slot_name) is None
    assert case.target("SHOW TABLES") == []


def test_check_reports_everything_at_once_with_what_fixes_it(case):
    case.source(*SMALL, "CREATE TABLE keyless (a int)")
    case.source_as_superuser("CREATE TABLE foreign_table (id int PRIMARY KEY)")
    found = case.walrock("public.*").command("check")
    assert found.returncode == 3
    assert "keyless" in found.stdout and "foreign_table" in found.stdout
    assert "ALTER TABLE" in found.stdout and "GRANT" in found.stdout


def test_check_prints_json_for_scripts(case):
    case.source("CREATE TABLE keyless (a int)")
    found = case.walrock("keyless").command("check", "--json")
    assert found.returncode == 3
    json.loads(found.stdout)


def test_plan_shows_everything_it_would_do_and_does_nothing(case):
    case.source(*SMALL)
    planned = case.walrock("small").command("plan")
    assert planned.returncode == 0, planned.stderr
    for piece in ("CREATE PUBLICATION", case.slot_name, "CREATE TABLE", "PRIMARY KEY"):
        assert piece in planned.stdout, piece
    assert case.pg.slot(case.slot_name) is None
    assert case.source("SELECT count(*) FROM pg_publication") == [(0,)]
    assert case.target("SHOW TABLES") == []


def test_run_until_now_copies_and_ends_with_exit_code_0(case):
    case.source(*SMALL)
    walrock = case.walrock("small").start("--until", "now")
    assert walrock.wait_for_exit() == 0, walrock.log()
    case.assert_identical("small")
    case.source("DELETE FROM small WHERE id > 50", "UPDATE small SET what = 'y' WHERE id = 1")
    walrock.start("--until", "now")
    assert walrock.wait_for_exit() == 0, walrock.log()
    case.assert_identical("small")


def test_run_until_an_lsn_ends_when_that_point_is_visible(case):
    case.source(*SMALL, "INSERT INTO small VALUES (500, 'until here')")
    walrock = case.walrock("small").start("--until", case.pg.current_lsn())
    assert walrock.wait_for_exit() == 0, walrock.log()
    assert case.target("SELECT what FROM small WHERE id = 500") == [["until here"]]


def test_status_keeps_its_contract_on_the_command_line_and_over_http(case):
    case.source(*SMALL)
    walrock = case.walrock("small").start()
    walrock.wait_until_ready("public.small")
    case.settle(walrock)
    status = walrock.status()
    assert {"state", "flushed_lsn", "lag_bytes", "lag_seconds", "tables"} <= set(status)
    assert parse_lsn(status["flushed_lsn"]) > 0
    assert isinstance(status["lag_bytes"], int) and isinstance(status["lag_seconds"], (int, float))
    (table,) = status["tables"]
    assert {"name", "state", "rows", "reason"} <= set(table)
    assert (table["name"], table["state"], table["rows"]) == ("public.small", "ready", 100)
    address = http_address(walrock)
    assert requests.get(f"{address}/healthz", timeout=5).status_code == 200
    answer = requests.get(f"{address}/api/v1/status", timeout=5).json()
    assert set(answer) >= {"state", "flushed_lsn", "lag_bytes", "lag_seconds", "tables"}


def http_address(walrock):
    """The address walrock says it listens on; the job asks for a free port."""
    return re.search(r"http://127\.0\.0\.1:\d+", walrock.log())[0]


def test_a_taken_http_port_is_no_error(case):
    case.source(*SMALL)
    taken = f"127.0.0.1:{case.rockpool.fe_port}"
    walrock = case.walrock("small", {"walrock": {"http": taken}}).start()
    walrock.wait_until_ready("public.small")
    assert http_address(walrock) != f"http://{taken}"


def test_status_of_a_job_that_does_not_run_says_so(case):
    case.source(*SMALL)
    asked = case.walrock("small").command("status")
    assert asked.returncode != 0
    assert "not running" in (asked.stdout + asked.stderr).lower()


def test_drop_asks_first_and_then_removes_slot_publication_and_checkpoint(case):
    case.source(*SMALL)
    walrock = case.walrock("small").start("--until", "now")
    assert walrock.wait_for_exit() == 0
    walrock.command("drop", stdin="no\n")
    assert case.pg.slot(case.slot_name) is not None
    dropped = walrock.command("drop", stdin="yes\n")
    assert dropped.returncode == 0, dropped.stdout + dropped.stderr
    assert case.pg.slot(case.slot_name) is None
    assert case.source("SELECT count(*) FROM pg_publication") == [(0,)]
    assert case.target_count("small") == 100, "the copy stays"
    walrock.start()
    table = walrock.wait_until_table("public.small", "errored")
    assert "keep" in table["reason"], "a new start is a first start: the target has rows"


def test_init_writes_a_commented_job_file_that_needs_no_editing(case):
    case.source(*SMALL)
    password = {"PGPASSWORD": "replicator_pass"}
    path = case.folder / "made.yml"
    done = subprocess.run(
        [walrock_program(), "init", str(path), "--source", f"postgresql://replicator@127.0.0.1:{case.pg.port}/{case.name}",
         "--target", f"starrocks://root@{case.rockpool.fe_address}/{case.name}",
         "--mysql-port", str(case.rockpool.mysql_port)],
        capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, cwd=case.folder,
        env={**os.environ, **password}, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    text = path.read_text(encoding="utf-8")
    assert "#" in text and "small" in text
    assert "replicator_pass" not in text
    made = case.walrock_with(path, password)
    found = made.command("check")
    assert found.returncode == 0, found.stdout + found.stderr
    assert made.start("--until", "now").wait_for_exit() == 0, made.log()
    case.assert_identical("small")
