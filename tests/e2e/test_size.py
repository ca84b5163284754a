"""Many rows in one transaction, many tables: memory stays bounded and everything arrives."""
import pytest

MEMORY = 256 * 1024 * 1024


def sums(rows):
    return [str(cell) for cell in rows[0]]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["keyed", "append-only"])
def test_a_transaction_of_two_million_rows_stays_within_the_memory_limit(case, kind):
    case.source("CREATE TABLE readings (id bigint, place int, note text)",
                "ALTER TABLE readings ADD PRIMARY KEY (id)" if kind == "keyed"
                else "ALTER TABLE readings REPLICA IDENTITY NOTHING")
    walrock = case.walrock("readings", {"walrock": {"memory": "256MB"}}).start()
    walrock.wait_until_ready("public.readings")
    case.source("INSERT INTO readings SELECT n, n % 1000, 'a reading of some length, number ' || n "
                "FROM generate_series(1, 2000000) n")
    case.settle(walrock, seconds=150)
    peak = walrock.peak_memory_bytes()
    total = "SELECT count(*), sum(id), sum(place), sum(length(note)), min(id), max(id) FROM readings"
    assert sums(case.target(total)) == sums(case.source(total))
    assert peak <= MEMORY, f"peak resident memory was {peak / 2**20:.0f} MB"


@pytest.mark.slow
def test_a_copy_of_many_rows_stays_within_the_memory_limit(case):
    case.source("CREATE TABLE readings (id bigint PRIMARY KEY, place int, note text)",
                "INSERT INTO readings SELECT n, n % 1000, 'a reading of some length, number ' || n "
                "FROM generate_series(1, 1000000) n")
    walrock = case.walrock("readings", {"walrock": {"memory": "256MB"}}).start()
    walrock.wait_until_ready("public.readings")
    case.settle(walrock)
    peak = walrock.peak_memory_bytes()
    total = "SELECT count(*), sum(id), sum(place), sum(length(note)) FROM readings"
    assert sums(case.target(total)) == sums(case.source(total))
    assert peak <= MEMORY, f"peak resident memory was {peak / 2**20:.0f} MB"


@pytest.mark.slow
def test_two_hundred_tables_are_copied_and_followed(case):
    names = [f"t{number:03}" for number in range(200)]
    for name in names:
        case.source(f"CREATE TABLE {name} (id int PRIMARY KEY, what text)",
                    f"INSERT INTO {name} SELECT n, '{name} ' || n FROM generate_series(1, 50) n")
    walrock = case.walrock("public.*").start()
    walrock.wait_until_ready(seconds=150)
    assert len(walrock.status()["tables"]) == 200
    with case.transaction() as cursor:
        for name in names:
            cursor.execute(f"UPDATE {name} SET what = 'changed' WHERE id <= 10")
            cursor.execute(f"DELETE FROM {name} WHERE id > 45")
    case.settle_and_compare(walrock, *names, seconds=120)
