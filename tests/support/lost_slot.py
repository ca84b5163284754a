"""A table that is copied again because its slot is gone."""
from tests.support.job_file import merge

LOST = {"source": {"postgres-cdc": {"slot.lost": "copy"}}}


def copied_again(case, walrock, table, changes, failpoint="", meanwhile=()):
    """Stops it, performs what happens meanwhile, drops its slot; returns the walrock that has copied the table once more."""
    walrock.stop()
    if meanwhile:
        case.source(*meanwhile)
    case.pg.execute("postgres", f"SELECT pg_drop_replication_slot('{case.slot_name}')")
    lost = case.walrock(f"public.{table}", merge(changes, LOST), environment={"WALROCK_FAILPOINT": failpoint}).start()
    if failpoint:
        assert lost.wait_for_exit(60) == -9
        lost.set_environment({"WALROCK_FAILPOINT": ""})
        lost.start()
    lost.wait_until("the table to be copied again", lambda: lost.log().count(f"copied table=public.{table}") == 2)
    lost.wait_until_ready(f"public.{table}")
    return lost
