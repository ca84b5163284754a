"""Functions that DuckDB can express itself."""
MIN64, SIZE64 = "9223372036854775808::HUGEINT", "18446744073709551616::HUGEINT"
# texts of values of types that only the store knows: booleans 1 and 0, no ".0", six digits of a fraction
TEXT = """CASE typeof(x)
    WHEN 'BOOLEAN' THEN CASE x::VARCHAR WHEN 'true' THEN '1' WHEN 'false' THEN '0' END
    WHEN 'DOUBLE' THEN CASE WHEN suffix(x::VARCHAR, '.0') THEN left(x::VARCHAR, -2) ELSE x::VARCHAR END
    WHEN 'FLOAT' THEN CASE WHEN suffix(x::VARCHAR, '.0') THEN left(x::VARCHAR, -2) ELSE x::VARCHAR END
    WHEN 'TIMESTAMP' THEN CASE WHEN length(x::VARCHAR) > 19 THEN rpad(x::VARCHAR, 26, '0') ELSE x::VARCHAR END
    ELSE x::VARCHAR END"""
MACROS = {
    "sr_text(x)": TEXT,
    "sr_float_text(x)": "CASE WHEN suffix(x, '.0') THEN left(x, -2) ELSE x END",
    "sr_datetime_text(x)": "CASE WHEN epoch_us(x) % 1000000 = 0 THEN strftime(x, '%Y-%m-%d %H:%M:%S') "
                           "ELSE strftime(x, '%Y-%m-%d %H:%M:%S.%f') END",
    # whole months from a to b, by the day and time of day within the month
    "sr_months(a, b)": "(year(b) - year(a)) * 12 + month(b) - month(a) + CASE "
                       "WHEN b >= a AND (b - date_trunc('month', b)) < (a - date_trunc('month', a)) THEN -1 "
                       "WHEN b < a AND (b - date_trunc('month', b)) > (a - date_trunc('month', a)) THEN 1 ELSE 0 END",
    "sr_time_text(x)": "CASE WHEN x < 0 THEN '-' ELSE '' END || printf('%02d:%02d:%02d', CAST(abs(x) AS BIGINT) // 3600, "
                       "CAST(abs(x) AS BIGINT) % 3600 // 60, CAST(abs(x) AS BIGINT) % 60)",
    "sr_decode(x)": "TRY(decode(x))",
    # two's complement: what does not fit 64 bits wraps around, as the server's own arithmetic does
    "sr_wrap64(x)": f"CASE WHEN x BETWEEN -{MIN64} AND 9223372036854775807::HUGEINT THEN CAST(x AS BIGINT) ELSE "
                    f"CAST((x + {MIN64}) % {SIZE64} + CASE WHEN (x + {MIN64}) % {SIZE64} < 0 THEN {SIZE64} ELSE 0::HUGEINT END "
                    f"- {MIN64} AS BIGINT) END",
    "sr_finite(x)": "CASE WHEN isfinite(x) THEN x END",
    "sr_to_double(x)": "CASE WHEN regexp_full_match(x, '[ \\t\\n\\r\\v\\f]*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[ \\t\\n\\r\\v\\f]*') "
                       "THEN sr_finite(TRY_CAST(trim(x, chr(32) || chr(9) || chr(10) || chr(13) || chr(11) || chr(12)) AS DOUBLE)) END",
    "sr_rounded_quotient(a, b)": "CASE WHEN b = 0 THEN NULL ELSE a // b + CASE WHEN abs(a % b) * 2 >= abs(b) THEN "
                                 "CASE WHEN (a < 0) = (b < 0) THEN 1 ELSE -1 END ELSE 0 END END",
    "sr_decimal_quotient(a, b, s, t)": "CASE WHEN s >= t THEN a // nullif(b * CAST(power(10, s - t) AS HUGEINT), 0) "
                                       "ELSE a * CAST(power(10, t - s) AS HUGEINT) // nullif(b, 0) END",
    "sr_round(x, n)": "CASE WHEN n > 300 THEN x ELSE round(x, n) END",
    "sr_trunc(x, n)": "CASE WHEN n > 15 THEN x WHEN n >= 0 THEN CAST(trunc(CAST(x * power(10, n) AS DOUBLE)) / power(10, n) AS DOUBLE) "
                      "ELSE trunc(x / power(10, -n)) * power(10, -n) END",
    "sr_round_decimal(x, n)": "CASE WHEN n IS NULL THEN NULL ELSE round(CAST(x AS DOUBLE), n) END",
    "sr_trunc_decimal(x, n)": "CASE WHEN n IS NULL THEN NULL ELSE sr_trunc(CAST(x AS DOUBLE), n) END",
    "sr_in_range(t)": "CASE WHEN t BETWEEN TIMESTAMP '0000-01-01 00:00:00' AND TIMESTAMP '9999-12-31 23:59:59.999999' THEN t END",
    "sr_ascii(x)": "CASE WHEN x = '' THEN 0 ELSE CAST('0x' || left(hex(encode(x)), 2) AS INTEGER) END",
    # [R] a shift by less than nothing or by all bits leaves 0
    "sr_shift_left(x, n, bits)": "CASE WHEN n < 0 OR n >= bits THEN 0 ELSE sr_signed((CAST(x AS HUGEINT) & (pow2(bits - n) - 1)) "
                                 "* pow2(n), bits) END",
    "sr_shift_right(x, n, bits)": "CASE WHEN n < 0 OR n >= bits THEN 0 ELSE CAST(x AS HUGEINT) >> CAST(n AS INTEGER) END",
    "sr_shift_right_logical(x, n, bits)": "CASE WHEN n < 0 OR n >= bits THEN 0 WHEN n = 0 THEN CAST(x AS HUGEINT) "
                                          "ELSE sr_signed((CAST(x AS HUGEINT) & (pow2(bits) - 1)) >> CAST(n AS INTEGER), bits) END",
    "sr_array_distinct(x)": "CASE WHEN x IS NULL THEN NULL ELSE list_filter(x, lambda v_, i_: list_position(x, v_) = i_ "
                            "OR (v_ IS NULL AND len(list_filter(x[1:i_], lambda w_: w_ IS NULL)) = 1)) END",
    "sr_kept_distinct(x)": "sr_array_distinct(list_filter(x, lambda v_: v_ IS NOT NULL))",
    "sr_has(x, v)": "CASE WHEN v IS NULL THEN len(x) <> len(list_filter(x, lambda w_: w_ IS NOT NULL)) ELSE list_contains(x, v) END",
    # NULL is an element like any other
    "sr_arrays_overlap(x, y)": "CASE WHEN x IS NULL OR y IS NULL THEN NULL ELSE len(list_filter(x, lambda v_: sr_has(y, v_))) > 0 END",
    "sr_contains_all(x, y)": "CASE WHEN x IS NULL OR y IS NULL THEN NULL ELSE len(list_filter(y, lambda v_: NOT sr_has(x, v_))) = 0 END",
    "sr_contains_seq(x, y)": "CASE WHEN x IS NULL OR y IS NULL THEN NULL WHEN len(y) = 0 THEN true ELSE "
                             "len(list_filter(x, lambda v_, i_: x[i_:i_ + len(y) - 1] IS NOT DISTINCT FROM y)) > 0 END",
    "sr_array_difference(x)": "list_transform(x, lambda v_, i_: CASE WHEN i_ = 1 THEN 0 ELSE v_ - x[i_ - 1] END)",
    "sr_array_cum_sum(x)": "list_transform(x, lambda v_, i_: list_sum(x[1:i_]))",
    # the last of equal keys wins
    "sr_map(k, v)": "map_from_entries(list_filter(list_transform(k, lambda a_, i_: {'k': a_, 'v': v[i_]}), "
                    "lambda e_, i_: NOT list_contains(k[i_ + 1:], e_.k)))",
    "sr_map_agg(x)": "map_from_entries(list_filter(x, lambda e_, i_: e_ IS NOT NULL AND "
                     "len(list_filter(x[1:i_ - 1], lambda o_: o_.k = e_.k)) = 0))",
    "map_extract_value(m, k)": "map_extract(m, k)[1]",
    "sr_str_to_map(x, p, q)": "sr_map(list_transform(string_split(x, p), lambda e_: split_part(e_, q, 1)), "
                              "list_transform(string_split(x, p), lambda e_: CASE WHEN contains(e_, q) THEN "
                              "substring(e_, strpos(e_, q) + length(q)) END))",
    "sr_regexp_extract(s, p, g)": "CASE WHEN g < 0 THEN '' ELSE TRY(regexp_extract_all(s, p, CAST(g AS INTEGER))[1]) END",
    "sr_regexp_position(s, p)": "CASE WHEN regexp_matches(s, p) THEN CAST(instr(s, regexp_extract(s, p)) AS INTEGER) "
                                "WHEN s IS NULL OR p IS NULL THEN NULL ELSE -1 END",
    "sr_bitmap_of(x)": "CASE WHEN regexp_full_match(x, '[ ]*[+]?[0-9]+[ ]*') THEN CAST(TRY_CAST(trim(x) AS UBIGINT) AS VARCHAR) ELSE '' END",
    "sr_bitmap_count(x)": "CASE WHEN x = '' THEN 0 ELSE len(string_split(x, ',')) END",
    "sr_md5_number(x)": "sr_big_number(x)",
}


def install(db):
    db.execute("CREATE OR REPLACE MACRO pow2(n) AS CAST(power(2, n) AS HUGEINT)")
    db.execute("CREATE OR REPLACE MACRO sr_signed(x, bits) AS CASE WHEN x % pow2(bits) >= pow2(bits - 1) "
               "THEN x % pow2(bits) - pow2(bits) ELSE x % pow2(bits) END")
    for head, body in MACROS.items():
        db.execute(f"CREATE OR REPLACE MACRO {head} AS {body}")
