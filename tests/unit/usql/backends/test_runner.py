from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.usql.backends.machine import Machine, extract, output, query

if TYPE_CHECKING:
    from pathlib import Path


def test_a_plan_extracts_computes_and_writes(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
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
