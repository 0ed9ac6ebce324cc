"""``DateTime.Parse``: more forms of a date than extractors read."""

from __future__ import annotations

from airflow_provider_datalake.usql.backends.duckdb.fast_values import fast_value, literal
from airflow_provider_datalake.usql.expressions.failures import BAD_FORMAT, raising
from airflow_provider_datalake.usql.text_format import ExtractFormat
from airflow_provider_datalake.usql.types import DATETIME

_MONTHS = "January February March April May June July August September October November December".split()
_NAMES = "|".join(f"{name}|{name[:3]}" for name in _MONTHS)
_NUMERIC = (
    "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}|[0-9]{1,2}/[0-9]{1,2}/([0-9]{4}|[0-9]{2})"
)
_NAMED = f"(?i:{_NAMES}) [0-9]{{1,2}},? [0-9]{{4}}|[0-9]{{1,2}}[ -](?i:{_NAMES})[ -][0-9]{{4}}"
_TIME = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6}0*)?)?( ?[AaPp][Mm])?"
_SHAPE = rf"\s*({_NAMED}|{_NUMERIC})((T|\s+){_TIME}(Z|[+-][0-9]{{2}}:[0-9]{{2}})?)?\s*"
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %I:%M:%S.%f %p")
_FORMATS = ", ".join(
    f"'{date}{time}'"
    for date in ("%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%b %d %Y", "%d %b %Y", "%d-%b-%Y")
    for time in _TIMES
)
_SHORT_YEARS = ", ".join(f"'%m/%d/%y{time}'" for time in _TIMES)
# The most frequent forms, which patterns of four digits between fixed signs make sure of.
_AMERICAN = "'%m/%d/%Y %I:%M:%S %p', '%m/%d/%Y %H:%M:%S', '%m/%d/%Y %I:%M %p', '%m/%d/%Y %H:%M'"
_CLOCK = r"(:[0-9.]+ ?(?:[AaPp][Mm])?)"
# One form of month, of what stands between, and of the time.
_STEPS = (
    (f"(?i)({'|'.join(name[:3] for name in _MONTHS)})[a-z]+", r"\1"),
    (rf"{_CLOCK}(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})\s*$", r"\1"),
    ("([0-9])T([0-9])", r"\1 \2"),
    (r"(\.[0-9]{1,6})0*", r"\1"),
    ("([0-9])([AaPp][Mm])", r"\1 \2"),
    (r"[\s,]+", " "),
)
_OFFSET = rf"{_CLOCK}([+-])([0-9]{{2}}):([0-9]{{2}})\s*$"


def parsed(text: str = ":a") -> str:
    """
    Write a template that reads a date, and fails the job where it is none.

    :param text: SQL of the text
    :return: the template
    """
    common = (
        f"CASE WHEN {text} LIKE '%/%/____ %' THEN TRY_STRPTIME({text}, [{_AMERICAN}]) "
        f"WHEN {text} LIKE '____-__-__ __:__:__' OR {text} LIKE '____-__-__T__:__:__' "
        f"OR {text} LIKE '____-__-__' THEN TRY_CAST({text} AS TIMESTAMP) END"
    )
    return f"COALESCE({common}, {_exactly(text)})"


def _exactly(text: str) -> str:
    found = fast_value(DATETIME, ExtractFormat(), text, None)
    certain = found.certain.replace("{value}", f"({found.value})")
    return f"CASE WHEN {certain} THEN {found.value} ELSE {_slowly(text)} END"


def _slowly(text: str) -> str:
    failure = raising(BAD_FORMAT).sql(dialect="duckdb")
    plain = text
    for pattern, replacement in _STEPS:
        plain = f"REGEXP_REPLACE({plain}, {literal(pattern)}, {literal(replacement)}, 'g')"
    plain = f"TRIM({plain})"
    # A year of two digits is one from 1930 to 2029.
    short = f"TRY_STRPTIME({plain}, [{_SHORT_YEARS}])"
    short = f"CASE WHEN YEAR({short}) > 2029 THEN {short} - TO_YEARS(100) ELSE {short} END"
    is_short = f"REGEXP_MATCHES({plain}, '^[0-9]+/[0-9]+/[0-9]{{2}}( |$)')"
    value = f"CASE WHEN {is_short} THEN {short} ELSE TRY_STRPTIME({plain}, [{_FORMATS}]) END"
    sign, hours, minutes = (f"REGEXP_EXTRACT({text}, {literal(_OFFSET)}, {group})" for group in (2, 3, 4))
    offset = (
        f"CASE {sign} WHEN '' THEN 0 "
        f"ELSE CAST({sign} || '1' AS INT) * (CAST({hours} AS INT) * 60 + CAST({minutes} AS INT)) END"
    )
    return (
        f"CASE WHEN REGEXP_FULL_MATCH({text}, {literal(_SHAPE)}) "
        f"THEN COALESCE({value} - TO_MINUTES({offset}), {failure}) ELSE {failure} END"
    )
