from __future__ import annotations

import pytest

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.parser import parse
from tests.unit.usql.parser.support import error, error_at, show, statement


def trees(*cases: tuple[str, str]):
    return pytest.mark.parametrize(("text", "tree"), cases, ids=[case[0] for case in cases])


@trees(
    ('DECLARE @a string = "x";', "Declare(name=@a, type=string, value=string:'x')"),
    ("DECLARE @a = 1;", "Declare(name=@a, value=1)"),
    ("DECLARE EXTERNAL @a int = 1;", "Declare(name=@a, type=int, value=1, external=True)"),
    ("DECLARE CONST @a int = 1;", "Declare(name=@a, type=int, value=1, constant=True)"),
    ("DECLARE @a int? = null;", "Declare(name=@a, type=int?, value=None)"),
    ("DECLARE @a SQL.MAP<int, string> = @b;", "Declare(name=@a, type=SQL.MAP<int,string>, value=@b)"),
    ("DECLARE @a SqlArray<int>= @b;", "Declare(name=@a, type=SqlArray<int>, value=@b)"),
    ("DECLARE @a SqlArray<SqlArray<int>>= @b;", "Declare(name=@a, type=SqlArray<SqlArray<int>>, value=@b)"),
    ("DECLARE @a byte[] = null;", "Declare(name=@a, type=byte[], value=None)"),
)
def test_a_declaration_has_a_name_a_type_and_a_value(text, tree):
    assert statement(text) == tree


@trees(
    (
        'OUTPUT @x TO "/a.csv" USING Outputters.Csv();',
        "Output(query=@x, to=string:'/a.csv', using=Outputters.Csv())",
    ),
    (
        "OUTPUT @x TO @f ORDER BY a, b DESC USING Outputters.Csv(outputHeader : true);",
        "Output(query=@x, to=@f, using=Outputters.Csv(outputHeader:True), order_by=[a, b desc])",
    ),
    ("OUTPUT @x TO @f USING O() ORDER BY a;", "Output(query=@x, to=@f, using=O(), order_by=[a])"),
    ("OUTPUT dbo.T TO @f USING O();", "Output(query=dbo/T, to=@f, using=O())"),
    (
        "OUTPUT (SELECT a FROM @x) TO @f USING O();",
        "Output(query=Select(items=[a], source=@x), to=@f, using=O())",
    ),
    (
        "OUTPUT @x TO @f ORDER BY a OFFSET 2 ROWS FETCH 5 ROWS USING O();",
        "Output(query=Select(items=[*], source=@x, order_by=[a], offset=2, fetch=5), to=@f, using=O(), order_by=[a])",
    ),
    (
        "OUTPUT (@x UNION ALL @y) TO @f ORDER BY a FETCH 5 USING O();",
        (
            "Output(query=Select(items=[*], source=QuerySource(query=SetOperation(operator=UNION, left=@x, right=@y)), "
            "order_by=[a], fetch=5), to=@f, using=O(), order_by=[a])"
        ),
    ),
    ("OUTPUT @x TO @f USING new My.O(1);", "Output(query=@x, to=@f, using=new My.O(1))"),
    ("OUTPUT @x TO @f USING O() OPTION (ROWCOUNT = 1);", "Output(query=@x, to=@f, using=O())"),
)
def test_an_output_has_a_file_and_an_outputter(text, tree):
    assert statement(text) == tree


@trees(
    ("USE DATABASE d;", "Use(database=d)"),
    ("USE d;", "Use(database=d)"),
    ("USE SCHEMA s;", "Use(schema=s)"),
    ("USE SCHEMA d.s;", "Use(database=d, schema=s)"),
    ("USE d.s;", "Use(database=d, schema=s)"),
    ("USE DATABASE [my db];", "Use(database=my db)"),
    ("CREATE DATABASE d;", "CreateDatabase(name=d)"),
    ("CREATE DATABASE IF NOT EXISTS d;", "CreateDatabase(name=d, if_not_exists=True)"),
    ("CREATE SCHEMA d.s;", "CreateSchema(name=d/s)"),
    ("CREATE SCHEMA IF NOT EXISTS s;", "CreateSchema(name=s, if_not_exists=True)"),
    ("DROP DATABASE d;", "Drop(kind=DATABASE, name=d)"),
    ("DROP DATABASE IF EXISTS d;", "Drop(kind=DATABASE, name=d, if_exists=True)"),
    ("DROP SCHEMA IF EXISTS d.s;", "Drop(kind=SCHEMA, name=d/s, if_exists=True)"),
    ("DROP TABLE IF EXISTS d.s.t;", "Drop(kind=TABLE, name=d/s/t, if_exists=True)"),
    ("DROP VIEW v;", "Drop(kind=VIEW, name=v)"),
    ("TRUNCATE TABLE d..t;", "Truncate(table=d/dbo/t)"),
    ("ALTER TABLE d.dbo.t REBUILD;", "Rebuild(table=d/dbo/t)"),
    ('SET @@FeaturePreviews = "a:on";', "SetVariable(name=@@FeaturePreviews, value=string:'a:on')"),
)
def test_short_statements_have_their_names(text, tree):
    assert statement(text) == tree


@trees(
    ("CREATE TABLE t (a int, b string);", "CreateTable(name=t, columns=[a int, b string])"),
    (
        "CREATE TABLE IF NOT EXISTS d.dbo.t (a int, INDEX i CLUSTERED (a ASC, b DESC) DISTRIBUTED BY HASH (a) INTO 4);",
        (
            "CreateTable(name=d/dbo/t, columns=[a int], index=IndexDefinition(name=i, keys=[[a, False], [b, True]], "
            "distribution=HASH, distribution_keys=[a], buckets=4), if_not_exists=True)"
        ),
    ),
    (
        "CREATE TABLE t (a int, INDEX i CLUSTERED (a) PARTITIONED BY HASH (a));",
        (
            "CreateTable(name=t, columns=[a int], index=IndexDefinition(name=i, keys=[[a, False]], distribution=HASH, "
            "distribution_keys=[a]))"
        ),
    ),
    (
        "CREATE TABLE [*] ([]]] int, INDEX idx CLUSTERED ([]]]) PARTITIONED BY ROUND ROBIN INTO 5);",
        (
            "CreateTable(name=*, columns=[] int], index=IndexDefinition(name=idx, keys=[[], False]], "
            "distribution=ROUND ROBIN, buckets=5))"
        ),
    ),
    (
        "CREATE TABLE t (INDEX i CLUSTERED (b), a int, b int) DISTRIBUTED RANGE (a DESC, b);",
        (
            "CreateTable(name=t, columns=[a int, b int], index=IndexDefinition(name=i, keys=[[b, False]], "
            "distribution=RANGE, distribution_keys=[a, b]))"
        ),
    ),
    (
        "CREATE TABLE t (a int, INDEX i CLUSTERED (a)) PARTITIONED BY (b, c) DISTRIBUTED BY DIRECT HASH (a);",
        (
            "CreateTable(name=t, columns=[a int], index=IndexDefinition(name=i, keys=[[a, False]], "
            "distribution=DIRECT HASH, distribution_keys=[a], partition_keys=[b, c]))"
        ),
    ),
    (
        "CREATE TABLE t (a int, INDEX i CLUSTERED (a) PARTITIONED BY BUCKETS (b) DISTRIBUTED HASH (a));",
        (
            "CreateTable(name=t, columns=[a int], index=IndexDefinition(name=i, keys=[[a, False]], distribution=HASH, "
            "distribution_keys=[a], partition_keys=[b]))"
        ),
    ),
    (
        "CREATE TABLE t (a int, INDEX i CLUSTERED COLUMNSTORE DISTRIBUTED BY ROUND ROBIN);",
        "CreateTable(name=t, columns=[a int], index=IndexDefinition(name=i, distribution=ROUND ROBIN, columnstore=True))",
    ),
    (
        "CREATE TABLE t (INDEX i CLUSTERED (a) DISTRIBUTED BY HASH (a)) AS SELECT a FROM @x;",
        (
            "CreateTable(name=t, index=IndexDefinition(name=i, keys=[[a, False]], distribution=HASH, distribution_keys=[a]), "
            "query=Select(items=[a], source=@x))"
        ),
    ),
    (
        "CREATE TABLE t AS EXTRACT a int FROM @f USING E();",
        "CreateTable(name=t, query=Extract(columns=[a int], files=[@f], using=E()))",
    ),
)
def test_a_table_has_columns_an_index_and_a_layout(text, tree):
    assert statement(text) == tree


def test_a_view_keeps_the_text_of_its_query():
    (view,) = parse(
        "CREATE VIEW IF NOT EXISTS d.dbo.v AS\n  SELECT a, // comment\n  b FROM T ; USE d;"
    ).statements[:1]
    assert isinstance(view, ast.CreateView)
    assert view.text == "SELECT a, // comment\n  b FROM T"
    assert show(view.query) == "Select(items=[a, b], source=T)"
    assert (show(view.name), view.if_not_exists, view.columns) == ("d/dbo/v", True, ())


def test_a_view_keeps_parentheses_and_names_of_columns():
    (view,) = parse("CREATE VIEW v (a, [b c]) AS (SELECT 1 AS x, 2 AS y FROM T);").statements
    assert isinstance(view, ast.CreateView)
    assert view.text == "(SELECT 1 AS x, 2 AS y FROM T)"
    assert view.columns == ("a", "b c")
    assert parse(f"@r = {view.text};").statements


@trees(
    ("INSERT INTO t SELECT a FROM @x;", "Insert(table=t, query=Select(items=[a], source=@x))"),
    ("INSERT t SELECT * FROM @x;", "Insert(table=t, query=Select(items=[*], source=@x))"),
    (
        "INSERT INTO d.dbo.t (a, [b c]) VALUES (1, 2), (3, 4);",
        "Insert(table=d/dbo/t, query=ValuesQuery(rows=[[1, 2], [3, 4]]), columns=[a, b c])",
    ),
    ("INSERT INTO t @x;", "Insert(table=t, query=@x)"),
    ("INSERT INTO t (SELECT a FROM @x);", "Insert(table=t, query=Select(items=[a], source=@x))"),
    (
        "INSERT INTO t (a) EXTRACT a int FROM @f USING E();",
        "Insert(table=t, query=Extract(columns=[a int], files=[@f], using=E()), columns=[a])",
    ),
)
def test_an_insert_takes_a_query_or_values(text, tree):
    assert statement(text) == tree


@trees(
    ("IF @a == 1 THEN @x = @y; END;", "If(condition=(@a == 1), then=[Assign(name=@x, query=@y)])"),
    (
        "IF @a THEN USE d; USE e; ELSE USE f; END",
        "If(condition=@a, then=[Use(database=d), Use(database=e)], otherwise=[Use(database=f)])",
    ),
    (
        "IF @a THEN USE d; ELSEIF @b THEN USE e; ELSEIF @c THEN USE f; ELSE USE g; END;",
        (
            "If(condition=@a, then=[Use(database=d)], otherwise=[If(condition=@b, then=[Use(database=e)], "
            "otherwise=[If(condition=@c, then=[Use(database=f)], otherwise=[Use(database=g)])])])"
        ),
    ),
    (
        "IF @a THEN IF @b THEN USE d; END; ELSE USE e; END;",
        "If(condition=@a, then=[If(condition=@b, then=[Use(database=d)])], otherwise=[Use(database=e)])",
    ),
    (
        'IF (FILE.EXISTS("/a")) THEN DROP TABLE IF EXISTS t; END;',
        "If(condition=FILE.EXISTS(string:'/a'), then=[Drop(kind=TABLE, name=t, if_exists=True)])",
    ),
)
def test_an_if_has_branches(text, tree):
    assert statement(text) == tree


BODY = """
BEGIN
    IF @a THEN @x = SELECT CASE WHEN a THEN 1 END AS b FROM T; ELSE @x = @y; END;
    DROP TABLE IF EXISTS t; CREATE TABLE IF NOT EXISTS t (a int);
    @r = SELECT * FROM @x;
END
"""


@trees(
    (
        f"CREATE FUNCTION IF NOT EXISTS f(@a int = 1) RETURNS @r TABLE(a int) AS {BODY};",
        "CREATE FUNCTION (a table-valued function)",
    ),
    (f"CREATE PROCEDURE p(@a int) AS {BODY};", "CREATE PROCEDURE (a procedure)"),
    ("CREATE PACKAGE p() BEGIN IMPORT PACKAGE q; REFERENCE ASSEMBLY a; END;", "CREATE PACKAGE (a package)"),
    ("CREATE TYPE IF NOT EXISTS t AS TABLE(a int);", "CREATE TYPE (a table type)"),
    ('CREATE ASSEMBLY [A.B] FROM @"/a.dll";', "CREATE ASSEMBLY (a user assembly)"),
    ("CREATE ASSEMBLY a FROM 0x4D5A90000300000004000000FFFF0000;", "CREATE ASSEMBLY (a user assembly)"),
    ('CREATE EXTERNAL TABLE t (a int) FROM S LOCATION "x";', "CREATE EXTERNAL TABLE (an external table)"),
    (
        "CREATE DATA SOURCE s FROM SQLSERVER WITH (CREDENTIAL = c);",
        "CREATE DATA SOURCE (an external data source)",
    ),
    ("CREATE STATISTICS s ON t (a);", "CREATE STATISTICS (statistics)"),
    ("CREATE CLUSTERED INDEX i ON t (a) PARTITIONED BY (b);", "CREATE CLUSTERED INDEX (an index of its own)"),
    ("DROP ASSEMBLY IF EXISTS a;", "DROP ASSEMBLY (a user assembly)"),
    ("DROP FUNCTION f;", "DROP FUNCTION (a table-valued function)"),
    ("DROP CREDENTIAL c;", "DROP CREDENTIAL (a credential)"),
    ("ALTER DATA SOURCE s WITH (a = b);", "ALTER DATA SOURCE (an external data source)"),
    ("ALTER TABLE t ADD IF NOT EXISTS PARTITION (@a), PARTITION (@b);", "ALTER TABLE with ADD"),
    ("ALTER TABLE t DROP COLUMN a, [b;c];", "ALTER TABLE with DROP"),
    ("ALTER TABLE t REBUILD PARTITION (@a);", "ALTER TABLE with REBUILD of partitions"),
    ("REFERENCE ASSEMBLY [Newtonsoft.Json];", "REFERENCE ASSEMBLY (a user assembly)"),
    ("REFERENCE SYSTEM ASSEMBLY [System.Xml];", "REFERENCE SYSTEM ASSEMBLY (a .NET assembly)"),
    ("USING Formats = Microsoft.Analytics.Samples.Formats;", "USING (a name for a .NET namespace)"),
    ("IMPORT PACKAGE d.p(1) AS q;", "IMPORT PACKAGE (a package)"),
    ("EXPORT @x;", "EXPORT (a package)"),
    ('DEPLOY RESOURCE @"/a.py";', "DEPLOY RESOURCE"),
    (f"DECLARE FUNCTION @f() RETURNS @r AS {BODY};", "DECLARE FUNCTION (a named function)"),
    ("DECLARE @f Func<int, string> = (x) => x.ToString();", "a variable of type Func (a named lambda)"),
    (
        "DECLARE @f Func<string, int> = (s) => { int i; return int.TryParse(s, out i) ? i : 0; };",
        "a variable of type Func (a named lambda)",
    ),
    ("INSERT INTO t (a) PARTITION (@p) VALUES (1);", "INSERT with PARTITION (table partitions)"),
    ("INSERT INTO t ON INTEGRITY VIOLATION IGNORE SELECT * FROM @x;", "INSERT with ON (table partitions)"),
    ("TRUNCATE TABLE t PARTITION (@p);", "TRUNCATE of a PARTITION (table partitions)"),
    ("d.dbo.p(1, @x);", "the call of procedure d.dbo.p"),
)
def test_a_statement_that_is_not_run_is_kept_whole(text, tree):
    found = parse(f"USE a; {text} USE b;").statements
    assert [show(item) for item in found] == [
        "Use(database=a)",
        f"Unsupported(feature={tree})",
        "Use(database=b)",
    ]
    assert found[1].span.start == 7


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("DROP DATABASE IF «EXIST» FOO; CREATE DATABASE FOO;", "EXISTS"),
        ("DROP «DATABSE» FOO;", "ASSEMBLY DATABASE SCHEMA TABLE VIEW"),
        ("CREATE DATABASE IF «EXISTS» FOO;", "NOT"),
        ("CREATE «TABEL» t;", "DATABASE SCHEMA TABLE VIEW FUNCTION"),
        ("SELEKT «a» FROM @x;", "'(' '.'"),
        ("«SELECT» a FROM @x;", "CREATE DECLARE DROP IF OUTPUT USE variable"),
        ("USE a «USE» b;", "';'"),
        ("DECLARE @a string«;»", "'='"),
        ("DECLARE «@@a» int = 1;", "CONST EXTERNAL FUNCTION variable"),
        ("«@@a» = SELECT 1 AS b;", "variable"),
        ("SET «@a» = 1;", "system-variable"),
        ("DECLARE «a» int = 1;", "CONST EXTERNAL FUNCTION variable"),
        ("OUTPUT @x «USING» Outputters.Csv();", "TO UNION"),
        ('OUTPUT @x TO "a"«;»', "ORDER USING"),
        ("OUTPUT «TO» @f USING O();", "'(' SELECT variable"),
        ("CREATE TABLE t«;»", "'(' AS"),
        ("CREATE TABLE t (a «,» b int);", "identifier"),
        ("CREATE TABLE t (a int, INDEX i «(»a));", "CLUSTERED"),
        ("CREATE TABLE t (a int, INDEX i CLUSTERED (a) DISTRIBUTED BY «a»);", "DIRECT HASH RANGE ROUND"),
        ("CREATE VIEW v «SELECT» a FROM T;", "AS"),
        ("INSERT INTO t «;»", "SELECT VALUES"),
        ("TRUNCATE «t»;", "TABLE"),
        ("ALTER TABLE t «RENAME» x;", "ADD DROP REBUILD"),
        ("IF @a «USE» b; END;", "THEN"),
        ("IF @a THEN USE b;«»", "ELSE ELSEIF END"),
        ("IF @a THEN USE b «END»;", "';'"),
        ("«END»;", "CREATE DECLARE DROP IF OUTPUT USE variable"),
    ],
)
def test_an_error_in_a_statement_tells_what_would_have_fitted(marked, expected):
    diagnostic = error_at(marked)
    found = diagnostic.message.removeprefix("syntax error. Expected one of: ").split()
    assert set(expected.split()) <= set(found), diagnostic.message


def test_the_error_of_the_service_is_given_as_the_service_gives_it():
    diagnostic = error("DROP DATABASE IF EXIST FOO; CREATE DATABASE FOO;")
    assert str(diagnostic) == "E_CSC_USER_SYNTAXERROR: syntax error. Expected one of: EXISTS"
    span = diagnostic.span
    assert (span.line, span.column, span.start, span.end) == (1, 18, 17, 22)
    assert diagnostic.severity == "Error"
    assert diagnostic.description == "Invalid syntax found in the script."
    assert diagnostic.resolution == "Correct the script syntax, using expected token(s) as a guide."
    assert diagnostic.details == (
        "at token 'EXIST', line 1\nnear the ###:\nDROP DATABASE IF ### EXIST FOO; CREATE DATABASE FOO;"
    )


TAILS = {
    "WHERE": "a",
    "GROUP": "BY a",
    "HAVING": "a",
    "ORDER": "BY a FETCH 1",
    "OFFSET": "1 ROW",
    "FETCH": "1",
    "OPTION": "(a)",
    "UNION": "ALL @z",
    "EXCEPT": "@z",
    "INTERSECT": "@z",
    "AS": "b",
    "','": "@z",
    "';'": "",
    "JOIN": "@z ON a == b",
    "INNER": "JOIN @z ON a == b",
    "LEFT": "JOIN @z ON a == b",
    "RIGHT": "JOIN @z ON a == b",
    "FULL": "JOIN @z ON a == b",
    "CROSS": "JOIN @z",
    "OUTER": "APPLY EXPLODE(a) AS b(c)",
    "SEMIJOIN": "@z ON a == b",
    "ANTISEMIJOIN": "@z ON a == b",
}


def test_each_expected_token_really_fits():
    message = error("@x = SELECT a FROM @y x;").message
    expected = message.removeprefix("syntax error. Expected one of: ").split()
    assert set(expected) == set(TAILS)
    for token in expected:
        assert parse(f"@x = SELECT a FROM @y {token.strip(chr(39))} {TAILS[token]}").statements


def test_only_the_first_error_is_reported():
    assert error_at("USE a;\n@x = SELECT «,»;\nSELECT b; DROP x y;").span.line == 2


def test_empty_statements_and_a_missing_last_semicolon_are_fine():
    assert len(parse(";; USE a;;USE b").statements) == 2
    assert parse("").statements == ()
    assert parse(" // nothing").statements == ()


def test_a_script_keeps_its_text():
    assert parse("USE a;").text == "USE a;"


@pytest.mark.parametrize(
    "name",
    [
        "date",
        "key",
        "order",
        "select",
        "value",
        "name",
        "from",
        "ID",
        "COUNTRY",
        "HASH",
        "a_B",
        "_x",
        "SELECT_1",
    ],
)
def test_a_word_that_is_no_keyword_is_a_name(name):
    assert parse(
        f"@x = EXTRACT {name} int FROM @f USING E(); @y = SELECT {name}, t.{name} AS {name} FROM @x AS {name};"
    )


@pytest.mark.parametrize("name", ["SELECT", "FROM", "TABLE", "IF", "TO", "class", "null", "int", "new"])
def test_a_keyword_is_a_name_only_in_brackets(name):
    error_at(f"@x = EXTRACT «{name}» int FROM @f USING E();")
    assert parse(f"@x = EXTRACT [{name}] int FROM @f USING E();")
