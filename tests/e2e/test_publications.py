"""Publications that the user made himself, and rights that would hide rows: copy and stream agree, or it is refused."""
import psycopg2
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


def rows_of(case, sql):
    return [list(row) for row in case.source(sql)]


@pytest.mark.parametrize("other_clause", ["TABLES IN SCHEMA public", "TABLES IN SCHEMA other, public"])
def test_a_filter_beside_a_clause_that_publishes_the_table_whole_is_void(case, other_clause):
    case.source(*SMALL, "CREATE SCHEMA other")
    case.source_as_superuser(f"CREATE PUBLICATION mine FOR {other_clause}, TABLE small WHERE (id > 5)")
    with case.walrock("small", with_publication()) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        case.source(*CHANGES)
        case.settle_and_compare(walrock, "small")


TREE = ("CREATE TABLE tree (id int PRIMARY KEY, w int) PARTITION BY RANGE (id)",
        "CREATE TABLE tree_low PARTITION OF tree FOR VALUES FROM (0) TO (100)",
        "CREATE TABLE tree_high PARTITION OF tree FOR VALUES FROM (100) TO (200)",
        "INSERT INTO tree SELECT n, n FROM generate_series(0, 195, 5) n")
TREE_CHANGES = ("INSERT INTO tree VALUES (1, 1), (31, 31), (61, 61), (101, 101), (191, 191)", "INSERT INTO tree_low VALUES (32, 0), (62, 0)",
                "UPDATE tree SET w = w + 1000 WHERE id % 2 = 0", "UPDATE tree SET id = id + 101 WHERE id IN (10, 40, 70)", "DELETE FROM tree WHERE id IN (35, 65, 135)",
                "UPDATE tree SET id = 33 WHERE id = 20", "UPDATE tree SET id = 21 WHERE id = 45")


def test_the_filter_of_a_root_holds_for_all_its_partitions_when_it_is_published_by_the_root(case):
    case.source(*TREE, "CREATE PUBLICATION mine FOR TABLE tree WHERE (id > 30), TABLE tree_low WHERE (id > 60) "
                       "WITH (publish_via_partition_root = true)")
    with case.walrock("tree", with_publication()) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.tree")
        case.source(*TREE_CHANGES)
        case.settle(walrock)
        assert case.target("SELECT id, w FROM tree ORDER BY id") == rows_of(case, "SELECT id::text, w::text FROM tree WHERE id > 30 ORDER BY tree.id")


def test_the_filter_of_each_partition_holds_when_partitions_are_published_by_themselves(case):
    case.source(*TREE, "CREATE PUBLICATION mine FOR TABLE tree, TABLE tree_low WHERE (id > 60)")
    with case.walrock(["tree_low", "tree_high"], with_publication()) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.tree_low", "public.tree_high")
        case.source(*TREE_CHANGES)
        case.settle(walrock)
        assert case.target("SELECT id, w FROM tree_low ORDER BY id") == rows_of(
            case, "SELECT id::text, w::text FROM tree_low WHERE id > 60 ORDER BY tree_low.id")
        case.assert_identical("tree_high")


def test_a_filter_on_large_values_that_an_update_leaves_unchanged(case):
    case.source("CREATE TABLE big (id int PRIMARY KEY, kind text NOT NULL, v text)", "ALTER TABLE big ALTER COLUMN kind SET STORAGE EXTERNAL",
                "ALTER TABLE big REPLICA IDENTITY FULL",
                "INSERT INTO big SELECT n, CASE WHEN n % 2 = 0 THEN repeat('in', 2000) ELSE repeat('out', 2000) END, 'old' FROM generate_series(1, 10) n",
                "CREATE PUBLICATION mine FOR TABLE big WHERE (kind LIKE 'in%' OR v = 'come')")
    with case.walrock("big", with_publication()) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.big")
        case.source("UPDATE big SET v = 'new' WHERE id IN (1, 2)", "UPDATE big SET v = 'come' WHERE id IN (3, 4)",
                    "UPDATE big SET kind = repeat('out', 3000) WHERE id = 6", "UPDATE big SET kind = repeat('in', 3000) WHERE id = 5",
                    "UPDATE big SET id = 80 WHERE id = 8", "DELETE FROM big WHERE id = 10", "UPDATE big SET v = 'go' WHERE id = 3")
        case.settle(walrock)
        assert case.target("SELECT id, kind, v FROM big ORDER BY id") == rows_of(
            case, "SELECT id::text, kind, v FROM big WHERE kind LIKE 'in%' OR v = 'come' ORDER BY big.id")


def test_a_filter_on_large_values_of_the_replica_identity(case):
    """StarRocks takes no key as long as that."""
    case.source("CREATE TABLE big (kind text, id text, v text, PRIMARY KEY (id, kind))", "ALTER TABLE big ALTER COLUMN kind SET STORAGE EXTERNAL",
                "INSERT INTO big SELECT repeat('in', 1100), n, 'old' FROM generate_series(1, 4) n", "INSERT INTO big SELECT 'out', n, 'old' FROM generate_series(1, 4) n",
                "CREATE PUBLICATION mine FOR TABLE big WHERE (kind LIKE 'in%' AND id < '3')")
    with case.walrock("big", with_publication()) as walrock:
        walrock.start()
        state = walrock.wait_until("the table to be copied or set aside",
                                   lambda: (table := walrock.table("public.big")) and table["state"] in ("ready", "errored") and table)
        assert state["state"] == "errored" and "kind=inin" in state["reason"], state


def test_postgresql_refuses_updates_where_a_filter_needs_other_columns_than_the_identity(case):
    case.source(*SMALL, "CREATE PUBLICATION mine FOR TABLE small WHERE (w > 3)")
    with case.walrock("small", with_publication()) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        case.source("INSERT INTO small VALUES (11, 'in', 11), (12, 'out', 1)")
        with pytest.raises(psycopg2.errors.InvalidColumnReference):
            case.source("UPDATE small SET v = 'new' WHERE id = 4")
        case.settle(walrock)
        assert case.target("SELECT id, v, w FROM small ORDER BY id") == rows_of(
            case, "SELECT id::text, v, w::text FROM small WHERE w > 3 ORDER BY small.id")


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
    """Before 18 PostgreSQL decodes with the catalog of then: behind the drop there is no way back into the slot."""
    case.source(*SMALL)
    with case.walrock("small", FRESH) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        case.source(f"DROP PUBLICATION {case.slot_name}_publication", *CHANGES)
        assert walrock.wait_for_exit() == 1
        advice = "walrock drop" if int(case.source("SHOW server_version_num")[0][0]) < 180000 else "Start again"
        assert "was dropped" in walrock.log() and advice in walrock.log(), walrock.end_of_log()


def test_a_table_that_is_taken_out_of_the_publication_is_set_aside(case):
    """PostgreSQL says nothing of it, and brings no more changes of the table."""
    case.source(*SMALL)
    with case.walrock("small", FRESH) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        case.source(f"ALTER PUBLICATION {case.slot_name}_publication DROP TABLE small", *CHANGES)
        reason = walrock.wait_until_table("public.small", "errored", seconds=20)["reason"]
        assert "publication" in reason, reason


def is_copied_because(walrock, name, words):
    """Until it is over the status names the reason; the log does for ever."""
    return walrock.wait_until(f"{name} to be copied again", lambda: f"table is copied again table={name}" in walrock.log()
                              and words in walrock.log() and walrock.table(name)["state"] == "ready", seconds=40)


FILTERED = ("CREATE TABLE filtered (id int PRIMARY KEY, v text, w int NOT NULL)", "ALTER TABLE filtered REPLICA IDENTITY FULL",
            "INSERT INTO filtered SELECT n, 'old', n FROM generate_series(1, 20) n")


def filtered_now(case, condition="true"):
    return rows_of(case, f"SELECT id::text, v, w::text FROM filtered WHERE {condition} ORDER BY filtered.id")


@pytest.mark.parametrize("before, then, now", [
    ("TABLE filtered WHERE (w > 10)", "SET TABLE filtered WHERE (w > 5)", "w > 5"),
    ("TABLE filtered WHERE (w > 5)", "SET TABLE filtered WHERE (w > 10)", "w > 10"),
    ("TABLE filtered", "SET TABLE filtered WHERE (w > 10)", "w > 10"),
    ("TABLE filtered WHERE (w > 10)", "SET TABLE filtered", "true"),
    ("TABLE filtered WHERE (w > 10)", "ADD TABLES IN SCHEMA public", "true"),
])
def test_a_row_filter_that_changes_while_it_is_followed_has_the_table_copied_again(case, before, then, now):
    case.source(*FILTERED)
    case.source_as_superuser(f"CREATE PUBLICATION mine FOR {before}")
    with case.walrock("filtered", with_publication()) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.filtered")
        case.source("INSERT INTO filtered VALUES (21, 'in', 50), (22, 'out', 2)")
        case.source_as_superuser(f"ALTER PUBLICATION mine {then}")
        case.source("UPDATE filtered SET w = 100 WHERE id = 1", "UPDATE filtered SET w = 0 WHERE id = 15", "INSERT INTO filtered VALUES (23, 'in', 7)")
        is_copied_because(walrock, "public.filtered", "row filter changed")
        case.source("UPDATE filtered SET v = 'new' WHERE id IN (2, 7, 17)", "DELETE FROM filtered WHERE id = 16")
        case.settle(walrock)
        assert case.target("SELECT id, v, w FROM filtered ORDER BY id") == filtered_now(case, now)


def test_a_row_filter_that_changes_between_the_snapshot_and_its_copy(case, tmp_path):
    """The stream brings rows of the old filter up to the change, so a copy of that snapshot must not have the new one."""
    case.source(*FILTERED, "CREATE PUBLICATION mine FOR TABLE filtered WHERE (w > 10)")
    go_on = tmp_path / "go on"
    with case.walrock("filtered", with_publication(), environment={"WALROCK_FAILPOINT": f"after_start_tables_record:pause={go_on}"}) as walrock:
        walrock.start()
        walrock.wait_until("the slot and its snapshot", lambda: "created slot" in walrock.log())
        case.source("INSERT INTO filtered VALUES (50, 'old filter', 15)", "ALTER PUBLICATION mine SET TABLE filtered WHERE (w > 16)",
                    "INSERT INTO filtered VALUES (51, 'new filter', 17), (52, 'out', 15)")
        go_on.touch()
        walrock.wait_until_ready("public.filtered")
        case.settle(walrock)
        assert case.target("SELECT id, v, w FROM filtered ORDER BY id") == filtered_now(case, "w > 16")
        assert any(why in walrock.log() for why in ("changed after the snapshot", "row filter changed")), walrock.end_of_log()


@pytest.mark.parametrize("before, then, columns", [
    ("(id, w)", "(id, v, w)", "id::text, v, w::text"),
    ("(id, w)", "", "id::text, v, w::text"),
    ("", "(id, w)", "id::text, NULL, w::text"),
    ("(id, v)", "(id, w)", "id::text, NULL, w::text"),
])
def test_a_column_list_that_changes_while_it_is_followed_has_the_table_copied_again(case, before, then, columns):
    case.source(*SMALL, f"CREATE PUBLICATION mine FOR TABLE small {before}")
    with case.walrock("small", with_publication()) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        case.source("INSERT INTO small VALUES (20, 'in', 50)")
        case.source(f"ALTER PUBLICATION mine SET TABLE small {then}", *CHANGES)
        is_copied_because(walrock, "public.small", "the publication sends other columns")
        case.source("UPDATE small SET w = 100, v = 'last' WHERE id = 2")
        case.settle(walrock)
        names = [name for name in ("id", "v", "w") if name in [row[0] for row in case.target("DESC small")]]
        wanted = rows_of(case, f"SELECT {columns} FROM small ORDER BY small.id")
        assert case.target(f"SELECT {', '.join(names)} FROM small ORDER BY id") == [
            [value for value, name in zip(row, ("id", "v", "w")) if name in names] for row in wanted]


def test_a_column_list_that_leaves_the_key_out_sets_the_table_aside(case):
    case.source(*SMALL, "CREATE TABLE healthy (id int PRIMARY KEY)", "CREATE PUBLICATION mine FOR TABLE small, healthy WITH (publish = 'insert, update, delete, truncate')")
    with case.walrock(["small", "healthy"], with_publication()) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small", "public.healthy")
        case.source("ALTER PUBLICATION mine SET TABLE small (v, w), healthy", "INSERT INTO small VALUES (20, 'in', 50)", "INSERT INTO healthy VALUES (1)")
        reason = walrock.wait_until_table("public.small", "errored", seconds=40)["reason"]
        assert "id" in reason and "key" in reason, reason
        case.settle_and_compare(walrock, "healthy")


def test_what_changes_of_a_publication_while_walrock_is_down_has_the_tables_copied_again(case):
    case.source(*FILTERED, *SMALL, "CREATE TABLE back (id int PRIMARY KEY)", "CREATE TABLE same (id int PRIMARY KEY)",
                "CREATE PUBLICATION mine FOR TABLE filtered WHERE (w > 10), small (id, v), back, same")
    names = ("filtered", "small", "back", "same")
    with case.walrock(list(names), with_publication()) as walrock:
        walrock.start()
        walrock.wait_until_ready(*(f"public.{name}" for name in names))
        case.source(*(f"INSERT INTO {name} VALUES (100, 'new', 100)" for name in names[:2]), "INSERT INTO back VALUES (1)", "INSERT INTO same VALUES (1)")
        case.settle(walrock)
        walrock.stop()
        case.source("ALTER PUBLICATION mine DROP TABLE back", "INSERT INTO back VALUES (2)", "ALTER PUBLICATION mine ADD TABLE back",
                    "ALTER PUBLICATION mine SET TABLE filtered WHERE (w > 5), small, back, same", *CHANGES, "UPDATE filtered SET w = 1000 WHERE id = 1",
                    "INSERT INTO back VALUES (3)", "INSERT INTO same VALUES (2)")
        walrock.start()
        walrock.wait_until_ready(*(f"public.{name}" for name in names))
        case.source("UPDATE small SET w = 100 WHERE id = 2", "DELETE FROM back WHERE id = 3", "INSERT INTO filtered VALUES (200, 'in', 8), (201, 'out', 2)")
        case.settle_and_compare(walrock, "small", "back", "same")
        assert case.target("SELECT id, v, w FROM filtered ORDER BY id") == filtered_now(case, "w > 5")
        copied_again = [line for line in walrock.log().splitlines() if "table is copied again" in line]
        assert not [line for line in copied_again if "public.same" in line], copied_again
        assert len(copied_again) == 3, copied_again


def test_a_table_that_was_taken_out_of_the_publication_while_walrock_was_down_is_copied_again(case):
    case.source(*SMALL)
    with case.walrock("small", FRESH) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        walrock.stop()
        case.source(f"ALTER PUBLICATION {case.slot_name}_publication DROP TABLE small", *CHANGES)
        walrock.start()
        walrock.wait_until_ready("public.small")
        case.source("INSERT INTO small VALUES (40, 'last', 1)")
        case.settle_and_compare(walrock, "small")


def test_a_table_that_is_taken_out_of_the_publication_and_put_back_is_copied_again(case):
    case.source(*SMALL)
    publication = f"{case.slot_name}_publication"
    with case.walrock("small", FRESH) as walrock:
        walrock.start()
        walrock.wait_until_ready("public.small")
        with case.pg.connect(case.name) as connection, connection.cursor() as cursor:  # between two looks, or in one of them
            cursor.execute(f"ALTER PUBLICATION {publication} DROP TABLE small")
            cursor.execute("UPDATE small SET v = 'unseen'")
            cursor.execute(f"ALTER PUBLICATION {publication} ADD TABLE small")
        table = walrock.wait_until("the table to be copied again or set aside", lambda: (
            (now := walrock.table("public.small"))["state"] == "errored" or "table is copied again" in walrock.log()) and now, seconds=40)
        if table["state"] != "errored":
            walrock.wait_until_ready("public.small")
            case.source(*CHANGES)
            case.settle_and_compare(walrock, "small")


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
        assert "row-level security" in reason and f'ALTER ROLE "{REPLICATOR}" BYPASSRLS' in reason, reason
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
