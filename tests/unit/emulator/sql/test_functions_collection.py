"""Functions on arrays, maps, structs and JSON, and the table functions."""

from __future__ import annotations

import pytest

from airflow_provider_datalake.emulator.maxcompute.sql.errors import SqlError
from airflow_provider_datalake.emulator.maxcompute.sql.functions import TABLE_FUNCTIONS
from tests.unit.emulator.sql.expressions import Evaluator, Session, context

STORE = (
    '{"store":{"fruit":[{"weight":8,"type":"apple"},{"weight":9,"type":"pear"}],'
    '"bicycle":{"price":19.95,"color":"red"}},"email":"amy@only_for_json_udf_test.net","owner":"amy"}'
)
NESTED = '{"aaa":"bbb","ccc":{"ddd":"eee","fff":"ggg","hhh":["h0","h1","h2"]},"iii":"jjj"}'


@pytest.fixture(scope="module", name="sql")
def expression_session() -> Session:
    return Session()


@pytest.mark.parametrize(
    ("call", "expected", "data_type"),
    [
        ("array(1, 2L, null)", [1, 2, None], "array<bigint>"),
        ("array()", [], "array<string>"),
        ("map('a', 1, 'b', 2L)", [("a", 1), ("b", 2)], "map<string,bigint>"),
        ("struct('a', 100, true)", {"col1": "a", "col2": 100, "col3": True}, "struct<col1:string,col2:int,col3:boolean>"),
        ("named_struct('User_ID', 10001, 'name', null)", {"user_id": 10001, "name": None}, "struct<user_id:int,name:string>"),
        ("size(array('a', 'b'))", 2, "bigint"),
        ("size(map('a', 123, 'b', 456))", 2, "bigint"),
        ("size(cast(null as array<int>))", -1, "bigint"),
        ("array_contains(array('a', 'b'), 'a')", True, "boolean"),
        ("array_contains(array('a', 'b'), 'c')", False, "boolean"),
        ("array_contains(array(1, null), null)", None, "boolean"),
        ("array_contains(array(1, 2), 2L)", True, "boolean"),
        ("array_position(array(3, 2, 1), 1)", 3, "bigint"),
        ("array_position(array(3, 1, null), 9)", 0, "bigint"),
        ("array_position(array(3, 1), null)", None, "bigint"),
        ("array_distinct(array(10, 20, 30, 30, 20, 10))", [10, 20, 30], "array<int>"),
        ("array_distinct(array(10, 20, null, null))", [10, 20, None], "array<int>"),
        ("array_max(array(1, 20, 3))", 20, "int"),
        ("array_max(array(1, null, 3))", None, "int"),
        ("array_min(array(1, 20, 3))", 1, "int"),
        ("array_join(array(10, 20, 20, null), ',')", "10,20,20", "string"),
        ("array_join(array(10, null), '##', 'null')", "10##null", "string"),
        ("array_remove(array(3, 2, 1, 1), 1)", [3, 2], "array<int>"),
        ("array_repeat('a', 3)", ["a", "a", "a"], "array<string>"),
        ("array_repeat('a', -1)", [], "array<string>"),
        ("array_union(array(1, 2, 3), array(1, 3, 5))", [1, 2, 3, 5], "array<int>"),
        ("array_union(array(1, null), array(2, null))", [1, None, 2], "array<int>"),
        ("array_intersect(array(10, 20, 20, 30), array(30, 20, 40))", [20, 30], "array<int>"),
        ("array_intersect(array(1, null), array(null, 2))", [None], "array<int>"),
        ("array_except(array(1, 1, 3, 3, 5), array(1, 3))", [5], "array<int>"),
        ("array_except(array(1, null, 3), array(3))", [1, None], "array<int>"),
        ("arrays_overlap(array(1, 2), array(2, 3))", True, "boolean"),
        ("sort_array(array('d', 'a', null, 'c'))", [None, "a", "c", "d"], "array<string>"),
        ("sort_array(array(10, 20, 30), false)", [30, 20, 10], "array<int>"),
        ("slice(array(10, 20, 30), 1, 2)", [10, 20], "array<int>"),
        ("slice(array(10, 20, 30), -2, 2)", [20, 30], "array<int>"),
        ("slice(array(10, 20, 30), 3, 10)", [30], "array<int>"),
        ("slice(array(10, 20, 30), 3, 0)", [], "array<int>"),
        ("slice(array(10, 20, 30), -5, 2)", [], "array<int>"),
        ("map_keys(map('a', 123, 'b', 456))", ["a", "b"], "array<string>"),
        ("map_values(map('a', 123, 'b', 456))", [123, 456], "array<int>"),
        ("map_entries(map('a', 1))", [{"key": "a", "value": 1}], "array<struct<key:string,value:int>>"),
        ("map_concat(map('a', 1), map('b', 2L))", [("a", 1), ("b", 2)], "map<string,bigint>"),
        ("map_concat(map('a', 1), null)", None, "map<string,int>"),
        ("map_from_entries(array(struct(1, 'a')))", [(1, "a")], "map<int,string>"),
        ("map_from_arrays(array(1, 3), array('2', '4'))", [(1, "2"), (3, "4")], "map<int,string>"),
        ("map_from_arrays('last_win', array(1, 3, 3), array('2', '4', '6'))", [(1, "2"), (3, "6")], "map<int,string>"),
        ("map('a', 1, 'a', 2)", [("a", 2)], "map<string,int>"),
        ("map(concat('a', 'b'), 1, 'ab', 2, 'c', null)", [("ab", 2), ("c", None)], "map<string,int>"),
        ("index(array('a', 'b'), 0)", "a", "string"),
        ("index(array('a', 'b'), 9)", None, "string"),
        ("index(map('a', 1), 'a')", 1, "int"),
    ],
)  # fmt: skip
def test_collections_are_those_of_the_documentation(
    sql: Session, call: str, expected: object, data_type: str
) -> None:
    value, actual = sql.checked(call)
    assert (value, str(actual)) == (expected, data_type)


@pytest.mark.parametrize(
    ("call", "expected", "data_type"),
    [
        (f"get_json_object('{STORE}', '$.owner')", "amy", "string"),
        (f"get_json_object('{STORE}', '$.store.fruit[0]')", '{"weight":8,"type":"apple"}', "string"),
        (f"get_json_object('{STORE}', '$.store.bicycle.price')", "19.95", "string"),
        (f"get_json_object('{STORE}', '$.store.fruit[*].type')", '["apple","pear"]', "string"),
        (f"get_json_object('{STORE}', '$.non_exist_key')", None, "string"),
        (f"get_json_object('{NESTED}', '$.ccc.hhh[*]')", '["h0","h1","h2"]', "string"),
        (f"get_json_object('{NESTED}', '$.ccc.hhh[1]')", "h1", "string"),
        (f"get_json_object('{NESTED}', concat('$.', 'aaa'))", "bbb", "string"),
        ("get_json_object('{\"array\":[[\"aaaa\",1111],[\"bbbb\",2222]]}', '$.array[1][1]')", "2222", "string"),
        ("get_json_object('{\"a b\":{\"c-d\":1}}', '$.a b.c-d')", "1", "string"),
        ("get_json_object('{\"a.b\":1}', \"$['a.b']\")", "1", "string"),
        ("get_json_object('{\"a\":true,\"b\":null}', '$.a')", "true", "string"),
        ("get_json_object('{\"a\":true,\"b\":null}', '$.b')", None, "string"),
        ("get_json_object('not json', '$.a')", None, "string"),
        ("get_json_object('', '$.a')", None, "string"),
        ("get_json_object(null, '$.a')", None, "string"),
        ("get_json_object('{\"a\":1}', 'a')", None, "string"),
        ("json_extract(json_parse('{\"a\":[1,2]}'), '$.a')", "[1,2]", "json"),
        ("json_exists('{\"a\":1}', '$.b')", False, "boolean"),
        ("json_object('a', 123, 'b', 'x')", '{"a":123,"b":"x"}', "json"),
        ("json_array('a', 45, true, null)", '["a",45,true,null]', "json"),
        ("json_valid('{\"a\":1}')", True, "boolean"),
        ("json_valid('{a}')", False, "boolean"),
        ("json_type(json_array(1))", "array", "string"),
        ("json_type(json_parse('123'))", "number", "string"),
        ("json_type(json_parse('{}'))", "object", "string"),
        ("json_format(json_parse('[1, 2]'))", "[1,2]", "string"),
        ("to_json(named_struct('a', 1, 'b', array('x')))", '{"a":1,"b":["x"]}', "string"),
        ("to_json(map('a', date '2020-01-02'))", '{"a":"2020-01-02"}', "string"),
        ("from_json('{\"a\":1, \"b\":0.8}', 'a int, b double')", {"a": 1, "b": 0.8}, "struct<a:int,b:double>"),
        ("from_json('[1, 2]', 'array<bigint>')", [1, 2], "array<bigint>"),
    ],
)  # fmt: skip
def test_json_is_that_of_the_documentation(sql: Session, call: str, expected: object, data_type: str) -> None:
    value, actual = sql.checked(call)
    assert (value, str(actual)) == (expected, data_type)


@pytest.mark.parametrize(
    "call",
    [
        "map('a')",
        "map('a', 1, 2, array(1))",
        "size('a')",
        "array(1, true)",
        "array_contains('a', 'a')",
        "named_struct('a', 1, 'a', 2)",
        "named_struct(concat('a', 'b'), 1)",
        "transform(array(1), 1)",
        "from_json('{}', 'nonsense type here')",
        "json_object('a')",
        "index('a', 1)",
    ],
)
def test_what_the_function_does_not_take_is_refused(sql: Session, call: str) -> None:
    with pytest.raises(SqlError):
        sql.value(call)


def expand(sql: Session, call: str) -> tuple[tuple[str, ...], list[str], list[tuple]]:
    """Run a call whose arguments are split by semicolons, without its last parenthesis."""
    name, _, rest = call.partition("(")
    bound = [Evaluator(context()).bind(argument) for argument in rest.split("; ")]
    expansion = TABLE_FUNCTIONS[name](bound, context())
    rows = sql.connection.sql(f"SELECT unnest({expansion.rows.sql('duckdb')}) AS r").to_arrow_table()
    return (
        expansion.names,
        [str(t) for t in expansion.types],
        [tuple(r.values()) for r in rows.column(0).to_pylist()],
    )


@pytest.mark.parametrize(
    ("call", "names", "types", "rows"),
    [
        ("explode(array(10, null)", ("col",), ["int"], [(10,), (None,)]),
        ("explode(map('a', 1)", ("key", "value"), ["string", "int"], [("a", 1)]),
        ("explode(cast(null as array<int>)", ("col",), ["int"], []),
        ("posexplode(array('a', 'b')", ("pos", "val"), ["bigint", "string"], [(0, "a"), (1, "b")]),
        ("json_tuple('{\"a\":1,\"b\":\"x\",\"c\":[1]}'; 'a'; 'b'; 'c'; 'd'", ("col0", "col1", "col2", "col3"),
         ["string"] * 4, [("1", "x", "[1]", None)]),
        ("json_tuple('no json'; 'a'", ("col0",), ["string"], [(None,)]),
        ("stack(3; 1; 2; 3; 4; 5; 6", ("col0", "col1"), ["int", "int"], [(1, 2), (3, 4), (5, 6)]),
        ("trans_array(1; ','; 7L; '1.1,1.2'; 'x'", ("col0", "col1", "col2"), ["bigint", "string", "string"],
         [(7, "1.1", "x"), (7, "1.2", None)]),
    ],
)  # fmt: skip
def test_table_functions_give_the_rows_of_the_documentation(
    sql: Session, call: str, names: tuple[str, ...], types: list[str], rows: list[tuple]
) -> None:
    assert expand(sql, call) == (names, types, rows)


@pytest.mark.parametrize("call", ["explode(1", "stack(2; 1; 2; 3", "posexplode(map(1, 2)", "json_tuple('a'"])
def test_a_table_function_refuses_what_it_does_not_take(sql: Session, call: str) -> None:
    with pytest.raises(SqlError):
        expand(sql, call)


@pytest.mark.parametrize(
    "call",
    [
        "map_from_arrays('exception', array(1, 1), array(2, 3))",
        "map_from_arrays(array(1, 2), array(3))",
        "map(cast(null as int), 1)",
        "slice(array(1), 0, 1)",
    ],
)
def test_a_value_out_of_range_fails_the_query(sql: Session, call: str) -> None:
    import duckdb

    with pytest.raises(duckdb.Error):
        sql.value(call)
