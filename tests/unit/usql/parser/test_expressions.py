from __future__ import annotations

import pytest

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.parser import parse
from tests.unit.usql.parser.support import error_at, expression


def trees(*cases: tuple[str, str]):
    return pytest.mark.parametrize(("text", "tree"), cases, ids=[case[0] for case in cases])


@trees(
    ("1", "1"),
    ("1L", "long:1"),
    ("1.5", "double:1.5"),
    ('"a"', "string:'a'"),
    ("'a'", "char:'a'"),
    ("true", "True"),
    ("null", "None"),
    ("NULL", "None"),
    ("a", "a"),
    ("[a b]", "[a b]"),
    ("@v", "@v"),
    ("@@v", "@@v"),
    ("(a)", "a"),
    ("date", "date"),
    ("order", "order"),
    ("from", "from"),
    ("ABC", "ABC"),
)
def test_an_operand_stands_for_itself(text, tree):
    assert expression(text) == tree


@trees(
    ("a ?? b || c", "(a ?? (b || c))"),
    ("a ?? b ?? c", "(a ?? (b ?? c))"),
    ("a || b && c", "(a || (b && c))"),
    ("a OR b AND c", "(a OR (b AND c))"),
    ("a || b OR c", "((a || b) OR c)"),
    ("a && b | c", "(a && (b | c))"),
    ("a | b ^ c & d", "(a | (b ^ (c & d)))"),
    ("a & b == c", "(a & (b == c))"),
    ("a == b < c", "(a == (b < c))"),
    ("a < b << c", "(a < (b << c))"),
    ("a << b + c", "(a << (b + c))"),
    ("a + b * c", "(a + (b * c))"),
    ("a * b + c", "((a * b) + c)"),
    ("a - b - c", "((a - b) - c)"),
    ("a / b * c % d", "(((a / b) * c) % d)"),
    ("a >> b >> c", "((a >> b) >> c)"),
    ("a > b", "(a > b)"),
    ("a >= b != c <= d", "((a >= b) != (c <= d))"),
    ("(a + b) * c", "((a + b) * c)"),
    ("a ? b : c", "(a ? b : c)"),
    ("a ? b : c ? d : e", "(a ? b : (c ? d : e))"),
    ("a ? b ? c : d : e", "(a ? (b ? c : d) : e)"),
    ("a ?? b ? c : d", "((a ?? b) ? c : d)"),
    ("a > 1 ? b + 1 : -c", "((a > 1) ? (b + 1) : (- c))"),
    ("-a * b", "((- a) * b)"),
    ("!a == b", "((! a) == b)"),
    ("!a.b", "(! a.b)"),
    ("~a & b", "((~ a) & b)"),
    ("- -a", "(- (- a))"),
    ("+a", "(+ a)"),
    ("a - -b", "(a - (- b))"),
    ("a == NOT b", "(a == (NOT b))"),
    ("NOT a == b AND c", "((NOT (a == b)) AND c)"),
    ("NOT a IN (1) OR b", "((NOT (a in [1])) OR b)"),
    ("NOT NOT a", "(NOT (NOT a))"),
    ("NOT (a AND b)", "(NOT (a AND b))"),
)
def test_operators_bind_as_in_c_sharp(text, tree):
    assert expression(text) == tree


@trees(
    ("a IN (1, 2)", "(a in [1, 2])"),
    ("a NOT IN (1)", "(a not in [1])"),
    ("a + 1 IN (b) AND c", "(((a + 1) in [b]) AND c)"),
    ("a BETWEEN 1 AND 2 AND b", "((a between 1 2) AND b)"),
    ("a NOT BETWEEN b + 1 AND c", "(a not between (b + 1) c)"),
    ('a LIKE "x%"', "(a like string:'x%')"),
    ("a NOT LIKE \"x\" ESCAPE '!'", "(a not like string:'x' escape char:'!')"),
    ("a IS NULL", "(a is null)"),
    ("a IS NOT NULL OR b", "((a is not null) OR b)"),
    ("(a) NOT IN (1)", "(a not in [1])"),
    ("(a) IN (1)", "(a in [1])"),
    ("(a) IS NULL", "(a is null)"),
    ("a is int", "(a is int)"),
    ("a as string == b", "((a as string) == b)"),
    ("a is int? && b", "((a is int?) && b)"),
    ("a is int ? 1 : 2", "((a is int) ? 1 : 2)"),
    ("a is int? ? 1 : 2", "((a is int?) ? 1 : 2)"),
    ("a as int? ?? 0", "((a as int?) ?? 0)"),
    ("a is string ? (b) : c", "((a is string) ? b : c)"),
)
def test_tests_bind_as_comparisons(text, tree):
    assert expression(text) == tree


@trees(
    ("(int)a", "cast(int, a)"),
    ("(int?)null", "cast(int?, None)"),
    ("(int) -a", "cast(int, (- a))"),
    ("(a) - b", "(a - b)"),
    ("(a) + b", "(a + b)"),
    ("(a) * b", "(a * b)"),
    ("(int?)-1", "cast(int?, (- 1))"),
    ("(a.b) - c", "(a.b - c)"),
    ("(DateTime) a", "cast(DateTime, a)"),
    ("(DateTime?)null", "cast(DateTime?, None)"),
    ("(System.Guid)a.b", "cast(System.Guid, a.b)"),
    ("(double)a / b", "(cast(double, a) / b)"),
    ("(int)(double)a", "cast(int, cast(double, a))"),
    ("(string) null ?? a", "(cast(string, None) ?? a)"),
    ("(byte[])null", "cast(byte[], None)"),
    ("(SqlArray<int>)a", "cast(SqlArray<int>, a)"),
    ("(SQL.MAP<string, int?>)null", "cast(SQL.MAP<string,int?>, None)"),
    ("(DateTime) MIN(a.b)", "cast(DateTime, MIN(a.b))"),
    ("(a)(b)", "cast(a, b)"),
    ("(a) == b", "(a == b)"),
    ("(a) ? b : c", "(a ? b : c)"),
    ("(a).ToString()", "a.ToString()"),
    ("(a)[0]", "a[0]"),
    ("(a) AND (b)", "(a AND b)"),
    ("(a) is int", "(a is int)"),
    ("(bool) NOT a", "cast(bool, (NOT a))"),
    ("(a < b)", "(a < b)"),
    ("(long)@x", "cast(long, @x)"),
    ("(int)'a'", "cast(int, char:'a')"),
    ("(T)new A()", "cast(T, new A())"),
    ("(int)int.Parse(a)", "cast(int, <int>.Parse(a))"),
)
def test_a_type_in_parentheses_is_a_cast_where_c_sharp_reads_one(text, tree):
    assert expression(text) == tree


@trees(
    ("a.b.c", "a.b.c"),
    ("a?.b", "a?.b"),
    ("a.[b c]", "a.b c"),
    ("Encoding.[ASCII]", "Encoding.ASCII"),
    ("Encoding.ASCII", "Encoding.ASCII"),
    ("a.SELECT", "a.SELECT"),
    ("@v.AddDays(1)", "@v.AddDays(1)"),
    ('"a".Length', "string:'a'.Length"),
    ("1.ToString()", "1.ToString()"),
    ("a.Split(',')[0].Trim()", "a.Split(char:',')[0].Trim()"),
    ("a[0][1, 2]", "a[0][1, 2]"),
    ("int.Parse(a)", "<int>.Parse(a)"),
    ("string.Join(a, b)", "<string>.Join(a, b)"),
    ("f()", "f()"),
    ("f(x : 1, y: b ? c : d)", "f(x:1, y:(b ? c : d))"),
    ("Extractors.Csv(skipFirstNRows:1, silent : true)", "Extractors.Csv(skipFirstNRows:1, silent:True)"),
    ("COUNT(*)", "COUNT(*)"),
    ("COUNT( * ) - 1", "(COUNT(*) - 1)"),
    ("COUNT(DISTINCT a)", "COUNT(DISTINCT a)"),
    ("MAP_AGG<string, int?>(a, b)", "MAP_AGG<string, int?>(a, b)"),
    ("AGG<My.Agg<int>>(a)", "AGG<My.Agg<int>>(a)"),
    ("a.Cast<int>().Max()", "a.Cast<int>().Max()"),
    ("a < b", "(a < b)"),
    ("a < b > c", "((a < b) > c)"),
    ("a < b && c > (d)", "((a < b) && (c > d))"),
    ("f(a < b, c > d)", "f((a < b), (c > d))"),
    ("f(a < b, c > (d))", "f(a<b, c>(d))"),
    ("a < b.c", "(a < b.c)"),
    ("f(g(h(1)))", "f(g(h(1)))"),
)
def test_members_calls_and_indexes_follow_an_operand(text, tree):
    assert expression(text) == tree


@trees(
    ("new DateTime(2012, 05, 31)", "new DateTime(2012, 5, 31)"),
    ("new My.Udo()", "new My.Udo()"),
    ("new int[] {1, 2}", "new int[]() {1, 2}"),
    ("new int?[] {1, null,}", "new int?[]() {1, None}"),
    ("new[] {a}", "new []() {a}"),
    ("new [] {a}", "new []() {a}"),
    ("new SqlArray<string>(a.Split(';'))", "new SqlArray<string>(a.Split(char:';'))"),
    ("new SqlArray<int>{1, 2}", "new SqlArray<int>() {1, 2}"),
    ("new SQL.ARRAY<string>{}", "new SQL.ARRAY<string>() {}"),
    (
        'new SQL.MAP<int, string>{{1, "a"}, {2, "b"}}',
        "new SQL.MAP<int,string>() {{1, string:'a'}, {2, string:'b'}}",
    ),
    (
        "new SqlArray<SqlMap<string, int?>>{new SqlMap<string, int?>{{a, b}}}",
        "new SqlArray<SqlMap<string,int?>>() {new SqlMap<string,int?>() {{a, b}}}",
    ),
    ("new List<int>(a) {b}", "new List<int>(a) {b}"),
    ("new A().b", "new A().b"),
)
def test_objects_are_made_with_arguments_and_items(text, tree):
    assert expression(text) == tree


@trees(
    ("a.Select(x => x.b)", "a.Select((x => x.b))"),
    ("a.Aggregate((x, y) => x + y)", "a.Aggregate((x, y => (x + y)))"),
    ("a.Min((string w) => w.Length)", "a.Min((w => w.Length))"),
    ("f((int? a, SqlMap<string, int> b) => a)", "f((a, b => a))"),
    ("f(() => 1)", "f(( => 1))"),
    ("f(x => y => x)", "f((x => (y => x)))"),
    ("f(x => x ? 1 : 2)", "f((x => (x ? 1 : 2)))"),
    ('((Func<string, string>)(s => s + "x"))(a)', "cast(Func<string,string>, (s => (s + string:'x')))(a)"),
)
def test_lambdas_name_their_parameters(text, tree):
    assert expression(text) == tree


@trees(
    ("CASE a WHEN 1 THEN b ELSE c END", "CASE a 1:b else:c"),
    ("CASE WHEN a > 1 THEN b WHEN d THEN e END", "CASE (a > 1):b d:e else:None"),
    ("CASE WHEN a THEN CASE WHEN b THEN 1 END END + 1", "(CASE a:CASE b:1 else:None else:None + 1)"),
)
def test_a_case_has_branches(text, tree):
    assert expression(text) == tree


@trees(
    ("SUM(a) OVER ()", "SUM(a) over()"),
    ("ROW_NUMBER() OVER(ORDER BY a DESC)", "ROW_NUMBER() over(order [a desc])"),
    ("RANK() OVER (PARTITION BY a, b ORDER BY c, d ASC)", "RANK() over(by [a, b]; order [c, d])"),
    (
        "AVG(a) OVER (ORDER BY b ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
        "AVG(a) over(order [b]; ROWS UNBOUNDED PRECEDING..CURRENT ROW)",
    ),
    ("AVG(a) OVER (ORDER BY b ROWS 2 PRECEDING)", "AVG(a) over(order [b]; ROWS 2 PRECEDING..CURRENT ROW)"),
    (
        "AVG(a) OVER (ORDER BY b ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)",
        "AVG(a) over(order [b]; ROWS 1 PRECEDING..1 FOLLOWING)",
    ),
    (
        "PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY a) OVER (PARTITION BY b)",
        "PERCENTILE_DISC(double:0.5) over(within [a]; by [b])",
    ),
    ("LAG(a, 1) OVER (ORDER BY b) ?? 0", "(LAG(a, 1) over(order [b]) ?? 0)"),
    ("MAP_AGG<int, int>(a, b) OVER ()", "MAP_AGG<int, int>(a, b) over()"),
)
def test_a_call_may_have_a_window(text, tree):
    assert expression(text) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("-2147483648", "-2147483648"),
        ("-9223372036854775808", "long:-9223372036854775808"),
        ("-2147483648L", "(- long:2147483648)"),
    ],
)
def test_the_smallest_number_of_a_type_can_be_written(text, tree):
    assert expression(text) == tree


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("DECLARE @a = «;»", "'(' CASE identifier literal new quoted-identifier variable"),
        ("DECLARE @a = 1 + «;»", "'(' CASE identifier literal new quoted-identifier variable"),
        ("DECLARE @a = (1«;»", "')' '?' operator"),
        ("DECLARE @a = b ? c «;»", "':' '?' operator"),
        ("DECLARE @a = f(1 «2»);", "')' ',' '?' operator"),
        ("DECLARE @a = b.«;»", "identifier quoted-identifier"),
        ("DECLARE @a = b IS «c»;", "NOT NULL"),
        ("DECLARE @a = CASE b «ELSE» 1 END;", "'?' WHEN operator"),
        ("DECLARE @a = CASE WHEN b THEN 1«;»", "'?' ELSE END WHEN operator"),
        ("DECLARE @a = b «--» c", "';' '?' operator"),
        ("DECLARE @a = b«++»;", "';' '?' operator"),
        ("DECLARE @a = b «=» c;", "';' '?' operator"),
        ("DECLARE @a = b BETWEEN 1 «;»", "AND operator"),
        ("DECLARE @a = new A«;»", "'(' '.' '<' '?' '{'"),
        ("DECLARE @a = new «;»", "identifier quoted-identifier"),
        ("DECLARE @a = F(b) OVER (ORDER «b»);", "BY"),
        ("DECLARE @a = F(b) WITHIN GROUP (ORDER BY c)«;»", "OVER"),
        ("DECLARE @a = «SELECT»;", "'(' CASE identifier literal new quoted-identifier variable"),
        ("DECLARE @a = «class»;", "'(' CASE identifier literal new quoted-identifier variable"),
    ],
)
def test_an_error_in_an_expression_tells_what_would_have_fitted(marked, expected):
    message = error_at(marked).message
    found = message.removeprefix("syntax error. Expected one of: ").split()
    assert set(expected.split()) <= set(found), message
    assert "EXISTS" not in found


@pytest.mark.parametrize(
    ("marked", "feature"),
    [
        ("DECLARE @a = «from» x in b select x;", "a LINQ query expression"),
        ("DECLARE @a = f(«from» int x in b select x);", "a LINQ query expression"),
        ("DECLARE @a = «typeof»(int);", "the operator typeof()"),
        ("DECLARE @a = «default»(int);", "the operator default()"),
        ("DECLARE @a = «checked»(1 + 2);", "the operator checked()"),
        ("DECLARE @a = new «{» x = 1 };", "an object of an anonymous type"),
        ("DECLARE @a = «new» A { X = 1 };", "an object initializer with members"),
        ("DECLARE @a = new int«[»3];", "an array with a length"),
        ("DECLARE @a = f(x => «{» return x; });", "a lambda with a block of statements"),
        ("DECLARE @a = h.«@f»(b);", "a variable of a package"),
        ("DECLARE @a = f(«out» b);", "an argument passed by out"),
        ("DECLARE @a = b IN («SELECT» 1);", "IN with a query"),
        ("DECLARE @a = («SELECT» 1);", "a query inside of an expression"),
        ("DECLARE @a = «0x00112233445566778899AABBCC»;", "a binary literal"),
        ("IF !«PARTITION».EXISTS(T, @p) THEN", "PARTITION.EXISTS (table partitions)"),
    ],
)
def test_what_is_not_run_is_named_at_its_place(marked, feature):
    diagnostic = error_at(marked)
    assert diagnostic.code == "E_EMULATOR_NOTSUPPORTED"
    assert diagnostic.message == f"{feature} is not supported by this compiler."


def test_every_node_has_the_span_of_its_text():
    text = 'DECLARE @v = (int)a.b("x", y : c[0]) + -d ?? new T(1) {2};'
    (statement,) = parse(text).statements
    assert isinstance(statement, ast.Declare)

    def cut(node: ast.Node) -> str:
        return text[node.span.start : node.span.end]

    coalesce = statement.value
    assert cut(statement) == text[:-1]
    assert isinstance(coalesce, ast.Binary)
    assert cut(coalesce) == text[13:-1]
    sum_ = coalesce.left
    assert isinstance(sum_, ast.Binary)
    assert cut(sum_) == '(int)a.b("x", y : c[0]) + -d'
    assert isinstance(sum_.left, ast.Cast)
    assert cut(sum_.left) == '(int)a.b("x", y : c[0])'
    assert cut(sum_.left.type) == "int"
    call = sum_.left.operand
    assert isinstance(call, ast.Call)
    assert cut(call) == 'a.b("x", y : c[0])'
    assert cut(call.target) == "a.b"
    assert [cut(argument) for argument in call.arguments] == ['"x"', "y : c[0]"]
    assert cut(sum_.right) == "-d"
    assert cut(coalesce.right) == "new T(1) {2}"
