"""Reads what test runners leave behind: JUnit XML, and lists of names."""
import xml.etree.ElementTree as ElementTree


def from_junit(path, exit_code, outcome_type, did_not_run):
    """Counts the cases of pytest's report. Skipped cases count as neither passed nor failed.

    A runner that reports nothing, or fails without naming a failed case, did not run.
    """
    cases = read_cases(path, exit_code, did_not_run)
    passed, failed, skipped = count(cases)
    if exit_code != 0 and failed == 0:
        raise did_not_run(f"it ended with exit code {exit_code} although no test failed")
    return outcome_type(passed, failed, f"{skipped} skipped" if skipped else "")


def from_ctest(path, cases_folder, exit_code, outcome_type, did_not_run):
    """Counts the cases inside the programs of ctest's report, each of which leaves FOLDER/PROGRAM.xml.

    A program that failed without a failed case (it crashed, or a sanitizer spoke at its end) is one failure.
    """
    passed = failed = skipped = 0
    for program in read_cases(path, exit_code, did_not_run):
        try:
            found = count(list(ElementTree.parse(cases_folder / f"{program.get('name')}.xml").iter("testcase")))
        except (OSError, ElementTree.ParseError):
            found = (0, 0, 0) if is_failed(program) else (1, 0, 0)
        crashed = is_failed(program) and found[1] == 0
        passed, failed, skipped = passed + found[0], failed + found[1] + crashed, skipped + found[2]
    if exit_code != 0 and failed == 0:
        raise did_not_run(f"ctest ended with exit code {exit_code} although no test failed")
    return outcome_type(passed, failed, f"{skipped} skipped" if skipped else "")


def read_cases(path, exit_code, did_not_run):
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))
    except (OSError, ElementTree.ParseError) as problem:
        raise did_not_run(f"it ended with exit code {exit_code} and no readable report ({problem})") from None
    if not cases:
        raise did_not_run(f"it ended with exit code {exit_code} and ran no test")
    return cases


def count(cases):
    """(passed, failed, skipped)"""
    failed = sum(1 for case in cases if is_failed(case))
    skipped = sum(1 for case in cases if is_skipped(case) and not is_failed(case))
    return len(cases) - failed - skipped, failed, skipped


def is_failed(case):
    return case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail"


def is_skipped(case):
    return case.find("skipped") is not None or case.get("status") in ("notrun", "disabled")


def read_name_list(path):
    """The first word of every line that is neither empty nor a comment."""
    if not path.exists():
        return set()
    lines = (line.split("#", 1)[0].split() for line in path.read_text(encoding="utf-8").splitlines())
    return {words[0] for words in lines if words}
