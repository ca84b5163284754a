"""SHOW LOAD, SHOW STREAM LOAD and SHOW DELETE."""
import json

from rockpool.sql.show_cluster import database_of, moment
from rockpool.sql.show_filter import Filter

LOAD = ["JobId", "Label", "State", "Progress", "Type", "Priority", "ScanRows", "FilteredRows", "UnselectedRows", "SinkRows",
        "EtlInfo", "TaskInfo", "ErrorMsg", "CreateTime", "EtlStartTime", "EtlFinishTime", "LoadStartTime", "LoadFinishTime",
        "TrackingSQL", "JobDetails", "Warehouse"]
STREAM = ["Label", "Id", "LoadId", "TxnId", "DbName", "TableName", "State", "ErrorMsg", "TrackingURL", "ChannelNum",
          "PreparedChannelNum", "NumRowsNormal", "NumRowsAbNormal", "NumRowsUnselected", "NumLoadBytes", "TimeoutSecond",
          "CreateTimeMs", "BeforeLoadTimeMs", "StartLoadingTimeMs", "StartPreparingTimeMs", "FinishPreparingTimeMs",
          "EndTimeMs", "ChannelState", "Type", "TrackingSQL"]
DELETE = ["TableName", "PartitionName", "CreateTime", "DeleteCondition", "State"]
STATES = {"VISIBLE": "FINISHED", "COMMITTED": "FINISHED", "ABORTED": "CANCELLED", "PREPARED": "PREPARED"}


def _of(session, reader, kinds):
    name = database_of(session, reader)
    owner = session.world.catalog.database(name)
    return [t for t in session.world.txns.by_id.values() if t.database_id == owner.id and t.kind in kinds]


def tracking_sql(txn):
    return (f"select tracking_log from information_schema.load_tracking_logs where job_id={txn.id}"
            if txn.tracking else "")


def loads(session, reader):
    """Loads by INSERT; stream loads have a statement of their own."""
    reader.accept("ALL")
    found = _of(session, reader, ("INSERT", "UPDATE", "DELETE"))
    rows = []
    for t in found:
        details = {"All backends": {}, "FileNumber": 0, "FileSize": 0, "InternalTableLoadBytes": t.bytes,
                   "InternalTableLoadRows": t.loaded, "ScanBytes": t.bytes, "ScanRows": t.total, "TaskNumber": 1}
        rows.append([t.id, t.label, STATES.get(t.state, "LOADING"), "ETL:100%; LOAD:100%" if t.is_finished else
                     "ETL:100%; LOAD:0%", "INSERT", "NORMAL", t.total, t.filtered, t.unselected, t.loaded, None,
                     "resource:N/A; timeout(s):14400; max_filter_ratio:0.0", t.reason or None, moment(t.begun),
                     moment(t.begun), moment(t.begun), moment(t.begun), moment(t.finished), tracking_sql(t),
                     json.dumps(details), "default_warehouse"])
    return Filter(reader).result(LOAD, rows)


def stream_loads(session, reader):
    name = reader.name() if reader.accept("FOR") else None
    found = _of(session, reader, ("STREAM",))
    rows = [[t.label, t.id, "", t.id, t.database, ",".join(t.tables), STATES.get(t.state, "LOADING"), t.reason, t.tracking, 1,
             0, t.loaded, t.filtered, t.unselected, t.bytes, int(t.timeout), moment(t.begun), moment(t.begun), moment(t.begun),
             moment(t.prepared), moment(t.prepared), moment(t.finished), "", "STREAM_LOAD", tracking_sql(t)]
            for t in found if name is None or t.label == name]
    return Filter(reader).result(STREAM, rows)


def deletes(session, reader):
    """What DELETE removed from tables without a primary key."""
    name = database_of(session, reader)
    owner = session.world.catalog.database(name)
    rows = [[table, "*", moment(at), condition, "FINISHED"]
            for number, table, at, condition in session.world.jobs.deletes if number == owner.id]
    return Filter(reader).result(DELETE, rows)
