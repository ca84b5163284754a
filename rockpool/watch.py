"""When a given row became visible: for tests of latency. Nothing is looked at while no table is watched."""

MOST = 1_000_000  # keys remembered per table


class Watches:
    """Watched tables: which column names their rows, and which of its values are of interest (all, when none is named)."""

    def __init__(self, catalog):
        self.catalog = catalog
        self.known = {}  # table id -> Watch

    def add(self, given):
        database, _, name = given["table"].rpartition(".")
        table = self.catalog.table(database, name)
        column = table.column(given.get("column") or table.columns[0].name)
        if column is None:
            raise ValueError(f"table {name} has no column {given['column']}")
        values = {str(v) for v in given["values"]} if given.get("values") is not None else None
        self.known[table.id] = Watch(given["table"], column.name, column.store_name, values)

    def clear(self):
        self.known.clear()

    def published(self, txn, segments):
        """Called when a transaction becomes visible, before its segments are merged."""
        for segment in segments:
            watch = self.known.get(segment.table_id)
            if watch is not None:
                watch.note(txn, segment.read())

    def shown(self):
        return {w.table: {"column": w.column, "rows": w.rows} for w in self.known.values()}


class Watch:
    def __init__(self, table, column, store_name, values):
        self.table, self.column, self.store_name, self.values = table, column, store_name, values
        self.rows = {}  # key as text -> the first and the latest time it became visible

    def note(self, txn, rows):
        if self.store_name not in rows.column_names:
            return
        for key in map(str, rows.column(self.store_name).to_pylist()):
            if self.values is not None and key not in self.values:
                continue
            earlier = self.rows.get(key)
            if earlier is None and len(self.rows) >= MOST:
                continue
            self.rows[key] = {"first": earlier["first"] if earlier else txn.published, "visible": txn.published,
                              "committed": txn.committed, "begun": txn.begun, "txn_id": txn.id, "label": txn.label,
                              "times": earlier["times"] + 1 if earlier else 1}
