"""IF, IFNULL, NULLIF, COALESCE, GREATEST, LEAST and the like."""
from rockpool.sql import arithmetic, coercion
from rockpool.sql.coercion import BOOLEAN, VARCHAR
from rockpool.sql.functions.registry import common_kind, converted, define, no_match, special
from rockpool.sql.terms import Term


@special("if")
def _if(compiler, nodes):
    if len(nodes) != 3:
        raise no_match("if", [compiler.term(n).kind for n in nodes])
    condition = compiler.condition(nodes[0])
    values = [compiler.term(n) for n in nodes[1:]]
    kind = common_kind("if", values)
    a, b = converted(values, kind)
    return Term(f"CASE WHEN {condition} THEN {a} ELSE {b} END", kind)


@special("ifnull", "nvl", "coalesce")
def _coalesce(compiler, nodes):
    values = [compiler.term(n) for n in nodes]
    if not values:
        raise no_match("coalesce", [])
    kind = common_kind("coalesce", values)
    return Term(f"coalesce({', '.join(converted(values, kind))})", kind, all(v.constant for v in values))


@special("nullif")
def _nullif(compiler, nodes):
    if len(nodes) != 2:
        raise no_match("nullif", [])
    left, right = (compiler.term(n) for n in nodes)
    kind = common_kind("nullif", [left, right])
    same = arithmetic.comparison("=", left.to(kind), right.to(kind)).sql
    return Term(f"CASE WHEN {same} THEN NULL ELSE {left.to(kind).sql} END", kind)


def _extreme(word):
    def make(compiler, nodes):
        values = [compiler.term(n) for n in nodes]
        if not values:
            raise no_match(word, [])
        kind = common_kind(word, values)
        if kind is not None and kind.name == "NULL":
            return Term("NULL", kind)
        if kind == coercion.DATE:  # [R] there is none for DATE alone
            kind = coercion.DATETIME
        texts = converted(values, kind)
        missing = " OR ".join(f"{t} IS NULL" for t in texts)
        return Term(f"CASE WHEN {missing} THEN NULL ELSE {word}({', '.join(texts)}) END", kind, all(v.constant for v in values))
    return make


special("greatest")(_extreme("greatest"))
special("least")(_extreme("least"))


@special("isnull")
def _isnull(compiler, nodes):
    return Term(f"({compiler.term(nodes[0]).sql} IS NULL)", BOOLEAN)


@special("isnotnull")
def _isnotnull(compiler, nodes):
    return Term(f"({compiler.term(nodes[0]).sql} IS NOT NULL)", BOOLEAN)


define("null_or_empty", "v", BOOLEAN, "({0} IS NULL OR {0} = '')")
define("assert_true", "B|v", BOOLEAN, lambda x, *m: f"CASE WHEN {x} THEN true ELSE error('assert_true failed due to false value') END")


@special("typeof")
def _typeof(compiler, nodes):
    kind = compiler.term(nodes[0]).kind
    return Term("'" + type_name(kind).replace("'", "''") + "'", VARCHAR, True)


def type_name(kind):
    """A type as typeof() spells it."""
    if kind is None or kind.name == "NULL":
        return "boolean"
    if kind.name == "STRUCT":
        return "struct<" + ", ".join(f"`{n}` {type_name(p)}" for n, p in zip(kind.names, kind.parts)) + ">"
    if kind.parts:
        return f"{kind.name.lower()}<{','.join(type_name(p) for p in kind.parts)}>"
    if kind.name == "DECIMAL":
        return f"{kind.primitive().lower()}({kind.precision}, {kind.scale})"
    return "varchar" if coercion.is_text(kind) else kind.name.lower()


for _name, _op in (("mod", "%"), ("add", "+"), ("subtract", "-"), ("multiply", "*"), ("divide", "/"), ("int_divide", "DIV"),
                   ("bitand", "&"), ("bitor", "|"), ("bitxor", "^"), ("bit_shift_left", "<<"), ("bit_shift_right", ">>"),
                   ("bitshiftleft", "<<"), ("bitshiftright", ">>"), ("bit_shift_right_logical", ">>>"),
                   ("bitshiftrightlogical", ">>>"), ("eq", "="), ("le", "<="), ("lt", "<"), ("ge", ">="), ("gt", ">"), ("ne", "<>")):
    def _operator(compiler, nodes, op=_op, name=_name):
        if len(nodes) != 2:
            raise no_match(name, [compiler.term(n).kind for n in nodes])
        left, right = (compiler.term(n) for n in nodes)
        return arithmetic.comparison(op, left, right) if op[0] in "=<>" and op not in ("<<", ">>", ">>>") else (
            arithmetic.operation(op, left, right))
    special(_name)(_operator)


@special("bitnot")
def _bitnot(compiler, nodes):
    return arithmetic.bit_not(compiler.term(nodes[0]))


@special("negative")
def _negative(compiler, nodes):
    return arithmetic.negative(compiler.term(nodes[0]))


@special("positive")
def _positive(compiler, nodes):
    return compiler.term(nodes[0])
