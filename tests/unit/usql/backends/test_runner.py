"""How plans run: order, tables, errors, stopping, and what is reported."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.usql.backends.duckdb.extract import Extraction
from airflow_provider_datalake.usql.catalog import (
    AppendSegment,
    Column,
    CreateTable,
    DropDatabase,
    DropTable,
    QualifiedName,
    Table,
    TruncateTable,
)
from airflow_provider_datalake.usql.diagnostics import Span, UsqlRuntimeError
from airflow_provider_datalake.usql.plan import (
    ChangeStep,
    InsertStep,
    OutputStep,
    QueryStep,
    Rowset,
    TableStep,
)
from airflow_provider_datalake.usql.types import INT, STRING
from tests.unit.usql.backends.machine import Machine, columns, extract, output, query

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_datalake.usql.plan import Step
    from airflow_provider_datalake.usql.results import RunResult

T = QualifiedName("master", "dbo", "T")
SCHEMA = "a int, b string"
EXPRESSION = "E_RUNTIME_USER_EXPRESSIONEVALUATION"


class StoppedError(Exception):
    """The job was asked to stop."""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def table(id_: str) -> TableStep:
    return TableStep(Rowset(id_, str(T), columns(SCHEMA)), T)


def insert(id_: str, source: str) -> InsertStep:
    return InsertStep(id_, source, columns(SCHEMA), T)


def values(id_: str, *rows: str) -> QueryStep:
    listed = ", ".join(rows)
    return query(id_, SCHEMA, f"SELECT a::INT AS a, b FROM (VALUES {listed}) t(a, b)")


def written(result: RunResult, index: int = 0) -> str:
    return result.outputs[index].path.read_text().replace("\n\n", "\n")


def existing(machine: Machine, *rows: str) -> None:
    """Let the table exist with these rows."""
    machine.catalog.tables[T] = Table(T, (Column("a", INT), Column("b", STRING)))
    result = machine.run(values("v", *rows), insert("i", "v"))
    machine.catalog.stored[T] = [
        change.path for change in result.changes if isinstance(change, AppendSegment)
    ]


def test_a_plan_extracts_computes_and_writes(machine: Machine) -> None:
    machine.write("in.csv", '1,"x,y",1.5\n2,z,\n3,z,1e20\n')
    schema = "a int, b string, c double?"
    result = machine.run(
        extract("t", schema, "/in.csv"),
        query("q", schema, "SELECT a, b, c FROM t WHERE a > 1", "t"),
        output("q", schema, order_by=(("a", True),), header=True),
    )
    (staged,) = result.outputs
    assert staged.path.read_bytes() == b'"a","b","c"\r\n3,"z",1E+20\r\n2,"z",\r\n'
    assert (staged.rows, staged.size) == (2, staged.path.stat().st_size)
    assert staged.path.is_relative_to(machine.scratch)
    assert staged.uri == "adl://store.azuredatalakestore.net/out.csv"


def test_a_table_is_read_from_its_segments(machine: Machine) -> None:
    existing(machine, "(1, 'x')", "(2, NULL)")
    result = machine.run(table("t"), output("t", SCHEMA, order_by=(("a", False),)))
    assert result.outputs[0].path.read_bytes() == b'1,"x"\r\n2,\r\n'


def test_a_table_without_rows_is_an_empty_rowset_of_its_types(machine: Machine) -> None:
    machine.catalog.tables[T] = Table(T, (Column("a", INT), Column("b", STRING)))
    typed = query(
        "q", "a string", "SELECT typeof(a) || typeof(b) AS a FROM t UNION ALL SELECT 'none' AS a", "t"
    )
    result = machine.run(table("t"), typed, output("q", "a string"))
    assert result.outputs[0].path.read_bytes() == b'"none"\r\n'


def test_changes_are_seen_by_later_steps_and_returned_in_order(machine: Machine) -> None:
    existing(machine, "(1, 'old')")
    truncate = TruncateTable(T)
    result = machine.run(
        table("before"),
        values("more", "(2, 'new')"),
        insert("i1", "more"),
        table("between"),
        ChangeStep("c", truncate),
        values("last", "(3, 'newest')"),
        insert("i2", "last"),
        table("after"),
        output("before", SCHEMA, "/before.csv"),
        output("between", SCHEMA, "/between.csv", (("a", False),)),
        output("after", SCHEMA, "/after.csv"),
    )
    texts = [staged.path.read_text().split() for staged in result.outputs]
    assert texts == [['1,"old"'], ['1,"old"', '2,"new"'], ['3,"newest"']]
    first, second, third = result.changes
    assert second is truncate
    assert isinstance(first, AppendSegment)
    assert isinstance(third, AppendSegment)
    assert (first.table, first.rows, third.rows) == (T, 1, 1)
    assert first.path.is_relative_to(machine.scratch)


@pytest.mark.parametrize("change", [DropTable(T), DropDatabase("master"), CreateTable(Table(T, ()))])
def test_a_table_that_was_dropped_or_made_anew_is_empty(machine: Machine, change: object) -> None:
    existing(machine, "(1, 'old')")
    result = machine.run(ChangeStep("c", change), table("t"), output("t", SCHEMA))  # type: ignore[arg-type]
    assert result.outputs[0].rows == 0


def test_an_insert_of_no_rows_changes_nothing(machine: Machine) -> None:
    nothing = query("q", SCHEMA, "SELECT 1 AS a, 'x' AS b WHERE false")
    assert machine.run(nothing, insert("i", "q")).changes == ()


def test_a_table_can_be_inserted_into_itself(machine: Machine) -> None:
    existing(machine, "(1, 'x')")
    result = machine.run(table("t"), insert("i", "t"), table("u"), output("u", SCHEMA))
    assert result.outputs[0].rows == 2


def test_a_rowset_that_several_steps_read_is_computed_once(machine: Machine) -> None:
    machine.write("in.csv", "1,x\n2,y\n")
    random = query("r", "a double", "SELECT random() AS a FROM t", "t")
    steps: list[Step] = [extract("t", SCHEMA, "/in.csv"), random]
    steps += [output("r", "a double", f"/{name}.csv", (("a", False),)) for name in "xy"]
    steps.append(output("t", SCHEMA, "/z.csv"))
    result = machine.run(*steps)
    first, second, _ = (staged.path.read_bytes() for staged in result.outputs)
    assert first == second


def test_a_rowset_joined_with_itself_is_computed_once(machine: Machine) -> None:
    random = query("r", "a double", "SELECT random() AS a FROM range(50)")
    same = query("s", "a long", "SELECT count(*) AS a FROM r AS x JOIN r AS y ON x.a = y.a", "r")
    result = machine.run(random, same, output("s", "a long"))
    assert result.outputs[0].path.read_bytes() == b"50\r\n"


def test_what_nobody_reads_is_not_run(machine: Machine) -> None:
    result = machine.run(
        extract("t", SCHEMA, "/none.csv"),
        query("q", SCHEMA, "SELECT error('never') AS a, b FROM t", "t"),
        values("v", "(1, 'x')"),
        output("v", SCHEMA),
    )
    assert result.outputs[0].rows == 1


def test_statistics_and_progress_tell_of_every_step(machine: Machine) -> None:
    path = machine.write("in.csv", "1,x\n2,y\n")
    result = machine.run(
        extract("t", SCHEMA, "/in.csv"),
        query("q", SCHEMA, "SELECT * FROM t WHERE a = 1", "t"),
        output("q", SCHEMA, "/q.csv"),
        insert("i", "t"),
    )
    by_step = {item.step: item for item in result.statistics}
    assert list(by_step) == ["t", "q", "output/q.csv", "i"]
    assert (by_step["t"].rows_out, by_step["t"].bytes_in, by_step["t"].files) == (2, path.stat().st_size, 1)
    sink = by_step["output/q.csv"]
    assert (sink.rows_in, sink.rows_out, sink.bytes_out, sink.files) == (1, 1, result.outputs[0].size, 1)
    assert (by_step["i"].rows_in, by_step["i"].rows_out) == (2, 2)
    assert [(name, percent) for name, percent, _, _ in machine.reports][:2] == [("t", 0.0), ("t", 100.0)]


def test_rows_of_views_are_counted_too(machine: Machine) -> None:
    machine.write("in/1.csv", "1,x\n2,y\n3\n")
    machine.write("in/2.csv", '3,"z"\n4,y\n')
    result = machine.run(
        extract("t", SCHEMA, "/in/{*}.csv", silent=True),
        query("q", "b string", "SELECT DISTINCT b FROM t WHERE a > 1", "t"),
        output("q", "b string"),
    )
    first, second, third = result.statistics
    assert (first.rows_in, first.rows_out, first.files) == (4, 4, 2)
    assert (second.rows_in, second.rows_out) == (4, 2)
    assert (third.rows_in, third.rows_out) == (2, 2)


def test_an_error_of_an_expression_has_its_message_and_place(machine: Machine) -> None:
    span = Span(3, 9, 1, 4)
    step = query("q", "a int", f"SELECT error('{EXPRESSION}: Attempted to divide by zero.')::INT AS a")
    made = output("q", "a int")
    with pytest.raises(UsqlRuntimeError) as caught:
        machine.run(step, OutputStep(made.id, "q", made.columns, made.uri, made.format, span=span))
    error = caught.value
    assert (error.code, error.span) == (EXPRESSION, span)
    assert error.inner is not None
    assert error.inner.message == "Attempted to divide by zero."


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("2147483647::INT + a", "(?i)overflow"),
        ("CAST('x' || a AS INT)", "Could not convert string 'x1'"),
        ("CAST(300 + a AS UTINYINT)", "out of range"),
        ("1 // (a - a)", "Attempted to divide by zero"),
    ],
)
def test_failures_of_the_engine_are_errors_of_expressions(
    machine: Machine, expression: str, message: str
) -> None:
    machine.write("in.csv", "1,x\n")
    steps = (
        extract("t", SCHEMA, "/in.csv"),
        query("q", "a int", f"SELECT {expression} AS a FROM t", "t"),
        output("q", "a int"),
    )
    with pytest.raises(UsqlRuntimeError, match=message) as caught:
        machine.run(*steps)
    assert caught.value.code == EXPRESSION


def test_an_error_of_an_expression_does_not_start_the_slow_reader(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(extraction: object) -> str:
        raise AssertionError("the slow reader was used")

    monkeypatch.setattr(Extraction, "slow_source", refuse)
    machine.write("in.csv", "1,CSV\n")
    text = f"{EXPRESSION}: no CSV"
    steps = (
        extract("t", SCHEMA, "/in.csv"),
        query("q", "a int", f"SELECT CASE WHEN a = 1 THEN error('{text}')::INT ELSE a END AS a FROM t", "t"),
        output("q", "a int"),
    )
    with pytest.raises(UsqlRuntimeError, match="no CSV"):
        machine.run(*steps)


def test_the_slow_reader_takes_over_below_a_table_too(machine: Machine) -> None:
    machine.write("in.csv", "1,2013-01-02\n2,2013-01-02T00:00:00Z\n")
    schema = "a int, b DateTime"
    step = extract("t", schema, "/in.csv")
    result = machine.run(step, output("t", schema, "/x.csv"), output("t", schema, "/y.csv"))
    assert [staged.rows for staged in result.outputs] == [2, 2]


def test_too_little_memory_and_disk_is_told_apart(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "airflow_provider_datalake.usql.backends.duckdb.connection.memory_limit", lambda: 20 << 20
    )
    monkeypatch.setattr(
        "airflow_provider_datalake.usql.backends.duckdb.connection.spill_limit", lambda scratch: 1 << 20
    )
    many = query(
        "q",
        "a string",
        "SELECT list(i::VARCHAR || 'xxxxxxxxxxxxxxxx')::VARCHAR AS a FROM range(5000000) t(i)",
    )
    with pytest.raises(UsqlRuntimeError) as caught:
        machine.run(many, output("q", "a string"))
    assert caught.value.code == "E_EMULATOR_OUT_OF_RESOURCES"


def test_a_stop_before_a_step_passes_through(machine: Machine) -> None:
    machine.stop = StoppedError()
    with pytest.raises(StoppedError):
        machine.run(values("v", "(1, 'x')"), output("v", SCHEMA))


def test_a_stop_interrupts_a_running_query(machine: Machine) -> None:
    timers: list[threading.Timer] = []
    statements: list[object] = []

    def stop_soon(interrupt: Callable[[], object]) -> None:
        def stop() -> None:
            machine.stop = StoppedError()
            interrupt()

        # The first statement makes a view, and is over at once; the second one runs long.
        statements.append(interrupt)
        if len(statements) == 2:
            timers.append(threading.Timer(0.2, stop))
            timers[0].start()

    endless = query(
        "q", "a long", "SELECT count(*) AS a FROM range(1000000000) a(i), range(1000000) b(j) WHERE i + j = 7"
    )
    step = output("q", "a long")
    machine.on_execute = stop_soon
    with pytest.raises(StoppedError):
        machine.run(endless, step)
    timers[0].join()


def test_queries_reach_no_other_files_and_no_network(machine: Machine, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("1\n")
    for source in (
        f"read_csv('{secret}')",
        f"read_text('{secret}')",
        "read_csv('https://127.0.0.1:1/x.csv')",
    ):
        with pytest.raises(UsqlRuntimeError, match=r"(?i)disabled|not.*load|permission"):
            machine.run(query("q", "a int", f"SELECT 1 AS a FROM {source}"), output("q", "a int"))
