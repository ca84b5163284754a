"""The rows of information_schema's loads, stream_loads and load_tracking_logs."""
import datetime
import json

from rockpool.sql.show_loads import STATES, tracking_sql


def _moment(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).replace(tzinfo=None) if seconds else None


def _state(txn):
    return STATES.get(txn.state, "LOADING")


def _progress(txn):
    if txn.kind == "MERGE_COMMIT":  # how much of the window is over
        return f"Merge Window {100 if txn.is_finished else 0:.2f}%"
    return "ETL:N/A; LOAD:N/A" if txn.state == "ABORTED" else "ETL:100%; LOAD:100%" if txn.is_finished else \
        "ETL:100%; LOAD:0%"


def _details(txn):
    """RUNTIME_DETAILS of a merge commit; times are those of its commit and publication."""
    if txn.kind != "MERGE_COMMIT":
        return "{}"
    found = {"backends": [10004 + max(0, txn.coordinator)], "load_id": "", "pending_time_ms": 0, "task_state":
             _state(txn), "txn_id": txn.id}
    if txn.state in ("COMMITTED", "VISIBLE"):
        found.update(commit_time_ms=0, publish_time_ms=round((txn.finished - txn.committed) * 1000))
    return json.dumps(dict(sorted(found.items())))


def _tracking(txn):
    if txn.kind == "MERGE_COMMIT" and txn.tracking:
        return f"SELECT tracking_log FROM information_schema.load_tracking_logs WHERE JOB_ID={txn.id}"
    return tracking_sql(txn) or None


def jobs(session):
    """Loads; of a transaction of many tables one per table."""
    for txn in session.world.txns.by_id.values():
        yield from txn.jobs()


def loads(session, node):
    for t in jobs(session):
        yield (t.id, t.label, None, t.database, ",".join(t.tables), t.user, "default_warehouse", _state(t),
               _progress(t), "INSERT" if t.kind in ("INSERT", "UPDATE", "DELETE") else t.kind, "NORMAL", t.total, t.bytes,
               t.filtered, t.unselected, t.loaded, _details(t), _moment(t.begun), _moment(t.begun), _moment(t.committed),
               _moment(t.finished), json.dumps(t.headers), t.reason or None, _tracking(t), None, t.id)


def old_loads(session, node):
    """Before 3.4: loads by INSERT alone, under other names."""
    for t in session.world.txns.by_id.values():
        if t.kind in ("INSERT", "UPDATE", "DELETE"):
            yield (t.id, t.label, t.database, _state(t), _progress(t), "INSERT", "NORMAL", t.total, t.filtered, t.unselected,
                   t.loaded, None, "resource:N/A; timeout(s):14400; max_filter_ratio:0.0", _moment(t.begun), _moment(t.begun),
                   _moment(t.begun), _moment(t.begun), _moment(t.finished), "{}", t.reason or None, t.tracking or None,
                   tracking_sql(t) or None, None)


def stream_loads(session, node):
    for t in session.world.txns.by_id.values():
        if t.kind == "STREAM":
            yield (t.label, t.id, "", t.id, t.database, ",".join(t.tables), _state(t), t.reason, t.tracking, 1, 0,
                   t.loaded, t.filtered, t.unselected, t.bytes, int(t.timeout), _moment(t.begun), _moment(t.begun),
                   _moment(t.begun), _moment(t.prepared), _moment(t.prepared), _moment(t.finished), "", "STREAM_LOAD",
                   tracking_sql(t))


def tracking_logs(session):
    known = {job.id: job for job in jobs(session)}
    for number, text in session.world.tracking_logs.items():
        txn = known.get(number)
        if txn is not None:
            yield txn.id, txn.label, txn.database, text, txn.kind
