"""The table of docs/guide/faults.md: every failpoint and every fault with its last result, written by a run."""
from rockpool.faults import POINTS
from tests.crash.plan import SERVERS, read_steps
from tests.crash.workload import ALL_TABLES

HEAD = """# Failpoints and faults

Written by `make crash-matrix`; `tests/tools/test_faults_table.py` fails when a name is missing here. Every case ends the same
way: walrock is started once more, becomes quiet, is stopped, and `tests/support/verify.py` compares every row of five
tables (keyed, identity FULL, append-only, large values that updates leave out, truncated) with the source. Nothing may be
missing, nothing doubled, no load transaction left open, and PostgreSQL never told more than the checkpoint has.

One case again: `WALROCK_CRASH=all build/venv/bin/python -m pytest tests/crash -k NAME`; its name is the failpoint or the
fault with what stands beside it, such as `before_stream_commit-9-exactly-once`.
"""

KILLED = """
## walrock is killed (kill -9) at a failpoint

`eo` is exactly-once, `alo` at-least-once; a number is which time the place is reached, `fail` that the step
fails there instead of a kill. Beside the kind of run: what came before.

| Failpoint | The step | Cases | Result |
|---|---|---|---|
"""

OTHERS = """
## Killed again while the death before is made good

| Deaths, one start after the other | Cases | Result |
|---|---|---|
"""

RANDOM = """
## At random times, and the servers

| What dies | Cases | Result |
|---|---|---|
"""

FAULTS = """
## Faults of StarRocks, and walrock is killed when they have struck

| Fault | What happens | Cases | Result |
|---|---|---|---|
"""

SHORT = {"exactly-once": "eo", "at-least-once": "alo"}


def render(cases, results):
    text = HEAD + KILLED
    for step in read_steps():
        for side in ("before", "after"):
            name = f"{side}_{step.name}"
            mine = [case for case in cases if case.kind in ("kill", "fail") and last_name(case) == name]
            text += f"| `{name}` | {step.sentence} | {', '.join(map(short, mine))} | {verdict(mine, results)} |\n"
    text += OTHERS
    for deaths in dict.fromkeys(case.deaths for case in cases if case.kind == "twice"):
        mine = [case for case in cases if case.kind == "twice" and case.deaths == deaths]
        text += f"| {', '.join(f'`{death}`' for death in deaths)} | {semantics(mine)} | {verdict(mine, results)} |\n"
    text += RANDOM
    for scene in dict.fromkeys(case.scene.says for case in cases if case.kind == "random"):
        mine = [case for case in cases if case.kind == "random" and case.scene.says == scene]
        text += f"| `random_times`: walrock, four times, {scene} | {len(mine)} | {verdict(mine, results)} |\n"
    for dying in SERVERS:
        mine = [case for case in cases if case.kind == "servers" and case.dying == dying]
        text += f"| `{dying}` | {semantics(mine)} | {verdict(mine, results)} |\n"
    text += FAULTS
    for point, sentence in POINTS.items():
        mine = [case for case in cases if case.kind == "fault" and case.fault["point"] == point]
        steps = dict.fromkeys(case.id.removesuffix(f"-{case.semantic}").split("_at_")[1] for case in mine)
        text += f"| `{point}` | {sentence} | {', '.join(f'at {step}' for step in steps)} | {verdict(mine, results)} |\n"
    return text + "\n" + totals(cases, results)


def last_name(case):
    return case.deaths[-1].split(":")[0]


def short(case):
    _, _, rest = case.deaths[-1].partition(":")
    words = [SHORT[case.semantic]] + ([rest] if rest else []) + ([case.scene.says] if is_special(case.scene) else [])
    return " ".join(words)


def is_special(scene):
    return (scene.earlier or scene.faults or scene.is_dropped or scene.is_slot_lost or scene.is_failover_taken or scene.is_stateless
            or scene.tables != ALL_TABLES)


def semantics(cases):
    return ", ".join(dict.fromkeys(SHORT[case.semantic] for case in cases))


def verdict(cases, results):
    found = [results.get(case.id, "not run") for case in cases]
    if not found:
        return "no case"
    if len(set(found)) == 1:
        return found[0] if len(found) == 1 else f"{len(found)} {found[0]}"
    return ", ".join(f"{found.count(word)} {word}" for word in dict.fromkeys(found))


def totals(cases, results):
    passed = sum(1 for case in cases if results.get(case.id) == "passed")
    return f"{passed} of {len(cases)} cases passed.\n"
