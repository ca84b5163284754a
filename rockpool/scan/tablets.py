"""The tablets of a table: one per bucket of each partition, each with an id and the backends that hold it.

Rows are stored together; which tablet a row is in follows from its partition and from the hash of its distribution
columns. Tables without such columns (RANDOM) deal their rows out in turn.
"""
import decimal
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from rockpool.catalog import Table
from rockpool.scan import hashing
from rockpool.sql import partitions

AUTOMATIC_BUCKETS = 2


class Tablets:
    """The ids of all tablets, given when they are first asked for and kept."""

    def __init__(self, meta):
        self.meta = meta
        self.known = {key: {int(p): ids for p, ids in kept.items()} for key, kept in meta.all("tablets")}

    def of(self, table, partition_id):
        kept = self.known.setdefault(table.id, {})
        found = kept.setdefault(partition_id, [])
        if len(found) != bucket_count(table):
            found[:] = [self.meta.number("object", 10001) for _ in range(bucket_count(table))]
            self.meta.put("tablets", table.id, kept)
        return found

    def owner(self, tablet_id):
        """(table id, partition id) of a tablet, or None."""
        for table_id, kept in self.known.items():
            for partition_id, ids in kept.items():
                if tablet_id in ids:
                    return table_id, partition_id
        return None

    def reset(self, table_id):
        if self.known.pop(table_id, None) is not None:
            self.meta.remove("tablets", table_id)


def bucket_count(table):
    return table.buckets or AUTOMATIC_BUCKETS


@dataclass
class Layout:
    """Where the rows of a table are, as of the moment it was made."""
    table: Table  # a copy: the table may change later
    parts: list  # the partitions: name, id, condition on stored columns
    ids: list = field(default_factory=list)  # of tablets, partition by partition
    replicas: int = 1

    @staticmethod
    async def of(world, tablets, table):
        await partitions.discover(world, table)
        return Layout.known(world, tablets, table)

    @staticmethod
    def known(world, tablets, table):
        """With the partitions that are known without looking at the rows."""
        before = _partition_ids(table)
        parts = partitions.parts(world, table)
        if _partition_ids(table) != before:
            world.catalog.save(table)  # ids given just now must outlive a restart
        found = Layout(Table.unpacked(table.packed()), parts)
        for part in found.parts:
            found.ids += tablets.of(table, part.id)
        found.replicas = int(table.properties.get("replication_num") or 1)
        return found

    def backends(self, tablet_id):
        """Numbers of the backends that hold a tablet, the first one first."""
        first = self.ids.index(tablet_id) % 2
        return [first, 1 - first] if self.replicas > 1 else [first]

    @property
    def schema_hash(self):
        return (self.table.id * 2654435761 + self.table.schema_version) & 0x7FFFFFFF

    @property
    def hash_columns(self):
        return [self.table.column(n) for n in self.table.hash_columns] if self.table.distribution == "HASH" else []

    # ------------------------------------------------------------ in the scan's thread
    def placement(self, cursor):
        """For every rowid the number of its tablet in ids, -1 where no row is."""
        columns = [c for c in self.hash_columns if c is not None]
        selects = ["rowid AS rowid_", f"{self._partition_sql()} AS part_", *(c.store_name for c in columns)]
        rows = cursor.sql(f"SELECT {', '.join(selects)} FROM {self.table.store_name}").to_arrow_table().combine_chunks()
        at = rows.column("rowid_").to_numpy()
        found = np.full(int(at.max()) + 1 if len(at) else 0, -1, dtype=np.int32)
        if columns:
            kinds = [c.type for c in columns]
            bucket = hashing.buckets([rows.column(c.store_name) for c in columns], kinds, bucket_count(self.table), len(at))
        else:
            bucket = at % bucket_count(self.table)
        found[at] = rows.column("part_").to_numpy() * bucket_count(self.table) + bucket
        return found

    def _partition_sql(self):
        """The number of a row's partition. What no partition takes any more counts to the first."""
        cases = " ".join(f"WHEN {p.condition} THEN {n}" for n, p in enumerate(self.parts))
        return f"CASE {cases} ELSE 0 END" if cases else "0"

    def bucket_of(self, values):
        """The bucket of one row from the values of the distribution columns."""
        arrays = [_one(v, c.type) for v, c in zip(values, self.hash_columns)]
        return int(hashing.buckets(arrays, [c.type for c in self.hash_columns], bucket_count(self.table), 1)[0])


def _partition_ids(table):
    return table.single_id, dict(table.partitioning.ids) if table.partitioning else None


def _one(value, kind):
    if kind.name == "LARGEINT":  # its text goes into the store; the hash is of its 16 bytes
        return pa.array([decimal.Decimal(value)], pa.decimal128(38, 0))
    return pa.array([value], kind.arrow())
