"""Parameters of SQL statements."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_provider_datalake.clients.maxcompute_literals import sql_literal, sql_parameters
from airflow_provider_datalake.exceptions import ConfigurationError


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        (None, "NULL"),
        (False, "FALSE"),
        (float("nan"), "NULL"),
        (np.int64(5), "5"),
        (np.float64(0.5), "0.5"),
        (dt.date(1, 2, 3), "CAST('0001-02-03' AS DATE)"),
        (Decimal("1.10"), "CAST('1.10' AS DECIMAL(3,2))"),
        (Decimal("0.05"), "CAST('0.05' AS DECIMAL(2,2))"),
        (Decimal(0), "CAST('0' AS DECIMAL(1,0))"),
        (Decimal("1E+3"), "CAST('1000' AS DECIMAL(4,0))"),
        (dt.datetime(2020, 1, 1, 2), "CAST('2020-01-01 02:00:00' AS DATETIME)"),
        (dt.datetime(2020, 1, 1, tzinfo=dt.UTC), "CAST('2020-01-01 08:00:00' AS DATETIME)"),
        (
            pd.Timestamp("2020-01-01 00:00:00.000000001", tz="UTC"),
            "CAST('2020-01-01 08:00:00.000000001' AS TIMESTAMP)",
        ),
        (["a'", 1], r"('a\'', 1)"),
        (b"\x00", "UNBASE64('AA==')"),
    ],
)
def test_values_have_exact_literals(value: Any, literal: str) -> None:
    assert sql_literal(value, "Asia/Shanghai") == literal


@pytest.mark.parametrize(
    "value", [object(), {"a": 1}, [], float("inf"), Decimal("NaN"), Decimal("1E+38"), Decimal("1E-19")]
)
def test_values_without_a_literal_are_refused_by_their_place(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="parameter 2: "):
        sql_parameters([1, value], "UTC")
    with pytest.raises(ConfigurationError, match="parameter 'x': "):
        sql_parameters({"x": value}, "UTC")


def test_a_text_is_not_a_list_of_parameters() -> None:
    with pytest.raises(
        ConfigurationError, match="parameters must be a list, a tuple or a mapping, found str"
    ):
        sql_parameters("abc", "UTC")
