"""SHOW PROC: the paths of what a cluster is made of."""
from rockpool.errors import SqlError
from rockpool.mysql.wire import of_texts
from rockpool.sql import partitions, show_cluster, show_tables
from rockpool.sql.analysis import refused

ROOT = ("backends", "catalog", "cluster_balance", "colocation_group", "compactions", "compute_nodes", "current_backend_instances",
        "current_queries", "dbs", "frontends", "global_current_queries", "jobs", "load_error_hub", "monitor", "replications",
        "resources", "routine_loads", "statistic", "tasks", "transactions", "warehouses")
DATABASES = ("DbId", "DbName", "TableNum", "Quota", "LastConsistencyCheckTime", "ReplicaQuota")
TABLES = ("TableId", "TableName", "IndexNum", "PartitionColumnName", "PartitionNum", "State", "Type", "LastConsistencyCheckTime",
          "ReplicaCount", "PartitionType", "StoragePath")
SIZES = ("DbId", "DbName", "TableNum", "PartitionNum", "IndexNum", "TabletNum", "ReplicaNum", "UnhealthyTabletNum",
         "InconsistentTabletNum", "CloningTabletNum", "ErrorStateTabletNum")
JOBS = ("JobType", "Pending", "Running", "Finished", "Cancelled", "Total")


async def run(session, reader):
    path = [p for p in reader.string().split("/") if p]
    reader.end()
    if not path:
        return of_texts(["name"], [[name] for name in ROOT])
    if path[0] == "backends":
        return show_cluster.backends(session, reader)
    if path[0] == "frontends":
        return show_cluster.frontends(session, reader)
    found = {"transactions": _transactions, "dbs": _databases, "statistic": _sizes, "jobs": _jobs}.get(path[0])
    if found is None:
        raise SqlError(f"Proc path '/{'/'.join(path)}' doesn't exist")
    return await found(session, path)


def _owner(session, text):
    """The database of this number or name."""
    found = next((d for d in session.world.catalog.databases.values() if text in (str(d.id), d.name)), None)
    if found is None:
        raise SqlError(f"Unknown database '{text}'", session.world.version.code(5501))
    return found


async def _transactions(session, path):
    world = session.world
    if len(path) == 1:
        return of_texts(["DbId", "DbName"], [[d.id, d.name] for d in world.catalog.databases.values()])
    owner = _owner(session, path[1])
    of = [t for t in world.txns.by_id.values() if t.database_id == owner.id]
    running, finished = [t for t in of if not t.is_finished], [t for t in of if t.is_finished]
    if len(path) == 2:
        return of_texts(["State", "Number"], [["running", len(running)], ["finished", len(finished)]])
    found = running if path[2] == "running" else finished
    return of_texts(show_cluster.transaction_names(world.version),
                    [show_cluster.transaction_row(session, t) for t in reversed(found)])


async def _databases(session, path):
    world = session.world
    if len(path) == 1:
        return of_texts(DATABASES, [_database_row(d) for d in world.catalog.databases.values()])
    owner = _owner(session, path[1])
    if len(path) == 2:
        return of_texts(TABLES, [_table_row(world, t) for t in sorted(_stored(owner), key=lambda t: t.id)])
    table = next((t for t in _stored(owner) if path[2] in (str(t.id), t.name)), None)
    if table is None:
        raise refused(f'unknown table id or name "{path[2]}"')
    if len(path) == 3:
        return of_texts(["Nodes"], [["partitions"], ["index_schema"]])
    return of_texts(show_tables.partition_titles(table), await show_tables.partition_rows(world, table))


def _database_row(database):
    quota = int(database.properties.get("data_quota", show_tables.QUOTA))
    replicas = database.properties.get("replica_quota", 2 ** 63 - 1)
    return [database.id, database.name, len(_stored(database)), show_tables.dotted_size(quota), None, replicas]


def _stored(database):
    return [t for t in database.tables.values() if t.view_sql is None]


def _table_row(world, table):
    found = table.partitioning
    count = len(partitions.parts(world, table))
    kind = "UNPARTITIONED" if found is None else "LIST" if found.kind == "list" else "RANGE" if found.kind == "range" else "EXPR_RANGE"
    return [table.id, table.name, 1 + len(table.rollups), ", ".join(found.columns) if found else "", count, table.state, "OLAP", None,
            _replicas(table, count), kind, "\\N"]


def _replicas(table, count):
    return count * (table.buckets or 2) * int(table.properties.get("replication_num", 1))


async def _sizes(session, path):
    rows = []
    for d in session.world.catalog.databases.values():
        tables = _stored(d)
        counts = [len(partitions.parts(session.world, t)) for t in tables]
        rows.append([d.id, d.name, len(tables), sum(counts), sum(c * (1 + len(t.rollups)) for c, t in zip(counts, tables)),
                     sum(c * (t.buckets or 2) for c, t in zip(counts, tables)),
                     sum(_replicas(t, c) for c, t in zip(counts, tables)), 0, 0, 0, 0])
    total = ["Total", len(rows), *(sum(r[n] for r in rows) for n in range(2, len(SIZES)))]
    return of_texts(SIZES, [*rows, total])


async def _jobs(session, path):
    if len(path) == 1:
        return of_texts(["DbId", "DbName"], [[d.id, d.name] for d in session.world.catalog.databases.values()])
    owner = _owner(session, path[1])
    rows = []
    for name, kinds in (("load", ()), ("rollup", ("ROLLUP",)), ("schema_change", ("COLUMN", "OPTIMIZE")), ("export", ())):
        states = [j.state for j in session.world.jobs.of(owner.id) if j.kind in kinds]
        counts = [sum(s in of for s in states) for of in (("PENDING",), ("WAITING_TXN", "RUNNING"), ("FINISHED",), ("CANCELLED",))]
        rows.append([name, *counts, len(states)])
    return of_texts(JOBS, rows)
