"""A publication that leaves operations out for a while: PostgreSQL says nothing of what did not arrive."""
import pytest

from tests.e2e.test_publications import CHANGES, SMALL, with_publication

EVERYTHING = "ALTER PUBLICATION mine SET (publish = 'insert, update, delete, truncate')"
INSERTS = "ALTER PUBLICATION mine SET (publish = 'insert')"


@pytest.fixture
def followed(case):
    case.source(*SMALL, "CREATE PUBLICATION mine FOR TABLE small")
    with case.walrock("small", with_publication()) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        yield walrock


def is_copied_again(walrock, why):
    walrock.wait_until("the second copy", lambda: walrock.log().count("copied table=public.small ") == 2, 40)
    walrock.wait_until_ready("public.small")
    assert f"table is copied again table=public.small: {why}" in walrock.log()


def test_operations_that_come_back_have_the_table_copied_again(case, followed):
    case.source(INSERTS)
    followed.wait_until("the warning", lambda: "does not publish update, delete, truncate any more" in followed.log(), 20)
    case.source(*CHANGES, EVERYTHING)
    is_copied_again(followed, "the publication sends update, delete, truncate again")
    case.source("UPDATE small SET v = 'last' WHERE id = 2")
    case.settle_and_compare(followed, "small")


@pytest.mark.parametrize("less", ["publish = 'insert, update, truncate'", "publish = 'insert, update, delete'"])
def test_operations_that_are_left_out_for_a_moment_have_the_table_copied_again(case, followed, less):
    case.source(f"ALTER PUBLICATION mine SET ({less})", *CHANGES, "TRUNCATE small", "INSERT INTO small VALUES (70, 'behind', 1)", EVERYTHING)
    is_copied_again(followed, "the publication")
    case.source("UPDATE small SET v = 'last' WHERE id = 70")
    case.settle_and_compare(followed, "small")


@pytest.mark.parametrize("comes_back", ["while it is down", "behind the start"])
def test_operations_that_are_left_out_while_walrock_is_down_have_the_table_copied_again(case, followed, comes_back):
    followed.stop()
    case.source(INSERTS, *CHANGES)
    if comes_back == "while it is down":
        case.source(EVERYTHING)
    followed.start()
    if comes_back == "behind the start":
        followed.wait_until("the warning", lambda: "does not publish update, delete, truncate" in followed.log(), 30)
        case.source(EVERYTHING)
    is_copied_again(followed, "the publication")
    case.settle_and_compare(followed, "small")


def test_a_publication_of_another_owner_from_now_on_is_no_change(case, followed):
    case.source_as_superuser("ALTER PUBLICATION mine OWNER TO CURRENT_USER", "CREATE PUBLICATION other FOR TABLE small")
    case.source("ALTER TABLE small ADD COLUMN more int", *CHANGES)
    case.settle_and_compare(followed, "small")
    followed.stop()
    followed.start()
    followed.wait_until_ready("public.small")
    assert "copied again" not in followed.log()
