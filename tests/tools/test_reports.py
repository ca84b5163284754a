"""What tools/run_tests counts is what the runners ran."""
from dataclasses import dataclass

import pytest

from tests.support import reports


@dataclass
class Outcome:
    passed: int
    failed: int
    remark: str


class DidNotRun(Exception):
    pass


def counted(tmp_path, xml, exit_code):
    path = tmp_path / "report.xml"
    path.write_text(xml, encoding="utf-8")
    return reports.from_junit(path, exit_code, Outcome, DidNotRun)


def test_passed_failed_and_skipped_cases_are_told_apart(tmp_path):
    seen = counted(tmp_path, """<testsuites><testsuite>
        <testcase name="a"/><testcase name="b"><failure/></testcase><testcase name="c"><error/></testcase>
        <testcase name="d"><skipped/></testcase></testsuite></testsuites>""", 1)
    assert (seen.passed, seen.failed, seen.remark) == (1, 2, "1 skipped")


def test_the_cases_inside_the_programs_of_ctest_are_counted(tmp_path):
    (tmp_path / "ctest.xml").write_text("""<testsuite><testcase name="good" status="run"/>
        <testcase name="bad" status="fail"><failure/></testcase>
        <testcase name="crashed" status="fail"><failure/></testcase></testsuite>""", encoding="utf-8")
    (tmp_path / "good.xml").write_text("""<testsuites><testsuite><testcase name="a" status="run"/>
        <testcase name="b" status="run"/><testcase name="c" status="notrun"/></testsuite></testsuites>""",
                                       encoding="utf-8")
    (tmp_path / "bad.xml").write_text("""<testsuites><testsuite><testcase name="a" status="run"/>
        <testcase name="b" status="run"><failure/></testcase></testsuite></testsuites>""", encoding="utf-8")
    seen = reports.from_ctest(tmp_path / "ctest.xml", tmp_path, 8, Outcome, DidNotRun)
    assert (seen.passed, seen.failed, seen.remark) == (3, 2, "1 skipped")


@pytest.mark.parametrize("xml, exit_code", [
    ("<testsuite/>", 0), ("", 1), ('<testsuite><testcase name="a"/></testsuite>', 2)])
def test_a_runner_that_ran_nothing_or_broke_down_did_not_run(tmp_path, xml, exit_code):
    with pytest.raises(DidNotRun):
        counted(tmp_path, xml, exit_code)


def test_a_missing_report_means_that_the_suite_did_not_run(tmp_path):
    with pytest.raises(DidNotRun, match="no readable report"):
        reports.from_junit(tmp_path / "none.xml", 0, Outcome, DidNotRun)


def test_comments_and_empty_lines_of_a_name_list_are_left_out(tmp_path):
    (tmp_path / "list.txt").write_text("# why\n\ncsv.one  # evidence\ntxn.two\n", encoding="utf-8")
    assert reports.read_name_list(tmp_path / "list.txt") == {"csv.one", "txn.two"}
