"""Reads what test runners leave behind: JUnit XML, and lists of names."""
import xml.etree.ElementTree as ElementTree


def from_junit(path, exit_code, outcome_type, did_not_run):
    """Counts the cases of a JUnit report of pytest or ctest. Skipped cases count as neither.

    A runner that reports nothing, or fails without naming a failed case, did not run.
    """
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))
    except (OSError, ElementTree.ParseError) as problem:
        raise did_not_run(f"it ended with exit code {exit_code} and no readable report ({problem})") from None
    failed = sum(1 for case in cases if is_failed(case))
    skipped = sum(1 for case in cases if is_skipped(case) and not is_failed(case))
    passed = len(cases) - failed - skipped
    if not cases:
        raise did_not_run(f"it ended with exit code {exit_code} and ran no test")
    if exit_code != 0 and failed == 0:
        raise did_not_run(f"it ended with exit code {exit_code} although no test failed")
    return outcome_type(passed, failed, f"{skipped} skipped" if skipped else "")


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
