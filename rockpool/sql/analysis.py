"""The texts of statements that are refused: found by the analyzer, by the parser, or while they are carried out."""
from rockpool.errors import SqlError


def analyzing(text, code=1064, at=None):
    """What the analyzer refuses. at: (reader, first token, last token) of the clause, where the server tells it."""
    place = _place(*at) if at else ""
    return SqlError(f"Getting analyzing error{place}. Detail message: {_ended(text)}", code)


def syntax(text, at=None):
    """What the parser refuses for another reason than an unexpected word."""
    return SqlError(f"Getting syntax error{_place(*at) if at else ''}. Detail message: {_ended(text)}")


def refused(text, code=1064):
    """What is refused while a statement is carried out: the bare text."""
    return SqlError(text, code)


def unexpected(text):
    """A refusal of the analyzer's kind that comes up while a statement is carried out."""
    return SqlError(f"Unexpected exception: {text}")


def _ended(text):
    return text if text.endswith(".") else text + "."


def _place(reader, first, last):
    begin, end = _position(reader.text, first), _position(reader.text, last)
    if begin == end:
        return f" at line {begin[0]}, column {begin[1]}"
    return f" from line {begin[0]}, column {begin[1]} to line {end[0]}, column {end[1]}"


def _position(text, token):
    before = text[:token.start]
    return before.count("\n") + 1, token.start - (before.rfind("\n") + 1)
