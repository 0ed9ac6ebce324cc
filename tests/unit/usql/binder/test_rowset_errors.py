"""Rowset expressions: their columns' types, and what is wrong with them, at its place."""

from __future__ import annotations

import pytest

from tests.unit.usql.binder.support import PEOPLE, collection_schema_of, error_of, schema_of

SCHEMAS = [
    ("SELECT * FROM @people", "id int, name string, score int?, letter char"),
    ("SELECT name, id AS Id FROM @people", "name string, Id int"),
    ("SELECT p.* FROM @people AS p", "id int, name string, score int?, letter char"),
    ("SELECT @people.id FROM @people", "id int"),
    ("SELECT name.Length FROM @people", "Length int"),
    ("SELECT id + 1L AS n, id / 2.0 AS d, name == null AS b FROM @people", "n long, d double, b bool"),
    ("SELECT v FROM (VALUES (1), (2L)) AS X(v)", "v long"),
    ("SELECT v FROM (VALUES (1), ((int?)null)) AS X(v)", "v int?"),
    ("SELECT v, w FROM (VALUES (1.5, \"a\"), (2, null)) AS X(v, w)", "v double, w string"),
    (
        "SELECT p.id, q.id AS other FROM @people AS p LEFT OUTER JOIN @people AS q ON p.id == q.id",
        "id int, other int?",
    ),
    (
        "SELECT p.id, q.id AS other FROM @people AS p RIGHT OUTER JOIN @people AS q ON p.id == q.id",
        "id int?, other int",
    ),
    (
        "SELECT p.id, q.id AS other FROM @people AS p FULL OUTER JOIN @people AS q ON p.id == q.id",
        "id int?, other int?",
    ),
    (
        "SELECT p.id, q.id AS other FROM @people AS p JOIN @people AS q ON p.id == q.id",
        "id int, other int",
    ),
    ("SELECT * FROM @people AS p SEMIJOIN @people AS q ON p.id == q.id", "id int, name string, score int?, letter char"),
    (
        "SELECT COUNT(*) AS n, SUM(id) AS s, AVG(id) AS a, MAX(name) AS m, MIN(id) AS i FROM @people",
        "n long?, s long?, a long?, m string, i int?",
    ),
    ("SELECT id, score AS s FROM @people GROUP BY id, score", "id int, s int?"),
    ("SELECT s FROM @people GROUP BY id + 1L AS s", "s long"),
    ("SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS r FROM @people", "id int, r long?"),
    ("SELECT id FROM @people UNION ALL SELECT id + 1 AS x FROM @people", "id int"),
    (
        "SELECT id, name FROM @people OUTER UNION ALL BY NAME ON (id) SELECT id, score FROM @people",
        "id int, name string, score int?",
    ),
    ("SELECT X.a, X.b FROM (SELECT id, name FROM @people) AS X(a, b)", "a int, b string"),
    (
        "SELECT id, part FROM @people CROSS APPLY EXPLODE(new SqlArray<int>{1}) AS T(part)",
        "id int, part int",
    ),
    (
        "SELECT id, part FROM @people OUTER APPLY EXPLODE(new SqlArray<int>{1}) AS T(part)",
        "id int, part int?",
    ),
    (
        "SELECT k, v FROM @people CROSS APPLY EXPLODE(new SqlMap<string, int?>{{\"a\", 1}}) AS T(k, v)",
        "k string, v int?",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("query", "columns"), SCHEMAS, ids=[query for query, _ in SCHEMAS])
def test_a_query_has_columns_of_these_types(query: str, columns: str) -> None:
    assert schema_of(query) == columns


def test_arrays_and_maps_are_columns() -> None:
    assert collection_schema_of("SELECT id, ARRAY_AGG(name) AS names FROM @people GROUP BY id") == (
        "id int, names SqlArray<string>"
    )


ERRORS = [
    # Names
    ("SELECT * FROM «@nowhere»", "E_EMULATOR_UNKNOWNROWSET"),
    ("SELECT * FROM «Nowhere»", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
    ("SELECT * FROM «nodb.dbo.T»", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
    ("SELECT * FROM «noschema.T»", "E_CSC_USER_DDLENTITYDOESNOTEXIST"),
    ("SELECT «nothing» FROM @people", "E_EMULATOR_UNKNOWNCOLUMN"),
    ("SELECT «Id» FROM @people", "E_EMULATOR_UNKNOWNCOLUMN"),
    ("SELECT «p.nothing» FROM @people AS p", "E_EMULATOR_UNKNOWNCOLUMN"),
    ("SELECT «x.*» FROM @people AS p", "E_EMULATOR_UNKNOWNROWSET"),
    ("SELECT «id» FROM @people AS p CROSS JOIN @people AS q", "E_EMULATOR_AMBIGUOUSCOLUMN"),
    ("SELECT @people.id FROM @people CROSS JOIN «@people»", "E_EMULATOR_AMBIGUOUSALIAS"),
    ("SELECT «*» FROM @people AS p CROSS JOIN @people AS q", "E_EMULATOR_DUPLICATECOLUMN"),
    ("SELECT id, «name AS id» FROM @people", "E_EMULATOR_DUPLICATECOLUMN"),
    ("SELECT «id + 1» FROM @people", "E_EMULATOR_COLUMNALIASREQUIRED"),
    ("SELECT «name.ToUpper()» FROM @people", "E_EMULATOR_COLUMNALIASREQUIRED"),
    ("SELECT «null» AS n FROM @people", "E_EMULATOR_TYPEMISMATCH"),
    ("SELECT «name.Split(',')» AS n FROM @people", "E_EMULATOR_TYPEMISMATCH"),
    ("SELECT «@missing» AS n FROM @people", "E_EMULATOR_UNKNOWNVARIABLE"),
    ("SELECT «@people» AS n FROM @people", "E_EMULATOR_UNKNOWNVARIABLE"),
    ("«SELECT 1 AS a»", "E_EMULATOR_FROMREQUIRED"),
    # VALUES
    ("SELECT * FROM (VALUES (1, 2), («3»)) AS X(a, b)", "E_EMULATOR_COLUMNCOUNT"),
    ("SELECT * FROM (VALUES («null»)) AS X(a)", "E_EMULATOR_TYPEMISMATCH"),
    ("SELECT * FROM «(SELECT id, name FROM @people) AS X(a)»", "E_EMULATOR_COLUMNCOUNT"),
    # Joins
    (
        "SELECT p.id FROM @people AS p JOIN @people AS q ON «p.id < q.id»",
        "E_EMULATOR_JOINCONDITION",
    ),
    (
        "SELECT p.id FROM @people AS p JOIN @people AS q ON p.id == «q.id + 1»",
        "E_EMULATOR_JOINCONDITION",
    ),
    (
        "SELECT p.id FROM @people AS p JOIN @people AS q ON «p.id == q.id OR p.name == q.name»",
        "E_EMULATOR_JOINCONDITION",
    ),
    (
        "SELECT p.id FROM @people AS p JOIN @people AS q ON p.id == q.id && «p.id == q.score»",
        "E_EMULATOR_TYPEMISMATCH",
    ),
    (
        "SELECT p.id FROM @people AS p JOIN @people AS q ON «p.id == p.id»",
        "E_EMULATOR_JOINCONDITION",
    ),
    (
        "SELECT p.id FROM @people AS p JOIN @people AS q ON «id» == q.id",
        "E_EMULATOR_AMBIGUOUSCOLUMN",
    ),
    (
        "SELECT p.id FROM @people AS p JOIN @people AS q ON p.id == «q.nothing»",
        "E_EMULATOR_UNKNOWNCOLUMN",
    ),
    (
        "SELECT «q.id» FROM @people AS p SEMIJOIN @people AS q ON p.id == q.id",
        "E_EMULATOR_INVALIDEXPRESSION",
    ),
    # EXPLODE
    ("SELECT id FROM @people CROSS APPLY EXPLODE(«name») AS T(x)", "E_EMULATOR_TYPEMISMATCH"),
    (
        "SELECT id FROM «@people CROSS APPLY EXPLODE(new SqlArray<int>{1}) AS T(x, y)»",
        "E_EMULATOR_COLUMNCOUNT",
    ),
    # Groups
    ("SELECT «name», COUNT(*) AS n FROM @people GROUP BY id", "E_EMULATOR_COLUMNNOTGROUPED"),
    ("SELECT id + «score» AS s FROM @people GROUP BY id", "E_EMULATOR_COLUMNNOTGROUPED"),
    ("SELECT «id», COUNT(*) AS n FROM @people", "E_EMULATOR_COLUMNNOTGROUPED"),
    ("SELECT «*» FROM @people GROUP BY id", "E_EMULATOR_COLUMNNOTGROUPED"),
    ("SELECT id FROM @people GROUP BY id HAVING «score» > 1", "E_EMULATOR_COLUMNNOTGROUPED"),
    ("SELECT id FROM @people WHERE «COUNT(*)» > 1", "E_EMULATOR_INVALIDEXPRESSION"),
    ("SELECT id FROM @people GROUP BY «SUM(id)»", "E_EMULATOR_INVALIDEXPRESSION"),
    ("SELECT id FROM @people WHERE «ROW_NUMBER() OVER (ORDER BY id)» == 1", "E_EMULATOR_INVALIDEXPRESSION"),
    ("SELECT id FROM @people WHERE «id»", "E_EMULATOR_INVALIDEXPRESSION"),
    (
        "SELECT DISTINCT «new SqlArray<int>{1} AS a» FROM @people",
        "E_EMULATOR_TYPEMISMATCH",
    ),
    # Order
    ("SELECT id FROM @people ORDER BY «id»", "E_EMULATOR_INVALIDQUERY"),
    ("SELECT id FROM @people ORDER BY id FETCH «0»", "E_EMULATOR_INVALIDQUERY"),
    ("SELECT id FROM @people ORDER BY id FETCH «10001»", "E_EMULATOR_INVALIDQUERY"),
    ("SELECT id FROM @people ORDER BY id FETCH «\"1\"»", "E_EMULATOR_TYPEMISMATCH"),
    ("SELECT DISTINCT id FROM @people ORDER BY «name» FETCH 1", "E_EMULATOR_INVALIDQUERY"),
    ("SELECT id FROM @people ORDER BY «nothing» FETCH 1", "E_EMULATOR_UNKNOWNCOLUMN"),
    # Sets
    ("SELECT id FROM @people UNION ALL «SELECT id, name FROM @people»", "E_EMULATOR_COLUMNCOUNT"),
    ("SELECT id FROM @people UNION ALL «SELECT name FROM @people»", "E_EMULATOR_TYPEMISMATCH"),
    ("SELECT id FROM @people UNION ALL «SELECT score FROM @people»", "E_EMULATOR_TYPEMISMATCH"),
    ("SELECT id FROM @people UNION ALL BY NAME «SELECT name FROM @people»", "E_EMULATOR_UNKNOWNCOLUMN"),
    (
        "«SELECT * FROM @people UNION ALL BY NAME ON (id) SELECT id, name FROM @people»",
        "E_EMULATOR_INVALIDQUERY",
    ),
    (
        "«SELECT * FROM @people UNION ALL BY NAME ON (nothing) SELECT id FROM @people»",
        "E_EMULATOR_UNKNOWNCOLUMN",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("query", "code"), ERRORS, ids=[query for query, _ in ERRORS])
def test_a_wrong_query_is_an_error_at_its_place(query: str, code: str) -> None:
    assert error_of(f"{PEOPLE}@q = {query};").code == code


def test_a_rowset_that_nothing_uses_is_still_checked() -> None:
    assert error_of(f"{PEOPLE}@unused = SELECT «nothing» FROM @people;").code == "E_EMULATOR_UNKNOWNCOLUMN"


def test_only_the_first_error_is_reported() -> None:
    assert error_of("@a = SELECT * FROM «@x»; @b = SELECT * FROM @y;").message == "rowset @x is not defined"


def test_an_expression_that_is_too_deep_is_a_clear_error() -> None:
    deep = " + ".join(["id"] * 3000)
    assert error_of(f"{PEOPLE}«@r = SELECT {deep} AS s FROM @people»;").code == "E_EMULATOR_NOTSUPPORTED"
