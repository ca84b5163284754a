"""Texts. Positions count characters from 1, lengths of length() are bytes."""
from rockpool.sql import coercion
from rockpool.sql.coercion import BIGINT, BOOLEAN, INT, VARBINARY, VARCHAR
from rockpool.sql.functions.registry import converted, define, failure, no_match, special
from rockpool.sql.terms import Term

TEXTS = coercion.array(VARCHAR)

define("length", "v", INT, "CAST(strlen({0}) AS INTEGER)")
define("char_length character_length", "v", INT, "CAST(length({0}) AS INTEGER)")
define("bit_length", "v", INT, "CAST(strlen({0}) * 8 AS INTEGER)")
define("reverse", "v", VARCHAR, "reverse({0})")
define("repeat", "v,i", VARCHAR, "repeat({0}, greatest({1}, 0))")
define("space", "i", VARCHAR, "repeat(' ', greatest({0}, 0))")
define("replace", "v,v,v", VARCHAR, "CASE WHEN {1} = '' THEN {0} ELSE replace({0}, {1}, {2}) END")
define("translate", "v,v,v", VARCHAR, "translate({0}, {1}, {2})")
define("left strleft", "v,i", VARCHAR, "left({0}, greatest({1}, 0))")
define("right strright", "v,i", VARCHAR, "right({0}, greatest({1}, 0))")
define("ascii", "v", INT, "sr_ascii({0})")
define("char chr", "i", VARCHAR, "chr({0})")
define("instr", "v,v", INT, "CAST(instr({0}, {1}) AS INTEGER)")
define("starts_with", "v,v", BOOLEAN, "starts_with({0}, {1})")
define("ends_with", "v,v", BOOLEAN, "suffix({0}, {1})")
define("strcmp", "v,v", INT, "CASE WHEN {0} = {1} THEN 0 WHEN {0} < {1} THEN -1 WHEN {0} > {1} THEN 1 END")
define("find_in_set", "v,v", INT, "CASE WHEN strpos({0}, ',') > 0 THEN 0 WHEN {0} IS NULL OR {1} IS NULL THEN NULL "
       "ELSE coalesce(CAST(list_position(string_split({1}, ','), {0}) AS INTEGER), 0) END")
define("initcap", "v", VARCHAR, "sr_initcap({0})")
define("append_trailing_char_if_absent", "v,v", VARCHAR,
       "CASE WHEN length({1}) <> 1 THEN NULL WHEN suffix({0}, {1}) OR {0} = '' THEN {0} ELSE {0} || {1} END")
define("url_encode", "v", VARCHAR, "sr_url_encode({0})")
define("url_decode", "v", VARCHAR, "sr_url_decode({0})")
define("url_extract_host", "v", VARCHAR, "sr_parse_url({0}, 'HOST')")
define("parse_url", "v,v", VARCHAR, "sr_parse_url({0}, upper({1}))")
define("url_extract_parameter", "v,v", VARCHAR, "sr_url_parameter({0}, {1})")
define("split", "v,v", TEXTS, "string_split({0}, {1})")
define("split_part", "v,v,i", VARCHAR, "sr_split_part({0}, {1}, {2})")
define("substring_index", "v,v,i", VARCHAR, "sr_substring_index({0}, {1}, {2})")
define("money_format", "x", VARCHAR, lambda x: f"sr_money(CAST({x} AS DECIMAL(38,2)))")
define("format_bytes", "b", VARCHAR, "sr_format_bytes({0})")
define("unhex", "v", VARCHAR, "sr_decode(TRY(from_hex({0})))")
define("to_base64", "v", VARCHAR, "to_base64(encode({0}))")
define("from_base64", "v", VARCHAR, "sr_decode(TRY(from_base64({0})))")
define("base64_decode_string", "v", VARCHAR, "sr_decode(TRY(from_base64({0})))")
define("base64_decode_binary", "v", VARBINARY, "TRY(from_base64({0}))")
define("hex_decode_string", "v", VARCHAR, "sr_decode(TRY(from_hex({0})))")
define("hex_decode_binary", "v", VARBINARY, "TRY(from_hex({0}))")
define("inet_aton", "v", BIGINT, "sr_inet_aton({0})")
define("crc32", "v", BIGINT, "crc32({0})")
define("levenshtein", "v,v", INT, "CAST(levenshtein({0}, {1}) AS INTEGER)")
define("uuid", "", VARCHAR, "CAST(uuid() AS VARCHAR)")
define("uuid_numeric", "", coercion.LARGEINT, "CAST(hash(uuid()) AS HUGEINT) * 1000003")
define("regexp", "v,v", BOOLEAN, "regexp_matches({0}, {1})")
define("rlike", "v,v", BOOLEAN, "regexp_matches({0}, {1})")
define("like", "v,v", BOOLEAN, "({0} LIKE {1} ESCAPE '\\')")
define("regexp_extract", "v,v,b", VARCHAR, "sr_regexp_extract({0}, {1}, {2})")
define("regexp_extract_all", "v,v|b", TEXTS, lambda s, p, g="1": f"regexp_extract_all({s}, {p}, CAST({g} AS INTEGER))")
define("regexp_replace", "v,v,v", VARCHAR, "CASE WHEN {0} = '' AND {1} = '' THEN '' ELSE regexp_replace({0}, {1}, {2}, 'g') END")
define("regexp_count", "v,v", BIGINT, "CAST(len(regexp_extract_all({0}, {1})) AS BIGINT)")
define("regexp_position", "v,v|i,i", INT, "sr_regexp_position({0}, {1})")
define("regexp_split", "v,v|i", TEXTS, lambda s, p, n=None: f"regexp_split_to_array({s}, {p})")


def _substr(text, position, length=None):
    """Position 0, or before the text's beginning, gives nothing."""
    tail = f", {length}" if length is not None else ""
    guard = f" OR {length} <= 0" if length is not None else ""
    return (f"CASE WHEN {position} = 0 OR {position} < -length({text}){guard} THEN CASE WHEN {text} IS NULL OR {position} IS NULL THEN NULL ELSE '' END "
            f"ELSE substring({text}, {position}{tail}) END")


define("substr substring", "v,i|i", VARCHAR, _substr)
define("mid", "v,i|i", VARCHAR, _substr)


def _pad(word):
    def make(compiler, nodes):
        terms = [compiler.term(n) for n in nodes]
        if not 2 <= len(terms) <= 3:
            raise no_match(word, [t.kind for t in terms])
        text, size = terms[0].to(VARCHAR).sql, terms[1].to(INT).sql
        fill = terms[2].to(VARCHAR).sql if len(terms) == 3 else "' '"
        return Term(f"CASE WHEN {size} < 0 THEN NULL WHEN {fill} = '' THEN left({text}, {size}) ELSE {word}({text}, {size}, {fill}) END",
                    VARCHAR)
    return make


special("lpad")(_pad("lpad"))
special("rpad")(_pad("rpad"))


@special("locate")
def _locate(compiler, nodes):
    terms = [compiler.term(n) for n in nodes]
    if not 2 <= len(terms) <= 3:
        raise no_match("locate", [t.kind for t in terms])
    part, text = converted(terms[:2], VARCHAR)
    if len(terms) == 2:
        return Term(f"CAST(instr({text}, {part}) AS INTEGER)", INT)
    start = terms[2].to(INT).sql
    found = f"instr(substring({text}, {start}), {part})"
    return Term(f"CAST(CASE WHEN {start} <= 0 THEN 0 WHEN {found} = 0 THEN 0 ELSE {found} + {start} - 1 END AS INTEGER)", INT)


def _case(word, source, target):
    """Only the letters of ASCII, until lower_upper_support_utf8 is set."""
    def make(compiler, nodes):
        if len(nodes) != 1:
            raise no_match(word, [])
        text = compiler.term(nodes[0])
        if text.kind is not None and text.kind.parts:
            raise no_match(word, [text.kind])
        session = compiler.session
        wide = session is not None and str(session.variables.get("lower_upper_support_utf8", "false")).lower() in ("true", "1")
        sql = text.to(VARCHAR).sql
        return Term(f"{word}({sql})" if wide else f"translate({sql}, '{source}', '{target}')", VARCHAR, text.constant)
    return make


SMALL, LARGE = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
special("upper", "ucase")(_case("upper", SMALL, LARGE))
special("lower", "lcase")(_case("lower", LARGE, SMALL))


def _trim(word):
    def make(compiler, nodes):
        texts = converted([compiler.term(n) for n in nodes], VARCHAR)
        if not 1 <= len(texts) <= 2:
            raise no_match(word, [])
        return Term(f"{word}({texts[0]}, {texts[1] if len(texts) == 2 else repr(' ')})", VARCHAR)
    return make


for _word in ("trim", "ltrim", "rtrim"):
    special(_word)(_trim(_word))


@special("concat")
def _concat(compiler, nodes):
    terms = [compiler.term(n) for n in nodes]
    if not terms:
        raise no_match("concat", [])
    if any(t.kind is not None and t.kind.name == "ARRAY" for t in terms):
        from rockpool.sql.functions.arrays import concatenated
        return concatenated(terms)
    texts = converted(terms, VARCHAR)
    return Term("(" + " || ".join(texts) + ")" if len(texts) > 1 else texts[0], VARCHAR, all(t.constant for t in terms))


@special("concat_ws")
def _concat_ws(compiler, nodes):
    terms = [compiler.term(n) for n in nodes]
    if len(terms) < 2:
        raise no_match("concat_ws", [t.kind for t in terms])
    return Term(f"concat_ws({', '.join(converted(terms, VARCHAR))})", VARCHAR)


@special("hex")
def _hex(compiler, nodes):
    value = compiler.term(nodes[0])
    if value.kind is not None and (value.kind.name in coercion.INTEGERS):
        return Term(f"hex({value.to(BIGINT).sql})", VARCHAR, value.constant)
    if value.kind is not None and value.kind.name == "VARBINARY":
        return Term(f"hex({value.sql})", VARCHAR, value.constant)
    return Term(f"hex({value.to(VARCHAR).sql})", VARCHAR, value.constant)


@special("to_binary")
def _to_binary(compiler, nodes):
    text = compiler.term(nodes[0]).to(VARCHAR).sql
    form = (compiler.term(nodes[1]).literal or "hex").lower() if len(nodes) > 1 else "hex"
    make = {"hex": "TRY(from_hex({}))", "encode64": "TRY(from_base64({}))", "utf8": "encode({})"}.get(form)
    if make is None:
        raise failure(f"to_binary does not support type '{form}'")
    return Term(make.format(text), VARBINARY)


@special("from_binary")
def _from_binary(compiler, nodes):
    value = compiler.term(nodes[0]).to(VARBINARY).sql
    form = (compiler.term(nodes[1]).literal or "hex").lower() if len(nodes) > 1 else "hex"
    make = {"hex": "hex({})", "encode64": "to_base64({})", "utf8": "sr_decode({})"}.get(form)
    if make is None:
        raise failure(f"from_binary does not support type '{form}'")
    return Term(make.format(value), VARCHAR)


@special("field")
def _field(compiler, nodes):
    terms = [compiler.term(n) for n in nodes]
    kind = coercion.DOUBLE if any(not coercion.is_text(t.kind) for t in terms) else VARCHAR
    texts = converted(terms, kind)
    cases = " ".join(f"WHEN {texts[0]} = {t} THEN {n}" for n, t in enumerate(texts[1:], 1))
    return Term(f"CAST(CASE {cases} ELSE 0 END AS INTEGER)", INT)


@special("elt")
def _elt(compiler, nodes):
    terms = [compiler.term(n) for n in nodes]
    cases = " ".join(f"WHEN {n} THEN {t}" for n, t in enumerate(converted(terms[1:], VARCHAR), 1))
    return Term(f"CASE {terms[0].to(INT).sql} {cases} END", VARCHAR)

