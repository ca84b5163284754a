"""Random histories on a real PostgreSQL, compared with the target at quiet points by the independent program.

The seed is printed; WALROCK_SEED plays it again. A history that fails is shrunk, printed, and written out as a named test
that can stand below. `make histories SEEDS=n` plays n of them.
"""
import os
import time
from pathlib import Path

import pytest

from tests.support import history
from tests.support.case import Case
from tests.support.history import Stage, Step  # noqa: F401 (histories that are kept below name steps)

FIRST_SEED = int(os.environ.get("WALROCK_SEED") or os.environ["WALROCK_RUN_SEED"])
SEEDS = int(os.environ.get("WALROCK_HISTORIES") or 3)
STEPS = int(os.environ.get("WALROCK_HISTORY_STEPS") or 600)
SHRINK_SECONDS = 120


def shrunk(fault_of, steps):
    end = time.monotonic() + SHRINK_SECONDS
    return history.shrink(steps, lambda fewer: time.monotonic() < end and fault_of(fewer) is not None)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_a_random_history_arrives_exactly(pg, rockpool, tmp_path_factory, seed):
    print(f"WALROCK_SEED={seed}")
    way = history.WAYS[seed % len(history.WAYS)]

    def fault_of(steps):
        with Case("random_history", pg, rockpool, tmp_path_factory.mktemp("history")) as case:
            return Stage(case, way).fault_of(steps)

    steps = history.History(seed).steps(STEPS)
    fault = fault_of(steps)
    if fault is None:
        return
    kept = Path(os.environ.get("WALROCK_HISTORIES_FOLDER") or tmp_path_factory.mktemp("kept")) / f"test_history_{seed}.py"
    kept.write_text(history.as_test(f"history_{seed}", shrunk(fault_of, steps), way), encoding="utf-8")
    pytest.fail(f"WALROCK_SEED={seed} WALROCK_HISTORY_STEPS={STEPS}\n{fault}\nShrunk, in {kept}:\n\n"
                f"{kept.read_text(encoding='utf-8')}", pytrace=False)
