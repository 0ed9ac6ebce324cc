"""Members of ``TimeSpan``, which is a number of microseconds."""

from __future__ import annotations

from airflow_provider_datalake.usql.expressions.members.registry import (
    DOUBLE,
    INT,
    LONG,
    TIMESPAN,
    Member,
    method,
    prop,
    static,
)

_T = "TimeSpan"
_MICROS = {
    "Days": 86_400_000_000,
    "Hours": 3_600_000_000,
    "Minutes": 60_000_000,
    "Seconds": 1_000_000,
    "Milliseconds": 1_000,
}
_WITHIN = {"Days": None, "Hours": 24, "Minutes": 60, "Seconds": 60, "Milliseconds": 1000}


def _part(unit: str) -> str:
    whole = f":s // {_MICROS[unit]}"
    limit = _WITHIN[unit]
    return f"CAST({whole} AS INT)" if limit is None else f"CAST(({whole}) % {limit} AS INT)"


MEMBERS: tuple[Member, ...] = (
    *(
        prop(_T, f"Total{unit}", DOUBLE, f"CAST(:s AS DOUBLE) / {micros}.0")
        for unit, micros in _MICROS.items()
    ),
    *(prop(_T, unit, INT, _part(unit)) for unit in _MICROS),
    prop(_T, "Ticks", LONG, ":s * 10"),
    method(_T, "Add", (TIMESPAN,), TIMESPAN, ":s + :a"),
    method(_T, "Subtract", (TIMESPAN,), TIMESPAN, ":s - :a"),
    method(_T, "Negate", (), TIMESPAN, "-:s"),
    method(_T, "Duration", (), TIMESPAN, "ABS(:s)"),
    static(_T, "Zero", None, TIMESPAN, "CAST(0 AS BIGINT)"),
    # .NET rounds to whole milliseconds.
    *(
        static(
            _T, f"From{unit}", (DOUBLE,), TIMESPAN, f"CAST(ROUND(:a * {micros} / 1000.0) * 1000 AS BIGINT)"
        )
        for unit, micros in _MICROS.items()
    ),
    static(
        _T,
        "new",
        (INT, INT, INT),
        TIMESPAN,
        "(CAST(:a AS BIGINT) * 3600 + CAST(:b AS BIGINT) * 60 + :c) * 1000000",
    ),
    static(
        _T,
        "new",
        (INT, INT, INT, INT),
        TIMESPAN,
        "(CAST(:a AS BIGINT) * 86400 + CAST(:b AS BIGINT) * 3600 + CAST(:c AS BIGINT) * 60 + :d) * 1000000",
    ),
)
