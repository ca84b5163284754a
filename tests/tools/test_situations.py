"""Every situation of docs/design/situations.md has a test that is there; those without one become fewer, never more."""
import ast
import re

from tests.support.programs import ROOT

PAGE = ROOT / "docs" / "design" / "situations.md"
TESTS = ROOT / "tests"
WITHOUT_A_TEST = 0


def lines():
    return [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("- ")]


def functions(path):
    """{name: whether it is marked unproven, as a whole or for one of its parameters}"""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name: any("unproven" in ast.unparse(mark) for mark in node.decorator_list)
            for node in tree.body if isinstance(node, ast.FunctionDef)}


def fault_of(named):
    """What is wrong with a test's name such as e2e/test_rows.py::test_x[parameter], or None."""
    file, _, test = named.partition("::")
    path = TESTS / file
    if not path.is_file():
        return f"{file} is not there"
    function, _, parameter = test.rstrip("]").partition("[")
    if function not in functions(path):
        return f"{file} has no {function}"
    if parameter and f'"{parameter}"' not in path.read_text(encoding="utf-8"):
        return f"{test} has no such parameter"
    return None


def named_in(line):
    return re.findall(r"`(\w+/test_\w+\.py[^`]*)`", line)


def test_every_named_test_is_there():
    faults = [f"{named}: {fault}" for line in lines() for named in named_in(line) if (fault := fault_of(named))]
    assert not faults, "\n".join(faults)


def test_every_line_names_a_test_or_says_why_there_is_none():
    silent = [line for line in lines() if not named_in(line) and "-- none yet" not in line and "does not apply: " not in line]
    assert not silent, "\n".join(silent)


def test_situations_without_a_test_become_no_more():
    missing = [line for line in lines() if line.endswith("-- none yet")]
    assert len(missing) == WITHOUT_A_TEST, f"{len(missing)} lines without a test, not {WITHOUT_A_TEST}: correct the number " \
                                           f"if they became fewer\n" + "\n".join(missing)


def test_a_test_that_waits_is_said_to_wait():
    wrong = []
    for line in lines():
        for named in named_in(line):
            file, _, test = named.partition("::")
            if functions(TESTS / file).get(test.partition("[")[0], False) != line.endswith("(unproven)"):
                wrong.append(line)
    assert not wrong, "\n".join(wrong)


def test_a_name_that_is_not_there_is_found():
    assert fault_of("e2e/test_rows.py::test_nothing") and fault_of("e2e/test_none.py::test_x")
    assert fault_of("e2e/test_partitions.py::test_the_target_follows_its_partitions[never]")
    assert fault_of("e2e/test_rows.py::test_identity_default_follows_updates_deletes_and_key_changes") is None
