"""Asks a fresh rockpool the cases of a conformance suite, and judges the answers.

A suite is a Python package with a __main__ that takes --fe, --mysql, --user, --password and --package, and prints one line
per case: `ok NAME`, `FAILED NAME: what was seen`, `skipped NAME: why`. tests/conformance_disputed.txt lists the cases that
rockpool answers differently on purpose.
"""
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.reports import read_name_list
from tests.support.rockpool import Rockpool

ROOT = Path(__file__).resolve().parents[2]
DISPUTED = ROOT / "tests" / "conformance_disputed.txt"
SECONDS = 1800


@dataclass
class Answers:
    passed: list = field(default_factory=list)
    failed: dict = field(default_factory=dict)  # name -> what was seen
    skipped: list = field(default_factory=list)
    lost: int = 0  # cases that were not asked because the server was gone


@dataclass
class Verdict:
    """The run holds when nothing is wrong: every case that fails is disputed, and every disputed case fails."""
    passed: int
    wrong: list  # sentences
    disputed: list  # sentences about listed cases that fail, as they should

    @property
    def remark(self):
        return f"{len(self.disputed)} disputed" if self.disputed else ""


def default_folder():
    """(the folder of the suite or None, whether somebody named it)"""
    named = os.environ.get("WALROCK_CONFORMANCE")
    folder = Path(named or ROOT.parent / "shared" / "conformance").resolve()
    return (folder if (folder / "__main__.py").is_file() else None), named


def ask_rockpool(folder, python, program, log_path, more=(), packages=(), version=None):
    """Runs the suite of `folder` against a rockpool of its own; its output goes to log_path.

    A package of further cases is a name that can be imported beside the suite, or a folder anywhere.
    """
    with tempfile.TemporaryDirectory(prefix="walrock-conformance-") as scratch:
        with Rockpool(scratch, program=program, version=version) as rockpool:
            command = [str(python), "-m", folder.name, "--fe", f"http://{rockpool.fe_address}",
                       "--mysql", rockpool.mysql_address, "--user", "root", "--password", "", *more]
            environment = surroundings(command, packages)
            try:
                ran = subprocess.run(command, cwd=folder.parent, env=environment, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS)
            except subprocess.TimeoutExpired as late:
                raise OSError(f"it was still asking after {late.timeout:.0f} s") from None
    log_path.parent.mkdir(parents=True, exist_ok=True)
    log_path.write_text(ran.stdout, encoding="utf-8")
    answers = read_answers(ran.stdout)
    if not answers.passed and not answers.failed and not answers.skipped:
        raise OSError(f"it asked nothing (exit status {ran.returncode}); see {log_path}")
    return answers


def surroundings(command, packages):
    """Adds the packages to the command; returns the environment in which they can be imported."""
    # The suite may stand in a folder that nobody may write to.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    for package in packages:
        place = Path(package).resolve()
        if "/" in str(package) or place.is_dir():
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(place.parent), environment.get("PYTHONPATH"))))
            package = place.name
        command += ["--package", str(package)]
    return environment


def read_answers(text):
    answers = Answers()
    for line in text.splitlines():
        if case := re.match(r"(ok|FAILED|skipped) +([^ :]+)(?:: (.*))?", line):
            if case[1] == "ok":
                answers.passed.append(case[2])
            elif case[1] == "FAILED":
                answers.failed[case[2]] = case[3] or ""
            else:
                answers.skipped.append(case[2])
        elif gone := re.match(r"the server is gone .*?(\d+) cases were not asked", line):
            answers.lost += int(gone[1])
    return answers


def judge(answers, disputed):
    """`disputed`: the names that are listed. A listed case that was not asked says nothing."""
    wrong = [f"{name} fails: {seen}" for name, seen in answers.failed.items() if name not in disputed]
    wrong += [f"{name} passes, but tests/conformance_disputed.txt lists it: take it off the list"
              for name in answers.passed if name in disputed]
    wrong += ["a case was not asked, the server was gone"] * answers.lost
    known = [f"{name} is disputed: {seen}" for name, seen in answers.failed.items() if name in disputed]
    return Verdict(sum(1 for name in answers.passed if name not in disputed), wrong, known)


def judged(folder, python, program, log_path, **more):
    """Asks and judges; prints what is wrong and what is disputed."""
    verdict = judge(ask_rockpool(folder, python, program, log_path, **more), read_name_list(DISPUTED))
    for sentence in (*verdict.disputed, *verdict.wrong):
        print(f"   conformance: {sentence}", flush=True)
    return verdict
