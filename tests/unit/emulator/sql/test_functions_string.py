"""String functions and regular expressions, by the documentation's own examples and at the edges."""

from __future__ import annotations

import pytest

from airflow_provider_datalake.emulator.maxcompute.sql.errors import SqlError
from tests.unit.emulator.sql.expressions import Session, context


@pytest.fixture(scope="module", name="sql")
def expression_session() -> Session:
    return Session()


@pytest.mark.parametrize(
    ("call", "expected", "data_type"),
    [
        ("char_matchcount('abd', 'aabc')", 2, "bigint"),
        ("char_matchcount(null, 'aabc')", None, "bigint"),
        ("chr(97)", "a", "string"),
        ("concat('ab', 'c')", "abc", "string"),
        ("concat()", None, "string"),
        ("concat('a', null, 'b')", None, "string"),
        ("concat('a', 1, 2.5, 3BD)", "a12.53", "string"),
        ("concat(array(1), array(2L))", [1, 2], "array<bigint>"),
        ("concat_ws(':', 'name', 'hanmeimei')", "name:hanmeimei", "string"),
        ("concat_ws(',', array('a', 'b'))", "a,b", "string"),
        ("concat_ws(',', cast(array(1, 2) as array<string>))", "1,2", "string"),
        ("concat_ws(null, 'a', 'b')", None, "string"),
        ("concat_ws(':', 'avg', null, '34')", None, "string"),
        ("instr('Tech on the net', 'e')", 2, "bigint"),
        ("instr('Tech on the net', 'e', 1, 1)", 2, "bigint"),
        ("instr('Tech on the net', 'e', 1, 2)", 11, "bigint"),
        ("instr('Tech on the net', 'e', 1, 3)", 14, "bigint"),
        ("instr('Tech on the net', 'e', 3)", 11, "bigint"),
        ("instr('Tech on the net', 'e', -1)", 14, "bigint"),
        ("instr('abc', '')", 1, "bigint"),
        ("instr('abc', 'x')", 0, "bigint"),
        ("instr(null, 'x')", None, "bigint"),
        ("locate('ab', 'abhiab')", 1, "bigint"),
        ("locate('ab', 'abhiab', 2)", 5, "bigint"),
        ("find_in_set('ab', 'abc,hello,ab,c')", 3, "bigint"),
        ("find_in_set('hi', 'abc,hello,ab,c')", 0, "bigint"),
        ("find_in_set('h,i', 'h,i')", 0, "bigint"),
        ("find_in_set(null, 'h,i')", None, "bigint"),
        ("keyvalue('0:1;1:2', 1)", "2", "string"),
        ("keyvalue('decreaseStore:1;xcard:1;tf:21910', ';', ':', 'tf')", "21910", "string"),
        ("keyvalue('0:1', '9')", None, "string"),
        ("length('hi! 中国')", 6, "bigint"),
        ("lengthb('hi! 中国')", 10, "bigint"),
        ("length(null)", None, "bigint"),
        ("length(12345)", 5, "bigint"),
        ("md5('abc')", "900150983cd24fb0d6963f7d28e17f72", "string"),
        ("sha1('ABC')", "3c01bdbb26f358bab27f267924aa2c9a03fcfdb8", "string"),
        ("sha('ABC')", "3c01bdbb26f358bab27f267924aa2c9a03fcfdb8", "string"),
        ("sha2('ABC', 256)", "b5d4045c3f466fa91fe2cc6abe79232a1a57cdf104f7a26e716e0a1e2789df78", "string"),
        ("sha2('ABC', 0) = sha2('ABC', 256)", True, "boolean"),
        ("length(sha2('ABC', 512))", 128, "bigint"),
        ("sha2('ABC', null)", None, "string"),
        ("sha2('ABC', 1)", None, "string"),
        ("crc32('ABC')", 2743272264, "bigint"),
        ("crc32('')", 0, "bigint"),
        ("base64(cast('alibaba' as binary))", "YWxpYmFiYQ==", "string"),
        ("cast(unbase64('YWxpYmFiYQ==') as string)", "alibaba", "string"),
        ("hex(0)", "0", "string"),
        ("hex('abc')", "616263", "string"),
        ("hex(17)", "11", "string"),
        ("hex('17')", "3137", "string"),
        ("unhex('616263')", b"abc", "binary"),
        ("split_part('a,b,c,d', ',', 1)", "a", "string"),
        ("split_part('a,b,c,d', ',', 1, 2)", "a,b", "string"),
        ("split_part('a,b,c,d', ',', 10)", "", "string"),
        ("split_part('a,b,c,d', ',', 3, 10)", "c,d", "string"),
        ("split_part('abc', ',', 1)", "abc", "string"),
        ("split_part('abc', '', 1)", "abc", "string"),
        ("split_part(null, ',', 1)", None, "string"),
        ("substr('abc', 2)", "bc", "string"),
        ("substr('abc', 2, 1)", "b", "string"),
        ("substr('abc', -2, 2)", "bc", "string"),
        ("substr('abc', -3)", "abc", "string"),
        ("substr('abc', -4, 2)", "", "string"),
        ("substr('abc', 0)", "", "string"),
        ("substr('abc', 5)", "", "string"),
        ("substr('abc', 2, 0)", "", "string"),
        ("substr(null, 2)", None, "string"),
        ("substr('abc', null)", None, "string"),
        ("substring('abc', -3, 2)", "ab", "string"),
        ("substring(bin(2345), 2, 3)", "001", "string"),
        ("substring_index('https://www.alibabacloud.com', '.', 2)", "https://www.alibabacloud", "string"),
        ("substring_index('https://www.alibabacloud.com', '.', -2)", "alibabacloud.com", "string"),
        ("substring_index('a.b', '.', -5)", "a.b", "string"),
        ("substring_index('a.b', null, 2)", None, "string"),
        ("substring_index('a.b', '.', 0)", "", "string"),
        ("tolower('aBcd')", "abcd", "string"),
        ("toupper('aBcd')", "ABCD", "string"),
        ("initcap('oDps sql')", "Odps Sql", "string"),
        ("to_char(123)", "123", "string"),
        ("to_char(true)", "TRUE", "string"),
        ("to_char(1.23)", "1.23", "string"),
        ("to_char(null)", None, "string"),
        ("trim(' a b ')", "a b", "string"),
        ("ltrim('yxabcxx', 'xy')", "abcxx", "string"),
        ("rtrim('yxabcxx', 'xy')", "yxabc", "string"),
        ("trim(both 'x' from 'xax')", "a", "string"),
        ("trim('\ta\t')", "\ta\t", "string"),
        ("reverse('abcedfg')", "gfdecba", "string"),
        ("repeat('abc', 5)", "abcabcabcabcabc", "string"),
        ("space(3)", "   ", "string"),
        ("ascii('abcde')", 97, "bigint"),
        ("lpad('abcdefgh', 10, '12')", "12abcdefgh", "string"),
        ("lpad('abcdefgh', 5, '12')", "abcde", "string"),
        ("lpad('abcdefgh', 0, '12')", None, "string"),
        ("rpad('abcdefgh', 10, '12')", "abcdefgh12", "string"),
        ("replace('ababab', 'abab', '12')", "12ab", "string"),
        ("replace('ababab', 'cdf', '123')", "ababab", "string"),
        ("replace('123abab456ab', null, 'abab')", None, "string"),
        ("translate('MaxComputer', 'puter', 'te')", "MaxComte", "string"),
        ("soundex('hello')", "H400", "string"),
        ("soundex('Ashcraft')", "A261", "string"),
        ("url_encode('Example for URL_ENCODE:// dsf(fasfs)', 'GBK')", "Example+for+URL_ENCODE%3A%2F%2F+dsf%28fasfs%29", "string"),
        ("url_encode('a.-*_~中')", "a.-*_%7E%E4%B8%AD", "string"),
        ("url_decode('Example+for+URL_ENCODE%3A%2F%2F+dsf%28fasfs%29', 'GBK')", "Example for URL_ENCODE:// dsf(fasfs)", "string"),
        ("url_decode(url_encode('中', 'GBK'), 'GBK')", "中", "string"),
        ("parse_url('file://username@example.com:666/over/there/index.dtb?type=animal#nose', 'HOST')", "example.com", "string"),
        ("parse_url('http://a.com/p?type=animal&x=1#nose', 'QUERY', 'x')", "1", "string"),
        ("parse_url('http://a.com/p?type=animal#nose', 'QUERY')", "type=animal", "string"),
        ("parse_url('http://a.com/p?type=animal#nose', 'REF')", "nose", "string"),
        ("parse_url('http://u@a.com:8/p?t=a#n', 'AUTHORITY')", "u@a.com:8", "string"),
        ("parse_url('http://u@a.com:8/p?t=a#n', 'FILE')", "/p?t=a", "string"),
        ("parse_url('http://u@a.com:8/p?t=a#n', 'USERINFO')", "u", "string"),
        ("parse_url('http://a.com/p', 'QUERY')", None, "string"),
        ("format_number(5.230134523424545456, 3)", "5.230", "string"),
        ("format_number(12332.123456, '#,###,###,###. ###')", "12,332.123", "string"),
        ("format_number(1234567, 2)", "1,234,567.00", "string"),
        ("format_number(-1234.5, 0)", "-1,234", "string"),
        ("is_encoding('中', 'utf-8', 'gbk')", True, "boolean"),
        ("is_encoding('🙂', 'utf-8', 'gbk')", False, "boolean"),
        ("length(uuid())", 36, "bigint"),
    ],
)  # fmt: skip
def test_strings_are_those_of_the_documentation(
    sql: Session, call: str, expected: object, data_type: str
) -> None:
    value, actual = sql.checked(call)
    assert (value, str(actual)) == (expected, data_type)


@pytest.mark.parametrize(
    ("call", "expected", "data_type"),
    [
        ("regexp_extract('foothebar', 'foo(.*?)(bar)', 1)", "the", "string"),
        ("regexp_extract('foothebar', 'foo(.*?)(bar)', 2)", "bar", "string"),
        ("regexp_extract('foothebar', 'foo(.*?)(bar)', 0)", "foothebar", "string"),
        ("regexp_extract(null, 'foo(.*?)(bar)')", None, "string"),
        ("regexp_extract('8d99d8', '8d(\\\\d+)d8')", "99", "string"),
        ("regexp_instr('i love www.taobao.com', 'o[[:alpha:]]{1}', 3, 2)", 14, "bigint"),
        ("regexp_instr('i love www.taobao.com', 'o[[:alpha:]]{1}', 3, 2, 1)", 16, "bigint"),
        ("regexp_instr('abc', 'x')", 0, "bigint"),
        ("regexp_instr(null, 'x')", None, "bigint"),
        ("regexp_replace('123.456.7890', '([[:digit:]]{3})\\\\.([[:digit:]]{3})\\\\.([[:digit:]]{4})', '(\\\\1)\\\\2-\\\\3', 0)", "(123)456-7890", "string"),
        ("regexp_replace('abcd', '(.)', '\\\\1 ', 0)", "a b c d ", "string"),
        ("regexp_replace('abcd', '(.)', '\\\\1 ', 1)", "a bcd", "string"),
        ("regexp_replace('abcd', '(.)', '\\\\1 ', 3)", "abc d", "string"),
        ("regexp_replace('abcd', '(.)', 'x', 9)", "abcd", "string"),
        ("regexp_replace('abcd', '(.*)(.)$', '\\\\2', 0)", "d", "string"),
        ("regexp_replace('abcd', 'a', null, 0)", None, "string"),
        ("regexp_replace('abcd', 'x', null, 0)", "abcd", "string"),
        ("regexp_substr('I love aliyun very much', 'a[[:alpha:]]{5}')", "aliyun", "string"),
        ("regexp_substr('I have 2 apples and 100 bucks!', '[[:blank:]][[:alnum:]]*', 1, 1)", " have", "string"),
        ("regexp_substr('I have 2 apples and 100 bucks!', '[[:blank:]][[:alnum:]]*', 1, 2)", " 2", "string"),
        ("regexp_substr('abc', 'x')", None, "string"),
        ("regexp_count('abababc', 'a.c')", 1, "bigint"),
        ("regexp_count('abcde', '[[:alpha:]]{2}', 3)", 1, "bigint"),
        ("regexp_count('abc', 'x')", 0, "bigint"),
        ("regexp_count(null, 'x')", None, "bigint"),
        ("regexp_extract_all('100-200, 300-400', '(\\\\d+)-(\\\\d+)', 2)", ["200", "400"], "array<string>"),
        ("split('a, b, c', ', ')", ["a", "b", "c"], "array<string>"),
        ("split('a1b22c', '[0-9]+')", ["a", "b", "c"], "array<string>"),
        ("split('a.b', '\\\\.')", ["a", "b"], "array<string>"),
        ("split('a,,b', ',')", ["a", "", "b"], "array<string>"),
        ("split('a,b,c,,', ',')", ["a", "b", "c"], "array<string>"),
        ("split('a,b,c,,', ',', false)", ["a", "b", "c", "", ""], "array<string>"),
        ("split('a,b,c,,', ',', 1 = 1)", ["a", "b", "c"], "array<string>"),
        ("split('a,b,c', ':')", ["a,b,c"], "array<string>"),
        ("split('a::b::c', '::')", ["a", "b", "c"], "array<string>"),
        ("split('a\\nb', '\\n')", ["a", "b"], "array<string>"),
        ("split(',,', ',')", [], "array<string>"),
        ("split('', ',')", [""], "array<string>"),
        ("split(null, ',')", None, "array<string>"),
        ("str_to_map('test1&1-test2&2', '-', '&')", [("test1", "1"), ("test2", "2")], "map<string,string>"),
        ("str_to_map('test1.1,test2.2', ',', '\\\\.')", [("test1", "1"), ("test2", "2")], "map<string,string>"),
        ("str_to_map('test1.1,test2.2,test2.3', ',', '\\\\.')", [("test1", "1"), ("test2", "3")], "map<string,string>"),
        ("str_to_map('a=1,b')", [("a", "1"), ("b", None)], "map<string,string>"),
        ("'a+b' rlike 'a\\\\+b'", True, "boolean"),
        ("'abc' rlike '^b'", False, "boolean"),
        ("null rlike 'b'", None, "boolean"),
    ],
)  # fmt: skip
def test_patterns_match_like_in_the_documentation(
    sql: Session, call: str, expected: object, data_type: str
) -> None:
    value, actual = sql.checked(call)
    assert (value, str(actual)) == (expected, data_type)


@pytest.mark.parametrize("pattern", ["a(?=b)", "a(?!b)", "(?<=a)b", "(a)\\\\1", "a++", "(?>a)", ""])
@pytest.mark.parametrize(
    "call", ["'aab' rlike '{}'", "regexp_count('aab', '{}')", "regexp_replace('aab', '{}', '')"]
)
def test_a_pattern_with_another_meaning_here_is_refused(sql: Session, call: str, pattern: str) -> None:
    with pytest.raises(SqlError, match="pattern"):
        sql.value(call.format(pattern))


@pytest.mark.parametrize(
    "call",
    [
        "chr(256)",
        "instr('abc', 'b', 0)",
        "instr('abc', 'b', 1, 0)",
        "parse_url('http://a.com', 'NOPE')",
        "format_number(1, 'abc')",
        "url_encode('a', 'latin-1')",
        "str_to_map('exception', 'a=1,a=2', ',', '=')",
    ],
)
def test_a_value_out_of_range_fails_the_query(sql: Session, call: str) -> None:
    import duckdb

    with pytest.raises(duckdb.Error):
        sql.value(call)


@pytest.mark.parametrize(
    "call",
    [
        "split_part('a,b', ',', 0)",
        "split_part('a,b', ',', 2, 1)",
        "substr('abc', '1')",
        "length(true)",
        "upper('a', 'b')",
        "upper()",
        "regexp_substr('a', 'a', 0)",
        "regexp_extract('ab', 'a', 1)",
        "regexp_extract('ab', 'a(b', 1)",
        "format_number(1, -1)",
        "md5(1.5, 2)",
        "nosuch(1)",
    ],
)
def test_what_the_function_does_not_take_is_refused_before_it_runs(sql: Session, call: str) -> None:
    with pytest.raises(SqlError):
        sql.value(call)


def test_an_unknown_function_is_named(sql: Session) -> None:
    with pytest.raises(SqlError, match="ODPS-0130071:.*function nosuch is not supported"):
        sql.value("NoSuch(1)")


def test_columns_are_handled_row_by_row(sql: Session) -> None:
    rows = "SELECT * FROM (VALUES ('abc', 2), ('xyz', -1), (NULL, 1), ('q', NULL)) t(s, n)"
    assert sql.value("substr(s, n, 2)", rows=rows, s="string", n="int") == ["bc", "z", None, None]
    assert sql.value("instr(s, 'c', 1, 1)", rows=rows, s="string", n="int") == [3, 0, None, 0]
    assert sql.value("crc32(s) IS NULL", rows=rows, s="string", n="int") == [False, False, True, False]


def test_hive_mode_starts_a_substring_at_zero_with_the_first_character(sql: Session) -> None:
    assert sql.value("substr('abc', 0, 2)", context(odps__sql__hive__compatible="true")) == "ab"


def test_hive_mode_leaves_nulls_out_of_concat_ws(sql: Session) -> None:
    hive = context(odps__sql__hive__compatible="true")
    assert sql.value("concat_ws(':', 'avg', null, '34')", hive) == "avg:34"


def test_old_type_edition_takes_numbers_as_text(sql: Session) -> None:
    assert sql.value("substr('abc', '2')", context(odps__sql__type__system__odps2="false")) == "bc"
