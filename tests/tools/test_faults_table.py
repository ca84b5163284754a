"""Every failpoint and every fault of rockpool is tried by the matrix and stands in docs/guide/faults.md, passed."""
import re

from rockpool.faults import POINTS
from tests.crash import plan, table
from tests.support.programs import ROOT

WRITTEN = ROOT / "docs" / "guide" / "faults.md"
PLACED = re.compile(r"WALROCK_(BEFORE|AFTER)\((\w+)\)|FailStep::(\w+)")


def test_every_step_and_every_fault_is_tried_by_a_case():
    assert plan.missing(plan.read_steps()) == []


def test_every_failpoint_is_where_a_case_dies():
    dying = {death.split(":")[0] for case in plan.all_cases() if case.kind == "kill" for death in case.deaths[-1:]}
    assert dying == {f"{side}_{step.name}" for step in plan.read_steps() for side in ("before", "after")}


def test_every_step_of_the_table_stands_at_a_place_of_the_program():
    placed = set()
    for path in (ROOT / "src").glob("*/*.cpp"):
        if path.parent.name != "base":
            placed |= {word for found in PLACED.findall(path.read_text(encoding="utf-8")) for word in found[1:] if word}
    assert {step.name for step in plan.read_steps()} == placed


def test_cases_have_names_of_their_own():
    names = [case.id for case in plan.all_cases()]
    assert len(names) == len(set(names))


def test_the_written_table_names_every_failpoint_and_fault_and_nothing_in_it_failed():
    rows = [line.split(" | ") for line in WRITTEN.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    results = {row[0].strip("|` "): row[-1].strip(" |") for row in rows}
    wanted = {f"{side}_{step.name}" for step in plan.read_steps() for side in ("before", "after")} | set(POINTS)
    assert wanted <= set(results), f"missing: {sorted(wanted - set(results))}; run `make crash-matrix`"
    bad = {name: result for name, result in results.items() if not re.fullmatch(r"(\d+ )?passed", result)}
    assert not bad, f"not passed in the last run: {bad}"


def test_a_table_says_what_failed_and_what_was_not_run():
    cases = plan.all_cases()
    first, second = [case for case in cases if case.kind == "kill"][:2]
    text = table.render(cases, {first.id: "passed", second.id: "failed"})
    assert "1 passed, 1 failed" in text and "not run" in text and f"1 of {len(cases)} cases passed." in text
