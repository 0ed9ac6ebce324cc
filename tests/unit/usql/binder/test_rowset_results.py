"""What rowset expressions give when they are run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.usql.binder.local import LocalMachine

if TYPE_CHECKING:
    from pathlib import Path

ROWSETS = """
@p = SELECT * FROM (VALUES (1, "Ann", (int?)10), (2, "Bob", (int?)null), (3, "Cyd", (int?)30), (4, (string)null, (int?)10))
     AS P(id, name, dep);
@d = SELECT * FROM (VALUES ((int?)10, "Sales"), ((int?)20, "Law"), ((int?)null, "Void")) AS D(dep, title);
"""

QUERIES = [
    # Null equality is C#'s
    ("SELECT id FROM @p WHERE dep != 10", ["2", "3"]),
    ("SELECT id FROM @p WHERE dep == null", ["2"]),
    ("SELECT id FROM @p WHERE NOT (dep < 20)", ["2", "3"]),
    # Joins
    ("SELECT p.id, d.title FROM @p AS p JOIN @d AS d ON p.dep == d.dep", ["1,Sales", "4,Sales"]),
    (
        "SELECT id, title FROM @p AS p LEFT OUTER JOIN @d AS d ON p.dep == d.dep",
        ["1,Sales", "2,", "3,", "4,Sales"],
    ),
    (
        "SELECT id, title FROM @p AS p RIGHT OUTER JOIN @d AS d ON d.dep == p.dep",
        [",Law", ",Void", "1,Sales", "4,Sales"],
    ),
    (
        "SELECT id, title FROM @p AS p FULL OUTER JOIN @d AS d ON p.dep == d.dep",
        [",Law", ",Void", "1,Sales", "2,", "3,", "4,Sales"],
    ),
    ("SELECT * FROM @p LEFT SEMIJOIN @d ON @p.dep == @d.dep", ["1,Ann,10", "4,,10"]),
    ("SELECT * FROM @p ANTISEMIJOIN @d ON @p.dep == @d.dep", ["2,Bob,", "3,Cyd,30"]),
    ("SELECT title FROM @p AS p RIGHT SEMIJOIN @d AS d ON p.dep == d.dep", ["Sales"]),
    ("SELECT title FROM @p AS p RIGHT ANTISEMIJOIN @d AS d ON p.dep == d.dep", ["Law", "Void"]),
    ("SELECT p.id, d.title FROM @p AS p CROSS JOIN @d AS d WHERE p.id == 1", ["1,Law", "1,Sales", "1,Void"]),
    (
        "SELECT a.id, b.id AS other FROM @p AS a JOIN @p AS b ON a.dep == b.dep AND a.name == b.name",
        ["1,1", "3,3"],
    ),
    (
        ("SELECT p.id, x.v FROM @p AS p JOIN (@d AS d JOIN (VALUES (\"Sales\", 7)) AS x(title, v) "
        "ON d.title == x.title) ON p.dep == d.dep"),
        ["1,7", "4,7"],
    ),
    (
        "SELECT p.id, x.v FROM @p AS p SEMIJOIN @d AS d ON p.dep == d.dep CROSS JOIN (VALUES (7), (8)) AS x(v)",
        ["1,7", "1,8", "4,7", "4,8"],
    ),
    ("SELECT n, k, l FROM (VALUES (1)) AS X(n) CROSS JOIN (VALUES (3)) AS Y(k), (VALUES (4)) AS Z(l)", ["1,3,4"]),
    ("SELECT id FROM @p OUTER UNION BY NAME ON (*) SELECT dep AS x, 5 AS id FROM @d WHERE dep == 10",
     ["1,", "2,", "3,", "4,", "5,10"]),
    # Groups
    ("SELECT AVG(v) AS a FROM (VALUES (1), (2), (2)) AS X(v)", ["1"]),
    ("SELECT AVG(v) AS a, SUM(v) AS s FROM (VALUES (1.5), (2.5)) AS X(v)", ["2,4"]),
    ("SELECT MIN(v) AS a, MAX(v) AS b FROM (VALUES (\"b\"), (\"B\"), (\"é\"), (\"z\")) AS X(v)", ["B,é"]),
    ("SELECT COUNT(*) AS n, COUNT(dep) AS d FROM @p", ["4,3"]),
    ("SELECT COUNT(*) AS n, SUM(id) AS s FROM @p WHERE id > 100", ["0,"]),
    ("SELECT dep, COUNT(*) AS n FROM @p WHERE id > 100 GROUP BY dep", []),
    ("SELECT MAX(id) - MIN(id) AS span FROM @p", ["3"]),
    ("SELECT dep ?? 0 AS d, ANY_VALUE(name) AS n FROM @p WHERE id < 3 GROUP BY dep ?? 0", ["0,Bob", "10,Ann"]),
    ("SELECT m[\"Ann\"] AS x FROM (SELECT MAP_AGG(name, id) AS m FROM @p WHERE id < 3) AS s", ["1"]),
    ("SELECT p.dep, COUNT(d.title) AS n FROM @p AS p LEFT OUTER JOIN @d AS d ON p.dep == d.dep GROUP BY p.dep", [",0", "10,2", "30,0"]),
    ("SELECT dep, COUNT(*) AS n FROM @p GROUP BY dep", [",1", "10,2", "30,1"]),
    ("SELECT COUNT(name) AS n, SUM(id) AS s, AVG(id) AS a, MIN(name) AS m FROM @p", ["3,10,2,Ann"]),
    ("SELECT dep, COUNT(*) AS n FROM @p GROUP BY dep HAVING COUNT(*) > 1", ["10,2"]),
    ("SELECT COUNT(DISTINCT dep) AS n FROM @p", ["2"]),
    ("SELECT id % 2 AS odd, SUM(id) AS s FROM @p GROUP BY id % 2", ["0,6", "1,4"]),
    ("SELECT odd, odd + 1 AS next, SUM(id) AS s FROM @p GROUP BY id % 2 AS odd", ["0,1,6", "1,2,4"]),
    ("SELECT 7 AS seven FROM @p GROUP BY 1", ["7"]),
    ("SELECT SUM(SUM(id)) OVER () AS total, dep FROM @p GROUP BY dep", ["10,", "10,10", "10,30"]),
    # Duplicates and sets
    ("SELECT DISTINCT dep FROM @p", ["", "10", "30"]),
    ("SELECT dep FROM @p UNION ALL SELECT dep FROM @d", ["", "", "10", "10", "10", "20", "30"]),
    ("SELECT dep FROM @p UNION SELECT dep FROM @d", ["", "10", "20", "30"]),
    ("SELECT dep FROM @p INTERSECT SELECT dep FROM @d", ["", "10"]),
    ("SELECT dep FROM @p EXCEPT DISTINCT SELECT dep FROM @d", ["30"]),
    ("SELECT dep FROM @p EXCEPT ALL SELECT dep FROM @d", ["10", "30"]),
    (
        "SELECT * FROM @p UNION ALL BY NAME ON (*) SELECT title AS name, 0 AS id FROM @d",
        ["0,Law", "0,Sales", "0,Void", "1,Ann", "2,Bob", "3,Cyd", "4,"],
    ),
    (
        "SELECT id, name FROM @p OUTER UNION ALL BY NAME ON (name) SELECT title AS name, dep, 1.5 AS f FROM @d",
        ["0,Law,20,1.5", "0,Sales,10,1.5", "0,Void,,1.5", "1,Ann,,0", "2,Bob,,0", "3,Cyd,,0", "4,,,0"],
    ),
    # Order
    ("SELECT id FROM @p ORDER BY dep DESC, id FETCH 2", ["1", "3"]),
    ("SELECT id FROM @p ORDER BY dep ASC, id FETCH 3 ROWS", ["1", "3", "4"]),
    ("SELECT id FROM @p ORDER BY id OFFSET 1 ROW FETCH 2 ROWS", ["2", "3"]),
    ("SELECT name FROM @p ORDER BY id * -1 FETCH 1", [""]),
    ("SELECT 0 - id AS id FROM @p ORDER BY id FETCH 1", ["-4"]),
    ("SELECT dep FROM @p GROUP BY dep ORDER BY SUM(id) DESC FETCH 1", ["10"]),
    ("SELECT id FROM @p ORDER BY 1, id DESC FETCH 1", ["4"]),
    ("SELECT 0 - id AS id FROM @p ORDER BY id * 1 FETCH 1", ["-4"]),
    ("SELECT 0 - p.id AS id FROM @p AS p ORDER BY p.id * 1 FETCH 1", ["-1"]),
    ("SELECT id FROM @p UNION ALL SELECT 9 AS id FROM @d", ["1", "2", "3", "4", "9", "9", "9"]),
    ("(SELECT id FROM @p ORDER BY id FETCH 1) UNION ALL SELECT id FROM @p WHERE id > 3", ["1", "4"]),
    ("SELECT id FROM @p UNION ALL SELECT id FROM @p INTERSECT SELECT 1 AS id FROM @p", ["1", "1", "2", "3", "4"]),
    ("(SELECT id FROM @p UNION ALL SELECT id FROM @p) INTERSECT SELECT 1 AS id FROM @p", ["1"]),
    ("SELECT id FROM @p EXCEPT (SELECT id FROM @p EXCEPT SELECT 1 AS id FROM @p)", ["1"]),
    # Windows
    ("SELECT id, ROW_NUMBER() OVER (ORDER BY id DESC) AS n FROM @p", ["1,4", "2,3", "3,2", "4,1"]),
    (
        "SELECT id, SUM(id) OVER (PARTITION BY dep) AS s FROM @p",
        ["1,5", "2,2", "3,3", "4,5"],
    ),
    # Collections
    (
        ("SELECT id, part FROM @p CROSS APPLY EXPLODE(new SqlArray<string>(name.Split('n'))) AS T(part)"
        " WHERE id == 1"),
        ["1,", "1,", "1,A"],
    ),
    (
        ("SELECT id, x FROM (SELECT id, id == 1 ? new SqlArray<int>{1, 2} : null AS list FROM @p WHERE id < 3) AS s"
        " CROSS APPLY EXPLODE(list) AS T(x)"),
        ["1,1", "1,2"],
    ),
    (
        ("SELECT id, x FROM (SELECT id, id == 1 ? new SqlArray<int>{1, 2} : null AS list FROM @p WHERE id < 3) AS s"
        " OUTER APPLY EXPLODE(list) AS T(x)"),
        ["1,1", "1,2", "2,"],
    ),
    (
        ("SELECT id, k, v FROM (SELECT id, new SqlMap<string, int?>{{\"a\", id}, {\"b\", dep}} AS m FROM @p"
        " WHERE id == 2) AS s CROSS APPLY EXPLODE(m) AS T(k, v)"),
        ["2,a,2", "2,b,"],
    ),
    (
        ("SELECT dep, x FROM (SELECT dep, ARRAY_AGG(id) AS ids FROM @p GROUP BY dep) AS g"
        " CROSS APPLY EXPLODE(ids) AS T(x) WHERE dep == 10"),
        ["10,1", "10,4"],
    ),
    # Names that differ by case only
    ("SELECT a.Id, a.id, a.ID + 1 AS iD FROM (SELECT id, id * 10 AS Id, id * 100 AS ID FROM @p) AS a WHERE a.id == 1", ["10,1,101"]),
    # Types of constants
    ("SELECT v FROM (VALUES (1), (2L)) AS X(v)", ["1", "2"]),
    ("SELECT v + \"!\" AS s FROM (VALUES (\"a\"), ((string)null)) AS X(v)", ["!", "a!"]),
]  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> LocalMachine:
    return LocalMachine(tmp_path)


@pytest.mark.parametrize(("query", "rows"), QUERIES, ids=[query for query, _ in QUERIES])
def test_a_query_gives_its_rows(machine: LocalMachine, query: str, rows: list[str]) -> None:
    text = f'{ROWSETS}@q = {query};\nOUTPUT @q TO "/q.csv" USING Outputters.Csv(quoting : false);'
    assert machine.lines(text) == rows


def test_a_long_chain_of_unions_is_compiled_and_run(machine: LocalMachine) -> None:
    chain = " UNION ALL ".join(f"SELECT {number} AS n FROM @p WHERE id == 1" for number in range(300))
    assert len(machine.lines(f'{ROWSETS}@q = {chain}; OUTPUT @q TO "/q.csv" USING Outputters.Csv();')) == 300


def test_texts_are_sorted_by_their_bytes(machine: LocalMachine) -> None:
    values = 'VALUES ("b"), ("B"), ("é"), ("z"), ("a")'
    text = f'@q = SELECT * FROM ({values}) AS X(v); OUTPUT @q TO "/q.csv" ORDER BY v USING Outputters.Csv(quoting : false);'
    assert machine.run(text)["/q.csv"].split() == ["B", "a", "b", "z", "é"]


def test_an_output_is_sorted_by_expressions(machine: LocalMachine) -> None:
    text = f'{ROWSETS}OUTPUT @p TO "/q.csv" ORDER BY id % 2 DESC, id USING Outputters.Csv();'
    assert [line[0] for line in machine.run(text)["/q.csv"].splitlines()] == ["1", "3", "2", "4"]
