"""Conditions in JSON paths: $.items[?(@.price > 10 && @.name = 'x')].

    either = both { "||" both }      both = one { "&&" one }
    one    = "(" either ")" | "@" path operator literal

A literal is a number or a text in single quotes; with a text in double quotes a condition holds for nothing [R].
"""
import operator
import re

TOKEN = re.compile(r"\s*(\|\||&&|\(|\)|@[\w.]+|[<>!]=|==|[<>=]|-?\d+(?:\.\d+)?|'[^']*')")
COMPARE = {"=": operator.eq, "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
           ">=": operator.ge}


def tokens(text):
    """The words of a condition, None when there is something else in it."""
    found, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if match is None:
            return None
        found.append(match.group(1))
        at = match.end()
    return found


def condition(text):
    """function(value) -> bool; holds for nothing when the text is no condition."""
    words = tokens(text)
    if not words:
        return lambda value: False
    try:
        made, rest = _either(words)
    except (IndexError, KeyError, ValueError):
        return lambda value: False
    return made if not rest else lambda value: False


def _either(words):
    left, words = _both(words)
    while words and words[0] == "||":
        right, words = _both(words[1:])
        left = (lambda a, b: lambda v: a(v) or b(v))(left, right)
    return left, words


def _both(words):
    left, words = _one(words)
    while words and words[0] == "&&":
        right, words = _one(words[1:])
        left = (lambda a, b: lambda v: a(v) and b(v))(left, right)
    return left, words


def _one(words):
    if words[0] == "(":
        made, rest = _either(words[1:])
        if rest[0] != ")":
            raise ValueError("a bracket is missing")
        return made, rest[1:]
    path, compare, literal = words[0].removeprefix("@").strip(".").split("."), COMPARE[words[1]], words[2]
    wanted = literal[1:-1] if literal.startswith("'") else float(literal)

    def holds(value):
        for name in path:
            if not isinstance(value, dict) or name not in value:
                return False
            value = value[name]
        return _compared(value, wanted, compare)
    return holds, words[3:]


def _compared(value, wanted, compare):
    if isinstance(wanted, str):
        return type(value) is str and compare(value, wanted)
    if isinstance(value, bool) or value is None or isinstance(value, (dict, list)) or type(value) is str:
        return False
    return compare(float(value), wanted)
