"""Carries a schema change out on the store, then in the catalogue."""
from rockpool.catalog import Table
from rockpool.errors import SqlError
from rockpool.merge import default_sql


TAKEN = ("columns", "keys", "sort_key", "next_uid", "indexes", "rollups", "properties", "distribution", "hash_columns",
         "buckets", "partitioning")  # what a change may change; auto-increment and names go on beside it
KIND = "change"  # of what the meta file keeps while the store is being changed


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
    gone = {c.uid for c in table.columns if c.generated is None} - set(known)
    found += [f"ALTER TABLE {table.store_name} DROP COLUMN c{uid}" for uid in sorted(gone)]
    return found


def conversion(name, old, new):
    """The stored values of one type as those of another; NULL where a text is no such value."""
    if old.name == "INT" and new.name == "DATE":
        return f"try_strptime({name}::VARCHAR, '%Y%m%d')::DATE"
    if new.name == "VARCHAR" and old.name in ("FLOAT", "DOUBLE"):
        return f"CASE WHEN suffix({name}::VARCHAR, '.0') THEN left({name}::VARCHAR, -2) ELSE {name}::VARCHAR END"
    if new.name == "VARCHAR" and old.name == "DATETIME":
        return (f"CASE WHEN microsecond({name}) % 1000000 = 0 THEN strftime({name}, '%Y-%m-%d %H:%M:%S') "
                f"ELSE strftime({name}, '%Y-%m-%d %H:%M:%S.%f') END")
    if new.name == "VARCHAR" and old.name == "BOOLEAN":
        return f"CAST(CAST({name} AS INTEGER) AS VARCHAR)"
    if old.name == "STRUCT":
        return _struct(name, old, new)
    if old.name == "ARRAY" and old != new:
        return f"list_transform({name}, lambda e_: {conversion('e_', old.parts[0], new.parts[0])})"
    if old.name == "VARCHAR" and new.name != "VARCHAR":
        return f"TRY_CAST({name} AS {new.duckdb()})"
    return f"CAST({name} AS {new.duckdb()})"


def _struct(name, old, new):
    """Fields are matched by name; a new one is NULL."""
    known = dict(zip([n.lower() for n in old.names], old.parts))
    fields = []
    for field, kind in zip(new.names, new.parts):
        before = known.get(field.lower())
        value = f"CAST(NULL AS {kind.duckdb()})" if before is None else conversion(f'{name}."{field}"', before, kind)
        fields.append(f'"{field}" := {value}')
    return f"CASE WHEN {name} IS NULL THEN NULL ELSE struct_pack({', '.join(fields)}) END"


async def apply(world, table, change):
    """Carries a change out: the store first, then the catalogue."""
    for uid, old, new in change.retyped:
        column = next((c for c in change.table.columns if c.uid == uid), None)
        if column is not None and not column.nullable and old.name == "VARCHAR" and new.name != "VARCHAR":
            await _check_convertible(world, table, uid, old, new)
    todo = statements(table, change)
    if not todo:
        _take(world, table, change.table)
        return
    change.table.schema_version = table.schema_version + 1
    world.meta.put(KIND, table.id, change.table.packed())
    try:
        await world.storage.run(table, *todo, version=change.table.schema_version)
    except Exception:
        world.meta.remove(KIND, table.id)
        raise
    _take(world, table, change.table)


def _take(world, table, changed):
    for name in TAKEN:
        setattr(table, name, getattr(changed, name))
    table.schema_version += 1
    with world.meta.together():
        world.catalog.save(table)
        world.meta.remove(KIND, table.id)


def finish(world):
    """Changes that a kill cut between the store and the catalogue: what the store has done, the catalogue takes."""
    for key, kept in world.meta.all(KIND):
        table, changed = world.catalog.by_id.get(key), Table.unpacked(kept)
        if table is not None and world.storage.changed_to(key) == changed.schema_version == table.schema_version + 1:
            _take(world, table, changed)
        world.meta.remove(KIND, key)


async def _check_convertible(world, table, uid, old, new):
    await world.storage.settle([table.id])
    bad = await world.storage.write(lambda db: db.execute(
        f"SELECT count(*) FROM {table.store_name} WHERE c{uid} IS NOT NULL AND {conversion(f'c{uid}', old, new)} IS NULL"
    ).fetchall()[0][0])
    if bad:
        raise SqlError(f"schema change failed: {bad} rows cannot be converted")
