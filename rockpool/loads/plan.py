"""What a load's headers mean for its table: which field becomes which column. Mistakes are found here."""
import re
from dataclasses import dataclass, field

from rockpool.errors import SqlError, analysis
from rockpool.segments import OP
from rockpool.sql.lexer import Reader

OP_WORDS = {"upsert": 0, "0": 0, "delete": 1, "1": 1}
NOT_CONDITIONS = {"CHAR", "VARCHAR", "VARBINARY", "JSON", "HLL", "BITMAP", "PERCENTILE"}


@dataclass
class LoadPlan:
    table: object  # catalog.Table
    options: object
    fields: list  # names of the source fields in order
    direct: dict  # position of a field -> table column it fills
    expressions: list = field(default_factory=list)  # (table column or OP, expression text)
    op_field: int | None = None  # position of the __op field
    op_constant: int | None = None
    op_expression: str | None = None
    filled: list = field(default_factory=list)  # columns that get their default
    auto: object = None  # AUTO_INCREMENT column that the server fills
    partial: bool = False
    condition: object = None  # merge condition column

    @property
    def has_op(self):
        return self.op_field is not None or self.op_constant is not None or self.op_expression is not None

    @property
    def needs_engine(self):
        return bool(self.expressions or self.options.where or self.op_expression)

    def used_fields(self):
        return self.fields


def parse_columns(text):
    """[(name, expression or None)] of a columns header."""
    try:
        reader, found = Reader(text), []
        while True:
            name = reader.name()
            expression = None
            if reader.accept("="):
                expression = _expression(reader)
            found.append((name, expression))
            if not reader.accept(","):
                break
        reader.end()
        return found
    except SqlError as e:
        raise analysis(f"parsing columns header failed: {e.text}") from None


def _expression(reader):
    start, depth, stop = reader.token.start, 0, reader.token.stop
    while reader.token.kind != "end" and not (depth == 0 and reader.token.upper == ","):
        depth += (reader.token.upper in ("(", "[")) - (reader.token.upper in (")", "]"))
        stop = reader.next().stop
    return reader.text[start:stop]


def make(table, options):
    """The plan, or the error that the planner gives."""
    _check_model(table, options)
    entries = parse_columns(options.columns) if options.columns.strip() else _all_columns(table, options)
    plan = LoadPlan(table, options, [], {})
    mapped = _mappings(plan, entries)
    _sources(plan, entries, mapped)
    _check_references(plan)
    _unlisted(plan, mapped)
    if options.partial_update:
        _partial(plan)
    if options.merge_condition:
        _condition(plan)
    return plan


def _check_model(table, options):
    if options.partial_update and not table.is_primary:
        raise analysis("Only primary key table support partial update")
    if options.merge_condition and not table.is_primary:
        raise analysis(f"Conditional update only support primary key table {table.name}")
    if options.negative and table.is_primary:
        raise analysis("Primary key table does not support negative load")


def _all_columns(table, options):
    entries = [(c.name, None) for c in table.columns if c.generated is None and not c.auto_increment]
    if options.format == "json" and table.is_primary:
        entries.append((OP, None))
    return entries


def _mappings(plan, entries):
    """Names that are assigned: {lower-case name: column}."""
    mapped = {}
    for name, expression in entries:
        if expression is None:
            continue
        if name.lower() in mapped:
            raise analysis(f"Duplicate column: {name}")
        if name == OP and plan.table.is_primary:
            _op_mapping(plan, expression)
            mapped[OP] = None
            continue
        column = plan.table.column(name)
        if column is None:
            raise analysis(f"Mapping column is not in table. column: {name}")
        mapped[name.lower()] = column
        plan.expressions.append((column, expression))
    return mapped


def _op_mapping(plan, expression):
    """__op = a constant, or an expression over the fields."""
    text = expression.strip()
    literal = re.fullmatch(r"'([^']*)'|\"([^\"]*)\"|(-?\d+)", text)
    if not literal:
        plan.op_expression = text
        return
    word = next(g for g in literal.groups() if g is not None)
    if literal.group(3) is None and word not in OP_WORDS:
        raise analysis(f"load op type string not supported: {word}")
    if word not in OP_WORDS:
        raise analysis("const load op type column should only be upsert(0)/delete(1)")
    plan.op_constant = OP_WORDS[word]


def _sources(plan, entries, mapped):
    seen = set()
    for name, expression in entries:
        if expression is not None:
            continue
        if name.lower() in seen:
            raise analysis(f"Duplicate column: {name}")
        seen.add(name.lower())
        position = len(plan.fields)
        plan.fields.append(name)
        column = plan.table.column(name)
        if name == OP and plan.table.is_primary and OP not in mapped:
            plan.op_field = position
        elif column is not None and name.lower() not in mapped:
            plan.direct[position] = column


def _check_references(plan):
    known = {name.lower() for name in plan.fields} | {c.name.lower() for c in plan.table.columns}
    checked = [(c.name, e) for c, e in plan.expressions]
    if plan.op_expression:
        checked.append((OP, plan.op_expression))
    for name, expression in checked:
        for reference in references(expression):
            if reference.lower() not in known:
                raise analysis(f"unknown reference column, column={name}, reference={reference}")


def references(expression):
    """Names in an expression that are columns: words that are not called, not keywords."""
    reader, found = Reader(expression), []
    while reader.token.kind != "end":
        token = reader.next()
        called = reader.token.upper == "("
        if token.kind == "quoted" or (token.kind == "word" and not called and token.upper not in WORDS):
            found.append(token.value)
    return found


WORDS = {"NULL", "TRUE", "FALSE", "AND", "OR", "NOT", "IN", "IS", "LIKE", "BETWEEN", "CASE", "WHEN", "THEN", "ELSE",
         "END", "AS", "INTERVAL", "DAY", "HOUR", "MINUTE", "SECOND", "MONTH", "YEAR", "WEEK", "INT", "BIGINT",
         "VARCHAR", "DOUBLE", "DATE", "DATETIME", "STRING", "BOOLEAN", "TINYINT", "SMALLINT", "LARGEINT", "FLOAT",
         "DECIMAL", "JSON", "CHAR", "ARRAY", "MAP", "DISTINCT", "CURRENT_TIMESTAMP", "CURRENT_DATE", "REGEXP", "RLIKE"}


def _unlisted(plan, mapped):
    present = {c.uid for c in plan.direct.values()} | {c.uid for c in mapped.values() if c is not None}
    for column in plan.table.columns:
        if column.uid in present or column.generated is not None:
            continue
        if column.auto_increment:
            plan.auto = None if plan.options.partial_update else column
        elif not plan.options.partial_update:
            if not column.has_default and not column.nullable:
                raise analysis(f"Column has no default value. column: {column.name}")
            plan.filled.append(column)


def _partial(plan):
    present = {c.uid for c in plan.direct.values()} | {c.uid for c, _ in plan.expressions}
    for column in plan.table.key_columns:
        if column.uid not in present:
            raise analysis(f"key column {column.name} not in partial update columns")
    plan.partial = len(present) < len([c for c in plan.table.columns if c.generated is None])
    if plan.options.partial_update_mode == "column" and plan.table.sort_key:
        for name in plan.table.sort_key:
            column = plan.table.column(name)
            if column is not None and not column.is_key and column.uid in present:
                raise analysis("column mode partial update on table with sort key cannot update sort key column")


def _condition(plan):
    name = plan.options.merge_condition
    column = plan.table.column(name)
    present = {c.uid for c in plan.direct.values()} | {c.uid for c, _ in plan.expressions}
    if column is None or (plan.options.partial_update and column.uid not in present):
        raise analysis(f"Merge condition column {name} does not exist. If you are doing partial update with condition "
                       f"update, please check condition column is in the given update columns. Otherwise please check "
                       f"condition column is in table {plan.table.name}")
    if column.is_key:
        raise analysis(f"Merge condition column {name} should not be primary key!")
    if column.type.name in NOT_CONDITIONS:
        raise analysis(f"Merge condition column {name} should not be {column.type.name.lower()} type")
    plan.condition = column
