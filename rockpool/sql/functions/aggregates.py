"""Aggregates. A rule gives the store's call and what is done to its result, so that OVER and FILTER can stand between."""
from dataclasses import dataclass

from sqlglot import exp

from rockpool.sql import arithmetic, coercion, variables
from rockpool.sql.coercion import BIGINT, BOOLEAN, DOUBLE, INTEGERS, JSON, LARGEINT, VARCHAR, SqlType
from rockpool.sql.functions.registry import failure, no_match
from rockpool.sql.terms import Term

BITMAP, HLL = SqlType("BITMAP"), SqlType("HLL")
AGGREGATES = {}  # name -> function(Arguments) -> Made


@dataclass
class Made:
    """call: up to its closing bracket, so that modifiers may follow; wrap: what becomes of the result."""
    call: str
    kind: object
    wrap: str = "{}"
    second: str = ""  # another call that the result needs

    def finished(self, modifiers=""):
        """The whole expression; modifiers (FILTER, OVER) follow every call."""
        text = self.wrap.replace("{1}", self.second + modifiers) if self.second else self.wrap
        text = text.replace("{}", self.call + modifiers)
        return text.replace("{{", "{").replace("}}", "}") if self.second else text


class Arguments:
    """The arguments of a call: terms, whether DISTINCT, and the ORDER BY of its rows."""

    def __init__(self, compiler, nodes):
        self.compiler, self.distinct, self.order, self.nulls = compiler, False, "", ""
        if nodes and isinstance(nodes[0], exp.Distinct) and any(isinstance(e, exp.Star) for e in nodes[0].expressions):
            raise failure("COUNT DISTINCT * is not supported")
        self.star = bool(nodes) and isinstance(nodes[-1], exp.Star)
        nodes = list(nodes)
        order = []
        if nodes and isinstance(nodes[-1], exp.Order):
            order = nodes[-1].expressions
            nodes[-1] = nodes[-1].this
        if nodes and isinstance(nodes[0], exp.Distinct):
            self.distinct = True
            nodes = list(nodes[0].expressions) + nodes[1:]
            if nodes and isinstance(nodes[-1], exp.Order):
                order = nodes[-1].expressions
                nodes[-1] = nodes[-1].this
        if nodes and isinstance(nodes[0], exp.IgnoreNulls):
            self.nulls = " IGNORE NULLS"
            nodes[0] = nodes[0].this
        self.terms = [] if self.star else [compiler.term(n) for n in nodes]
        self.order = self._order(order)

    def _order(self, order):
        from rockpool.sql.queries import direction
        parts = []
        for e in order:
            inner = e.this if isinstance(e, exp.Ordered) else e
            if isinstance(inner, exp.Literal) and not inner.is_string and inner.this.isdigit():
                n = int(inner.this)
                if not 1 <= n <= len(self.terms):
                    raise failure(f"ORDER BY position {n} is not in group_concat/array_agg output list.")
                sql = self.terms[n - 1].sql
            else:
                sql = self.compiler.term(inner).sql
            parts.append(sql + direction(e))
        return " ORDER BY " + ", ".join(parts) if parts else ""

    @property
    def first(self):
        return self.terms[0]

    def word(self):
        return "DISTINCT " if self.distinct else ""


def aggregate(*names):
    def keep(make):
        for name in names:
            AGGREGATES[name] = make
        return make
    return keep


def made(compiler, name, nodes):
    given = Arguments(compiler, nodes)
    for term in given.terms:
        if term.parts:
            raise failure(f"{name} does not take rows")
    return AGGREGATES[name](given), given


def call(compiler, name, nodes):
    found, _ = made(compiler, name, nodes)
    return Term(found.finished(), found.kind)


def _numeric(given, name):
    kind = given.first.kind
    if kind is not None and (kind.parts or kind.name in ("BITMAP", "HLL", "JSON", "VARBINARY", "PERCENTILE")) or len(given.terms) != 1:
        raise no_match(name, [t.kind for t in given.terms])
    return kind


def aggregates_in(node):
    """Whether an expression aggregates rows itself, not in a subquery."""
    for found in node.walk(prune=lambda n: isinstance(n, (exp.Subquery, exp.Select, exp.Window))):
        if isinstance(found, exp.GroupConcat) or isinstance(found, exp.Anonymous) and found.name.lower() in AGGREGATES:
            return True
    return False


# ---------------------------------------------------------------- counting and summing
@aggregate("count")
def _count(given):
    if given.star or not given.terms:
        if given.distinct:
            raise failure("COUNT DISTINCT * is not supported")
        return Made("count(*)", BIGINT)
    if len(given.terms) == 1:
        sketch = {"BITMAP": "bitmap_union_count", "HLL": "hll_union_agg"}.get(given.first.kind.name if given.first.kind else "")
        if given.distinct and sketch:
            return AGGREGATES[sketch](given)
        return Made(f"count({given.word()}{given.first.sql})", BIGINT)
    if not given.distinct:
        raise failure("COUNT must have DISTINCT for multiple arguments: count(" + ", ".join(t.sql for t in given.terms) + ")")
    missing = " OR ".join(f"{t.sql} IS NULL" for t in given.terms)
    row = ", ".join(t.sql for t in given.terms)
    return Made(f"count(DISTINCT CASE WHEN {missing} THEN NULL ELSE row({row}) END)", BIGINT)


@aggregate("multi_distinct_count")
def _multi_distinct_count(given):
    return Made(f"count(DISTINCT {given.first.sql})", BIGINT)


@aggregate("approx_count_distinct", "ndv", "approx_count_distinct_hll_sketch", "ds_hll_count_distinct", "ds_theta_count_distinct")
def _approximate(given):
    return Made(f"count(DISTINCT {given.first.sql})", BIGINT)


@aggregate("sum", "multi_distinct_sum")
def _sum(given):
    kind = _numeric(given, "sum")
    word = given.word()
    if kind is None:
        return Made(f"sum({word}{given.first.sql})", None)
    if kind.name == "DECIMAL":
        if kind.precision > 38:
            return Made(f"list({given.first.sql})", coercion.decimal(76, kind.scale), "sr_decimal256_sum({}, " + str(kind.scale) + ")")
        wide = coercion.decimal(38, kind.scale)
        return Made(f"sum({word}CAST({given.first.sql} AS DECIMAL({min(kind.precision + 19, 38)},{kind.scale})))", wide, f"CAST({{}} AS {wide.duckdb()})")
    if kind.name == "LARGEINT":
        return Made(f"sum({word}{given.first.sql})", LARGEINT, "CAST({} AS HUGEINT)")
    if kind.name in INTEGERS or kind.name in ("BOOLEAN", "NULL"):
        return Made(f"sum({word}{given.first.to(BIGINT).sql})", BIGINT, "sr_wrap64({})")
    return Made(f"sum({word}{given.first.to(DOUBLE).sql})", DOUBLE)


@aggregate("avg")
def _avg(given):
    kind = _numeric(given, "avg")
    word = given.word()
    if kind is not None and kind.name == "DECIMAL" and kind.precision <= 38:
        total, count = f"sum({word}{given.first.sql})", f"count({word}{given.first.sql})"
        if kind.precision > 28:
            total = f"sum({word}CAST({given.first.sql} AS DECIMAL(38,{kind.scale})))"
        found = arithmetic.operation("/", Term("sum(s_)", coercion.decimal(38, kind.scale)), Term("count(c_)", coercion.decimal(38, 0)))
        return Made(total, found.kind, found.sql.replace("{", "{{").replace("}", "}}").replace("sum(s_)", "{}").replace("count(c_)", "{1}"), count)
    if kind is not None and kind.name in coercion.DATES:
        return Made(f"avg({word}epoch({given.first.sql}))", DOUBLE)
    return Made(f"avg({word}{given.first.to(DOUBLE).sql if kind is not None else given.first.sql})", DOUBLE)


@aggregate("count_if")
def _count_if(given):
    return Made(f"count(CASE WHEN {given.first.to(BOOLEAN).sql} THEN 1 END)", BIGINT)


@aggregate("max")
def _max(given):
    return _extreme(given, "max")


@aggregate("min")
def _min(given):
    return _extreme(given, "min")


def _extreme(given, word):
    kind = given.first.kind
    if len(given.terms) != 1 or kind is not None and kind.parts:
        raise no_match(word, [t.kind for t in given.terms])
    return Made(f"{word}({given.first.sql})", kind)


@aggregate("any_value")
def _any_value(given):
    return Made(f"any_value({given.first.sql})", given.first.kind)


for _name, _store in (("max_by", "arg_max_null"), ("min_by", "arg_min_null")):
    AGGREGATES[_name] = lambda given, store=_store: Made(f"{store}({given.terms[0].sql}, {given.terms[1].sql})", given.first.kind)
for _name, _store in (("stddev", "stddev_pop"), ("std", "stddev_pop"), ("stddev_pop", "stddev_pop"), ("stddev_samp", "stddev_samp"),
                      ("variance", "var_pop"), ("var_pop", "var_pop"), ("variance_pop", "var_pop"), ("var_samp", "var_samp"),
                      ("variance_samp", "var_samp")):
    AGGREGATES[_name] = lambda given, store=_store: Made(f"{store}({given.word()}{given.first.to(DOUBLE).sql})", DOUBLE)
for _name in ("corr", "covar_pop", "covar_samp"):
    AGGREGATES[_name] = lambda given, store=_name: Made(f"{store}({', '.join(t.to(DOUBLE).sql for t in given.terms)})", DOUBLE, "sr_finite({})")
for _name, _store in (("bool_or", "bool_or"), ("boolor_agg", "bool_or"), ("bool_and", "bool_and"), ("every", "bool_and")):
    AGGREGATES[_name] = lambda given, store=_store: Made(f"{store}({given.first.to(BOOLEAN).sql})", BOOLEAN)
for _name in ("bit_and", "bit_or", "bit_xor"):
    AGGREGATES[_name] = lambda given, store=_name: _bits(given, store)
AGGREGATES["bit_xor_agg"] = AGGREGATES["bit_xor"]


def _bits(given, store):
    kind = given.first.kind
    kind = kind if kind is not None and kind.name in INTEGERS else BIGINT
    return Made(f"{store}({given.word()}{given.first.to(kind).sql})", kind)


# ---------------------------------------------------------------- percentiles
@aggregate("percentile_approx")
def _percentile_approx(given):
    return Made(f"quantile_cont({given.first.to(DOUBLE).sql}, {_share(given, 'percentile_approx')})", DOUBLE)


@aggregate("percentile_cont")
def _percentile_cont(given):
    kind = given.first.kind if given.first.kind is not None and given.first.kind.name in coercion.DATES else DOUBLE
    return Made(f"quantile_cont({given.first.to(kind).sql}, {_share(given)})", kind, f"CAST({{}} AS {kind.duckdb()})")


@aggregate("percentile_disc", "percentile_disc_lc")
def _percentile_disc(given):
    return Made(f"quantile_disc({given.first.sql}, {_share(given, 'percentile_disc')})", given.first.kind)


@aggregate("median")
def _median(given):
    return Made(f"quantile_cont({given.first.to(DOUBLE).sql}, 0.5)", DOUBLE)


def _share(given, name="percentile_cont"):
    share = given.terms[1].literal if len(given.terms) > 1 else None
    try:
        if share is None or not 0 <= float(share) <= 1:
            raise ValueError
    except ValueError:
        raise failure(f"{name} second parameter'value should be between 0 and 1") from None
    return share


# ---------------------------------------------------------------- collecting
@aggregate("array_agg")
def _array_agg(given):
    kind = given.first.kind
    if kind is not None and kind.name == "NULL":
        kind = BOOLEAN
    value = given.first.to(kind).sql
    if given.distinct and given.order:
        return Made(f"list({value}{given.order})", coercion.array(kind) if kind else None, "sr_array_distinct({})")
    if given.distinct:
        return Made(f"list({value})", coercion.array(kind) if kind else None, "sr_array_distinct({})")
    return Made(f"list({value}{given.order})", coercion.array(kind) if kind else None)


@aggregate("array_agg_distinct")
def _array_agg_distinct(given):
    given.distinct = True
    return _array_agg(given)


@aggregate("array_unique_agg")
def _array_unique_agg(given):
    return Made(f"list({given.first.sql})", given.first.kind, "list_distinct(flatten({}))")


@aggregate("map_agg")
def _map_agg(given):
    key, value = given.terms
    return Made(f"list(CASE WHEN {key.sql} IS NOT NULL THEN {{'k': {key.sql}, 'v': {value.sql}}} END)",
                coercion.mapping(key.kind, value.kind), "sr_map_agg({})")


@aggregate("json_object_agg")
def _json_object_agg(given):
    key, value = given.terms
    return Made(f"list({key.to(VARCHAR).sql} || chr(0) || coalesce({value.to(JSON).sql}, 'null'))", JSON, "sr_json_object_of({})")


def group_concat(compiler, node):
    """group_concat([DISTINCT] a, b … [ORDER BY …] [SEPARATOR s]): rows with a NULL are left out."""
    found, _ = made_group_concat(compiler, node)
    return Term(found.finished(), found.kind)


def made_group_concat(compiler, node):
    inner, order, distinct = node.this, [], False
    if isinstance(inner, exp.Order):
        order, inner = inner.expressions, inner.this
    if isinstance(inner, exp.Distinct):
        distinct, inner = True, inner.expressions[0] if len(inner.expressions) == 1 else exp.Concat(expressions=inner.expressions)
    parts = inner.expressions if isinstance(inner, exp.Concat) else [inner]
    nodes = list(parts)
    given = Arguments(compiler, nodes)
    given.order = given._order(order)
    texts = [t.to(VARCHAR).sql for t in given.terms]
    row = " || ".join(texts) if len(texts) > 1 else texts[0]
    separator = node.args.get("separator")
    mark = compiler.term(separator).to(VARCHAR).sql if separator is not None else "','"
    given.distinct = distinct
    return _concatenated(given, row, mark), given


def _longest(compiler):
    """Characters that group_concat returns at most."""
    found = variables.value_of(compiler.session, "group_concat_max_len") if compiler.session is not None else "1024"
    return max(int(found), 4)


@aggregate("string_agg")
def _string_agg(given):
    if len(given.terms) != 2:
        raise no_match("string_agg", [t.kind for t in given.terms])
    text, mark = (t.to(VARCHAR).sql for t in given.terms)
    return _concatenated(given, text, mark)


def _concatenated(given, text, mark):
    most = _longest(given.compiler)
    if given.distinct:
        return Made(f"list({text}{given.order})", VARCHAR, f"left(array_to_string(sr_kept_distinct({{}}), {mark}), {most})")
    return Made(f"string_agg({text}, {mark}{given.order})", VARCHAR, f"left({{}}, {most})")


# ---------------------------------------------------------------- bitmaps, HLL
@aggregate("bitmap_union", "bitmap_agg")
def _bitmap_union(given):
    return Made(f"list({_bitmap(given.first)})", BITMAP, "sr_bitmap_union({})")


@aggregate("bitmap_union_count", "bitmap_union_int")
def _bitmap_union_count(given):
    return Made(f"list({_bitmap(given.first)})", BIGINT, "coalesce(sr_bitmap_count(sr_bitmap_union({})), 0)")


@aggregate("bitmap_intersect")
def _bitmap_intersect(given):
    return Made(f"list({_bitmap(given.first)})", BITMAP, "sr_bitmap_intersection({})")


@aggregate("hll_union", "hll_raw_agg", "hll_raw")
def _hll_union(given):
    return Made(f"list({given.first.sql})", HLL, "sr_bitmap_union({})")


@aggregate("hll_union_agg")
def _hll_union_agg(given):
    return Made(f"list({given.first.sql})", BIGINT, "coalesce(sr_bitmap_count(sr_bitmap_union({})), 0)")


def _bitmap(term):
    return term.sql if term.kind is not None and term.kind.name == "BITMAP" else f"CAST({term.to(LARGEINT).sql} AS VARCHAR)"


# ---------------------------------------------------------------- grouping
@aggregate("grouping")
def _grouping(given):
    return Made(f"grouping({given.first.sql})", BIGINT)


@aggregate("grouping_id")
def _grouping_id(given):
    return Made(f"grouping({', '.join(t.sql for t in given.terms)})", BIGINT)

