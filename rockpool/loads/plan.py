"""What a load's headers mean for its table: which field becomes which column. Mistakes are found here."""
import re
from dataclasses import dataclass, field

from rockpool.errors import SqlError, analysis
from rockpool.loads.partitions import chosen
from rockpool.segments import OP
from rockpool.sql.lexer import Reader

OP_WORDS = {"upsert": 0, "delete": 1}
OP_NUMBERS = {"0": 0, "1": 1}
BITMAPS = re.compile("to_bitmap|bitmap_(hash|hash64|empty|from_string|from_binary|and|or|xor|andnot|not|remove)|"
                     "array_to_bitmap|base64_to_bitmap|sub_bitmap|bitmap_subset_(limit|in_range)")
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
    texts: set = field(default_factory=set)  # positions of fields that an expression reads: they stay text
    refused_upserts: str = ""  # what a load says that brings a row which is no delete, where none may come
    most_partitions: int = 4096  # that a load may make by an expression
    partitions: object = None  # Partitioning with the partitions that the load names, None for all

    @property
    def has_op(self):
        return self.op_field is not None or self.op_constant is not None or self.op_expression is not None

    @property
    def needs_engine(self):
        return bool(self.expressions or self.op_expression)

    def used_fields(self):
        return self.fields


def parse_columns(text):
    """[(name, expression or None)] of a columns header."""
    try:
        reader, found = Reader(text.replace("\\,", ",")), []
        while True:
            name = reader.name()
            expression = None
            if reader.accept("="):
                expression = _expression(reader)
                if not expression.strip():
                    raise reader.unexpected("an expression")
            found.append((name, expression))
            if not reader.accept(","):
                break
        reader.end()
        return found
    except SqlError as e:
        raise analysis(e.text) from None


def _expression(reader):
    start, depth, stop = reader.token.start, 0, reader.token.stop
    while reader.token.kind != "end" and not (depth == 0 and reader.token.upper == ","):
        depth += (reader.token.upper in ("(", "[")) - (reader.token.upper in (")", "]"))
        stop = reader.next().stop
    return reader.text[start:stop]


def make(table, options):
    """The plan, or the error that the planner gives."""
    _check_model(table, options)
    entries = parse_columns(options.columns) if options.columns.strip() else []
    _check_entries(table, entries)
    if not any(expression is None for _, expression in entries):
        entries = [(c.name, None) for c in table.columns if c.generated is None and not c.auto_increment] + entries
    if options.format == "json" and table.is_primary and not any(name == OP for name, _ in entries):
        entries.append((OP, None))
    plan = LoadPlan(table, options, [], {})
    mapped = _mappings(plan, entries)
    _sources(plan, entries, mapped)
    _check_references(plan)
    _check_where(table, options.where)
    _unlisted(plan, mapped)
    if options.partial_update:
        _partial(plan)
    if options.merge_condition:
        _condition(plan)
    plan.partitions = chosen(table, options)
    return plan


def _check_model(table, options):
    if options.partial_update and not table.is_primary:
        raise analysis("Only primary key table support partial update")
    if options.merge_condition and not table.is_primary:
        raise analysis(f"Conditional update only support primary key table {table.name}")
    if options.negative and table.is_primary:
        raise analysis("Primary key table does not support negative load")


def _check_entries(table, entries):
    """Names and assignments in the order in which they are written."""
    listed, assigned = set(), set()
    for name, expression in entries:
        column = table.column(name)
        if column is not None and column.generated is not None:
            raise analysis(f"generated column: {name} can not be specified")
        if expression is None:
            if name.lower() in listed:
                raise analysis(f"Duplicate column: {name}")
            listed.add(name.lower())
            continue
        if name.lower() in assigned:
            raise analysis(f"Duplicate column mapping: {name}")
        if column is None and name != OP:
            raise analysis(f"Mapping column is not in table. column: {name}")
        assigned.add(name.lower())


def _mappings(plan, entries):
    """Names that are assigned: {lower-case name: column}."""
    mapped = {}
    for name, expression in entries:
        if expression is None:
            continue
        if name == OP:
            if plan.table.is_primary:
                _op_mapping(plan, expression)
            mapped[OP] = None
            continue
        column = plan.table.column(name)
        mapped[name.lower()] = column
        plan.expressions.append((column, expression))
    return mapped


def _op_mapping(plan, expression):
    """__op = a constant, or an expression over the fields."""
    text = expression.strip()
    literal = re.fullmatch(r"'([^']*)'|\"([^\"]*)\"|([+-]?[0-9.]+)|(null|true|false)", text, re.I)
    if not literal:
        plan.op_expression = text
        return
    if literal.group(3) or literal.group(4):
        if text not in OP_NUMBERS:
            raise analysis("const load op type column should only be upsert(0)/delete(1)")
        plan.op_constant = OP_NUMBERS[text]
        return
    word = (literal.group(1) or literal.group(2) or "").lower()
    if word not in OP_WORDS:
        raise analysis(f"load op type string not supported: {word}")
    plan.op_constant = OP_WORDS[word]


def _sources(plan, entries, mapped):
    for name, expression in entries:
        if expression is not None:
            continue
        position = len(plan.fields)
        plan.fields.append(name)
        column = plan.table.column(name)
        if name == OP and plan.table.is_primary and OP not in mapped:
            plan.op_field = position
        elif column is not None and name.lower() not in mapped:
            plan.direct[position] = column


def _check_references(plan):
    """Expressions read fields, never columns; a field that is read is taken as text."""
    positions = {}
    for n, name in enumerate(plan.fields):
        positions.setdefault(name.lower(), n)
    checked = [(c.name, e) for c, e in plan.expressions]
    if plan.op_expression:
        checked.append((OP, plan.op_expression))
    for name, expression in checked:
        for reference in references(expression):
            column = plan.table.column(reference)
            if column is not None and column.generated is not None:
                raise analysis(f"Mapping column can not ref generated column: {reference}")
            if reference.lower() not in positions:
                raise analysis(f"unknown reference column, column={name}, reference={reference}")
            plan.texts.add(positions[reference.lower()])


def check_states(plan):
    """HLL, BITMAP and PERCENTILE have no written form: an expression of the load makes their values."""
    given = [(c, None) for c in plan.direct.values()] + plan.expressions
    for column, expression in given:
        kind = column.type.name
        called = re.match(r"\s*`?(\w+)`?\s*\(", expression or "")
        name = called.group(1).lower() if called else ""
        if kind == "HLL" and name not in ("hll_hash", "hll_empty"):
            raise analysis(f"HLL column must use hll_hash function, like {column.name}=hll_hash(xxx) or "
                           f"{column.name}=hll_empty()")
        if kind == "BITMAP" and not BITMAPS.fullmatch(name):
            raise analysis(f"bitmap column {column.name} require the function return type is BITMAP")
        if kind == "PERCENTILE" and name not in ("percentile_hash", "percentile_empty"):
            raise analysis(f"percentile column {column.name} require the function return type is PERCENTILE")


def _check_where(table, where):
    """where reads the columns of the table, as expressions have made them."""
    for name in references(where) if where else ():
        if table.column(name) is None:
            raise analysis(f"unknown column reference in where statement, reference={name}")


def references(expression):
    """Names in an expression that are columns: words that are not called, not keywords, not a lambda's own."""
    reader, found, own = Reader(expression), [], set()
    while reader.token.kind != "end":
        token = reader.next()
        called = reader.token.upper == "("
        if token.kind == "quoted" or (token.kind == "word" and not called and token.upper not in WORDS):
            found.append(token.value)
    for names in re.findall(r"(?:\(([\w\s,]+)\)|(\w+))\s*->", expression):
        own |= {n.strip().lower() for n in (names[0] or names[1]).split(",")}
    return [name for name in found if name.lower() not in own]


WORDS = {"NULL", "TRUE", "FALSE", "AND", "OR", "NOT", "IN", "IS", "LIKE", "BETWEEN", "CASE", "WHEN", "THEN", "ELSE",
         "END", "AS", "INTERVAL", "DAY", "HOUR", "MINUTE", "SECOND", "MONTH", "YEAR", "WEEK", "INT", "BIGINT",
         "VARCHAR", "DOUBLE", "DATE", "DATETIME", "STRING", "BOOLEAN", "TINYINT", "SMALLINT", "LARGEINT", "FLOAT",
         "DECIMAL", "JSON", "CHAR", "ARRAY", "MAP", "STRUCT", "DISTINCT", "CURRENT_TIMESTAMP", "CURRENT_DATE", "REGEXP",
         "RLIKE"}


def _unlisted(plan, mapped):
    present = {c.uid for c in plan.direct.values()} | {c.uid for c in mapped.values() if c is not None}
    for column in plan.table.columns:
        if column.uid in present or column.generated is not None:
            continue
        if column.auto_increment:
            plan.auto = column
        elif not plan.options.partial_update:
            if not column.has_default and not column.nullable:
                raise analysis(f"Column has no default value. column: {column.name}")
            plan.filled.append(column)


def _partial(plan):
    present = {c.uid for c in plan.direct.values()} | {c.uid for c, _ in plan.expressions}
    for column in plan.table.key_columns:
        if column.uid not in present and not (column.auto_increment and plan.auto is column):
            raise analysis(f"key column {column.name} not in partial update columns")
    for column in plan.table.columns:
        for name in references(column.generated) if column.generated else ():
            origin = plan.table.column(name)
            if origin is not None and origin.uid not in present:
                raise analysis(f"column {origin.name} needs to be used for expression evaluation for materialized "
                               f"column {column.name}")
    plan.partial = len(present) < len([c for c in plan.table.columns if c.generated is None])
    mode = plan.options.partial_update_mode
    if plan.partial and mode == "column" and plan.table.properties.get("storage_type", "").lower() == "column_with_row":
        raise analysis("column with row table only support row mode partial update")
    if plan.partial:
        _check_sort_key(plan, present)


def _check_sort_key(plan, present):
    """A sort key of its own: every mode needs all its columns, and column mode may not write any that is no key."""
    wanted = [plan.table.column(name) for name in plan.table.sort_key or ()]
    missing = any(c is not None and c.uid not in present for c in wanted)
    written = any(c is not None and not c.is_key for c in wanted)
    if missing or plan.options.partial_update_mode == "column" and written:
        plan.refused_upserts = "partial update on table with sort key must provide all sort key columns"


def _condition(plan):
    name = plan.options.merge_condition
    column = plan.table.column(name)
    present = {c.uid for c in plan.direct.values()} | {c.uid for c, _ in plan.expressions}
    if column is None or (plan.options.partial_update and column.uid not in present and not column.auto_increment):
        raise analysis(f"Merge condition column {name} does not exist. If you are doing partial update with condition "
                       f"update, please check condition column is in the given update columns. Otherwise please check "
                       f"condition column is in table {plan.table.name}")
    if column.is_key:
        raise analysis(f"Merge condition column {name} should not be primary key!")
    if plan.options.partial_update and column.uid not in present:
        raise analysis("Merge condition column can not be auto increment column in partial update")
    if column.type.name in NOT_CONDITIONS:
        raise analysis("Merge condition column has invalid type maybe bitmap/hll/percentile/json/varchar!")
    plan.condition = column
