"""Which partitions of a table the rows of a load go to: versions are published in order within a partition."""
from dataclasses import replace

from rockpool.loads.partitions import out_of_partitions


def partitions_of(table, segments):
    """Names of partitions, or None when that cannot be told: then the table counts as one."""
    parts = table.partitioning if table is not None else None
    if parts is None or parts.kind not in ("range", "list"):
        return None
    found = set()
    for segment in segments:
        rows = segment.read()
        columns = {c.uid: rows.column(c.store_name).combine_chunks() for c in map(table.column, parts.columns)
                   if c is not None and c.store_name in rows.column_names}
        if len(columns) < len(parts.columns):
            return None
        for entry in parts.ranges + parts.lists:
            one = replace(parts, ranges=[p for p in parts.ranges if p is entry], lists=[p for p in parts.lists if p is entry])
            outside = out_of_partitions(table, columns, rows.num_rows, one)
            if outside is None or not outside.all():
                found.add(entry[0])
    return found
