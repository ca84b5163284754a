"""How a result column is called that has no alias."""
from sqlglot import exp

from rockpool.sql.dialect import Dialect, Pipes


class Shown(Dialect):
    class Generator(Dialect.Generator):
        TRANSFORMS = {**Dialect.Generator.TRANSFORMS,
                      Pipes: lambda self, node: f"{self.sql(node, 'this')} OR {self.sql(node, 'expression')}",
                      exp.CurrentTimestamp: lambda self, node: "now()"}


def result_name(node):
    """The column's name, or the expression as StarRocks writes it."""
    if isinstance(node, (exp.Alias, exp.Column)):
        return node.alias_or_name
    if isinstance(node, exp.Dot):
        return node.expression.name
    if isinstance(node, exp.Subquery) and node.alias:
        return node.alias
    return node.sql(dialect=Shown, normalize_functions="lower")
