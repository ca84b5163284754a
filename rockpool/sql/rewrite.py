"""Carries a schema change out on the store, then in the catalogue."""
from rockpool.errors import SqlError
from rockpool.merge import default_sql


def statements(table, change):
    """What the store must do."""
    found = []
    known = {c.uid: c for c in change.table.columns}
    for column in change.added:
        if column.uid in known and column.generated is None:
            found.append(f"ALTER TABLE {table.store_name} ADD COLUMN {column.store_name} {column.type.duckdb()} "
                         f"DEFAULT {default_sql(column)}")
    for uid, old, new in change.retyped:
        if uid in known and old.duckdb() != new.duckdb():
            found.append(f"ALTER TABLE {table.store_name} ALTER COLUMN c{uid} TYPE {new.duckdb()} USING "
                         f"{conversion(f'c{uid}', old, new)}")
    gone = {c.uid for c in table.columns} - set(known)
    found += [f"ALTER TABLE {table.store_name} DROP COLUMN c{uid}" for uid in sorted(gone)]
    return found


def conversion(name, old, new):
    if old.name == "INT" and new.name == "DATE":
        return f"strptime({name}::VARCHAR, '%Y%m%d')::DATE"
    if new.name == "VARCHAR" and old.name in ("FLOAT", "DOUBLE"):
        return f"CASE WHEN suffix({name}::VARCHAR, '.0') THEN left({name}::VARCHAR, -2) ELSE {name}::VARCHAR END"
    if new.name == "VARCHAR" and old.name == "DATETIME":
        return f"strftime({name}, '%Y-%m-%d %H:%M:%S')"
    if old.name == "VARCHAR" and new.name != "VARCHAR":
        return f"TRY_CAST({name} AS {new.duckdb()})"
    return f"CAST({name} AS {new.duckdb()})"


async def apply(world, table, change):
    """Carries a change out: the store first, then the catalogue."""
    for uid, old, new in change.retyped:
        column = next((c for c in change.table.columns if c.uid == uid), None)
        if column is not None and not column.nullable and old.name == "VARCHAR" and new.name != "VARCHAR":
            await _check_convertible(world, table, uid, old, new)
    todo = statements(table, change)
    if todo:
        await world.storage.run(table, *todo)
    table.columns, table.keys, table.sort_key = change.table.columns, change.table.keys, change.table.sort_key
    table.next_uid = change.table.next_uid
    table.schema_version += 1
    world.catalog.save(table)


async def _check_convertible(world, table, uid, old, new):
    await world.storage.settle([table.id])
    bad = await world.storage.write(lambda db: db.execute(
        f"SELECT count(*) FROM {table.store_name} WHERE c{uid} IS NOT NULL AND {conversion(f'c{uid}', old, new)} IS NULL"
    ).fetchall()[0][0])
    if bad:
        raise SqlError(f"schema change failed: {bad} rows cannot be converted")
