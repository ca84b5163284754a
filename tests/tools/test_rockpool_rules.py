"""Every rule of docs/design/rockpool/ has a test or a reason; and the check that says so notices when not."""
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CHECK = ROOT / "tools" / "check_rockpool_rules"


def check(*options):
    return subprocess.run([sys.executable, "-P", CHECK, *map(str, options)], capture_output=True, text=True, timeout=60)


def test_every_rule_of_rockpool_names_a_test_or_a_reason():
    found = check()
    assert found.returncode == 0, found.stdout


@pytest.fixture
def folders(tmp_path):
    (tmp_path / "tests" / "clients").mkdir(parents=True)
    (tmp_path / "tests" / "test_a.py").write_text("def test_one():\n    pass\n\n\ndef helper():\n    pass\n")
    (tmp_path / "tests" / "clients" / "test_b.py").write_text("def test_two():\n    pass\n")
    (tmp_path / "rules").mkdir()

    def checked(*rows, more=()):
        text = "\n".join(["# Section 1", "| Rule | What the server does | Proof |", "|---|---|---|", *rows])
        (tmp_path / "rules" / "section-1.md").write_text(text + "\n")
        return check("--rules", tmp_path / "rules", "--tests", tmp_path / "tests", *more)
    return checked


GOOD = ("| 1.1-01 | one | `test_a.py::test_one`, `test_b.py::test_two` |", "| 1.1-02 | a \\| b | not there: nobody asks for it |")


def test_rules_with_tests_and_reasons_pass_and_are_counted(folders):
    found = folders(*GOOD)
    assert found.returncode == 0, found.stdout
    assert found.stdout.splitlines()[-1].split() == ["all", "2", "1", "1", "0"]


@pytest.mark.parametrize("row, text", [
    ("| 1.1-03 | words | |", "1.1-03 has neither test nor reason"),
    ("| 1.1-03 | words | `test_a.py::test_none` |", "there is no test test_a.py::test_none"),
    ("| 1.1-03 | words | `test_a.py::helper` |", "is neither"),
    ("| 1.1-03 | words | `test_c.py::test_one` |", "there is no test test_c.py::test_one"),
    ("| 1.1-03 | words | trust me |", "is neither"),
    ("| 1.1-03 | words | not there: |", "does not say why"),
    ("| 1.1-02 | words | `test_a.py::test_one` |", "1.1-02 is there twice"),
    ("| 1.1-05 | words | `test_a.py::test_one` |", "1.1-05 does not follow 1.1-02"),
    ("| 1.2-02 | words | `test_a.py::test_one` |", "1.2-02 does not follow 1.2-00"),
    ("| 1.1-03 | words |", "this row is no rule"),
    ("| 1.1-03 | words | unproved |", "1.1-03 is unproved"),
])
def test_what_is_wrong_is_named(folders, row, text):
    found = folders(*GOOD, row)
    assert found.returncode == 1 and text in found.stdout


def test_unproved_rules_may_be_allowed_and_listed(folders):
    found = folders(*GOOD, "| 1.1-03 | words | unproved |", more=("--allow-unproved", "--list-unproved"))
    assert found.returncode == 0 and "unproved 1.1-03 (section-1.md:6): words" in found.stdout


def test_a_folder_without_rules_fails(folders):
    assert folders().returncode == 1
