"""Asks a fresh rockpool the cases of the conformance suite."""
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass, field

from tests.support.rockpool import Rockpool


@dataclass
class Answers:
    passed: list = field(default_factory=list)
    failed: list = field(default_factory=list)


def ask_rockpool(folder, python, program, log_path):
    """Runs the suite of `folder` (a Python package) against a rockpool of its own; its output goes to log_path."""
    with tempfile.TemporaryDirectory(prefix="walrock-conformance-") as scratch:
        with Rockpool(scratch, program=program) as rockpool:
            command = [str(python), "-m", folder.name, "--fe", f"http://{rockpool.fe_address}",
                       "--mysql", rockpool.mysql_address, "--user", "root", "--password", ""]
            # The suite may stand in a folder that nobody may write to.
            environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
            try:
                text = subprocess.run(command, cwd=folder.parent, env=environment, stdin=subprocess.DEVNULL,
                                      capture_output=True, text=True, timeout=900).stdout
            except subprocess.TimeoutExpired as late:
                raise OSError(f"it was still asking after {late.timeout:.0f} s") from None
    log_path.write_text(text, encoding="utf-8")
    answers = read_answers(text)
    if not answers.passed and not answers.failed:
        raise OSError(f"it asked nothing; see {log_path}")
    return answers


def read_answers(text):
    answers = Answers()
    for line in text.splitlines():
        if case := re.match(r"(ok|FAILED) +([^ :]+)", line):
            (answers.passed if case[1] == "ok" else answers.failed).append(case[2])
    return answers
