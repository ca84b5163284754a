"""Operators: the operands are converted as StarRocks does, what overflows or divides by zero gives its answer."""
import re

from rockpool.errors import SqlError
from rockpool.sql import casts, coercion
from rockpool.sql.coercion import BIGINT, BOOLEAN, DOUBLE, INTEGERS
from rockpool.sql.terms import Term

WORDS = {"DIV": "//", "&": "&", "|": "|", "<<": "<<", ">>": ">>"}


# what TRY does not take inside
OPAQUE = re.compile(r"\b(?:sum|avg|count|min|max|list|any_value|arg_max|arg_min|string_agg|grouping|bit_and|bit_or|bit_xor|bool_or|"
                    r"bool_and|quantile_cont|quantile_disc|stddev_pop|stddev_samp|var_pop|var_samp)\(|\bSELECT\b|\bOVER\b")


def guarded(template, *operands):
    """An expression that is NULL where the store refuses to compute it. Aggregates and subqueries are taken out of TRY."""
    if not any(OPAQUE.search(x) for x in operands):
        return f"TRY({template.format(*operands)})"
    fields = ", ".join(f"'x{n}': {x}" for n, x in enumerate(operands))
    inner = template.format(*[f"g_.x{n}" for n in range(len(operands))])
    return f"list_transform([{{{fields}}}], lambda g_: TRY({inner}))[1]"


def comparison(op, left, right):
    if op == "<=>":
        op = "IS NOT DISTINCT FROM"
    if left.parts and right.parts:
        sides = [comparison("=", a, b).sql for a, b in zip(left.parts, right.parts)]
        both = "(" + " AND ".join(sides) + ")"
        return Term(both if op == "=" else f"(NOT {both})", BOOLEAN)
    try:
        kind = _compared(left, right, op in ("<", "<=", ">", ">="))
    except coercion.NoCommonType:
        raise SqlError(f"Getting analyzing error. Detail message: Column type {left.kind.shown()} does not support binary "
                       f"predicate operation with type {right.kind.shown()}.") from None
    if kind is None:
        return Term(f"({left.sql} {op} {right.sql})", BOOLEAN)
    a, b = left.to(kind).sql, right.to(kind).sql
    if kind.name == "JSON":
        a, b = f"sr_json_key({a})", f"sr_json_key({b})"
    elif kind.name == "DECIMAL" and kind.precision > 38:
        a, b = f"CAST({a} AS DOUBLE)", f"CAST({b} AS DOUBLE)"
    return Term(f"({a} {op} {b})", BOOLEAN, left.constant and right.constant)


def _compared(left, right, by_order):
    """A text literal beside a column of numbers or dates is read as the column's type, where it can be."""
    for text, other in ((left, right), (right, left)):
        if text.literal is not None and coercion.is_text(text.kind) and not other.constant and other.kind is not None:
            if other.kind.name in coercion.DATES:
                return coercion.DATETIME if other.kind.name == "DATE" and len(text.literal) > 10 else other.kind
            if not by_order and coercion.is_exact(other.kind) and _reads_as(text.literal, other.kind):
                return other.kind
    return coercion.compared(left.kind, right.kind, by_order)


def _reads_as(text, kind):
    try:
        if kind.name in INTEGERS:
            int(text)
        else:
            float(text)
            return len(text.partition(".")[2]) <= kind.scale and "e" not in text.lower()
        return True
    except ValueError:
        return False


def kind_of_list(value, given):
    """The type that IN compares in."""
    if None in [t.kind for t in (value, *given)]:
        return None
    if coercion.is_exact(value.kind) and not value.constant and all(
            g.literal is not None and (not coercion.is_text(g.kind) or _reads_as(g.literal, value.kind)) for g in given):
        given = [g if not coercion.is_text(g.kind) else g.to(value.kind) for g in given]
    return coercion.compared_in([value.kind] + [g.kind for g in given], False)


def operation(op, left, right):
    if left.kind is None or right.kind is None:
        return Term(_of_unknown(op, left.sql, right.sql), None)
    if left.kind.parts or right.kind.parts:
        raise SqlError(f"Getting analyzing error. Detail message: Invalid type of arithmetic operator '{op}'.")
    try:
        a, b, kind = coercion.arithmetic(op, left.kind, right.kind)
    except coercion.NoCommonType as e:
        raise SqlError(f"Getting analyzing error. Detail message: {e}.") from None
    x, y = left.to(a).sql, right.to(b).sql
    constant = left.constant and right.constant
    if "DECIMAL" in (a.name, b.name):
        return Term(_of_decimals(op, x, y, a, b, kind), kind, constant)
    if op in ("<<", ">>", ">>>", "&", "|", "^"):
        return Term(_of_bits(op, x, y, kind), kind, constant)
    if kind.name in INTEGERS:
        narrow = all(k.name in ("TINYINT", "SMALLINT", "INT", "BOOLEAN") for k in (left.kind, right.kind))
        return Term(_of_integers(op, x, y, kind, narrow), kind, constant)
    if op == "/":
        return Term(f"(CAST({x} AS DOUBLE) / nullif({y}, 0))", DOUBLE, constant)
    if op == "%":
        return Term(f"fmod({x}, nullif({y}, 0))", DOUBLE, constant)
    return Term(f"({x} {op} {y})", kind, constant)


def _of_unknown(op, x, y):
    if op in ("/", "%", "DIV"):
        return f"({x} {WORDS.get(op, op)} nullif({y}, 0))"
    return f"({x} {WORDS.get(op, op)} {y})" if op != "^" else f"xor({x}, {y})"


def _of_integers(op, x, y, kind, narrow):
    """narrow: the operands are so small that nothing can overflow."""
    store = kind.duckdb()
    if op == "%":
        return f"(CASE WHEN {y} = -1 THEN 0 * {x} ELSE {x} % nullif({y}, 0) END)"
    if op == "DIV":
        if kind.name in ("BIGINT", "LARGEINT"):
            return guarded("{0} // nullif({1}, 0)", x, y)
        return f"CAST({x} // nullif({y}, 0) AS {store})"
    if kind.name == "BIGINT" and not narrow:
        return f"sr_wrap64(CAST({x} AS HUGEINT) {op} CAST({y} AS HUGEINT))"
    if kind.name == "LARGEINT":
        return guarded("{0} " + op + " {1}", x, y)
    return f"({x} {op} {y})"


def _of_bits(op, x, y, kind):
    store = kind.duckdb()
    bits = {"TINYINT": 8, "SMALLINT": 16, "INT": 32, "BIGINT": 64, "LARGEINT": 128}[kind.name]
    if op == "^":
        return f"xor({x}, {y})"
    if op in "&|":
        return f"({x} {op} {y})"
    if op == "<<":
        return f"sr_shift_left({x}, {y}, {bits})::{store}"
    if op == ">>":
        return f"sr_shift_right({x}, {y}, {bits})::{store}"
    return f"sr_shift_right_logical({x}, {y}, {bits})::{store}"


def _of_decimals(op, x, y, a, b, kind):
    if (kind.precision or 0) > 38 or (a.precision or 0) > 38 or (b.precision or 0) > 38:
        x, y = casts.to_text(x, a), casts.to_text(y, b)
        called = f"sr_decimal256_operation({casts.quoted(op)}, {x}, {y}, {kind.scale or 0})"
        return called if kind.name == "DECIMAL" else f"TRY_CAST({called} AS BIGINT)"
    wide = f"DECIMAL({kind.precision},{kind.scale})"
    full = (kind.precision or 0) >= 38
    if op in ("+", "-"):
        made = f"CAST(CAST({{0}} AS {wide}) {op} CAST({{1}} AS {wide}) AS {wide})"
        return guarded(made, x, y) if full else made.format(x, y)
    if op == "*":
        made = f"CAST({{0}} * {{1}} AS {wide})"
        return guarded(made, x, y) if full else made.format(x, y)
    if op == "%":
        return guarded(f"CAST({{0}} AS {wide}) % nullif(CAST({{1}} AS {wide}), 0)", x, y)
    if op == "DIV":
        return f"TRY_CAST(sr_decimal_quotient({_units(x, a)}, {_units(y, b)}, {a.scale}, {b.scale}) AS BIGINT)"
    shift = kind.scale + b.scale - a.scale
    return guarded(f"CAST(sr_rounded_quotient({{0}} * CAST('1{'0' * shift}' AS HUGEINT), {{1}}) AS DECIMAL(38,0)) "
                   f"* CAST('{_unit(kind.scale)}' AS DECIMAL({kind.scale + 1},{kind.scale}))", _units(x, a), _units(y, b))


def _units(sql, kind):
    """A decimal as the integer of its last places."""
    if kind.scale == 0:
        return f"CAST({sql} AS HUGEINT)"
    if kind.precision + kind.scale <= 38:
        return f"CAST({sql} * CAST('1{'0' * kind.scale}' AS DECIMAL({kind.scale + 1},0)) AS HUGEINT)"
    return f"CAST(replace(CAST({sql} AS VARCHAR), '.', '') AS HUGEINT)"


def _unit(scale):
    return "0." + "0" * (scale - 1) + "1" if scale else "1"


def negative(value):
    if value.kind is None:
        return Term(f"(- {value.sql})", None)
    kind = coercion.number_of(value.kind)
    return operation("*", value, Term("CAST(-1 AS TINYINT)", coercion.TINYINT, True, "-1")) if kind.name != "DECIMAL" else (
        Term(f"(- {value.to(kind).sql})", kind, value.constant))


def bit_not(value):
    kind = value.kind if value.kind is not None and value.kind.name in INTEGERS else BIGINT
    return Term(f"(~ {value.to(kind).sql})", kind, value.constant)
