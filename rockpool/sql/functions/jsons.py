"""JSON. A value is kept as its text."""


from sqlglot import exp

from rockpool.sql import casts, coercion
from rockpool.sql.coercion import BIGINT, BOOLEAN, DOUBLE, INT, JSON, VARCHAR
from rockpool.sql.functions.registry import define, no_match, special
from rockpool.sql.terms import Term

define("parse_json", "v", JSON, "sr_parse_json({0})")
define("json_string", "j", VARCHAR, "sr_json_print({0})")
define("json_length", "j|v", INT, lambda j, p="'$'": f"sr_json_length({j}, {p})")
define("json_exists", "j,v", BOOLEAN, "sr_json_exists({0}, {1})")
define("json_keys", "j|v", JSON, lambda j, p="'$'": f"sr_json_keys({j}, {p})")
define("json_contains", "j,j", BOOLEAN, "sr_json_contains({0}, {1})")
define("json_pretty", "j", VARCHAR, "sr_json_pretty({0})")
define("is_json_scalar", "j", BOOLEAN, "sr_json_is_scalar({0})")
define("json_query", "j,v", JSON, "sr_json_query({0}, {1})")
for _name, _kind, _made in (("get_json_string", VARCHAR, "sr_json_string({0}, {1})"), ("get_json_int", BIGINT, "sr_json_get_int({0}, {1})"),
                            ("get_json_double", DOUBLE, "sr_json_get_double({0}, {1})"), ("get_json_bool", BOOLEAN, "sr_json_get_bool({0}, {1})")):
    define(_name, "x,v", _kind, _made)
define("get_json_object", "x,v", VARCHAR, "sr_json_string({0}, {1})")


@special("to_json")
def _to_json(compiler, nodes):
    value = compiler.term(nodes[0])
    return Term(casts.cast(value.sql, value.kind, JSON), JSON)


@special("json_array")
def _array(compiler, nodes):
    parts = [_part(compiler.term(n)) for n in nodes]
    return Term(f"sr_json_array([{', '.join(parts)}]::VARCHAR[])", JSON)


@special("json_object")
def _object(compiler, nodes):
    if len(nodes) % 2:
        nodes = [*nodes, exp.null()]
    keys = [compiler.term(n).to(VARCHAR).sql for n in nodes[::2]]
    values = [_part(compiler.term(n)) for n in nodes[1::2]]
    return Term(f"sr_json_object([{', '.join(keys)}]::VARCHAR[], [{', '.join(values)}]::VARCHAR[])", JSON)


def _part(term):
    """A value inside a document: a text is a JSON string there, also when it looks like a document."""
    if term.kind is not None and term.kind.name == "NULL":
        return "'null'"
    if coercion.is_text(term.kind):
        return f"coalesce(CAST(to_json({term.sql}) AS VARCHAR), 'null')"
    if term.kind is None:
        raise no_match("json_object", [None])
    return f"coalesce({term.to(JSON).sql}, 'null')"
