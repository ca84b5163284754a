"""Window functions: the call, its OVER, its frame."""
from sqlglot import exp

from rockpool.sql.coercion import BIGINT, DOUBLE, INT, JSON
from rockpool.sql.functions import aggregates
from rockpool.sql.functions.aggregates import Arguments, Made
from rockpool.sql.functions.registry import failure, no_match
from rockpool.sql.terms import Term

RANKS = {"row_number": BIGINT, "rank": BIGINT, "dense_rank": BIGINT, "cume_dist": DOUBLE, "percent_rank": DOUBLE}
VALUES = {"first_value": "first_value", "last_value": "last_value"}


def window(compiler, node):
    inner, nulls = node.this, ""
    if isinstance(inner, (exp.IgnoreNulls, exp.RespectNulls)):
        nulls = " IGNORE NULLS" if isinstance(inner, exp.IgnoreNulls) else ""
        inner = inner.this
    over = _over(compiler, node)
    condition = ""
    if isinstance(inner, exp.Filter):
        condition = f" FILTER (WHERE {compiler.condition(inner.expression.this)})"
        inner = inner.this
    if isinstance(inner, exp.GroupConcat):
        found, _ = aggregates.made_group_concat(compiler, inner)
    else:
        if not isinstance(inner, exp.Anonymous):
            raise failure("OVER needs a function")
        found = _call(compiler, inner.name.lower(), inner.expressions, nulls)
    return Term(found.finished(f"{condition} OVER ({over})"), found.kind)


def _call(compiler, name, nodes, nulls):
    if name in RANKS:
        if nodes:
            raise failure(f"{name}() takes no parameters")
        return Made(f"{name}()", RANKS[name])
    if name == "ntile":
        return Made(f"ntile({compiler.term(nodes[0]).to(BIGINT).sql})", BIGINT)
    if name in VALUES:
        given = Arguments(compiler, nodes)
        return Made(f"{VALUES[name]}({given.first.sql}{given.nulls or nulls})", given.first.kind)
    if name in ("lead", "lag"):
        return _shifted(compiler, name, nodes, nulls)
    if name == "nth_value":
        given = Arguments(compiler, nodes)
        return Made(f"nth_value({given.first.sql}, {given.terms[1].sql}{given.nulls or nulls})", given.first.kind)
    if name in aggregates.AGGREGATES:
        found, given = aggregates.made(compiler, name, nodes)
        if given.distinct and name not in ("count", "sum", "avg"):
            raise failure("DISTINCT not allowed in analytic function")
        return found
    raise failure(f"Function '{name}' is not supported in window") if nodes is None else no_match(
        name, [compiler.term(n).kind for n in nodes])


def _shifted(compiler, name, nodes, nulls):
    given = Arguments(compiler, nodes)
    value = given.first
    texts = [value.sql]
    if len(given.terms) > 1:
        texts.append(given.terms[1].to(BIGINT).sql)
    if len(given.terms) > 2:
        texts.append(given.terms[2].to(value.kind).sql)
    return Made(f"{name}({', '.join(texts)}{given.nulls or nulls})", value.kind)


def _over(compiler, node):
    from rockpool.sql.queries import direction
    alias = node.args.get("alias")
    if alias is not None:
        named = next((w for w in compiler.queries.windows if w.this.name.lower() == alias.name.lower()), None)
        if named is None:
            raise failure(f"Window '{alias.name}' is not defined")
        return _over(compiler, _without_name(named))
    parts = []
    by = node.args.get("partition_by") or []
    if by:
        parts.append("PARTITION BY " + ", ".join(_key(compiler.term(e)) for e in by))
    order = node.args.get("order")
    if order is not None:
        parts.append("ORDER BY " + ", ".join(_key(compiler.term(e.this)) + direction(e) for e in order.expressions))
    spec = node.args.get("spec")
    if spec is not None:
        parts.append(_frame(compiler, spec))
    return " ".join(parts)


def _without_name(named):
    copy = named.copy()
    copy.set("this", None)
    copy.set("alias", None)
    return copy


def _key(term):
    return f"sr_json_key({term.sql})" if term.kind == JSON else term.sql


def _frame(compiler, spec):
    def bound(name):
        value, side = spec.args.get(name), spec.args.get(name + "_side")
        if isinstance(value, exp.Expression):
            value = compiler.term(value).to(INT).sql if not isinstance(value, exp.Interval) else value.sql(dialect="duckdb")
        return f"{value} {side}".upper() if side and isinstance(value, str) and value.upper() == "UNBOUNDED" else (
            f"{value} {side}" if side else str(value))
    kind = str(spec.args["kind"]).upper()
    if spec.args.get("end") is None:
        return f"{kind} {bound('start')}"
    return f"{kind} BETWEEN {bound('start')} AND {bound('end')}"
