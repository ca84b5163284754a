"""Arrays and lambdas."""
from sqlglot import exp

from rockpool.sql import coercion
from rockpool.sql.coercion import BIGINT, BOOLEAN, DOUBLE, INT, INTEGERS, VARCHAR, SqlType
from rockpool.sql.functions.registry import common_kind, failure, no_match, shown, special
from rockpool.sql.scope import ident
from rockpool.sql.terms import Term


def part_of(term):
    return term.kind.parts[0] if term.kind is not None and term.kind.name == "ARRAY" else None


def _of_array(names, kind, make, deep=True):
    """A function of one array and further values: {0} is the array, values are converted to its elements' type."""
    def made(compiler, nodes, name=names.split()[0]):
        terms = [compiler.term(n) for n in nodes]
        first = terms[0]
        if first.kind is not None and first.kind.name == "NULL":
            return Term("NULL", first.kind)
        part = part_of(first)
        if part is None or not deep and part.parts:
            raise no_match(name, [t.kind for t in terms])
        return Term(make.format(first.sql, *[t.sql for t in terms[1:]]), kind(part), all(t.constant for t in terms))
    special(*names.split())(made)


def same(part):
    return coercion.array(part)


def _total(part):
    if part.name == "DECIMAL":
        return coercion.decimal(38, min(part.scale, 18))
    return BIGINT if part.name in INTEGERS or part.name == "BOOLEAN" else DOUBLE


_of_array("array_length", lambda p: INT, "CAST(len({0}) AS INTEGER)")
_of_array("array_distinct", same, "sr_array_distinct({0})")
_of_array("array_sort", same, "list_sort({0}, 'ASC', 'NULLS FIRST')", False)
_of_array("array_max", lambda p: p, "list_max({0})", False)
_of_array("array_min", lambda p: p, "list_min({0})", False)
_of_array("reverse array_reverse", same, "list_reverse({0})")
_of_array("array_difference", lambda p: same(_total(p)), "sr_array_difference({0})", False)
_of_array("array_cum_sum", lambda p: same(_total(p)), "sr_array_cum_sum({0})", False)
_of_array("array_flatten", lambda p: p, "flatten({0})")
_of_array("array_top_n", same, "list_slice(list_sort({0}, 'DESC', 'NULLS LAST'), 1, {1})")


def _summed(name, average):
    @special(name)
    def made(compiler, nodes):
        value = compiler.term(nodes[0])
        if value.kind is not None and value.kind.name == "NULL":
            return Term("NULL", value.kind)
        part = part_of(value)
        if part is None or part.parts or part.name in coercion.DATES and not average:
            raise no_match(name, [value.kind])
        kind = _total(part)
        items = value.to(coercion.array(kind)).sql if kind != part else value.sql
        if not average:
            total = f"list_sum({items})"
            return Term(f"sr_wrap64({total})" if kind == BIGINT else f"CAST({total} AS {kind.duckdb()})", kind)
        if kind.name == "DECIMAL":
            from rockpool.sql import arithmetic
            found = arithmetic.operation("/", Term(f"CAST(list_sum({value.sql}) AS DECIMAL(38,{part.scale}))",
                                                   coercion.decimal(38, part.scale)), Term(f"len({value.sql})", BIGINT))
            return Term(found.sql, found.kind)
        return Term(f"CAST(list_sum({items}) AS DOUBLE) / nullif(len({value.sql}), 0)", DOUBLE)


_summed("array_sum", False)
_summed("array_avg", True)


@special("reverse")
def _reverse(compiler, nodes):
    value = compiler.term(nodes[0])
    if part_of(value) is not None:
        return Term(f"list_reverse({value.sql})", value.kind)
    return Term(f"reverse({value.to(VARCHAR).sql})", VARCHAR)


# ---------------------------------------------------------------- arrays and values
def _pair(compiler, nodes, name):
    """An array and a value in one type of elements."""
    array, value = (compiler.term(n) for n in nodes[:2])
    if part_of(array) is None:
        if array.kind is not None and array.kind.name == "NULL":
            return array, value, value.kind
        raise no_match(name, [array.kind, value.kind])
    kind = common_kind(name, [Term("", array.kind.parts[0]), value])
    return array.to(coercion.array(kind)), value.to(kind), kind


@special("array_contains")
def _contains(compiler, nodes):
    array, value, _ = _pair(compiler, nodes, "array_contains")
    return Term(f"sr_has({array.sql}, {value.sql})", BOOLEAN)


@special("array_position")
def _position(compiler, nodes):
    array, value, _ = _pair(compiler, nodes, "array_position")
    return Term(f"CASE WHEN {array.sql} IS NOT NULL THEN CAST(CASE WHEN {value.sql} IS NULL THEN "
                f"coalesce(list_position(list_transform({array.sql}, lambda f_: f_ IS NULL), true), 0) ELSE "
                f"coalesce(list_position({array.sql}, {value.sql}), 0) END AS INTEGER) END", INT)


@special("array_append")
def _append(compiler, nodes):
    array, value, kind = _pair(compiler, nodes, "array_append")
    return Term(f"CASE WHEN {array.sql} IS NOT NULL THEN list_append({array.sql}, {value.sql}) END", coercion.array(kind))


@special("array_remove")
def _remove(compiler, nodes):
    array, value, kind = _pair(compiler, nodes, "array_remove")
    return Term(f"list_filter({array.sql}, lambda f_: f_ IS DISTINCT FROM {value.sql})", coercion.array(kind))


def _common_arrays(compiler, nodes, name):
    terms = [compiler.term(n) for n in nodes]
    kind = common_kind(name, terms)
    if kind is None or kind.name != "ARRAY":
        raise no_match(name, [t.kind for t in terms])
    return [t.to(kind).sql for t in terms], kind


def concatenated(terms):
    kind = common_kind("array_concat", terms)
    texts = [t.to(kind).sql for t in terms]
    missing = " OR ".join(f"{t} IS NULL" for t in texts)
    made = texts[0]
    for text in texts[1:]:
        made = f"list_concat({made}, {text})"
    return Term(f"CASE WHEN {missing} THEN NULL ELSE {made} END", kind)


@special("array_concat")
def _concat(compiler, nodes):
    return concatenated([compiler.term(n) for n in nodes])


@special("array_intersect")
def _intersect(compiler, nodes):
    texts, kind = _common_arrays(compiler, nodes, "array_intersect")
    made = texts[0]
    for text in texts[1:]:
        made = f"list_filter({made}, lambda f_: list_contains({text}, f_))"
    return Term(f"sr_array_distinct({made})", kind)


def _of_two(name, macro):
    @special(name)
    def made(compiler, nodes):
        for n, node in enumerate(nodes, 1):
            kind = compiler.term(node).kind
            if kind is not None and kind.name not in ("ARRAY", "NULL"):
                raise failure(f"{n}-th input of {name} should be an array, rather than {shown(kind)}")
        terms = [compiler.term(n) for n in nodes]
        if any(t.kind is not None and t.kind.name == "NULL" for t in terms):
            return Term("CAST(NULL AS BOOLEAN)", BOOLEAN)
        texts, _ = _common_arrays(compiler, nodes, name)
        return Term(f"{macro}({texts[0]}, {texts[1]})", BOOLEAN)


_of_two("arrays_overlap", "sr_arrays_overlap")
_of_two("array_contains_all", "sr_contains_all")
_of_two("array_contains_seq", "sr_contains_seq")


@special("array_join")
def _join(compiler, nodes):
    terms = [compiler.term(n) for n in nodes]
    array, mark = terms[0].to(coercion.array(VARCHAR)).sql, terms[1].to(VARCHAR).sql
    if len(terms) > 2:
        array = f"list_transform({array}, lambda f_: coalesce(f_, {terms[2].to(VARCHAR).sql}))"
    return Term(f"array_to_string({array}, {mark})", VARCHAR)


@special("array_generate")
def _generate(compiler, nodes):
    numbers = [compiler.term(n).to(BIGINT).sql for n in nodes]
    if len(numbers) == 1:
        numbers.insert(0, "1::BIGINT")
    if len(numbers) == 2:
        numbers.append(f"CASE WHEN {numbers[0]} <= {numbers[1]} THEN 1 ELSE -1 END")
    return Term(f"generate_series({', '.join(numbers)})", coercion.array(BIGINT))


@special("array_repeat")
def _repeat(compiler, nodes):
    value, count = (compiler.term(n) for n in nodes)
    return Term(f"list_transform(range(greatest({count.to(BIGINT).sql}, 0)), lambda f_: {value.sql})", coercion.array(value.kind))


@special("array_slice")
def _slice(compiler, nodes):
    terms = [compiler.term(n) for n in nodes]
    array, start = terms[0].sql, terms[1].to(BIGINT).sql
    stop = f"{start} + {terms[2].to(BIGINT).sql} - 1" if len(terms) > 2 else f"len({array})"
    begin = f"CASE WHEN {start} < 0 THEN len({array}) + 1 + {start} ELSE {start} END"
    stop = stop.replace(start, f"({begin})", 1) if len(terms) > 2 else stop
    return Term(f"CASE WHEN {start} = 0 THEN NULL ELSE list_slice({array}, greatest({begin}, 1), {stop}) END", terms[0].kind)


# ---------------------------------------------------------------- lambdas
def _lambda(compiler, nodes):
    """(the lambda, its arrays as Terms) in whatever order they are written."""
    made = [n for n in nodes if isinstance(n, exp.Lambda)]
    arrays = [compiler.term(n) for n in nodes if not isinstance(n, exp.Lambda)]
    return (made[0] if made else None), arrays


def body_of(compiler, made, variables):
    """The body of a lambda, its variables bound to Terms."""
    from rockpool.sql.expressions import Expressions
    inner = Expressions(compiler.session, compiler.queries, compiler.scope.inner(variables))
    inner.aliases = compiler.aliases
    return inner.term(made.this)


def applied(compiler, made, arrays, name):
    """(what is iterated, the body's Term): several arrays go in step, as structs."""
    names = [e.name for e in made.expressions]
    if len(names) != len(arrays) or any(part_of(a) is None for a in arrays):
        raise failure(f"Lambda function of {name} has {len(names)} arguments for {len(arrays)} arrays")
    it = ident("l_" + "_".join(names))
    if len(arrays) == 1:
        body = body_of(compiler, made, {names[0].lower(): Term(it, part_of(arrays[0]))})
        return arrays[0].sql, it, body
    variables = {n.lower(): Term(f"struct_extract_at({it}, {k})", part_of(a)) for k, (n, a) in enumerate(zip(names, arrays), 1)}
    return f"list_zip({', '.join(a.sql for a in arrays)})", it, body_of(compiler, made, variables)


@special("array_map", "transform")
def _array_map(compiler, nodes):
    made, arrays = _lambda(compiler, nodes)
    if made is None or not arrays:
        raise no_match("array_map", [a.kind for a in arrays])
    rows, it, body = applied(compiler, made, arrays, "array_map")
    kind = BOOLEAN if body.kind is not None and body.kind.name == "NULL" else body.kind
    missing = " OR ".join(f"{a.sql} IS NULL" for a in arrays)
    return Term(f"CASE WHEN {missing} THEN NULL ELSE list_transform({rows}, lambda {it}: {body.sql}) END", coercion.array(kind) if kind else None)


@special("array_filter", "filter")
def _array_filter(compiler, nodes):
    made, arrays = _lambda(compiler, nodes)
    if made is None:
        rows, marks = arrays
        zipped = f"list_zip({rows.sql}, {marks.to(coercion.array(BOOLEAN)).sql})"
        kept = f"list_filter({zipped}, lambda f_: struct_extract_at(f_, 2) AND struct_extract_at(f_, 1) IS NOT DISTINCT FROM struct_extract_at(f_, 1))"
        return Term(f"list_transform({kept}, lambda f_: struct_extract_at(f_, 1))", rows.kind)
    rows, it, body = applied(compiler, made, arrays, "array_filter")
    kept = f"list_filter({rows}, lambda {it}: {body.to(BOOLEAN).sql})"
    if len(arrays) > 1:
        kept = f"list_transform({kept}, lambda f_: struct_extract_at(f_, 1))"
    return Term(kept, arrays[0].kind)


def _matching(name, word):
    @special(name)
    def made(compiler, nodes):
        lam, arrays = _lambda(compiler, nodes)
        if lam is not None:
            rows, it, body = applied(compiler, lam, arrays, name)
            marks = f"list_transform({rows}, lambda {it}: {body.to(BOOLEAN).sql})"
        else:
            marks = arrays[0].to(coercion.array(BOOLEAN)).sql
        empty = "true" if word == "bool_and" else "false"
        decided = "false" if word == "bool_and" else "true"
        return Term(f"CASE WHEN {marks} IS NULL THEN NULL WHEN list_contains({marks}, {decided}) THEN {decided} "
                    f"WHEN len({marks}) <> len(list_filter({marks}, lambda f_: f_ IS NOT NULL)) THEN NULL ELSE {empty} END", BOOLEAN)


_matching("all_match", "bool_and")
_matching("any_match", "bool_or")


@special("array_sortby")
def _sortby(compiler, nodes):
    made, arrays = _lambda(compiler, nodes)
    if made is not None:
        rows, it, body = applied(compiler, made, arrays, "array_sortby")
        keys = f"list_transform({rows}, lambda {it}: {body.sql})"
    else:
        keys = arrays[1].sql
    pairs = (f"list_sort(list_transform(list_zip({keys}, {arrays[0].sql}, range(len({keys}))), lambda f_: {{'k': struct_extract_at(f_, 1), "
             f"'n': struct_extract_at(f_, 3), 'v': struct_extract_at(f_, 2)}}), 'ASC', 'NULLS FIRST')")
    return Term(f"list_transform({pairs}, lambda f_: f_.v)", arrays[0].kind)


def _of_map_lambda(name, make):
    @special(name)
    def made(compiler, nodes):
        lam, maps = _lambda(compiler, nodes)
        if lam is None or not maps or maps[0].kind is None or maps[0].kind.name != "MAP":
            raise no_match(name, [m.kind for m in maps])
        it = ident("m_")
        key, value = maps[0].kind.parts
        names = [e.name.lower() for e in lam.expressions]
        variables = dict(zip(names, (Term(f"{it}.key", key), Term(f"{it}.value", value))))
        body = body_of(compiler, lam, variables)
        return make(maps[0], it, body)


def _filtered_map(value, it, body):
    return Term(f"map_from_entries(list_filter(map_entries({value.sql}), lambda {it}: {body.to(BOOLEAN).sql}))", value.kind)


def _mapped(value, it, body):
    kind = coercion.mapping(body.parts[0].kind, body.parts[1].kind)
    return Term(f"map_from_entries(list_transform(map_entries({value.sql}), lambda {it}: {{'k': {body.parts[0].sql}, 'v': {body.parts[1].sql}}}))", kind)


_of_map_lambda("map_filter", _filtered_map)
_of_map_lambda("map_apply", _mapped)


def _of_side(name, side):
    """transform_keys and transform_values: the lambda sees (key, value) and gives one of them."""
    def make(value, it, body):
        key, own = value.kind.parts
        pair = (body.sql, f"{it}.value") if side == 0 else (f"{it}.key", body.sql)
        kind = coercion.mapping(body.kind, own) if side == 0 else coercion.mapping(key, body.kind)
        return Term(f"map_from_entries(list_transform(map_entries({value.sql}), lambda {it}: {{'k': {pair[0]}, 'v': {pair[1]}}}))", kind)
    _of_map_lambda(name, make)


_of_side("transform_keys", 0)
_of_side("transform_values", 1)


@special("arrays_zip")
def _zip(compiler, nodes):
    terms = [compiler.term(n) for n in nodes]
    kind = SqlType("STRUCT", parts=tuple(part_of(t) for t in terms), names=tuple(f"col{n}" for n in range(1, len(terms) + 1)))
    fields = ", ".join(f"'col{n}': struct_extract_at(f_, {n})" for n in range(1, len(terms) + 1))
    return Term(f"list_transform(list_zip({', '.join(t.sql for t in terms)}), lambda f_: {{{fields}}})", coercion.array(kind))
