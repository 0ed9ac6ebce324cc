"""Whole scripts, from input files to output files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from airflow_provider_datalake.usql.binder.relation import plan_columns
from airflow_provider_datalake.usql.diagnostics import CompileError
from airflow_provider_datalake.usql.plan import ExtractStep, OutputStep, QueryStep
from airflow_provider_datalake.usql.types import INT
from tests.unit.usql.binder.local import LocalMachine
from tests.unit.usql.binder.support import PEOPLE, compile_here

if TYPE_CHECKING:
    from pathlib import Path

LOG = (
    "399266\t2/15/2012 11:53:16 AM\ten-us\thow to make nachos\t73\twww.nachos.com;www.wikipedia.com\tNULL\n"
    "382045\t2/15/2012 11:53:18 AM\ten-gb\tbest ski resorts\t614\tskiresorts.com;ski-europe.com\tski-europe.com\n"
    "382046\t2/16/2012 11:53:20 AM\ten-gb\tbroken leg\t74\tmayoclinic.com/health\tmayoclinic.com\n"
    "106479\t2/16/2012 11:53:50 AM\ten-ca\tsouth park episodes\t24\tsouthparkstudios.com\tsouthparkstudios.com\n"
)
SCHEMA = (
    "UserId int, Start DateTime, Region string, Query string, Duration int?, Urls string, ClickedUrls string"
)
EXTRACT = f'@log = EXTRACT {SCHEMA} FROM "/Samples/Data/SearchLog.tsv" USING Extractors.Tsv();\n'


@pytest.fixture
def machine(tmp_path: Path) -> LocalMachine:
    found = LocalMachine(tmp_path)
    found.put("/Samples/Data/SearchLog.tsv", LOG)
    return found


def test_a_script_refines_a_rowset_under_one_name(machine: LocalMachine) -> None:
    text = f"""
        DECLARE @in string = "/Samples/Data/SearchLog.tsv";
        DECLARE @out string = "/output/result.csv";
        @searchlog = EXTRACT {SCHEMA} FROM @in USING Extractors.Tsv();
        @rs1 = SELECT Start, Region, Duration FROM @searchlog WHERE Region == "en-gb";
        @rs1 = SELECT Start, Region, Duration FROM @rs1
               WHERE Start >= DateTime.Parse("2012/02/16") AND Start <= DateTime.Parse("2012/02/17");
        OUTPUT @rs1 TO @out USING Outputters.Csv();
    """
    assert machine.run(text) == {"/output/result.csv": '2012-02-16T11:53:20.0000000,"en-gb",74\r\n'}


def test_regions_are_counted_and_sorted(machine: LocalMachine) -> None:
    text = f"""{EXTRACT}
        @r = SELECT Region, SUM(Duration) AS Total, COUNT(*) AS Searches
             FROM @log GROUP BY Region HAVING SUM(Duration) > 50;
        OUTPUT @r TO "/r.tsv" ORDER BY Total DESC USING Outputters.Tsv(outputHeader : true, quoting : false);
    """
    assert machine.run(text)["/r.tsv"] == "Region\tTotal\tSearches\r\nen-gb\t688\t2\r\nen-us\t73\t1\r\n"


def test_urls_are_split_into_rows_and_joined_with_a_table(machine: LocalMachine) -> None:
    machine.run(
        """CREATE DATABASE IF NOT EXISTS Web; USE DATABASE Web;
           CREATE TABLE Known (host string, rank int?, INDEX i CLUSTERED (host) DISTRIBUTED BY HASH (host));
           INSERT INTO Known VALUES ("skiresorts.com", 1), ("www.nachos.com", null);"""
    )
    text = f"""{EXTRACT}
        @urls = SELECT UserId, new SqlArray<string>(Urls.Split(';')) AS parts FROM @log;
        @hosts = SELECT UserId, p AS host FROM @urls CROSS APPLY EXPLODE(parts) AS T(p);
        @all = SELECT h.UserId, h.host, k.rank ?? -1 AS rank
               FROM @hosts AS h LEFT OUTER JOIN Web.dbo.Known AS k ON h.host == k.host;
        OUTPUT @all TO "/hosts.csv" ORDER BY host USING Outputters.Csv(quoting : false);
    """
    assert machine.run(text)["/hosts.csv"].split() == [
        "382046,mayoclinic.com/health,-1",
        "382045,ski-europe.com,-1",
        "382045,skiresorts.com,1",
        "106479,southparkstudios.com,-1",
        "399266,www.nachos.com,-1",
        "399266,www.wikipedia.com,-1",
    ]


def test_the_longest_search_of_every_region(machine: LocalMachine) -> None:
    text = f"""{EXTRACT}
        @ranked = SELECT *, ROW_NUMBER() OVER (PARTITION BY Region ORDER BY Duration DESC) AS n FROM @log;
        @top = SELECT Region.ToUpper() AS region, Query.Substring(0, 4) + "..." AS start FROM @ranked WHERE n == 1;
        OUTPUT @top TO "/top.csv" ORDER BY region USING Outputters.Csv(quoting : false);
    """
    assert machine.run(text)["/top.csv"].split("\r\n") == [
        "EN-CA,sout...",
        "EN-GB,best...",
        "EN-US,how ...",
        "",
    ]


def test_a_file_set_gives_its_virtual_columns(machine: LocalMachine) -> None:
    for day, rows in (("01", "1\n2\n"), ("02", "3\n")):
        machine.put(f"/logs/2024/05/{day}/web.csv", rows)
        machine.put(f"/logs/2024/05/{day}/app.csv", "9\n")
    text = """
        @log = EXTRACT n int, date DateTime, kind string
               FROM "/logs/{date:yyyy}/{date:MM}/{date:dd}/{kind}.csv" USING Extractors.Csv();
        @r = SELECT date.Day AS day, SUM(n) AS total FROM @log
             WHERE kind == "web" AND date >= new DateTime(2024, 5, 1) GROUP BY date.Day;
        OUTPUT @r TO "/days.csv" ORDER BY day USING Outputters.Csv();
    """
    assert machine.run(text)["/days.csv"] == "1,3\r\n2,3\r\n"


def test_a_file_set_without_files_is_an_empty_rowset(machine: LocalMachine) -> None:
    text = """
        @r = EXTRACT n int FROM "/nothing/{*}.csv" USING Extractors.Csv();
        OUTPUT @r TO "/n.csv" USING Outputters.Csv(outputHeader : true);
    """
    assert machine.run(text) == {"/n.csv": '"n"\r\n'}


def test_several_files_are_one_rowset_and_one_rowset_is_several_files(machine: LocalMachine) -> None:
    machine.put("/a b.csv", "1;x\n")
    machine.put("/c.csv", "id;name\n2;y\n")
    text = """
        @a = EXTRACT id int, name string FROM "/a%20b.csv" USING Extractors.Text(delimiter : ';');
        @c = EXTRACT id int, name string FROM "/c.csv" USING Extractors.Text(';', skipFirstNRows : 1);
        @all = SELECT * FROM @a UNION ALL SELECT * FROM @c;
        OUTPUT @all TO "/all.csv" ORDER BY id DESC USING Outputters.Csv();
        OUTPUT (SELECT COUNT(*) AS n FROM @all) TO "/n%20.csv" USING Outputters.Csv();
    """
    assert machine.run(text) == {"/all.csv": '2,"y"\r\n1,"x"\r\n', "/n%20.csv": "2\r\n"}


def test_empty_texts_are_texts_and_nulls_are_nulls(machine: LocalMachine) -> None:
    machine.put("/t.csv", '1,,""\n2,a,\n')
    text = """
        @t = EXTRACT id int, a string, b string FROM "/t.csv" USING Extractors.Csv();
        @r = SELECT id, a == "" ? null : a AS a, b == null AS none, string.IsNullOrEmpty(b) AS empty FROM @t;
        OUTPUT @r TO "/r.csv" ORDER BY id USING Outputters.Csv(nullEscape : "#");
    """
    assert machine.run(text)["/r.csv"] == '1,#,False,True\r\n2,"a",False,True\r\n'


def test_a_parameter_chooses_the_statements(machine: LocalMachine) -> None:
    text = f"""
        DECLARE EXTERNAL @full = false;
        {PEOPLE}
        IF @full THEN
            @r = SELECT * FROM @people;
        ELSE
            @r = SELECT id FROM @people;
        END;
        OUTPUT @r TO "/r.csv" ORDER BY id USING Outputters.Csv();
    """
    assert machine.run(text)["/r.csv"] == "1\r\n2\r\n"
    assert machine.run("DECLARE @full = true;" + text)["/r.csv"] == '1,"Ann",10,120\r\n2,"Bob",,121\r\n'


def test_rows_are_sorted_by_a_column_that_is_not_written(machine: LocalMachine) -> None:
    text = f"""{PEOPLE}
        @r = SELECT name FROM @people ORDER BY id DESC FETCH 1;
        OUTPUT @r TO "/r.csv" USING Outputters.Csv();
    """
    assert machine.run(text)["/r.csv"] == '"Bob"\r\n'


def test_nulls_come_last_in_both_directions(machine: LocalMachine) -> None:
    for direction, expected in (("ASC", "1\r\n2\r\n\r\n"), ("DESC", "2\r\n1\r\n\r\n")):
        text = f"""
            @r = SELECT * FROM (VALUES ((int?)null), ((int?)2), ((int?)1)) AS X(v);
            OUTPUT @r TO "/r.csv" ORDER BY v {direction} USING Outputters.Csv();
        """
        assert machine.run(text)["/r.csv"] == expected


def test_a_plan_has_only_the_steps_that_outputs_need() -> None:
    plan = compile_here(
        '@a = EXTRACT x int FROM "/in/a.csv" USING Extractors.Csv();'
        '@b = EXTRACT x int FROM "/in/b.csv" USING Extractors.Csv();'
        "@unused = SELECT x + 1 AS y FROM @b;"
        "@c = SELECT x FROM @a;"
        'OUTPUT @c TO "/c.csv" USING Outputters.Csv();'
    )
    assert [type(step) for step in plan.steps] == [ExtractStep, QueryStep, OutputStep]
    extract, query, output = plan.steps
    assert isinstance(extract, ExtractStep)
    assert isinstance(query, QueryStep)
    assert isinstance(output, OutputStep)
    assert query.inputs == (extract.rowset.id,)
    assert output.source == query.rowset.id
    assert (extract.rowset.label, query.rowset.label) == ("@a", "@c")


def test_queries_are_made_of_nodes_that_every_engine_knows() -> None:
    plan = compile_here(
        f"""{PEOPLE}
        @a = SELECT p.id, COUNT(*) AS n FROM @people AS p LEFT OUTER JOIN @people AS q ON p.id == q.id
             SEMIJOIN @people AS r ON p.id == r.id GROUP BY p.id ORDER BY n DESC FETCH 5;
        @b = SELECT id, v FROM @people OUTER APPLY EXPLODE(new SqlMap<string, int?>{{{{"a", id}}}}) AS T(v, w);
        @c = SELECT id FROM @a UNION ALL SELECT id FROM @b OUTER UNION ALL BY NAME ON (*) SELECT * FROM @people;
        OUTPUT @c TO "/c.csv" USING Outputters.Csv();"""
    )
    queries = [step.query for step in plan.steps if isinstance(step, QueryStep)]
    assert len(queries) == 4
    assert not [node for query in queries for node in query.find_all(exp.Anonymous)]
    assert all(query.sql(dialect="spark") for query in queries)


def test_a_syntax_error_stands_alone_at_its_exact_place() -> None:
    with pytest.raises(CompileError) as caught:
        compile_here("DROP DATABASE IF EXIST FOO; CREATE DATABASE FOO;")
    (diagnostic,) = caught.value.diagnostics
    span = diagnostic.span
    assert (span.line, span.column, span.start, span.end) == (1, 18, 17, 22)
    assert (diagnostic.code, diagnostic.severity) == ("E_CSC_USER_SYNTAXERROR", "Error")


def test_an_error_quotes_the_script_around_its_place() -> None:
    with pytest.raises(CompileError) as caught:
        compile_here("@a = SELECT * FROM @nowhere;")
    assert "### @nowhere" in caught.value.diagnostics[0].details


@given(st.lists(st.sampled_from(["a", "A", "a_1", "A_1", "b", "B", "É", "é", "c d"]), unique=True))
def test_sql_names_differ_by_more_than_case(names: list[str]) -> None:
    columns = plan_columns((name, INT) for name in names)
    assert [column.name for column in columns] == names
    assert len({column.sql_name.lower() for column in columns}) == len(names)
    alone = [column for column in columns if [n.lower() for n in names].count(column.name.lower()) == 1]
    assert all(column.sql_name == column.name for column in alone)


def test_a_name_that_is_assigned_again_is_another_rowset() -> None:
    plan = compile_here(
        f'{PEOPLE}@people = SELECT id FROM @people; OUTPUT @people TO "/o.csv" USING Outputters.Csv();'
    )
    first, second = (step for step in plan.steps if isinstance(step, QueryStep))
    assert first.rowset.id != second.rowset.id
    assert second.inputs == (first.rowset.id,)


def test_columns_that_differ_by_case_have_sql_names_of_their_own() -> None:
    plan = compile_here(
        f'{PEOPLE}OUTPUT (SELECT id, id AS ID, name FROM @people) TO "/o.csv" USING Outputters.Csv();'
    )
    output = plan.steps[-1]
    assert isinstance(output, OutputStep)
    names = [column.sql_name for column in output.columns]
    assert names[2] == "name"
    assert len({name.lower() for name in names}) == 3
