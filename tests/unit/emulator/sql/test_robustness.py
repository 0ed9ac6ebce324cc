"""Whatever is submitted, the engine answers with rows or with an error in the service's words."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from airflow_provider_datalake.emulator.maxcompute.sql.errors import SqlError
from airflow_provider_datalake.emulator.maxcompute.sql.functions import AGGREGATES, SCALARS, WINDOWS

if TYPE_CHECKING:
    from tests.unit.emulator.sql.conftest import Sql

STATEMENTS = Path(__file__).parent / "statements"
TOKEN = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|\w+|\s+|.""", re.DOTALL)
OPERANDS = (
    "NULL -1 0 '' 'a' 9223372036854775807L 1e308 1.5BD TRUE ARRAY(1) MAP('a',1) DATE'2020-01-01' id emp * '%' '['"
    " STRUCT(1,'a') (SELECT\t1) COUNT(*) CURRENT_DATE 99999999999999999999BD '2020-01-01' 100000"
).split(" ")
FUNCTIONS = sorted({*SCALARS, *AGGREGATES, *WINDOWS})
# What DuckDB, sqlglot and the translation between them call things.
INTERNAL = re.compile(
    r"duckdb|sqlglot|candidate function|no function matches|LINE \d|\$[a-z]\d|__\w+|\bmc_|struct_extract|"
    r"\b(VARCHAR|HUGEINT|U?INT(8|16|32|64|128)|TIMESTAMP_NS)\b(?!\()|Traceback",
    re.IGNORECASE,
)


def _queries() -> list[str]:
    cases = [c for path in sorted(STATEMENTS.glob("*.yaml")) for c in yaml.safe_load(path.read_text())]
    return [c["sql"] for c in cases if c["sql"].lstrip("( ").upper().startswith(("SELECT", "WITH", "FROM"))]


def _changed(query: str, chance: random.Random) -> str:
    tokens = TOKEN.findall(query)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        places = [i for i, token in enumerate(tokens) if not token.isspace()]
        if not places:
            break
        place, other = chance.choice(places), chance.choice(places)
        kind = chance.random()
        if kind < 0.15:
            del tokens[place]
        elif kind < 0.3:
            tokens[place], tokens[other] = tokens[other], tokens[place]
        elif kind < 0.7:
            tokens[place] = chance.choice(OPERANDS)
        elif kind < 0.85:
            tokens[place] = chance.choice(FUNCTIONS)
        else:
            tokens.insert(place, f" {tokens[other]} ")
    return "".join(tokens)


def _complaint(sql: Sql, query: str) -> str:
    """Say what is wrong with the answer to a query, if anything."""
    try:
        sql.run(query)
    except SqlError as error:
        if error.code == "ODPS-0010000":
            return f"an internal error: {error}"
        if INTERNAL.search(error.message) and not INTERNAL.search(query):
            return f"an error in the words of what is inside: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


@pytest.mark.parametrize("seed", range(6))
def test_a_changed_statement_gives_rows_or_an_error_of_the_service(sql: Sql, seed: int) -> None:
    chance, queries = random.Random(seed), _queries()
    changed = [_changed(chance.choice(queries), chance) for _ in range(100)]
    complaints = {query: complaint for query in changed if (complaint := _complaint(sql, query))}
    assert complaints == {}


@pytest.mark.parametrize(
    "query",
    [
        "SELECT REPLACE(*) FILTER (WHERE dept = 'eng') FROM emp",
        "SELECT EXTRACT((YEAR FROM hired) FROM emp",
        "SELECT TRUNC(125.1, -815)",
        "SELECT SUM(id) OVER (ORDER BY id ROWS BETWEEN 1 AND 1 FOLLOWING) FROM emp",
        "SELECT SUM(id) OVER (ORDER BY name RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM emp",
        "SELECT SUM(id) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED FOLLOWING AND CURRENT ROW) FROM emp",
        "SELECT SUM(x) FROM VALUES (9223372036854775807L), (1L) t (x)",
        "SELECT LPAD('a', 1000000000, 'b')",
        "SELECT DATEADD(DATETIME'9999-12-31 00:00:00', 1, 'yyyy')",
        "SELECT CAST('2020-1-1' AS DATETIME)",
        "SELECT DATE'2020-01-01' AS a UNION ALL SELECT DATETIME'2020-01-01'",
        "WITH x AS (SELECT 1) CREATE SELECT * FROM x",
    ],
)
def test_what_once_was_answered_badly(sql: Sql, query: str) -> None:
    assert _complaint(sql, query) == ""
