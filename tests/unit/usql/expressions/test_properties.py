"""Expressions against models of C# in Python, for values that nobody chose."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from airflow_provider_datalake.usql.diagnostics import NOWHERE
from airflow_provider_datalake.usql.expressions import Typed, bind, fold, literal
from airflow_provider_datalake.usql.expressions.failures import invalid
from airflow_provider_datalake.usql.types import BOOL, DOUBLE, INT, LONG, STRING, Kind, Type
from tests.unit.usql.expressions.evaluation import connection, syntax

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
INTS = st.integers(-(2**31), 2**31 - 1)
SMALL = st.integers(-100, 100)
TEXTS = st.text(st.characters(blacklist_categories=("Cs", "Cn", "Co"), blacklist_characters="\0"), max_size=8)
DECIMALS = st.decimals(min_value=-(10**8), max_value=10**8, places=4, allow_nan=False)
DECIMAL = Type(Kind.DECIMAL)


class ValuesScope:
    """Columns that have one value each."""

    def __init__(self, values: dict[str, tuple[Any, Type]]) -> None:
        self.values = values

    def column(self, name: str, qualifier: str | None, span: object) -> Typed:
        if name not in self.values:
            raise invalid(f"no column {name}", NOWHERE)
        value, type_ = self.values[name]
        found = literal(value, type_)
        # No constant for the binder, as a column is none.
        return Typed(found.sql, type_, NOWHERE)

    def has_qualifier(self, name: str) -> bool:
        return False

    def has_column(self, name: str) -> bool:
        return name in self.values

    def variable(self, name: str, span: object) -> Typed:
        raise invalid(f"no variable {name}", NOWHERE)


def computed(text: str, **values: tuple[Any, Type]) -> Any:
    sql = bind(syntax(text), ValuesScope(values)).sql.sql("duckdb")
    row = connection().execute(f"SELECT {sql}").fetchone()
    return row[0]


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@QUICK
@given(INTS, INTS)
def test_division_and_remainder_of_integers_truncate(a: int, b: int) -> None:
    assume(b != 0 and not (a == -(2**31) and b == -1))
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    assert computed("a / b", a=(a, INT), b=(b, INT)) == quotient
    assert computed("a % b", a=(a, INT), b=(b, INT)) == a - quotient * b


@QUICK
@given(INTS, INTS, st.sampled_from("+-*"))
def test_arithmetic_of_integers_is_exact_or_fails(a: int, b: int, operator: str) -> None:
    exact = {"+": a + b, "-": a - b, "*": a * b}[operator]
    if -(2**31) <= exact < 2**31:
        assert computed(f"a {operator} b", a=(a, INT), b=(b, INT)) == exact
    else:
        with pytest.raises(duckdb.OutOfRangeException):
            computed(f"a {operator} b", a=(a, INT), b=(b, INT))


@QUICK
@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_cast_to_int_cuts_off_or_fails(x: float) -> None:
    if math.isfinite(x) and -(2**31) <= math.trunc(x) < 2**31:
        assert computed("(int)x", x=(x, DOUBLE)) == math.trunc(x)
    else:
        with pytest.raises(duckdb.Error):
            computed("(int)x", x=(x, DOUBLE))


@QUICK
@given(
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from(["sbyte", "byte", "short", "ushort", "int", "uint", "ulong"]),
)
def test_a_cast_to_a_narrower_integer_keeps_the_value_or_fails(value: int, name: str) -> None:
    bits = {"sbyte": 8, "byte": 8, "short": 16, "ushort": 16, "int": 32, "uint": 32, "ulong": 64}[name]
    low, high = (0, 2**bits) if name[0] == "u" or name == "byte" else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    if low <= value < high:
        assert computed(f"({name})v", v=(value, LONG)) == value
    else:
        with pytest.raises(duckdb.Error):
            computed(f"({name})v", v=(value, LONG))


@QUICK
@given(INTS, st.integers(-70, 70))
def test_shifts_drop_bits_as_in_csharp(a: int, n: int) -> None:
    count = n & 31
    left = (a << count) & 0xFFFFFFFF
    assert computed("a << n", a=(a, INT), n=(n, INT)) == (left - 2**32 if left >= 2**31 else left)
    assert computed("a >> n", a=(a, INT), n=(n, INT)) == a >> count


@QUICK
@given(st.floats(), st.floats(), st.sampled_from(["==", "!=", "<", ">", "<=", ">="]))
def test_comparisons_of_doubles_hold_as_in_python(a: float, b: float, operator: str) -> None:
    expected = {"==": a == b, "!=": a != b, "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[operator]
    assert computed(f"a {operator} b", a=(a, DOUBLE), b=(b, DOUBLE)) is expected
    nullable = DOUBLE.as_nullable()
    assert computed(f"a {operator} b", a=(a, nullable), b=(b, nullable)) is expected


@QUICK
@given(DECIMALS, DECIMALS)
def test_decimals_are_computed_exactly_and_quotients_rounded(a: Decimal, b: Decimal) -> None:
    values = {"a": (a, DECIMAL), "b": (b, DECIMAL)}
    with localcontext() as context:
        context.prec = 60
        assert computed("a + b", **values) == a + b
        assert computed("a - b", **values) == a - b
        assert computed("a * b", **values) == a * b
        if b:
            rounded = (a / b).quantize(Decimal("1e-10"), ROUND_HALF_UP)
            assert computed("a / b", **values) == rounded


@QUICK
@given(TEXTS, st.integers(-1, 9), st.integers(-1, 9))
def test_substring_counts_utf16_units(text: str, start: int, length: int) -> None:
    values = {"s": (text, STRING), "a": (start, INT), "n": (length, INT)}
    raw = text.encode("utf-16-le")
    if start < 0 or length < 0 or start + length > len(raw) // 2:
        with pytest.raises(duckdb.Error, match="Index was outside"):
            computed("s.Substring(a, n)", **values)
        return
    part = raw[start * 2 : (start + length) * 2]
    try:
        expected = part.decode("utf-16-le")
    except UnicodeDecodeError:
        with pytest.raises(duckdb.Error, match="surrogate pair"):
            computed("s.Substring(a, n)", **values)
        return
    assert computed("s.Substring(a, n)", **values) == expected


@QUICK
@given(TEXTS, TEXTS)
def test_lengths_and_places_count_utf16_units(text: str, wanted: str) -> None:
    values = {"s": (text, STRING), "t": (wanted, STRING)}
    assert computed("s.Length", **values) == units(text)
    place = text.find(wanted)
    assert computed("s.IndexOf(t)", **values) == (-1 if place < 0 else units(text[:place]))
    assert computed("(s + t).IndexOf(t)", **values) == units((text + wanted)[: (text + wanted).find(wanted)])
    assert computed("(s + t + s).LastIndexOf(t) >= 0", **values) is True


@QUICK
@given(TEXTS, st.integers(0, 12))
def test_padding_fills_up_to_a_length(text: str, width: int) -> None:
    values = {"s": (text, STRING), "n": (width, INT)}
    fill = "." * max(0, width - units(text))
    assert computed("s.PadLeft(n, '.')", **values) == fill + text
    assert computed("s.PadRight(n, '.')", **values) == text + fill


@QUICK
@given(TEXTS)
def test_trim_takes_the_white_space_of_dotnet(text: str) -> None:
    # Python's has the separators of ASCII besides.
    assume(not set(text) & set("\x1c\x1d\x1e\x1f"))
    padded = f" \t\u2003{text}\u3000\r\n"
    assert computed("s.Trim()", s=(padded, STRING)) == text.strip()
    assert computed("s.TrimStart()", s=(padded, STRING)) == padded.lstrip()
    assert computed("s.TrimEnd()", s=(padded, STRING)) == padded.rstrip()


@QUICK
@given(INTS, st.text("0123456789 +-.,eExX_", max_size=12))
def test_int_parse_reads_what_is_an_integer_and_nothing_else(number: int, text: str) -> None:
    assert computed("int.Parse(s)", s=(f" {number} ", STRING)) == number
    stripped = text.strip(" ")
    digits = stripped[1:] if stripped[:1] in ("+", "-") else stripped
    if digits and set(digits) <= set("0123456789") and -(2**31) <= int(stripped) < 2**31:
        assert computed("int.Parse(s)", s=(text, STRING)) == int(stripped)
    else:
        with pytest.raises(duckdb.Error, match="E_RUNTIME_USER_EXPRESSIONEVALUATION"):
            computed("int.Parse(s)", s=(text, STRING))


@QUICK
@given(st.datetimes().filter(lambda moment: moment.year >= 1000))
def test_dates_are_read_in_their_usual_forms(moment: Any) -> None:
    whole = moment.replace(microsecond=0)
    hour = whole.hour % 12 or 12
    half = "AM" if whole.hour < 12 else "PM"
    american = f"{whole.month}/{whole.day}/{whole.year} {hour}:{whole.minute:02}:{whole.second:02} {half}"
    named = f"{whole:%B} {whole.day}, {whole.year} {whole:%H:%M:%S}"
    for text in (whole.isoformat(), whole.isoformat(" "), american, named, f"{whole.isoformat()}Z"):
        assert computed("DateTime.Parse(s)", s=(text, STRING)) == whole
    assert computed("DateTime.Parse(s)", s=(moment.isoformat(), STRING)) == moment


@QUICK
@given(st.floats(-1e15, 1e15), st.integers(0, 6))
def test_rounding_is_that_of_doubles_times_powers_of_ten(x: float, digits: int) -> None:
    power = 10.0**digits
    assert computed("Math.Round(x, n)", x=(x, DOUBLE), n=(digits, INT)) == round(x * power) / power


def _operands(value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(value, st.sampled_from(["&&", "||"]), value).map(lambda parts: f"({' '.join(parts)})"),
        value.map(lambda inner: f"!({inner})"),
        st.tuples(value, st.sampled_from(["==", "!="]), value).map(lambda p: f"(({p[0]}) {p[1]} ({p[2]}))"),
        st.tuples(value, value, value).map(lambda p: f"(({p[0]}) ? ({p[1]}) : ({p[2]}))"),
    )


@QUICK
@given(
    st.recursive(
        st.sampled_from(["p", "q", "t", "(i < 3)", "(n == null)", "(n > 1)"]), _operands, max_leaves=12
    )
)
def test_conditions_keep_their_shape(text: str) -> None:
    values = {
        "p": (True, BOOL),
        "q": (False, BOOL),
        "t": (True, BOOL),
        "i": (2, INT),
        "n": (None, INT.as_nullable()),
    }
    python = text.replace("(n == null)", "True").replace("(n > 1)", "False")
    assert computed(text, **values) is _python(python, {"p": True, "q": False, "t": True, "i": 2})


def _python(text: str, names: dict[str, Any]) -> Any:
    """Evaluate the operators of C# that Python writes otherwise."""
    while "?" in text:
        # The innermost choice: its parts are in parentheses.
        place = text.index(" ? ")
        depth, start = 0, place
        while True:
            start -= 1
            depth += {")": 1, "(": -1}.get(text[start], 0)
            if depth < 0:
                break
        test = text[start + 1 : place]
        then, rest = _bracketed(text, place + 3)
        otherwise, end = _bracketed(text, rest + 3)
        text = f"{text[: start + 1]}({then}) if ({test}) else ({otherwise}){text[end:]}"
    written = text.replace("&&", " and ").replace("||", " or ").replace("!=", "\0").replace("!", " not ")
    return eval(written.replace("\0", "!="), {}, names)


def _bracketed(text: str, start: int) -> tuple[str, int]:
    depth = 0
    for place in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return text[start : place + 1], place + 1
    raise AssertionError(text)


def _arithmetic(value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(value, st.sampled_from(["+", "-", "*"]), value).map(lambda parts: f"({' '.join(parts)})"),
        value.map(lambda inner: f"(-{inner})"),
        st.tuples(value, st.sampled_from(["&", "|"]), value).map(lambda parts: f"({' '.join(parts)})"),
        value.map(lambda inner: f"(~{inner})"),
    )


@QUICK
@given(st.recursive(st.sampled_from(["a", "b", "3", "10"]), _arithmetic, max_leaves=8), SMALL, SMALL)
def test_arithmetic_keeps_its_shape(text: str, a: int, b: int) -> None:
    expected = eval(text, {}, {"a": a, "b": b})
    assume(-(2**31) < expected < 2**31)
    try:
        found = computed(text, a=(a, INT), b=(b, INT))
    except duckdb.OutOfRangeException:
        return  # a part of it was too large
    assert found == expected


@QUICK
@given(
    st.one_of(
        st.tuples(INTS, st.just(INT)),
        st.tuples(st.integers(-(2**63), 2**63 - 1), st.just(LONG)),
        st.tuples(st.floats(), st.just(DOUBLE)),
        st.tuples(TEXTS, st.just(STRING)),
        st.tuples(DECIMALS, st.just(DECIMAL)),
        st.tuples(st.datetimes(), st.just(Type(Kind.DATETIME))),
        st.tuples(st.uuids(), st.just(Type(Kind.GUID))),
        st.tuples(st.binary(max_size=6), st.just(Type(Kind.BINARY))),
        st.tuples(st.booleans(), st.just(BOOL)),
    )
)
def test_a_literal_folds_to_its_value(pair: tuple[Any, Type]) -> None:
    value, type_ = pair
    found = fold(literal(value, type_))
    assert found == value or (isinstance(value, float) and math.isnan(value) and math.isnan(found))
