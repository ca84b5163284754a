"""Maps, structs and subscripts."""
from rockpool.sql import casts, coercion
from rockpool.sql.coercion import BIGINT, BOOLEAN, INT, JSON, VARCHAR, SqlType
from rockpool.sql.functions.registry import common_kind, converted, failure, no_match, special
from rockpool.sql.scope import field_of
from rockpool.sql.terms import Term


def made_map(keys, values):
    """map{k: v, …}: of a key that occurs twice the last value counts."""
    key, value = common_kind("map", keys), common_kind("map", values)
    if key is not None and key.name == "NULL":
        key = BOOLEAN
    if value is not None and value.name == "NULL":
        value = BOOLEAN
    if None in (key, value):
        return Term(f"sr_map([{', '.join(k.sql for k in keys)}], [{', '.join(v.sql for v in values)}])", None)
    kind = coercion.mapping(key, value)
    left, right = ", ".join(converted(keys, key)), ", ".join(converted(values, value))
    return Term(f"sr_map(CAST([{left}] AS {key.duckdb()}[]), CAST([{right}] AS {value.duckdb()}[]))", kind,
                all(t.constant for t in (*keys, *values)))


@special("map")
def _map(compiler, nodes):
    terms = [compiler.term(n) for n in nodes]
    if len(terms) % 2:
        raise failure("Map function must have equal key/value parameters")
    return made_map(terms[::2], terms[1::2])


def element(value, index):
    """value[index]: arrays from 1, negative from the end; maps by key; structs by position; JSON by path."""
    kind = value.kind
    if kind is None:
        return Term(f"{value.sql}[{index.sql}]", None)
    if kind.name == "ARRAY":
        return Term(f"list_extract({value.sql}, {index.to(BIGINT).sql})", kind.parts[0])
    if kind.name == "MAP":
        return Term(f"map_extract_value({value.sql}, {index.to(kind.parts[0]).sql})", kind.parts[1])
    if kind.name == "STRUCT":
        n = int(index.literal) if index.literal is not None else 0
        n = n if n > 0 else len(kind.parts) + 1 + n
        if not 1 <= n <= len(kind.parts):
            raise failure(f"the pos {index.literal} is out of range [{-len(kind.parts)}, {len(kind.parts)}]")
        return field_of(value, kind.names[n - 1])
    if kind == JSON:
        if coercion.is_text(index.kind):
            return field_of(value, index.literal or "")
        return Term(f"sr_json_query({value.sql}, '$[' || {index.to(BIGINT).sql} || ']')", JSON)
    raise failure(f"[] is not supported on {kind.shown()}")


@special("element_at")
def _element_at(compiler, nodes):
    found = element(compiler.term(nodes[0]), compiler.term(nodes[1]))
    if len(nodes) == 2:
        return found
    default = compiler.term(nodes[2])
    return Term(f"coalesce({found.sql}, {default.to(found.kind).sql})", found.kind)


def _of_map(name, kind, make):
    @special(name)
    def _made(compiler, nodes):
        terms = [compiler.term(n) for n in nodes]
        if terms[0].kind is None or terms[0].kind.name not in ("MAP", "NULL"):
            raise no_match(name, [t.kind for t in terms])
        if terms[0].kind.name == "NULL":
            return Term("NULL", terms[0].kind)
        return Term(make.format(*[t.sql for t in terms]), kind(terms[0].kind))


_of_map("map_keys", lambda k: coercion.array(k.parts[0]), "map_keys({0})")
_of_map("map_values", lambda k: coercion.array(k.parts[1]), "map_values({0})")
_of_map("map_size", lambda k: INT, "CAST(cardinality({0}) AS INTEGER)")
_of_map("distinct_map_keys", lambda k: k, "{0}")
_of_map("map_entries", lambda k: coercion.array(SqlType("STRUCT", parts=k.parts, names=("key", "value"))), "map_entries({0})")
_of_map("map_concat", lambda k: k, "map_concat({0}, {1})")


@special("cardinality")
def _cardinality(compiler, nodes):
    value = compiler.term(nodes[0])
    word = "cardinality" if value.kind is not None and value.kind.name == "MAP" else "len"
    return Term(f"CAST({word}({value.sql}) AS INTEGER)", INT)


@special("map_from_arrays")
def _map_from_arrays(compiler, nodes):
    keys, values = (compiler.term(n) for n in nodes)
    kind = coercion.mapping(keys.kind.parts[0], values.kind.parts[0])
    return Term(f"CASE WHEN {keys.sql} IS NOT NULL AND {values.sql} IS NOT NULL THEN sr_map({keys.sql}, {values.sql}) END", kind)


@special("str_to_map")
def _str_to_map(compiler, nodes):
    texts = converted([compiler.term(n) for n in nodes], VARCHAR)
    pair, pieces = (texts[2] if len(texts) > 2 else "':'"), (texts[1] if len(texts) > 1 else "','")
    return Term(f"sr_str_to_map({texts[0]}, {pieces}, {pair})", coercion.mapping(VARCHAR, VARCHAR))


# ---------------------------------------------------------------- structs
@special("row", "struct")
def _row(compiler, nodes):
    terms = [compiler.term(n) for n in nodes]
    return _struct([f"col{n}" for n in range(1, len(terms) + 1)], terms)


@special("named_struct")
def _named(compiler, nodes):
    if len(nodes) % 2 or not nodes:
        raise failure("named_struct must have parameters in name/value pairs")
    return _struct([compiler.term(n).literal for n in nodes[::2]], [compiler.term(n) for n in nodes[1::2]])


def _struct(names, terms):
    kinds = [BOOLEAN if t.kind is not None and t.kind.name == "NULL" else t.kind for t in terms]
    fields = ", ".join(f"{casts.quoted(n)}: {t.to(k).sql if k else t.sql}" for n, t, k in zip(names, terms, kinds))
    kind = None if None in kinds else SqlType("STRUCT", parts=tuple(kinds), names=tuple(names))
    return Term(f"{{{fields}}}", kind, all(t.constant for t in terms))
