"""Blocks of fields to rows of a table: conversion, expressions, where, NOT NULL, partitions; counts and reasons."""
import datetime
import threading
import uuid
import zoneinfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rockpool.errors import internal
from rockpool.loads import convert, nested, vector
from rockpool.loads.json_rows import JsonBlock
from rockpool.loads.json_values import complaint
from rockpool.loads.partitions import Created, out_of_partitions
from rockpool.segments import FOR_NEW, OP
from rockpool.sqltypes import OPAQUE, TINYINT

LOG_LINES = 50
MAX_KEY_BYTES = 128
KEY_BYTES = {"BOOLEAN": 1, "TINYINT": 1, "SMALLINT": 2, "INT": 4, "BIGINT": 8, "LARGEINT": 16, "DATE": 4, "DATETIME": 8}
AUTO_LOCK = threading.Lock()


class Counts:
    """rejected: rows to keep whole (log_rejected_record_num), -1 for all."""

    def __init__(self, rejected=0):
        self.total = self.loaded = self.filtered = self.unselected = 0
        self.log, self.records = [], []
        self.to_keep = (1 << 62) if rejected < 0 else rejected
        self.most = max(LOG_LINES, self.to_keep)  # how many refused rows are looked at one by one

    def note(self, reason, row):
        if len(self.log) < LOG_LINES:
            self.log.append(f"Error: {reason}. Row: {row}")
        if len(self.records) < self.to_keep:
            self.records.append(f"{row}\t{reason}\t")


def zone(name):
    if name in ("CST", "PRC"):
        name = "Asia/Shanghai"
    if name[:1] in "+-" and ":" in name:
        hours, minutes = name[1:].split(":")
        delta = datetime.timedelta(hours=int(hours), minutes=int(minutes))
        return datetime.timezone(-delta if name[0] == "-" else delta)
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("Asia/Shanghai")


def _expression(target, text):
    """Bytes need not be a text on their way into VARBINARY, as in unhex(tmp)."""
    return f"CAST({text} AS VARBINARY)" if target != OP and target.type.name == "VARBINARY" else text


class Sink:
    """Turns the blocks of one load into Arrow tables for the store."""

    def __init__(self, plan, counts, engine):
        self.plan, self.counts, self.engine = plan, counts, engine
        self.strict = plan.options.strict
        self.separator = plan.options.column_separator
        self.constants = {}
        self.saw_delete = False
        self.unselected = None
        parts = plan.table.partitioning
        self.created = Created(plan.table, plan.most_partitions, engine) if parts and parts.kind == "expression" else None

    def check(self):
        """Evaluates all expressions over no rows, so that the planner's mistakes are found before a row comes."""
        if self.plan.needs_engine:
            fields = [(name, pa.array([], pa.string()), None) for name in self.plan.fields]
            more = [self.plan.op_expression] if self.plan.op_expression else []
            self.engine.evaluate([text for _, text in self.plan.expressions] + more, fields, 0)
        if self.plan.options.where:
            self._where({c.uid: pa.array([], c.type.arrow()) for c in self.plan.table.columns if c.generated is None}, 0)

    def take(self, block):
        """The rows of a block that are good, or None."""
        counts = self.counts
        counts.total += block.rows + block.refused_count
        counts.filtered += block.refused_count
        for reason, row in block.refused:
            counts.note(reason, row)
        if block.rows == 0:
            return None
        columns, bad = self._convert(block)
        if self.plan.needs_engine:
            columns, more = self._evaluate(block, columns)
            bad = more if bad is None else bad if more is None else bad | more
        if self.plan.options.negative:
            self._negate(columns)
        self.unselected = None
        if self.plan.options.where:
            self.unselected = self._where(columns, block.rows)
            self.counts.unselected += int((self.unselected if bad is None else self.unselected & ~bad).sum())
        return self._checked(block.rows, columns, bad)

    # ------------------------------------------------------------ fields
    def _convert(self, block):
        """({uid or OP: array}, mask of refused rows or None)"""
        columns, bad = {}, None
        for position, column in self.plan.direct.items():
            array, failed = self._field(block, position, column.type)
            if isinstance(block, JsonBlock) and position in block.failed:
                failed = np.zeros(block.rows, bool) if failed is None else failed
                failed[block.failed[position]] = True
            columns[column.uid] = array
            if failed is not None and self.strict:
                bad = self._refuse(block, position, column, failed, bad)
        if self.plan.op_field is not None:
            columns[OP], failed = self._op(block)
            if failed is not None:
                bad = failed if bad is None else bad | failed
        return columns, bad

    def _field(self, block, position, kind):
        if isinstance(block, JsonBlock):
            return vector.convert_json(kind, block.columns[position])
        array = block.columns[position]
        if not pa.types.is_string(array.type):  # an INSERT has the values themselves
            return array, None
        if kind.parts and not self.strict:
            return vector.from_values(kind, array.to_pylist(), nested.csv_text(kind, lenient=True))
        return vector.convert_column(kind, array)

    def _refuse(self, block, position, column, failed, bad):
        fresh = failed if bad is None else failed & ~bad
        for n in np.flatnonzero(fresh)[:self.counts.most]:
            value = block.columns[position][int(n)]
            if isinstance(block, JsonBlock):
                reason = complaint(column.type, column.name, value)
            else:
                reason = (f"The field (name = {column.name}, pos = {position}) is out of range. Type: "
                          f"{column.type.shown()}, Value: {value.as_py()}")
            self.counts.note(reason, block.row_text(int(n), self.separator))
        return failed if bad is None else bad | failed

    def _op(self, block):
        """The __op field. What is NULL or no number fails the row."""
        array, _ = self._field(block, self.plan.op_field, TINYINT)
        return self._op_refused(block, array)

    def _op_refused(self, block, array):
        """(__op without NULL, the mask of rows that had NULL)"""
        if array.null_count == 0:
            return array, None
        null = pc.is_null(array).to_numpy(zero_copy_only=False)
        for n in np.flatnonzero(null)[:self.counts.most]:
            self.counts.note(f"NULL value in non-nullable column '{OP}'", block.row_text(int(n), self.separator))
        return pc.fill_null(array, 0), null

    # ------------------------------------------------------------ expressions and where
    def _evaluate(self, block, columns):
        """Adds what expressions give. They read fields as text; a value that does not fit its column is NULL,
        in strict mode too, but a text that is too long is refused behind, with the table's own rules."""
        fields = [(name, self._text(block, position), None) for position, name in enumerate(self.plan.fields)]
        targets = [(column, text) for column, text in self.plan.expressions]
        if self.plan.op_expression:
            targets.append((OP, self.plan.op_expression))
        found = self.engine.evaluate([_expression(target, text) for target, text in targets], fields, block.rows)
        bad = None
        for (target, _), array in zip(targets, found):
            if target == OP:
                columns[OP], bad = self._op_refused(block, vector.convert_column(TINYINT, array.cast(pa.string()))[0])
            else:
                columns[target.uid] = self._computed(target, array)
        return columns, bad

    @staticmethod
    def _text(block, position):
        values = block.columns[position]
        if not isinstance(block, JsonBlock):
            return values if pa.types.is_string(values.type) else values.cast(pa.string())
        texts = [None if v is None else v if isinstance(v, str) else convert.minified(v) for v in values]
        return pa.array(texts, pa.string())

    @staticmethod
    def _computed(target, array):
        kind = target.type
        if kind.is_text or kind.name in OPAQUE:
            return as_text(array)
        if array.type.equals(kind.arrow()):
            return array
        if pa.types.is_binary(array.type) and kind.name == "VARBINARY":
            return array
        if pa.types.is_nested(array.type):
            return array.cast(kind.arrow(), safe=False)
        return vector.convert_column(kind, array.cast(pa.string()))[0]

    def _negate(self, columns):
        """negative: true takes the other sign for sums, which undoes an earlier load."""
        for column in self.plan.table.columns:
            if column.aggregation == "SUM" and column.uid in columns:
                array = columns[column.uid]
                if column.type.name == "LARGEINT":
                    texts = [None if v is None else str(-int(v)) for v in array.to_pylist()]
                    columns[column.uid] = pa.array(texts, pa.string())
                else:
                    columns[column.uid] = pc.negate(array)

    def _where(self, columns, rows):
        """The mask of rows that the where header leaves out; it reads the columns as the table gets them."""
        fields = []
        for column in self.plan.table.columns:
            array = columns.get(column.uid)
            if array is None and column in self.plan.filled:
                array = pa.repeat(self._constant(column), rows)
            if array is not None:
                fields.append((column.name, array, column.type))
        found = self.engine.evaluate([f"coalesce(cast(({self.plan.options.where}) as boolean), false)"], fields, rows)
        return ~found[0].to_numpy(zero_copy_only=False).astype(np.bool_)

    # ------------------------------------------------------------ the table's own rules
    def _checked(self, rows, columns, bad):
        if self.unselected is not None:
            drop = self.unselected if bad is None else bad | self.unselected
        else:
            drop = bad
        if bad is not None:
            self.counts.filtered += int(bad.sum())
        if drop is not None and drop.any():
            keep = pa.array(~drop)
            columns = {k: a.filter(keep) for k, a in columns.items()}
            rows = int(rows - drop.sum())
        if rows == 0:
            return None
        columns = self._complete(columns, rows)
        if self.plan.table.is_primary:
            self._check_key_size(columns)
        refused = self._violations(columns, rows)
        if refused is not None and refused.any():
            self.counts.filtered += int(refused.sum())
            keep = pa.array(~refused)
            columns = {k: a.filter(keep) for k, a in columns.items()}
            rows -= int(refused.sum())
        if rows == 0:
            return None
        if self.created is not None:
            self.created.note(columns)
        self.counts.loaded += rows
        return self._table(columns)

    def _complete(self, columns, rows):
        """Adds defaults, numbers of AUTO_INCREMENT, and a constant __op."""
        for column in self.plan.filled:
            columns[column.uid] = self._default(column, rows)
        for column in self.plan.table.columns:
            if column.type.name == "CHAR" and column.uid in columns:  # padded with NUL bytes, which reading takes off
                columns[column.uid] = pc.utf8_rtrim(columns[column.uid], "\0")
        if self.plan.auto is not None:
            with AUTO_LOCK:
                first = self.plan.table.next_auto
                self.plan.table.next_auto += rows
            key = f"{FOR_NEW}{self.plan.auto.uid}" if self.plan.partial else self.plan.auto.uid
            columns[key] = pa.array(np.arange(first, first + rows, dtype=np.int64))
        if self.plan.op_constant is not None:
            columns[OP] = pa.repeat(pa.scalar(self.plan.op_constant, pa.int8()), rows)
        return columns

    def _check_key_size(self, columns):
        """A primary key is at most 128 bytes; a text that is not the last column has two bytes more."""
        keys = [c for c in self.plan.table.key_columns if c.uid in columns]
        if not any(c.type.is_text for c in keys):
            return
        size = sum(KEY_BYTES.get(c.type.name, 0) + (2 if c.type.is_text and c is not keys[-1] else 0) for c in keys)
        lengths = [pc.fill_null(pc.binary_length(columns[c.uid]), 0) for c in keys if c.type.is_text]
        total = lengths[0]
        for more in lengths[1:]:
            total = pc.add(total, more)
        if pc.max(total).as_py() + size > MAX_KEY_BYTES:
            raise internal("primary key size exceed the limit.")

    def _default(self, column, rows):
        if column.default_is_function and column.default.lower().startswith("uuid"):
            return pa.array([default_scalar(column, "").as_py() for _ in range(rows)], pa.string())
        return pa.repeat(self._constant(column), rows)

    def _constant(self, column):
        found = self.constants.get(column.uid)
        if found is None:
            found = self.constants[column.uid] = default_scalar(column, self.plan.options.timezone)
        return found

    def _violations(self, columns, rows):
        """The mask of rows that the table refuses."""
        refused = None
        for column in self.plan.table.columns:
            array = columns.get(column.uid)
            if array is None or column.nullable or array.null_count == 0:
                continue
            null = pc.is_null(array).to_numpy(zero_copy_only=False)
            what = "auto increment" if column.auto_increment else "non-nullable"
            self._note_rows(columns, null if refused is None else null & ~refused,
                            f"NULL value in {what} column '{column.name}'")
            refused = null if refused is None else refused | null
        refused = self._too_long(columns, refused)
        if self.plan.table.partitioning is not None:
            outside = out_of_partitions(self.plan.table, columns, rows, self.plan.partitions)
            if outside is not None:
                self._note_rows(columns, outside if refused is None else outside & ~refused,
                                "The row is out of partition ranges. Please add a new partition.")
                refused = outside if refused is None else refused | outside
        return refused

    def _too_long(self, columns, refused):
        """Computed texts are not measured while they are read, so the table refuses what is too long for it."""
        for column, _ in self.plan.expressions:
            if not column.type.is_text:
                continue
            lengths = pc.binary_length(columns[column.uid])
            long = pc.fill_null(pc.greater(lengths, column.type.length), False).to_numpy(zero_copy_only=False)
            for n in np.flatnonzero(long if refused is None else long & ~refused)[:self.counts.most]:
                value = columns[column.uid][int(n)].as_py()
                one = np.zeros(len(long), bool)
                one[n] = True
                self._note_rows(columns, one, f"String '{value}'(length={lengths[int(n)].as_py()}) is too long. The max "
                                              f"length of '{column.name}' is {column.type.length}")
            if long.any():
                refused = long if refused is None else refused | long
        return refused

    def _note_rows(self, columns, mask, reason):
        """Rows refused by the table are printed as lists of columns."""
        for n in np.flatnonzero(mask)[:self.counts.most]:
            values = [columns[c.uid][int(n)] for c in self.plan.table.columns if c.uid in columns]
            if self.plan.table.is_primary:
                values.append(columns[OP][int(n)] if OP in columns else pa.scalar(0))
            self.counts.note(reason, "[" + ", ".join(map(shown, values)) + "]")

    def _table(self, columns):
        if OP in columns:
            columns[OP] = self._operations(columns[OP])
        if self.plan.refused_upserts and (OP not in columns or pc.any(pc.equal(columns[OP], 0)).as_py()):
            raise internal(self.plan.refused_upserts)
        names = [k if isinstance(k, str) else f"c{k}" for k in columns]
        return pa.table(list(columns.values()), names=names)

    def _operations(self, ops):
        """0 and 1. Once a batch holds a 1, every other nonzero value deletes too; without one all are upserts."""
        if pc.any(pc.equal(ops, 1)).as_py():
            self.saw_delete = True
            return pc.not_equal(ops, 0).cast(pa.int8())
        return pa.repeat(pa.scalar(0, pa.int8()), len(ops))


def as_text(array):
    """What an expression gives, as a text column takes it."""
    if pa.types.is_boolean(array.type) or pa.types.is_timestamp(array.type):
        return pa.array([shown(v) if v.is_valid else None for v in array], pa.string())
    return array.cast(pa.string())


def shown(value):
    if not value.is_valid:
        return "NULL"
    kind = value.type
    if pa.types.is_timestamp(kind):
        text = pc.strftime(value, "%Y-%m-%d %H:%M:%S").as_py()
        return text.split(".")[0] if text.endswith(".000000") else text
    if pa.types.is_boolean(kind):
        return "1" if value.as_py() else "0"
    if pa.types.is_floating(kind):
        return f"{value.as_py():g}"
    return str(value.as_py())


def default_scalar(column, timezone):
    """The default of a column as a scalar for Arrow."""
    kind = column.type
    if not column.has_default:
        return pa.scalar(None, kind.arrow())
    if column.default_is_function:
        name = column.default.lower()
        if name.startswith("uuid"):
            return pa.scalar(str(uuid.uuid4().int >> 1) if "numeric" in name else str(uuid.uuid4()), pa.string())
        now = datetime.datetime.now(zone(timezone)).replace(tzinfo=None, microsecond=0)
        return pa.scalar(now, pa.timestamp("us"))
    value = (nested.nested_text(kind) if kind.parts else convert.from_text(kind))(column.default)
    return pa.scalar(None if value is convert.FAILED else value, kind.arrow())
