"""Prepared statements: texts with question marks."""
from rockpool.sql.lexer import tokens


class Statement:
    """A prepared statement: its text, where its question marks are, and the types sent last."""

    def __init__(self, text):
        self.text = text
        self.marks = [t.start for t in tokens(text) if t.kind == "op" and t.text == "?"]
        self.types = []
        self.long = {}

    def filled(self, values):
        pieces, at = [], 0
        for mark, value in zip(self.marks, values):
            pieces += [self.text[at:mark], "NULL" if value is None else value]
            at = mark + 1
        return "".join(pieces) + self.text[at:]
