"""`rockpool --help` teaches what is true: each of its commands runs here as it is printed, on other ports."""
import os
import re
import shutil
import subprocess
import sys

import pytest

from rockpool import cli, faults, teaching
from rockpool.tests.pool import ROOT, Pool

TRIES = [(lesson.title, one) for lesson in teaching.LESSONS for one in lesson.tries]


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    found = Pool(tmp_path_factory.mktemp("taught") / "data")
    yield found
    found.stop()


@pytest.mark.skipif(not shutil.which("mysql") or not shutil.which("curl"), reason="needs mysql and curl")
def test_every_command_of_the_help_does_what_it_says(taught):
    ports = {"8030": taught.ports["fe_http"], "9030": taught.ports["mysql"]}
    for title, one in TRIES:
        command = re.sub(r"\b(8030|9030)\b", lambda found: str(ports[found[0]]), f"{teaching.PRELUDE}\n{one.command}")
        ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30, cwd=taught.folder)
        assert ran.returncode == one.ends, (title, one.command, ran)
        assert one.prints in ran.stdout, (title, one.command, ran.stdout)


def shown():
    return subprocess.run([sys.executable, "-P", "-m", "rockpool", "--help"], capture_output=True, text=True, timeout=30,
                          env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}).stdout


def test_the_help_has_every_lesson_command_fault_and_option():
    text = shown()
    for title in ("START", "LOOK AROUND", "LOAD", "TRANSACTIONS", "FAULTS", "WHAT ARRIVED", "VERSIONS"):
        assert f"\n{title}\n" in text
    assert all(one.command in text for _, one in TRIES)
    assert all(re.search(rf"^ +{point} ", text, re.M) for point in faults.POINTS)
    assert all(step in text for step in faults.STEPS) and "It is not StarRocks" in text
    assert "{faults}" not in text


def test_every_option_has_its_own_line_of_help():
    parser_lines = re.findall(r"^  (?:-h, )?(--[a-z-]+)", shown(), re.M)
    with pytest.raises(SystemExit):
        cli.arguments(["--data", "x", "--no-such"])
    assert {"--data", "--fe-http", "--be-http", "--mysql", "--version", "--count", "--quiet", "--faults", "--seed",
            "--frontends"} <= set(parser_lines)
