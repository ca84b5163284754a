"""A conformance run fails for what fails without being disputed, and for what is disputed and does not fail."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.conformance import judge, read_answers, surroundings

ROOT = Path(__file__).resolve().parent.parent.parent

OUTPUT = """ok      a.b (0.1 s)
FAILED  c.d: step 1: saw x [R]
skipped e.f: the server says 3.1
1 skipped
1 passed, 1 failed
"""


def test_lines_are_read_by_case():
    seen = read_answers(OUTPUT)
    assert (seen.passed, seen.failed, seen.skipped, seen.lost) == (["a.b"], {"c.d": "step 1: saw x [R]"}, ["e.f"], 0)
    assert read_answers("the server is gone after a.b; 3 cases were not asked and count as failed\n").lost == 3


@pytest.mark.parametrize("disputed, passed, wrong", [
    (set(), 1, ["c.d fails: step 1: saw x [R]"]),
    ({"c.d"}, 1, []),
    ({"c.d", "x.y"}, 1, []),  # a listed case that the suite does not have says nothing
    ({"a.b", "c.d"}, 0, ["a.b passes, but tests/conformance_disputed.txt lists it: take it off the list"]),
])
def test_a_failing_case_is_disputed_and_a_disputed_case_fails(disputed, passed, wrong):
    verdict = judge(read_answers(OUTPUT), disputed)
    assert (verdict.passed, verdict.wrong) == (passed, wrong)


def test_cases_that_were_not_asked_count_as_failed():
    assert len(judge(read_answers("the server is gone after a.b; 3 cases were not asked and count\n"), set()).wrong) == 3


def test_a_package_is_a_name_or_a_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    (tmp_path / "mine").mkdir()
    command = []
    found = surroundings(command, ["beside.cases", tmp_path / "mine"])
    assert command == ["--package", "beside.cases", "--package", "mine"] and found["PYTHONPATH"] == str(tmp_path)


SUITE = '''import sys
print("ok      holds.well (0.0 s)")
print("FAILED  is.wrong: step 1: " + sys.argv[1] + " [R]" if "--package" in sys.argv else "skipped late.case: old")
'''


@pytest.fixture
def suite(tmp_path):
    (tmp_path / "asked").mkdir()
    (tmp_path / "asked" / "__init__.py").write_text("")
    (tmp_path / "asked" / "__main__.py").write_text(SUITE)
    return tmp_path / "asked"


def conformance(*options):
    return subprocess.run([sys.executable, "-P", ROOT / "tools" / "conformance", *map(str, options)], capture_output=True,
                          text=True, timeout=90, env={**os.environ, "WALROCK_CONFORMANCE": ""})


def test_the_program_asks_a_rockpool_and_ends_with_a_line(suite):
    found = conformance(suite)
    assert (found.returncode, found.stdout.splitlines()[-1]) == (0, "1 passed, 0 failed"), found.stderr
    found = conformance(suite, "--package", "more")
    assert (found.returncode, found.stdout.splitlines()[-1]) == (1, "1 passed, 1 failed")
    assert "is.wrong fails: step 1: --fe" in found.stdout


def test_a_folder_without_a_suite_is_named(tmp_path):
    found = conformance(tmp_path)
    assert found.returncode == 1 and f"no conformance suite in {tmp_path}" in found.stderr
