"""Whatever dies, whenever: afterwards every row is in the target once (tests/crash/plan.py has the cases)."""
import pytest


@pytest.mark.timeout(600)
def test_nothing_is_lost_and_nothing_is_doubled(matrix, case):
    matrix.result(case)
