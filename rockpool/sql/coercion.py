"""Which type an expression has: literals, common types, arithmetic and comparison, as StarRocks' analyzer decides.

Sources of the rules: TypeManager.java, ArithmeticExpr.java, DecimalV3FunctionAnalyzer.java.
A type is a SqlType; UNKNOWN (None) where an expression is left to the store, NULL for a bare NULL.
"""
import re

from rockpool.sqltypes import STRING_LENGTH, SqlType

NULL = SqlType("NULL")
BOOLEAN, TINYINT, SMALLINT, INT = SqlType("BOOLEAN"), SqlType("TINYINT"), SqlType("SMALLINT"), SqlType("INT")
BIGINT, LARGEINT = SqlType("BIGINT"), SqlType("LARGEINT")
FLOAT, DOUBLE, DATE, DATETIME = SqlType("FLOAT"), SqlType("DOUBLE"), SqlType("DATE"), SqlType("DATETIME")
TIME, JSON = SqlType("TIME"), SqlType("JSON")
VARCHAR = SqlType("VARCHAR", STRING_LENGTH)
VARBINARY = SqlType("VARBINARY")
INTEGERS = ("TINYINT", "SMALLINT", "INT", "BIGINT", "LARGEINT")
FLOATS = ("FLOAT", "DOUBLE")
DATES = ("DATE", "DATETIME")
BOUNDS = ((7, TINYINT), (15, SMALLINT), (31, INT), (63, BIGINT), (127, LARGEINT))
DIGITS = {"BOOLEAN": 1, "TINYINT": 3, "SMALLINT": 5, "INT": 10, "BIGINT": 19, "LARGEINT": 38}
WIDER = {"BOOLEAN": BOOLEAN, "TINYINT": SMALLINT, "SMALLINT": INT, "INT": BIGINT, "BIGINT": BIGINT, "LARGEINT": LARGEINT}


class NoCommonType(Exception):
    """Two types that nothing holds."""


def decimal(precision, scale):
    return SqlType("DECIMAL", precision=precision, scale=scale)


def array(part):
    return SqlType("ARRAY", parts=(part,))


def mapping(key, value):
    return SqlType("MAP", parts=(key, value))


def is_text(kind):
    return kind is not None and kind.name in ("VARCHAR", "CHAR")


def is_exact(kind):
    return kind is not None and (kind.name in INTEGERS or kind.name == "DECIMAL")


def is_number(kind):
    return is_exact(kind) or kind is not None and kind.name in FLOATS


def of_number(text):
    """The type of a number literal."""
    if re.fullmatch(r"-?\d+", text):
        n = int(text)
        for bits, kind in BOUNDS:
            if -(1 << bits) <= n < 1 << bits:
                return kind
        return decimal(len(text), 0) if len(text) <= 38 else DOUBLE
    if "e" in text.lower():
        return DOUBLE
    whole, _, fraction = text.lstrip("-").partition(".")
    whole = whole.lstrip("0")
    precision = max(len(whole) + len(fraction), 1)
    return decimal(precision, len(fraction)) if precision <= 76 else DOUBLE


# ---------------------------------------------------------------- one type for several values
def common(left, right):
    """The type of CASE, IF, COALESCE, UNION, array elements."""
    if left is None or right is None:
        return None
    if left == right or "NULL" in (left.name, right.name):
        return right if left.name == "NULL" else left
    if left.parts or right.parts:
        return _common_nested(left, right)
    if is_text(left) or is_text(right):
        return SqlType("VARCHAR", max(left.length or STRING_LENGTH, right.length or STRING_LENGTH))
    if "JSON" in (left.name, right.name):
        return JSON
    if "DECIMAL" in (left.name, right.name):
        return _common_decimal(left, right)
    if left.name in DATES and right.name in DATES:
        return DATETIME
    ranks = ("BOOLEAN",) + INTEGERS + FLOATS
    if left.name in ranks and right.name in ranks:
        wide, other = sorted((left, right), key=lambda k: -ranks.index(k.name))
        if wide.name == "FLOAT" and other.name in ("INT", "BIGINT", "LARGEINT"):
            return DOUBLE
        return wide
    if {left.name, right.name} & set(DATES) and (left.name in ranks or right.name in ranks):
        return DOUBLE if {left.name, right.name} & set(FLOATS) else BIGINT if "DATETIME" in (left.name, right.name) else (
            left if left.name in INTEGERS else right)
    raise NoCommonType(f"{left.name} and {right.name}")


def _common_nested(left, right):
    if left.name != right.name or len(left.parts) != len(right.parts):
        if "JSON" in (left.name, right.name):
            return JSON
        raise NoCommonType(f"{left.shown()} and {right.shown()}")
    parts = tuple(common(a, b) for a, b in zip(left.parts, right.parts))
    return None if None in parts else SqlType(left.name, parts=parts, names=left.names)


def _common_decimal(left, right):
    if is_exact(left) or left.name == "BOOLEAN":
        if is_exact(right) or right.name == "BOOLEAN":
            left, right = as_decimal(left), as_decimal(right)
            scale = max(left.scale, right.scale)
            precision = max(left.precision - left.scale, right.precision - right.scale) + scale
            wide = left.precision > 38 or right.precision > 38
            return DOUBLE if precision > (76 if wide else 38) else decimal(precision, scale)
    return DOUBLE


def as_decimal(kind):
    return kind if kind.name == "DECIMAL" else decimal(DIGITS.get(kind.name, 38), 0)


def common_of(kinds):
    found = NULL
    for kind in kinds:
        found = common(found, kind)
        if found is None:
            return None
    return found


# ---------------------------------------------------------------- comparison
def compared(left, right, by_order):
    """The type two values are compared in. by_order: < and the like, and BETWEEN."""
    if left is None or right is None:
        return None
    if left == right or "NULL" in (left.name, right.name):
        return right if left.name == "NULL" else left
    if left.parts or right.parts:
        return common(left, right)
    if is_text(left) and is_text(right):
        return VARCHAR
    if not by_order and (is_text(left) and is_exact(right) or is_exact(left) and is_text(right)):
        return VARCHAR
    if "JSON" in (left.name, right.name):
        return JSON
    if "DECIMAL" in (left.name, right.name):
        return _common_decimal(left, right)
    dates = [k for k in (left, right) if k.name in DATES]
    if dates:
        if all(is_text(k) or k.name in DATES for k in (left, right)):
            return DATETIME
        return dates[0] if any(k.name in INTEGERS for k in (left, right)) else DOUBLE
    ranks = ("BOOLEAN",) + INTEGERS
    if left.name in ranks and right.name in ranks:
        return max(left, right, key=lambda k: ranks.index(k.name))
    if "VARBINARY" in (left.name, right.name):
        return VARBINARY
    return DOUBLE


def compared_in(kinds, by_order):
    """The type of IN lists and BETWEEN."""
    found = kinds[0]
    for kind in kinds[1:]:
        found = compared(found, kind, by_order)
        if found is None:
            return None
    if found.name in ("VARCHAR", "DATETIME") and kinds[0].name in DATES:
        return kinds[0] if all(is_text(k) or k == kinds[0] for k in kinds) else DATETIME
    return found


# ---------------------------------------------------------------- arithmetic
def number_of(kind):
    """What a value counts as in arithmetic: texts and dates are doubles."""
    if kind.name == "NULL":
        return TINYINT
    if kind.name == "BOOLEAN":
        return TINYINT
    if kind.name in INTEGERS or kind.name == "DECIMAL":
        return kind
    return DOUBLE


def arithmetic(op, left, right):
    """(type of the left side, of the right side, of the result) of + - * / % DIV and the bit operators."""
    left, right = number_of(left), number_of(right)
    bits = op in ("&", "|", "^", "<<", ">>", ">>>")
    if op in ("<<", ">>", ">>>"):
        kind = left if left.name in INTEGERS else BIGINT
        return kind, BIGINT, kind
    if "DECIMAL" in (left.name, right.name):
        if bits:
            return BIGINT, BIGINT, BIGINT
        if DOUBLE in (left, right):
            return (DOUBLE, DOUBLE, DOUBLE) if op != "DIV" else (BIGINT, BIGINT, BIGINT)
        return decimal_arithmetic(op, _operand(left), _operand(right))
    if DOUBLE in (left, right):
        kind = BIGINT if bits or op == "DIV" else DOUBLE
        return kind, kind, kind
    kind = max(left, right, key=lambda k: INTEGERS.index(k.name))
    if op in "+-*" and len(op) == 1:
        kind = WIDER[kind.name]
    if op == "/":
        kind = DOUBLE
    return kind, kind, kind


def _operand(kind):
    """An integer beside a decimal."""
    if kind.name == "DECIMAL":
        return kind
    return decimal({"LARGEINT": 38, "BIGINT": 18}.get(kind.name, 9), 0)


def decimal_arithmetic(op, left, right):
    limit = 76 if left.precision > 38 or right.precision > 38 else 38
    scale = max(left.scale, right.scale)
    if op in ("+", "-"):
        whole = max(left.precision - left.scale, right.precision - right.scale)
        return left, right, decimal(min(whole + scale + 1, limit), scale)
    if op == "*":
        if left.scale + right.scale > limit:
            raise NoCommonType(f"Return scale({left.scale + right.scale}) exceeds maximum value({limit}), please cast "
                               "decimal type to low-precision one")
        return left, right, decimal(min(left.precision + right.precision, limit), left.scale + right.scale)
    if op == "%":
        wide = 38 if max(left.precision, right.precision) > 18 else 18
        return left, right, decimal(max(wide, limit if limit > 38 else 0), scale)
    quotient = left.scale + 6 if left.scale <= 6 else 12 if left.scale <= 12 else left.scale
    if quotient + right.scale > limit:
        raise NoCommonType(f"Dividend fails to adjust scale to {quotient + right.scale} that exceeds maximum value({limit})")
    return left, right, BIGINT if op == "DIV" else decimal(limit, quotient)
