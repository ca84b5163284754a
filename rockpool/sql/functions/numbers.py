"""Mathematics."""
from rockpool.sql import coercion
from rockpool.sql.coercion import BIGINT, BOOLEAN, DOUBLE, FLOAT, INT, LARGEINT, VARCHAR
from rockpool.sql.functions.registry import define, failure, no_match, special
from rockpool.sql.terms import Term

WIDER = {"TINYINT": coercion.SMALLINT, "SMALLINT": INT, "INT": BIGINT, "BIGINT": LARGEINT, "LARGEINT": LARGEINT}


@special("abs")
def _abs(compiler, nodes):
    value = compiler.term(nodes[0])
    kind = value.kind
    if kind is None:
        return Term(f"abs({value.sql})", None)
    if kind.parts or len(nodes) != 1:
        raise no_match("abs", [kind])
    if kind.name in WIDER:
        wide = WIDER[kind.name]
        return Term(f"abs({value.to(wide).sql})", wide, value.constant)
    if kind.name in ("DECIMAL", "FLOAT", "DOUBLE"):
        return Term(f"abs({value.sql})", kind, value.constant)
    kind = coercion.SMALLINT if kind.name in ("BOOLEAN", "NULL") else DOUBLE
    return Term(f"abs({value.to(kind).sql})", kind, value.constant)


def _finite(text):
    """Of what is not a number, StarRocks makes NULL."""
    return f"sr_finite({text})"


define("ceil ceiling dceil", "d", BIGINT, "TRY_CAST(ceil({0}) AS BIGINT)")
define("floor dfloor", "d", BIGINT, "TRY_CAST(floor({0}) AS BIGINT)")
define("sqrt dsqrt", "d", DOUBLE, _finite("sqrt({0})"))
define("cbrt", "d", DOUBLE, "cbrt({0})")
define("exp dexp", "d", DOUBLE, _finite("exp({0})"))
define("ln dlog1", "d", DOUBLE, _finite("ln({0})"))
define("log2", "d", DOUBLE, _finite("log2({0})"))
define("log10 dlog10", "d", DOUBLE, _finite("log10({0})"))
define("log", "d|d", DOUBLE, lambda a, b=None: _finite(f"ln({a})") if b is None else (
    f"CASE WHEN {a} > 0 AND {a} <> 1 AND {b} > 0 THEN " + _finite(f"ln({b}) / ln({a})") + " END"))
define("pow power fpow dpow", "d,d", DOUBLE, _finite("power({0}, {1})"))
define("square", "d", DOUBLE, "({0} * {0})")
for _name in ("sin", "cos", "tan", "asin", "acos", "atan", "degrees", "radians", "sinh", "cosh", "tanh"):
    define(_name, "d", DOUBLE, _finite(_name + "({0})"))
define("cot", "d", DOUBLE, _finite("cot({0})"))
define("atan2", "d,d", DOUBLE, "atan2({0}, {1})")
define("pi", "", DOUBLE, "pi()")
define("e", "", DOUBLE, "exp(1.0::DOUBLE)")
define("sign", "d", FLOAT, "CAST(sign({0}) AS FLOAT)")
define("fmod", "d,d", DOUBLE, "fmod({0}, nullif({1}, 0))")
define("rand random", "|b", DOUBLE, lambda *seed: "random()")
define("bin", "b", VARCHAR, "bin({0})")
define("conv", "v,i,i", VARCHAR, "sr_conv({0}, {1}, {2})")
define("bit_count", "b", INT, "CAST(bit_count({0}) AS INTEGER)")
define("isnan is_nan", "d", BOOLEAN, "isnan({0})")


@special("format")
def _format(compiler, nodes):
    """format(number, places): with commas between thousands, rounded half up."""
    if len(nodes) != 2:
        raise no_match("format", [compiler.term(n).kind for n in nodes])
    value, places = (compiler.term(n) for n in nodes)
    number = value if value.kind is not None and (coercion.is_number(value.kind) or value.kind.name == "NULL") else value.to(DOUBLE)
    return Term(f"sr_format({number.to(VARCHAR).sql}, {places.to(INT).sql})", VARCHAR)


@special("pmod")
def _pmod(compiler, nodes):
    left, right = (compiler.term(n) for n in nodes)
    kind = DOUBLE if {left.kind, right.kind} & {DOUBLE, FLOAT} or "DECIMAL" in (left.kind.name, right.kind.name) else BIGINT
    a, b = left.to(kind).sql, right.to(kind).sql
    if kind == DOUBLE:
        return Term(f"fmod(fmod({a}, nullif({b}, 0)) + {b}, nullif({b}, 0))", DOUBLE)
    return Term(f"(CASE WHEN {b} = -1 THEN 0 ELSE (({a} % nullif({b}, 0)) + {b}) % nullif({b}, 0) END)", BIGINT)


@special("round", "dround")
def _round(compiler, nodes):
    return _rounded(compiler, nodes, "round")


@special("truncate")
def _truncate(compiler, nodes):
    return _rounded(compiler, nodes, "trunc")


def _rounded(compiler, nodes, word):
    if not 1 <= len(nodes) <= 2:
        raise no_match(word, [compiler.term(n).kind for n in nodes])
    value = compiler.term(nodes[0])
    places = compiler.term(nodes[1]) if len(nodes) == 2 else None
    if value.kind is not None and value.kind.parts:
        raise no_match(word, [value.kind])
    if value.kind is not None and value.kind.name == "DECIMAL" and (places is None or places.literal is not None or not places.constant):
        return _rounded_decimal(value, places, word)
    number = value.to(DOUBLE).sql
    if places is None:
        return Term(f"TRY_CAST({word}({number}) AS BIGINT)", BIGINT, value.constant)
    return Term(f"sr_{word}({number}, {places.to(INT).sql})", DOUBLE, value.constant)


def _rounded_decimal(value, places, word):
    kind = value.kind
    if places is None or places.literal is not None:
        try:
            n = int(places.literal) if places is not None else 0
        except ValueError:
            raise failure(f"{word} needs an integer") from None
        scale = min(max(n, 0), 38)
        if kind.precision > 38:
            raise no_match(word, [kind])
        rounded = f"{word}({value.sql}, {min(n, kind.scale)})" if n < kind.scale else value.sql
        return Term(f"TRY_CAST({rounded} AS DECIMAL(38,{scale}))", coercion.decimal(38, scale), value.constant)
    number = f"sr_{word}_decimal({value.sql}, {places.to(INT).sql})"
    return Term(f"TRY_CAST({number} AS DECIMAL(38,{kind.scale}))", coercion.decimal(38, kind.scale))


