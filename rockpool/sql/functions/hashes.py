"""Digests and checksums. Several arguments are chained; a NULL among them gives NULL, but md5sum leaves it out."""
from rockpool.sql.coercion import BIGINT, INT, LARGEINT, VARCHAR
from rockpool.sql.functions.registry import converted, define, no_match, special
from rockpool.sql.terms import Term

define("md5", "v", VARCHAR, "md5({0})")
define("sha1", "v", VARCHAR, "sha1({0})")
define("sha2", "v,i", VARCHAR, "sr_sha2({0}, {1})")


def _chained(name, first, kind, wrap="{}"):
    """A hash whose result seeds the next argument's."""
    def make(compiler, nodes):
        terms = [compiler.term(n) for n in nodes]
        if not terms or any(t.kind is not None and t.kind.parts for t in terms):
            raise no_match(name, [t.kind for t in terms])
        texts = converted(terms, VARCHAR)
        made = f"{first}({texts[0]})"
        for text in texts[1:]:
            made = f"{first}_seeded({text}, {made})"
        return Term(wrap.format(made), kind, all(t.constant for t in terms))
    special(name)(make)


_chained("murmur_hash3_32", "murmur_hash3_32", INT)
_chained("xx_hash3_64", "xx_hash3_64", BIGINT)
_chained("xx_hash32", "xx_hash32", INT)
_chained("xx_hash64", "xx_hash64", BIGINT)


def _joined(compiler, nodes, name):
    terms = [compiler.term(n) for n in nodes]
    if not terms:
        raise no_match(name, [])
    return converted(terms, VARCHAR)


@special("xx_hash3_128")
def _wide(compiler, nodes):
    return Term(f"xx_hash3_128({' || '.join(_joined(compiler, nodes, 'xx_hash3_128'))})", LARGEINT)


@special("md5sum")
def _md5sum(compiler, nodes):
    return Term(f"md5(concat({', '.join(_joined(compiler, nodes, 'md5sum'))}))", VARCHAR)


@special("md5sum_numeric")
def _md5sum_numeric(compiler, nodes):
    return Term(f"sr_md5_number(md5(concat({', '.join(_joined(compiler, nodes, 'md5sum_numeric'))})))", VARCHAR)
