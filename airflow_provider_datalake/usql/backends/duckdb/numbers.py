"""Numbers as C# writes them, as DuckDB macros."""

from __future__ import annotations

# DuckDB writes the shortest text that reads back as the same number, as C# does, but places the exponent
# otherwise: C# has one from as many digits on as the type is sure of, an upper-case E, and no ".0".
# The text is taken apart into digits and the place of their point, and put together again.
_PLACE = """
CREATE TEMP MACRO datalake_place(s) AS (
    strlen(split_part(split_part(s, 'e', 1), '.', 1))
    + coalesce(TRY_CAST(split_part(s, 'e', 2) AS INTEGER), 0)
)
"""
_FIGURES = """
CREATE TEMP MACRO datalake_figures(s) AS (rtrim(replace(split_part(s, 'e', 1), '.', ''), '0'))
"""
_TOGETHER = """
CREATE TEMP MACRO datalake_together(place, figures, sure) AS (
    CASE WHEN place > greatest(strlen(figures), sure)
        THEN figures[1] || CASE WHEN strlen(figures) > 1 THEN '.' || figures[2:] ELSE '' END
             || CASE WHEN place > 10 THEN 'E+' ELSE 'E+0' END || (place - 1)::VARCHAR
        WHEN strlen(figures) > place THEN figures[1:place] || '.' || figures[place + 1:]
        ELSE rpad(figures, place::INTEGER, '0') END
)
"""
_REAL = """
CREATE TEMP MACRO datalake_real(v, sure, from_) AS (
    CASE WHEN isnan(v) THEN 'NaN'
        WHEN isinf(v) THEN CASE WHEN v > 0 THEN 'Infinity' ELSE '-Infinity' END
        WHEN v = 0 THEN '0'
        WHEN abs(v) >= from_ THEN
            CASE WHEN v < 0 THEN '-' ELSE '' END ||
            datalake_together(datalake_place(abs(v)::VARCHAR), datalake_figures(abs(v)::VARCHAR), sure)
        WHEN abs(v) < 0.0001 THEN upper(replace(v::VARCHAR, '.0e', 'e'))
        ELSE CASE WHEN suffix(v::VARCHAR, '.0') THEN left(v::VARCHAR, -2) ELSE v::VARCHAR END END
)
"""
MACROS = (_PLACE, _FIGURES, _TOGETHER, _REAL)


def double_text(value: str) -> str:
    """
    Write a double.

    :param value: its SQL
    :return: SQL of its text
    """
    return f"datalake_real({value}, 15, 1e15::DOUBLE)"


def float_text(value: str) -> str:
    """
    Write a float.

    :param value: its SQL
    :return: SQL of its text
    """
    return f"datalake_real({value}, 7, 1e7::FLOAT)"


def decimal_text(value: str) -> str:
    """
    Write a decimal without the zeros that only its storage adds.

    :param value: its SQL
    :return: SQL of its text
    """
    return f"rtrim(rtrim(({value})::VARCHAR, '0'), '.')"
