import itertools

import pytest

from rockpool.tests.pool import Pool, Scene

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def pool(tmp_path_factory):
    """One rockpool for all tests that neither restart it nor order faults without a table."""
    found = Pool(tmp_path_factory.mktemp("pool") / "data")
    yield found
    found.stop()


@pytest.fixture
def scene(pool):
    found = Scene(pool, f"d{next(NUMBERS)}")
    yield found
    pool.control("DELETE", "faults")
    found.close()


@pytest.fixture(scope="module")
def module_pool(tmp_path_factory):
    """One rockpool for the tests of a file that moves its clock, its settings or its servers."""
    found = Pool(tmp_path_factory.mktemp("module") / "data")
    yield found
    found.stop()


@pytest.fixture
def place(module_pool):
    """A database with a table t in the rockpool of the file."""
    found = Scene(module_pool, f"d{next(NUMBERS)}")
    found.table("id INT NOT NULL, v VARCHAR(40) NULL")
    yield found
    module_pool.control("DELETE", "faults")
    found.close()


@pytest.fixture
def own(tmp_path):
    """Makes rockpools of a test's own, ended with it."""
    made = []

    def make(*options):
        made.append(Pool(tmp_path / f"own{len(made)}", *options))
        return made[-1]
    yield make
    for found in made:
        if found.process.poll() is None:
            found.stop()
