"""ROLLUP: further indexes of a table. They are kept and shown; queries read the table itself, which answers alike."""
from rockpool.sql import alter_columns
from rockpool.sql.analysis import refused
from rockpool.sql.table_state import check_state


class RollupChange(alter_columns.Change):
    kind = "ROLLUP"

    def __init__(self, table, world, rollup):
        super().__init__(table, world)
        self.rollup = rollup


def check_rollup(table, rollup):
    names = [r["name"].lower() for r in table.rollups] + [table.name.lower()]
    if rollup["name"].lower() in names:
        raise refused(f"Rollup index[{rollup['name']}] already exists")
    met_value = False
    for name in rollup["columns"]:
        column = table.column(name)
        if column is None:
            raise refused(f"Column[{name}] does not exist")
        if column.is_key and met_value:
            raise refused("Invalid column order. key should before all values: " + name)
        met_value |= not column.is_key
    if table.model in ("UNIQUE", "PRIMARY") and any(
            k.lower() not in [c.lower() for c in rollup["columns"]] for k in table.keys):
        raise refused("Rollup should contains all unique keys in basetable")
    if not any(table.column(n).is_key for n in rollup["columns"]) and table.model != "DUPLICATE":
        raise refused("No key column is found")


async def add(session, reader, owner, table):
    made = []
    while True:
        rollup = {"name": reader.name(), "columns": reader.names(), "id": session.world.meta.number("object", 10001)}
        if reader.accept("FROM"):
            reader.name()
        if reader.sees("PROPERTIES"):
            reader.next()
            reader.properties()
        made.append(rollup)
        if not reader.accept(","):
            break
    reader.end()
    if table.model == "PRIMARY":
        raise refused("Do not support add rollup on primary key table")
    check_state(table)
    for rollup in made:
        check_rollup(table, rollup)
    change = RollupChange(table, session.world, made[0])
    change.table.rollups += made
    session.world.jobs.start(owner, table, change)


async def drop(session, reader, owner, table):
    names = [reader.name()]
    while reader.accept(","):
        names.append(reader.name())
    reader.end()
    check_state(table)
    for name in names:
        kept = [r for r in table.rollups if r["name"].lower() != name.lower()]
        if len(kept) == len(table.rollups):
            raise refused(f"Materialized view [{name}] does not exist in table [{table.name}]")
        table.rollups = kept
    session.world.catalog.save(table)


def rename(session, reader, owner, table):
    old = reader.name()
    new = reader.name()
    reader.end()
    found = next((r for r in table.rollups if r["name"].lower() == old.lower()), None)
    if found is None:
        raise refused(f"Rollup index[{old}] does not exists")
    if new.lower() in [r["name"].lower() for r in table.rollups]:
        raise refused(f"Rollup name[{new}] is already used")
    found["name"] = new
    session.world.catalog.save(table)
