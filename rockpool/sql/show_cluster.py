"""SHOW of transactions and servers."""
import time

from rockpool.errors import SqlError
from rockpool.mysql.wire import of_texts
from rockpool.sql.analysis import analyzing


def moment(seconds):
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds)) if seconds else None


def database_of(session, reader):
    """The database that FROM or IN names, or the one in use."""
    name = session.database
    while reader.token.upper in ("FROM", "IN"):
        reader.next()
        name = reader.qualified()[-1]
    if not name:
        raise SqlError("No database selected", session.world.version.code(1046))
    return name


def transaction_names(version):
    found = ["TransactionId", "Label", "Coordinator", "TransactionStatus", "LoadJobSourceType", "PrepareTime"]
    if version.since(3, 5, 4):
        found.append("PreparedTime")
    found += ["CommitTime", "PublishTime", "FinishTime", "Reason", "ErrorReplicasCount", "ListenerId", "TimeoutMs"]
    if version.since(3, 5, 4):
        found.append("PreparedTimeoutMs")
    return found + ["ErrMsg"]


def transaction_row(session, t):
    newer = session.world.version.since(3, 5, 4)
    place = "BE: 127.0.0.1" if t.coordinator >= 0 else "FE: 127.0.0.1"
    row = [t.id, t.label, place, t.state, t.source, moment(t.begun)]
    row += [moment(t.prepared)] if newer else []
    row += [moment(t.committed), moment(t.published), moment(t.finished), t.reason, 0, -1, int(t.timeout * 1000)]
    row += [int(t.prepared_timeout * 1000)] if newer else []
    return row + [""]


def transaction(session, reader):
    name = database_of(session, reader)
    owner = session.world.catalog.database(name)
    reader.expect("WHERE")
    if not reader.accept("ID"):
        raise analyzing("Where clause should looks like: ID = $transaction_id")
    reader.expect("=")
    number = reader.integer()
    found = session.world.txns.by_id.get(number)
    if found is None or found.database_id != owner.id:
        raise SqlError(f"transaction with id {number} does not exist")
    return of_texts(transaction_names(session.world.version), [transaction_row(session, found)])


# ---------------------------------------------------------------- servers
BACKENDS = ["BackendId", "IP", "HeartbeatPort", "BePort", "HttpPort", "BrpcPort", "LastStartTime", "LastHeartbeat",
            "Alive", "SystemDecommissioned", "ClusterDecommissioned", "TabletNum", "DataUsedCapacity", "AvailCapacity",
            "TotalCapacity", "UsedPct", "MaxDiskUsedPct", "ErrMsg", "Version", "Status", "DataTotalCapacity",
            "DataUsedPct", "CpuCores", "NumRunningQueries", "MemUsedPct", "CpuUsedPct"]
FRONTENDS = ["Name", "IP", "EditLogPort", "HttpPort", "QueryPort", "RpcPort", "Role", "ClusterId", "Join", "Alive",
             "ReplayedJournalId", "LastHeartbeat", "IsHelper", "ErrMsg", "StartTime", "Version"]


def backends(session, reader):
    world = session.world
    tablets = sum(t.buckets or 2 for t in world.catalog.by_id.values() if t.view_sql is None)
    now = moment(time.time())
    rows = [[b.id, b.host, 9050 + b.number, world.reading.ports[b.number].number, b.port, 8060 + b.number, moment(b.started), now,
             str(b.number not in world.dead_backends).lower(), "false", "false", tablets, "0.000 B", "100.000 GB",
             "100.000 GB", "0.00 %", "0.00 %", "", world.version.current_version, '{"lastSuccessReportTabletsTime":"N/A"}',
             "100.000 GB", "0.00 %", 2, 0, "1.00 %", "1.0 %"] for b in world.backends]
    return of_texts(BACKENDS, rows)


def compute_nodes(session, reader):
    return of_texts(["ComputeNodeId", "IP", "HeartbeatPort", "BePort", "HttpPort", "BrpcPort", "LastStartTime",
                     "LastHeartbeat", "Alive", "SystemDecommissioned", "ClusterDecommissioned", "ErrMsg", "Version",
                     "CpuCores", "NumRunningQueries", "MemUsedPct", "CpuUsedPct", "HasStoragePath"], [])


def frontends(session, reader):
    world = session.world
    return of_texts(FRONTENDS, [[f"{f.host}_{9010 + f.number}", f.host, 9010 + f.number, f.port, f.mysql_port,
                                 9020 + f.number, world.cluster.role(f), 1, "true", str(f not in world.cluster.away).lower(),
                                 1000, moment(time.time()), "true", "", moment(f.started), world.version.current_version]
                                for f in world.frontends])
