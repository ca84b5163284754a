"""Plays the chosen cases on a few sites side by side; each test waits for its own.

    WALROCK_CRASH=all            every case; without it the representative part
    WALROCK_CRASH_WORKERS=3      sites, each with a PostgreSQL and a rockpool of its own
    WALROCK_SEED=N               another run of random choices
    WALROCK_FAULTS_TABLE=FILE    where the table of results goes (build/test-results/faults.md)
"""
import functools
import json
import os
import queue
import random
import re
import subprocess
import threading
import traceback
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.crash import table
from tests.crash.play import play
from tests.crash.plan import all_cases
from tests.crash.site import Site
from tests.support.programs import ROOT, postgres_programs, rockpool_program, walrock_program

CASES = all_cases()
PLAYS_ALL = os.environ.get("WALROCK_CRASH") == "all"
SEED = int(os.environ.get("WALROCK_SEED") or random.randrange(1 << 30))
NOTES = ROOT / "build" / "test-results" / "crash"
LAST = ROOT / "build" / "test-results" / "crash-results.json"  # of every case that was ever played here
RESULTS = {}  # case id -> "passed" or "failed"


def pytest_report_header():
    return f"crash matrix: {'all cases' if PLAYS_ALL else 'the representative part'}, WALROCK_SEED={SEED}"


def pytest_generate_tests(metafunc):
    if "case" in metafunc.fixturenames:
        chosen = [case for case in CASES if PLAYS_ALL or case.is_representative]
        metafunc.parametrize("case", [pytest.param(case, id=case.id, marks=marks_of(case)) for case in chosen])


def marks_of(case):
    needed = case.scene.needs_server
    return [pytest.mark.skip(reason=f"needs PostgreSQL {needed} (PG_BIN)")] if postgres_version() < needed else []


@functools.cache
def postgres_version():
    said = subprocess.run([postgres_programs() / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
    return int(re.search(r"\d+", said)[0])


class Matrix:
    """Worker threads over a queue of cases, played in the order of the tests."""

    def __init__(self, cases):
        self._waiting = queue.SimpleQueue()
        self._is_over = False
        self._results = {case.id: Future() for case in cases}
        for numbered in enumerate(cases):
            self._waiting.put(numbered)
        count = min(int(os.environ.get("WALROCK_CRASH_WORKERS") or 3), len(cases))
        self._workers = [threading.Thread(target=self._work, args=(n,), name=f"site {n}") for n in range(count)]
        for worker in self._workers:
            worker.start()

    def result(self, case):
        return self._results[case.id].result()

    def end(self):
        self._is_over = True
        for worker in self._workers:
            worker.join()

    def _work(self, number):
        try:
            with Site(number) as site:
                while not self._is_over:
                    self._play_next(site)
        except queue.Empty:
            pass
        except BaseException as error:  # noqa: BLE001 (every waiting test must learn of it)
            self._fail_the_rest(error)

    def _play_next(self, site):
        number, case = self._waiting.get_nowait()
        result = self._results[case.id]
        try:
            play(site, number, case, SEED)
            result.set_result(None)
        except BaseException as error:  # noqa: BLE001 (told to its test)
            result.set_exception(error)
            note_failure(case, error)

    def _fail_the_rest(self, error):
        while True:
            try:
                _, case = self._waiting.get_nowait()
            except queue.Empty:
                return
            self._results[case.id].set_exception(error)


def note_failure(case, error):
    """At once: the report of a long run comes at its end."""
    NOTES.mkdir(parents=True, exist_ok=True)
    (NOTES / f"{case.id}.txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")


@pytest.fixture(scope="session")
def matrix(request):
    for program in (walrock_program(), rockpool_program()):
        if not program.exists():
            pytest.exit(f"{program} is not there; run `make build` first", returncode=3)
    played = Matrix([item.callspec.params["case"] for item in request.session.items if hasattr(item, "callspec")
                     and "case" in item.callspec.params and not item.get_closest_marker("skip")])
    yield played
    played.end()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call" and hasattr(item, "callspec") and "case" in item.callspec.params:
        RESULTS[item.callspec.params["case"].id] = outcome.get_result().outcome


def pytest_sessionfinish():
    if RESULTS:
        known = json.loads(LAST.read_text(encoding="utf-8")) if LAST.exists() else {}
        results = {case.id: result for case in CASES if (result := RESULTS.get(case.id) or known.get(case.id))}
        LAST.parent.mkdir(parents=True, exist_ok=True)
        LAST.write_text(json.dumps(results, indent=0), encoding="utf-8")
        path = Path(os.environ.get("WALROCK_FAULTS_TABLE") or ROOT / "build" / "test-results" / "faults.md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(table.render(CASES, results), encoding="utf-8")
