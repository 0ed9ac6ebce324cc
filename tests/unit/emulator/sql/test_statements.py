"""The committed list of statements: each with its rows, text or error, as the service would answer them."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from airflow_provider_datalake.emulator.maxcompute.sql.errors import SqlError

if TYPE_CHECKING:
    from tests.unit.emulator.sql.conftest import Sql

CHANGING = ("CREATE", "DROP", "ALTER", "TRUNCATE", "INSERT", "WITH x")
DIRECTORY = Path(__file__).parent / "statements"


def _cases() -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}: {case['name']}")
        for path in sorted(DIRECTORY.glob("*.yaml"))
        for case in yaml.safe_load(path.read_text())
    ]


def _plain(value: Any) -> Any:
    """Write a value as the YAML files do."""
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (datetime.date, decimal.Decimal)):
        return str(value)
    return value


def _sorted(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=repr)


def test_the_list_is_long_enough() -> None:
    assert len(_cases()) >= 60


@pytest.mark.parametrize("case", _cases())
def test_statement(request: pytest.FixtureRequest, case: dict[str, Any]) -> None:
    import pyarrow as pa

    changes = any(key in case for key in ("before", "after")) or case["sql"].startswith(CHANGING)
    sql: Sql = request.getfixturevalue("sql" if changes else "shared_sql")

    settings = case.get("settings", {})
    for statement in case.get("before", []):
        sql.run(statement)
    if "error" in case:
        with pytest.raises(SqlError) as raised:
            sql.run(case["sql"], **settings)
        assert str(raised.value).startswith(case["error"]), str(raised.value)
    else:
        result = sql.run(case["sql"], **settings)
        assert result.text == case.get("text", "")
        if "columns" in case:
            assert result.columns is not None
            assert [f"{name} {data_type}" for name, data_type in result.columns] == case["columns"]
            assert result.path is not None
            table = pa.ipc.open_file(result.path).read_all()
            rows = [[_plain(column[i].as_py()) for column in table.columns] for i in range(table.num_rows)]
            assert result.rows == len(rows)
            if case.get("ordered"):
                assert rows == case["rows"]
            else:
                assert _sorted(rows) == _sorted(case["rows"])
        else:
            assert result.columns is None
            assert result.path is None
    if "after" in case:
        assert _sorted([_plain(row) for row in sql.rows(case["after"]["sql"])]) == _sorted(
            case["after"]["rows"]
        )
