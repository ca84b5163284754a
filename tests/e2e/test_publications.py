"""Publications that the user made himself, and rights that would hide rows: copy and stream agree, or it is refused."""
import pytest

from tests.support.pg_server import REPLICATOR
from tests.support.rows_job import FRESH

SMALL = ("CREATE TABLE small (id int PRIMARY KEY, v text, w int)", "INSERT INTO small SELECT n, 'old', n FROM generate_series(1, 10) n")
CHANGES = ("UPDATE small SET v = 'new' WHERE id < 4", "DELETE FROM small WHERE id = 5", "INSERT INTO small VALUES (11, 'new', 3)",
           "UPDATE small SET id = 60 WHERE id = 6")


def with_publication(name="mine", **more):
    return {"source": {"postgres-cdc": {"publication.name": name, **more}}, **FRESH}


def test_a_publication_for_all_tables(case):
    case.source(*SMALL, "CREATE TABLE other (id int PRIMARY KEY)")
    case.source_as_superuser("CREATE PUBLICATION mine FOR ALL TABLES")
    with case.walrock("small", with_publication()) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        case.source(*CHANGES, "INSERT INTO other VALUES (1)", "CREATE TABLE later (id int PRIMARY KEY)", "INSERT INTO later VALUES (1)")
        case.settle_and_compare(walrock, "small")
        assert [table["name"] for table in walrock.status()["tables"]] == ["public.small"]


def test_a_publication_for_the_tables_of_a_schema(case):
    case.source(*SMALL, "CREATE SCHEMA elsewhere", "CREATE TABLE elsewhere.far (id int PRIMARY KEY)")
    case.source_as_superuser("CREATE PUBLICATION mine FOR TABLES IN SCHEMA public, elsewhere")
    with case.walrock(["public.small", "elsewhere.far"], with_publication()) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small", "elsewhere.far")
        case.source(*CHANGES, "INSERT INTO elsewhere.far VALUES (1), (2)", "DELETE FROM elsewhere.far WHERE id = 1")
        case.settle_and_compare(walrock, "small")
        assert case.target("SELECT id FROM far") == [["2"]]


def test_a_publication_of_another_owner_that_has_the_tables_is_used_as_it_is(case):
    case.source(*SMALL)
    case.source_as_superuser("CREATE PUBLICATION mine FOR TABLE small")
    with case.walrock("small", with_publication(**{"publication.auto-create": False})) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        case.source(*CHANGES)
        case.settle_and_compare(walrock, "small")


def test_a_table_is_added_to_a_publication_that_lacks_it(case):
    case.source(*SMALL, "CREATE TABLE other (id int PRIMARY KEY)", "CREATE PUBLICATION mine FOR TABLE other")
    with case.walrock("small", with_publication()) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        case.source(*CHANGES)
        case.settle_and_compare(walrock, "small")


def test_a_row_filter_holds_for_copy_and_stream_alike(case):
    """A row that an update carries over the border of the filter comes or goes."""
    case.source("CREATE TABLE filtered (id int PRIMARY KEY, v text, w int NOT NULL)", "ALTER TABLE filtered REPLICA IDENTITY FULL",
                "INSERT INTO filtered SELECT n, 'old', n FROM generate_series(1, 20) n",
                "CREATE PUBLICATION mine FOR TABLE filtered WHERE (w > 10)")
    with case.walrock("filtered", with_publication()) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.filtered")
        case.source("UPDATE filtered SET w = 100 WHERE id = 1", "UPDATE filtered SET w = 0 WHERE id = 15", "DELETE FROM filtered WHERE id = 16",
                    "UPDATE filtered SET v = 'new' WHERE id IN (2, 17)", "INSERT INTO filtered VALUES (21, 'in', 50), (22, 'out', 5)",
                    "UPDATE filtered SET id = 100 WHERE id = 18")
        case.settle(walrock)
        wanted = case.source("SELECT id::text, v, w::text FROM filtered WHERE w > 10 ORDER BY filtered.id")
        assert case.target("SELECT id, v, w FROM filtered ORDER BY id") == [list(row) for row in wanted]


def test_a_column_list_holds_for_copy_and_stream_alike(case):
    case.source(*SMALL, "CREATE PUBLICATION mine FOR TABLE small (id, w)")
    with case.walrock("small", with_publication()) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        case.source(*CHANGES, "UPDATE small SET w = 100 WHERE id = 2")
        case.settle(walrock)
        wanted = case.source("SELECT id::text, w::text FROM small ORDER BY small.id")
        assert case.target("SELECT id, w FROM small ORDER BY id") == [list(row) for row in wanted]
        assert [row[0] for row in case.target("DESC small")] == ["id", "w"]


@pytest.mark.parametrize("publishes, lacking", [("insert", "update, delete"), ("insert, update", "delete")])
def test_check_names_the_operations_that_a_publication_leaves_out(case, publishes, lacking):
    case.source(*SMALL, f"CREATE PUBLICATION mine FOR TABLE small WITH (publish = '{publishes}')")
    found = case.walrock("small", with_publication()).command("check")
    assert found.returncode == 3 and lacking in found.stdout and "ALTER PUBLICATION" in found.stdout, found.stdout


def test_a_publication_without_truncate_is_said_at_the_check_and_at_the_start(case):
    case.source(*SMALL, "CREATE PUBLICATION mine FOR TABLE small WITH (publish = 'insert, update, delete')")
    with case.walrock("small", with_publication()) as walrock:
        found = walrock.command("check")
        assert "warning" in found.stdout and "does not publish truncate" in found.stdout and "ALTER PUBLICATION" in found.stdout, found.stdout
        walrock.start()
        walrock.wait_until_ready("public.small")
        assert "does not publish truncate" in walrock.log()
        case.source(*CHANGES)
        case.settle_and_compare(walrock, "small")


# -- publications that change while they are followed -----------------------------------------

def test_a_publication_that_is_dropped_ends_the_run_with_what_to_do(case):
    """PostgreSQL decodes with the catalog of then: behind the drop there is no way back into the slot."""
    case.source(*SMALL)
    with case.walrock("small", FRESH) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        case.source(f"DROP PUBLICATION {case.slot_name}_publication", *CHANGES)
        assert walrock.wait_for_exit() == 1
        assert "publication was dropped" in walrock.log() and "walrock drop" in walrock.log(), walrock.end_of_log()


def test_a_table_that_is_taken_out_of_the_publication_is_set_aside(case):
    """PostgreSQL says nothing of it, and brings no more changes of the table."""
    case.source(*SMALL)
    with case.walrock("small", FRESH) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        case.source(f"ALTER PUBLICATION {case.slot_name}_publication DROP TABLE small", *CHANGES)
        reason = walrock.wait_until_table("public.small", "errored", seconds=20)["reason"]
        assert "publication" in reason, reason


def test_a_table_that_moves_to_another_schema_is_never_wrong(case):
    case.source(*SMALL, "CREATE SCHEMA other")
    with case.walrock("small", FRESH) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        case.source("ALTER TABLE small SET SCHEMA other", *(statement.replace("small", "other.small") for statement in CHANGES))
        case.settle(walrock)
        if walrock.table("public.small")["state"] == "ready":
            wanted = case.source("SELECT id::text, v, w::text FROM other.small AS s ORDER BY s.id")
            assert case.target("SELECT id, v, w FROM small ORDER BY id") == [list(row) for row in wanted]


def hide_rows(case):
    """Another role owns the table; the reading role sees a part of the rows."""
    case.source_as_superuser("CREATE TABLE guarded (id int PRIMARY KEY, v text)", "INSERT INTO guarded VALUES (1, 'seen'), (2, 'hidden')",
                             f"GRANT SELECT ON guarded TO {REPLICATOR}", "ALTER TABLE guarded ENABLE ROW LEVEL SECURITY",
                             "CREATE POLICY a_part ON guarded USING (v = 'seen')", "CREATE PUBLICATION mine FOR TABLE guarded")


def test_row_level_security_on_the_reading_role_is_refused_and_no_part_is_copied(case):
    hide_rows(case)
    case.source("CREATE TABLE healthy (id int PRIMARY KEY)", "INSERT INTO healthy VALUES (1)")
    case.source_as_superuser("ALTER PUBLICATION mine ADD TABLE healthy")
    with case.walrock(["guarded", "healthy"], with_publication()) as walrock:
        found = walrock.command("check")
        assert found.returncode == 3 and "row level security" in found.stdout and "BYPASSRLS" in found.stdout, found.stdout
        walrock.start()
        walrock.wait_until_ready("public.healthy")
        reason = walrock.wait_until_table("public.guarded", "errored")["reason"]
        assert "row-level security" in reason and "walrock check" in reason, reason
        case.source("INSERT INTO healthy VALUES (2)")
        case.settle_and_compare(walrock, "healthy")
    assert not case.target("SHOW TABLES LIKE 'guarded'") or case.target_count("guarded") == 0


def test_an_owner_whom_row_level_security_spares_is_let_in(case):
    case.source(*SMALL, "ALTER TABLE small ENABLE ROW LEVEL SECURITY", "CREATE POLICY none ON small USING (false)")
    with case.walrock("small", FRESH) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        case.source(*CHANGES)
        case.settle_and_compare(walrock, "small")
