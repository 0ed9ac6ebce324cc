from __future__ import annotations

import pytest

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.parser import parse
from tests.unit.usql.parser.support import error_at, query, show, source


def trees(*cases: tuple[str, str]):
    return pytest.mark.parametrize(("text", "tree"), cases, ids=[case[0] for case in cases])


@trees(
    ("SELECT a FROM @x", "Select(items=[a], source=@x)"),
    ("SELECT a AS b, c.d, * FROM @x", "Select(items=[a AS b, c.d, *], source=@x)"),
    ("SELECT t.*, [u v].*, @x.* FROM @x", "Select(items=[t.*, u v.*, @x.*], source=@x)"),
    ("SELECT @x.a FROM @x", "Select(items=[@x.a], source=@x)"),
    ("SELECT DISTINCT a FROM @x", "Select(items=[a], source=@x, distinct=True)"),
    ("SELECT ALL a FROM @x", "Select(items=[a], source=@x)"),
    ("SELECT 1 AS a", "Select(items=[1 AS a])"),
    ("SELECT a AS [b c] FROM @x", "Select(items=[a AS b c], source=@x)"),
    ("SELECT a as b FROM @x", "Select(items=[(a as b)], source=@x)"),
    (
        "SELECT a FROM @x WHERE a > 1 AND b GROUP BY a, b + 1 AS c HAVING COUNT(*) > 2",
        "Select(items=[a], source=@x, where=((a > 1) AND b), group_by=[a, (b + 1) AS c], having=(COUNT(*) > 2))",
    ),
    (
        "SELECT a FROM @x WHERE (a) ORDER BY a FETCH 5",
        "Select(items=[a], source=@x, where=a, order_by=[a], fetch=5)",
    ),
)
def test_a_select_has_its_clauses(text, tree):
    assert query(text) == tree


@trees(
    ("ORDER BY a FETCH 5", "order_by=[a], fetch=5"),
    ("ORDER BY a ASC, b DESC FETCH 5 ROWS", "order_by=[a, b desc], fetch=5"),
    ("ORDER BY a FETCH FIRST 5 ROWS", "order_by=[a], fetch=5"),
    ("ORDER BY a FETCH FIRST 1 ROW ONLY", "order_by=[a], fetch=1"),
    ("ORDER BY a FETCH NEXT 5 ROWS ONLY", "order_by=[a], fetch=5"),
    ("ORDER BY a OFFSET 2 ROWS", "order_by=[a], offset=2"),
    ("ORDER BY a OFFSET 1 ROW FETCH 5L ROWS", "order_by=[a], offset=1, fetch=long:5"),
    ("ORDER BY a.Length + 1 DESC FETCH 5", "order_by=[(a.Length + 1) desc], fetch=5"),
)
def test_a_select_is_sorted_and_cut(text, tree):
    assert query(f"SELECT a FROM @x {text}") == f"Select(items=[a], source=@x, {tree})"


@trees(
    (
        "EXTRACT a int FROM @f USING E.Tsv() ORDER BY a DESC FETCH 10",
        (
            "Select(items=[*], source=QuerySource(query=Extract(columns=[a int], files=[@f], using=E.Tsv())), "
            "order_by=[a desc], fetch=10)"
        ),
    ),
    ("@x ORDER BY a FETCH 1", "Select(items=[*], source=@x, order_by=[a], fetch=1)"),
    (
        "(SELECT a FROM @x) ORDER BY a FETCH 1",
        "Select(items=[*], source=QuerySource(query=Select(items=[a], source=@x)), order_by=[a], fetch=1)",
    ),
    (
        "@x UNION ALL @y ORDER BY a FETCH 1",
        "SetOperation(operator=UNION, left=@x, right=@y, order_by=[a], fetch=1)",
    ),
    (
        "SELECT a FROM @x ORDER BY a FETCH 1 UNION ALL @y",
        "SetOperation(operator=UNION, left=Select(items=[a], source=@x, order_by=[a], fetch=1), right=@y)",
    ),
    (
        "@x UNION ALL (@y ORDER BY a FETCH 1)",
        "SetOperation(operator=UNION, left=@x, right=Select(items=[*], source=@y, order_by=[a], fetch=1))",
    ),
    (
        "SELECT a FROM @x INTERSECT SELECT b FROM @y ORDER BY a OFFSET 1 ROW",
        (
            "SetOperation(operator=INTERSECT, distinct=True, left=Select(items=[a], source=@x), "
            "right=Select(items=[b], source=@y), order_by=[a], offset=1)"
        ),
    ),
)
def test_any_query_can_be_sorted_and_cut(text, tree):
    assert query(text) == tree


def test_what_follows_a_sorted_set_operation_is_not_guessed():
    error_at("@r = @x UNION ALL @y ORDER BY a FETCH 1 «UNION» ALL @z;")


@trees(
    ("@x UNION @y", "SetOperation(operator=UNION, distinct=True, left=@x, right=@y)"),
    ("@x UNION DISTINCT @y", "SetOperation(operator=UNION, distinct=True, left=@x, right=@y)"),
    ("@x UNION ALL @y", "SetOperation(operator=UNION, left=@x, right=@y)"),
    ("@x EXCEPT ALL @y", "SetOperation(operator=EXCEPT, left=@x, right=@y)"),
    ("dbo.T INTERSECT [V]", "SetOperation(operator=INTERSECT, distinct=True, left=dbo/T, right=V)"),
    (
        "@a EXCEPT ALL @b UNION ALL @c",
        "SetOperation(operator=UNION, left=SetOperation(operator=EXCEPT, left=@a, right=@b), right=@c)",
    ),
    (
        "@a UNION ALL @b INTERSECT ALL @c",
        "SetOperation(operator=UNION, left=@a, right=SetOperation(operator=INTERSECT, left=@b, right=@c))",
    ),
    (
        "@a UNION ALL (@b UNION ALL @c)",
        "SetOperation(operator=UNION, left=@a, right=SetOperation(operator=UNION, left=@b, right=@c))",
    ),
    ("@x UNION ALL BY NAME @y", "SetOperation(operator=UNION, left=@x, right=@y, by_name=True)"),
    (
        "@x EXCEPT BY NAME ON (id, *) @y",
        "SetOperation(operator=EXCEPT, distinct=True, left=@x, right=@y, by_name=True, by_name_on=[id, *])",
    ),
    (
        "@x OUTER UNION BY NAME ON (*) @y",
        "SetOperation(operator=UNION, left=@x, right=@y, outer=True, by_name=True, by_name_on=[*])",
    ),
    (
        "SELECT * FROM @x OUTER UNION ALL BY NAME ON (a, [b c]) SELECT * FROM @y",
        (
            "SetOperation(operator=UNION, left=Select(items=[*], source=@x), right=Select(items=[*], source=@y), "
            "outer=True, by_name=True, by_name_on=[a, b c])"
        ),
    ),
    ("@x UNION ALL WITH DISJOINT (a) @y", "SetOperation(operator=UNION, left=@x, right=@y)"),
)
def test_queries_are_combined(text, tree):
    assert query(text) == tree


@trees(
    ("@x", "@x"),
    ("@x AS x", "@x AS x"),
    ("T", "T"),
    ("db.dbo.T AS [t u]", "db/dbo/T AS t u"),
    ("db..T", "db/dbo/T"),
    ("[a b].[SELECT]", "a b/SELECT"),
    ("usql.databases", "usql/databases"),
    ("(SELECT a FROM @x) AS q", "QuerySource(query=Select(items=[a], source=@x), alias=q)"),
    (
        "(SELECT a FROM @x) AS q(b, c)",
        "QuerySource(query=Select(items=[a], source=@x), alias=q, columns=[b, c])",
    ),
    ("(@x) AS q", "QuerySource(query=@x, alias=q)"),
    ("(@x UNION ALL @y) AS q", "QuerySource(query=SetOperation(operator=UNION, left=@x, right=@y), alias=q)"),
    (
        "(db.dbo.T EXCEPT ALL V) AS q",
        "QuerySource(query=SetOperation(operator=EXCEPT, left=db/dbo/T, right=V), alias=q)",
    ),
    (
        "(db..T OUTER UNION BY NAME ON (*) V) AS q",
        (
            "QuerySource(query=SetOperation(operator=UNION, left=db/dbo/T, right=V, outer=True, by_name=True, "
            "by_name_on=[*]), alias=q)"
        ),
    ),
    ("((SELECT a FROM @x)) AS q", "QuerySource(query=Select(items=[a], source=@x), alias=q)"),
    (
        '(VALUES (1, "a"), (2, null)) AS T(a, b)',
        "ValuesSource(rows=[[1, string:'a'], [2, None]], alias=T, columns=[a, b])",
    ),
    (
        "(EXTRACT a int FROM @f USING E()) AS q",
        "QuerySource(query=Extract(columns=[a int], files=[@f], using=E()), alias=q)",
    ),
)
def test_a_source_is_a_rowset_a_table_a_query_or_values(text, tree):
    assert source(text) == tree


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("JOIN", "INNER"),
        ("INNER JOIN", "INNER"),
        ("LEFT JOIN", "LEFT OUTER"),
        ("LEFT OUTER JOIN", "LEFT OUTER"),
        ("RIGHT JOIN", "RIGHT OUTER"),
        ("RIGHT OUTER JOIN", "RIGHT OUTER"),
        ("FULL OUTER JOIN", "FULL OUTER"),
        ("FULL JOIN", "FULL OUTER"),
        ("OUTER JOIN", "LEFT OUTER"),
        ("SEMIJOIN", "LEFT SEMIJOIN"),
        ("LEFT SEMIJOIN", "LEFT SEMIJOIN"),
        ("RIGHT SEMIJOIN", "RIGHT SEMIJOIN"),
        ("ANTISEMIJOIN", "LEFT ANTISEMIJOIN"),
        ("LEFT ANTISEMIJOIN", "LEFT ANTISEMIJOIN"),
        ("RIGHT ANTISEMIJOIN", "RIGHT ANTISEMIJOIN"),
        ("INNER BROADCASTLEFT HASH JOIN", "INNER"),
        ("LEFT OUTER PAIR JOIN", "LEFT OUTER"),
        ("LEFT BROADCASTRIGHT SEMIJOIN", "LEFT SEMIJOIN"),
    ],
)
def test_a_join_has_its_kind(words, kind):
    tree = source(f"@x AS x {words} @y AS y ON x.a == y.b AND x.c == y.d")
    condition = "((x.a == y.b) AND (x.c == y.d))"
    assert tree == f"Join(kind={kind}, left=@x AS x, right=@y AS y, condition={condition})"


@trees(
    ("@x CROSS JOIN @y", "Join(kind=CROSS, left=@x, right=@y)"),
    ("@x CROSS FULLCROSS JOIN @y", "Join(kind=CROSS, left=@x, right=@y)"),
    ("@x, @y AS z", "Join(kind=CROSS, left=@x, right=@y AS z)"),
    (
        "@x JOIN @y ON a == b LEFT JOIN @z ON c == d",
        "Join(kind=LEFT OUTER, left=Join(kind=INNER, left=@x, right=@y, condition=(a == b)), right=@z, condition=(c == d))",
    ),
    (
        "@x JOIN (@y CROSS JOIN @z) ON a == b",
        "Join(kind=INNER, left=@x, right=Join(kind=CROSS, left=@y, right=@z), condition=(a == b))",
    ),
    ("(@x AS x JOIN @y AS y ON a == b)", "Join(kind=INNER, left=@x AS x, right=@y AS y, condition=(a == b))"),
    (
        "@x JOIN (SELECT a FROM @y) AS q ON a == b",
        "Join(kind=INNER, left=@x, right=QuerySource(query=Select(items=[a], source=@y), alias=q), condition=(a == b))",
    ),
)
def test_joins_associate_to_the_left(text, tree):
    assert source(text) == tree


@trees(
    ("@x CROSS APPLY EXPLODE(a) AS r(b)", "Apply(kind=CROSS, left=@x, collection=a, alias=r, columns=[b])"),
    (
        "@x AS x OUTER APPLY EXPLODE(x.a.Split(',')) AS r(k, v)",
        "Apply(kind=OUTER, left=@x AS x, collection=x.a.Split(char:','), alias=r, columns=[k, v])",
    ),
    (
        "@x CROSS APPLY EXPLODE(m) AS r(k string, v SqlArray<int?>)",
        "Apply(kind=CROSS, left=@x, collection=m, alias=r, columns=[k, v])",
    ),
    (
        "@x CROSS APPLY EXPLODE(m) AS r(key, value) CROSS APPLY EXPLODE(r.value) AS s(item)",
        (
            "Apply(kind=CROSS, left=Apply(kind=CROSS, left=@x, collection=m, alias=r, columns=[key, value]), "
            "collection=r.value, alias=s, columns=[item])"
        ),
    ),
)
def test_collections_are_exploded(text, tree):
    assert source(text) == tree


@trees(
    (
        'EXTRACT a int, [b c] string, d DateTime?, e byte[], f SQL.MAP<string, int?> FROM "/x.csv" USING Extractors.Csv()',
        (
            "Extract(columns=[a int, b c string, d DateTime?, e byte[], f SQL.MAP<string,int?>], "
            "files=[string:'/x.csv'], using=Extractors.Csv())"
        ),
    ),
    (
        "EXTRACT date DateTime, order int FROM @a, \"/b\" + @c USING new My.Extractor(delimiter : '|')",
        (
            "Extract(columns=[date DateTime, order int], files=[@a, (string:'/b' + @c)], "
            "using=new My.Extractor(delimiter:char:'|'))"
        ),
    ),
    (
        "EXTRACT a SqlArray<SqlArray<int>> FROM @f USING E()",
        "Extract(columns=[a SqlArray<SqlArray<int>>], files=[@f], using=E())",
    ),
)
def test_an_extract_has_columns_files_and_an_extractor(text, tree):
    assert query(text) == tree


@pytest.mark.parametrize(
    "hint", ["OPTION(ROWCOUNT = 100)", "OPTION (LOWDISTINCTNESS(a, b), SKEWFACTOR (a) = BIG)"]
)
def test_hints_to_the_optimizer_change_nothing(hint):
    assert query(f"SELECT a FROM @x {hint}") == query("SELECT a FROM @x")


@pytest.mark.parametrize(
    ("marked", "feature"),
    [
        ("@r = «PROCESS» @x PRODUCE a int USING new P();", "PROCESS (a user-defined processor)"),
        ("@r = «REDUCE» @x ON a PRODUCE a int USING new R();", "REDUCE (a user-defined reducer)"),
        (
            "@r = «COMBINE» @x WITH @y ON a == b PRODUCE c int USING new C();",
            "COMBINE (a user-defined combiner)",
        ),
        (
            "@r = SELECT * FROM («REDUCE» @x ON a PRODUCE a int USING new R()) AS q;",
            "REDUCE (a user-defined reducer)",
        ),
        ("@r = SELECT * FROM @x AS x «PIVOT» (MAX(a) FOR b IN (1 AS c)) AS p;", "PIVOT"),
        ("@r = SELECT * FROM (SELECT a FROM @x) AS q «UNPIVOT» (a FOR b IN (c)) AS p;", "UNPIVOT"),
        ("@r = SELECT * FROM @x «SAMPLE» ANY(5);", "SAMPLE"),
        ("@r = SELECT * FROM @x WHERE a «SAMPLE» UNIFORM(0.1);", "SAMPLE"),
        ("@r = «dbo.F»(1);", "the call of a table-valued function"),
        ("@r = «@f»() ORDER BY a FETCH 5;", "the call of a table-valued function"),
        ("@r = SELECT * FROM «F»(1) AS f;", "the call of a table-valued function"),
        (
            "@r = SELECT * FROM @x CROSS APPLY «new» My.Applier() AS a(b int);",
            "CROSS APPLY of a user-defined applier",
        ),
        (
            "@r = SELECT * FROM @x OUTER APPLY «USING» My.Applier() AS a(b int);",
            "OUTER APPLY of a user-defined applier",
        ),
        ("@r = SELECT * FROM @x CROSS APPLY «VALUES» (1) AS a(b);", "CROSS APPLY of a VALUES list"),
        ('@r = SELECT * FROM «EXTERNAL» S LOCATION "t" AS t;', "a query of an external data source"),
        ("@r = SELECT * FROM T «PARTITION» (@p);", "PARTITION behind a table (table partitions)"),
        ("@r = EXTRACT a int FROM @f USING new E() «READONLY» a;", "READONLY of a user-defined extractor"),
    ],
)
def test_a_rowset_expression_that_is_not_run_is_named_at_its_place(marked, feature):
    diagnostic = error_at(marked)
    assert diagnostic.code == "E_EMULATOR_NOTSUPPORTED"
    assert diagnostic.message == f"{feature} is not supported by this compiler."


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("@r = «;»", "'(' EXTRACT SELECT VALUES identifier variable"),
        ("@r = select «a» FROM @x;", "'.' UNION ';'"),
        ("@r = SELECT a «b» FROM @x;", "',' '?' ';' AS FROM WHERE operator"),
        ("@r = SELECT a FROM «;»", "'(' EXTERNAL identifier variable"),
        ("@r = SELECT a FROM @x «x»;", "',' AS CROSS JOIN LEFT WHERE GROUP ORDER UNION"),
        ("@r = SELECT a FROM @x «where» a > 1;", "',' AS CROSS JOIN LEFT WHERE GROUP ORDER UNION"),
        ("@r = SELECT a FROM @x AS «WHERE» a;", "identifier quoted-identifier"),
        ("@r = SELECT a FROM @x LEFT «@y»;", "ANTISEMIJOIN JOIN OUTER SEMIJOIN"),
        ("@r = SELECT a FROM @x JOIN @y «WHERE» a;", "AS ON"),
        ("@r = SELECT a FROM @x GROUP «a»;", "BY"),
        ("@r = SELECT a FROM @x ORDER BY a OFFSET 2 «FETCH» 5;", "ROW ROWS"),
        ("@r = EXTRACT a «FROM» @f USING E();", "identifier"),
        ("@r = EXTRACT a int, «FROM» @f USING E();", "identifier quoted-identifier"),
        ("@r = EXTRACT a int FROM @f«;»", "',' USING"),
        ("@r = @x UNION BY «ON» @y;", "NAME"),
        ("@r = @x UNION ALL BY NAME ON (*«,» a) @y;", "')'"),
        ("@r = SELECT * FROM @x CROSS APPLY EXPLODE(a) «r»(b);", "AS"),
        ("@r = SELECT a, «FROM» @x;", "'(' '*' CASE identifier literal"),
    ],
)
def test_an_error_in_a_query_tells_what_would_have_fitted(marked, expected):
    diagnostic = error_at(marked)
    found = diagnostic.message.removeprefix("syntax error. Expected one of: ").split()
    assert set(expected.split()) <= set(found), diagnostic.message


def test_spans_of_queries_reach_from_their_first_to_their_last_word():
    text = "@r = SELECT a AS b FROM @x AS x JOIN T ON x.a == T.b WHERE c ORDER BY a DESC FETCH 5;"
    (statement,) = parse(text).statements
    assert isinstance(statement, ast.Assign)
    select = statement.query
    assert isinstance(select, ast.Select)

    def cut(node: ast.Node) -> str:
        return text[node.span.start : node.span.end]

    assert cut(statement) == text[:-1]
    assert cut(select) == text[5:-1]
    assert cut(select.items[0]) == "a AS b"
    assert isinstance(select.source, ast.Join)
    assert cut(select.source) == "@x AS x JOIN T ON x.a == T.b"
    assert cut(select.source.left) == "@x AS x"
    assert cut(select.order_by[0]) == "a DESC"
    assert show(select.where) == "c"
