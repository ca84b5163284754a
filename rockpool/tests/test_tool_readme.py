"""rockpool/README.md is true: every option, fault and address is in it, and its test example runs."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rockpool import faults, version
from rockpool.rest.control import Control
from rockpool.tests.pool import ROOT

README = (ROOT / "rockpool" / "README.md").read_text(encoding="utf-8")


def test_every_option_is_in_the_readme_and_no_other():
    shown = subprocess.run([sys.executable, "-P", "-m", "rockpool", "--help"], capture_output=True, text=True, timeout=30,
                           env={**os.environ, "PYTHONPATH": str(ROOT)}).stdout
    options = set(re.findall(r"^  (?:-h, )?(--[a-z-]+)", shown, re.M)) - {"--help"}
    table = README.split("| Option |")[1].split("\n## ")[0]
    assert set(re.findall(r"`(--[a-z-]+)", table)) == options


def test_every_fault_and_key_is_in_the_readme_and_no_other():
    chapter = README.split("\n## Faults")[1].split("\n## ")[0]
    table = chapter.split("| point |")[1].split("By hand")[0]
    named = {name for row in re.findall(r"^\| (.*?) \|", table, re.M) for name in re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", row))}
    assert named == set(faults.POINTS)
    assert all(re.search(rf"\b{step}\b", chapter) for step in faults.STEPS)
    assert all(f"`{key}`" in chapter for key in (*faults.NARROW, *(k for own in faults.OWN.values() for k in own)))


def test_every_address_of_rockpool_is_in_the_readme():
    seen = []

    class Router:
        def __getattr__(self, name):
            return lambda path, *rest: seen.append(path)

    class World:
        pass
    Control(World()).routes(Router())
    assert seen and [path for path in seen if path != "/" and path not in README] == []
    assert set(re.findall(r"/_rockpool/(\w+)", README)) == {path.split("/")[-1] for path in seen if path.startswith("/_rockpool")}


def test_the_versions_named_are_those_modelled():
    assert f"2.5.0 to {version.NEWEST}" in README and version.OLDEST == (2, 5)


@pytest.mark.skipif(not (ROOT / "build" / "rockpool").exists(), reason="build/rockpool is not built")
def test_the_example_for_pytest_passes(tmp_path):
    example = re.search(r"```python\n(.*?)```", README, re.S)[1]
    (tmp_path / "test_example.py").write_text(example.replace('"build/rockpool"', repr(str(ROOT / "build" / "rockpool"))))
    ran = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)], capture_output=True,
                         text=True, timeout=60, cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout


def test_links_of_the_readme_lead_somewhere():
    for place in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / "rockpool" / Path(place)).exists(), place
    heads = {re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in re.findall(r"^## (.*)$", README, re.M)}
    assert set(re.findall(r"\]\(#([a-z-]+)\)", README)) <= heads
