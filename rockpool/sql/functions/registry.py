"""Where the rules of functions are kept, and how a call finds its rule."""
from dataclasses import dataclass

from sqlglot import exp

from rockpool.sql import coercion
from rockpool.sql.analysis import analyzing as failure
from rockpool.sql.coercion import (BIGINT, BOOLEAN, DATE, DATETIME, DOUBLE, FLOAT, INT, JSON, LARGEINT, VARBINARY,
                                   VARCHAR)
from rockpool.sql.terms import Term

LETTERS = {"v": VARCHAR, "i": INT, "b": BIGINT, "l": LARGEINT, "d": DOUBLE, "f": FLOAT, "t": DATETIME, "D": DATE,
           "B": BOOLEAN, "j": JSON, "y": VARBINARY, "x": None}
RULES = {}  # name -> Rule
SPECIAL = {}  # name -> function(compiler, nodes) -> Term, for calls whose arguments are not plain values


@dataclass
class Rule:
    kinds: list
    least: int
    repeats: bool
    result: object  # SqlType, or function(terms) -> SqlType
    make: object  # template, or function(*argument texts) -> text
    keeps_unknown: bool = False


def define(names, kinds, result, make):
    """Adds a rule under every name."""
    needed, _, optional = kinds.partition("|")
    letters = [k for k in (needed + ("," if needed and optional else "") + optional).split(",") if k]
    repeats = bool(letters) and letters[-1].endswith("*")
    letters = [k.rstrip("*") for k in letters]
    least = len([k for k in needed.split(",") if k])
    for name in names.split():
        RULES[name] = Rule([LETTERS[k] for k in letters], least, repeats, result, make)


def special(*names):
    """A function that compiles a call from its nodes."""
    def keep(made):
        for name in names:
            SPECIAL[name] = made
        return made
    return keep


def shown(kind):
    """A type in the signature of an error."""
    if kind is None:
        return "unknown"
    if kind.name == "NULL":
        return "null_type"
    if kind.name == "VARCHAR":  # a text of no declared length
        return "varchar" if kind.length == VARCHAR.length else kind.shown()
    if kind.name == "DECIMAL":
        return f"{kind.primitive()}({kind.precision},{kind.scale})"
    if kind.parts and kind.name == "ARRAY":
        return f"array<{shown(kind.parts[0])}>"
    return kind.shown()


def no_match(name, kinds):
    return failure(f"No matching function with signature: {name}({', '.join(shown(k) for k in kinds)}).")


def common_kind(what, terms):
    try:
        return coercion.common_of([t.kind for t in terms])
    except coercion.NoCommonType as e:
        raise failure(f"Failed to get compatible type for {what} with {e}") from None


def call(compiler, name, nodes, node=None):
    """The Term of a call."""
    if name in SPECIAL:
        try:
            return SPECIAL[name](compiler, nodes)
        except (IndexError, ValueError, ZeroDivisionError):  # too few, too many, or none that can be meant
            raise no_match(name, [_kind(compiler, n) for n in nodes]) from None
    from rockpool.sql.functions import aggregates
    if name in aggregates.AGGREGATES:
        return aggregates.call(compiler, name, nodes)
    if any(isinstance(n, (exp.Distinct, exp.Order)) for n in nodes):
        raise failure(f"{name} is not an aggregate function")
    terms = [compiler.term(n) for n in nodes]
    return of_terms(name, terms)


def _kind(compiler, node):
    try:
        return compiler.term(node).kind
    except Exception:  # a lambda, or another mistake
        return None


def of_terms(name, terms):
    """A call with compiled arguments."""
    rule = RULES.get(name)
    if rule is None:
        raise no_match(name, [t.kind for t in terms])
    if len(terms) < rule.least or len(terms) > len(rule.kinds) and not rule.repeats:
        raise no_match(name, [t.kind for t in terms])
    given = []
    for n, term in enumerate(terms):
        kind = rule.kinds[min(n, len(rule.kinds) - 1)]
        if kind is not None and term.kind is not None and term.kind.parts and kind.name not in ("JSON",):
            raise no_match(name, [t.kind for t in terms])
        given.append(term.to(kind).sql if kind is not None else term.sql)
    result = rule.result(terms) if callable(rule.result) else rule.result
    text = rule.make(*given) if callable(rule.make) else rule.make.format(*given, all=", ".join(given))
    return Term(text, result, all(t.constant for t in terms))


def converted(terms, kind):
    return [t.to(kind).sql if kind is not None else t.sql for t in terms]


