"""Memory does not grow with the number or the size of loads."""
import pytest

from rockpool.tests.pool import Scene

PAIR = "id BIGINT NOT NULL, v VARCHAR(1000) NULL"


def resident(pool, which="VmRSS"):
    """MB"""
    with open(f"/proc/{pool.process.pid}/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(which)) / 1024


def body(first, rows, width=100):
    return "".join(f"{n},{n * 2654435761 % 4294967296:0{width}}\n" for n in range(first, first + rows))


@pytest.mark.parametrize("options", [("--memory", "60MB", "--quiet"), ("--count", "--quiet")])
def test_many_loads_leave_memory_as_it_is(own, options):
    pool = own(*options)
    scene = Scene(pool, "d")
    scene.table(PAIR)
    bodies = [body(n * 10_000, 10_000) for n in range(5)]
    after = []
    for _ in range(12):
        for text in bodies:
            scene.ok(scene.load(text), 10_000)
        scene.value("SELECT count(*) FROM t")
        after.append(resident(pool))
    assert after[-1] - after[3] < 40, after  # forty loads of 1 MB later


def test_one_large_body_is_not_held_in_memory(own):
    pool = own("--memory", "60MB", "--quiet")
    scene = Scene(pool, "d")
    scene.table(PAIR, "DUPLICATE KEY(id)")
    scene.ok(scene.load(body(0, 100)), 100)
    before = resident(pool)
    text = body(0, 300_000, 900)
    scene.ok(scene.load(text), 300_000)
    assert resident(pool, "VmHWM") - before < 170 < len(text) / 1e6
    assert scene.value("SELECT count(DISTINCT id) FROM t") == "300000"
