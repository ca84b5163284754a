"""A compiled expression."""
from dataclasses import dataclass

from rockpool.sql import casts


@dataclass(frozen=True)
class Term:
    """A DuckDB expression and its StarRocks type (None: unknown). constant: it holds no column."""
    sql: str
    kind: object
    constant: bool = False
    literal: object = None  # the value of a plain literal, as text
    parts: tuple = ()  # of a row (a, b)

    def to(self, kind):
        """Converted to a type."""
        return Term(casts.cast(self.sql, self.kind, kind), kind, self.constant, self.literal)
