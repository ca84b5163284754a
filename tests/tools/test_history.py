"""Histories: one seed, one history; and shrinking keeps what fails."""
from tests.support.history import History, Step, as_test, shrink


def test_a_seed_makes_the_same_history_again():
    assert History(7).steps(300) == History(7).steps(300)
    assert History(7).steps(300) != History(8).steps(300)


def test_a_history_has_every_kind_of_statement_and_quiet_points():
    said = " ".join(step.sql for step in History(1).steps(3000))
    for word in ("INSERT", "UPDATE", "SET k =", "DELETE", "TRUNCATE", "SAVEPOINT", "ROLLBACK TO", "RELEASE", "COMMIT"):
        assert word in said
    assert any(step.session is None for step in History(1).steps(3000))


def test_a_failing_history_is_shrunk_to_the_steps_that_matter():
    steps = [Step(0, str(n)) for n in range(500)]
    guilty = {Step(0, "17"), Step(0, "18"), Step(0, "402")}
    assert shrink(steps, lambda some: guilty <= set(some)) == sorted(guilty, key=lambda step: int(step.sql))


def test_a_shrunk_history_is_written_as_a_test_that_python_reads():
    written = as_test("history_7", [Step(1, "UPDATE t SET v = 'it''s'"), Step(None)])
    places = {}
    exec(compile(written, "kept", "exec"), {"Stage": None, "Step": Step}, places)  # pylint: disable=exec-used
    assert callable(places["test_history_7"])
