"""
The Python functions that queries call where DuckDB has nothing of the same result.

They are Arrow functions: called with whole columns, NULL in NULL out. An exception fails the query.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal, localcontext
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, unquote_to_bytes, urlsplit

if TYPE_CHECKING:
    import duckdb

Scalar = Callable[..., Any]
# name: (function of plain values, argument types, result type)
_FUNCTIONS: dict[str, tuple[Scalar, tuple[str, ...], str]] = {}


def _function(result: str, *arguments: str) -> Callable[[Scalar], Scalar]:
    def add(function: Scalar) -> Scalar:
        _FUNCTIONS[f"mc_{function.__name__}"] = (function, arguments, result)
        return function

    return add


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """
    Make the functions callable on a connection; those that its database already has are left alone.

    :param connection: an open DuckDB connection
    """
    known = connection.execute("SELECT DISTINCT function_name FROM duckdb_functions()").fetchall()
    for name in _FUNCTIONS.keys() - {row[0] for row in known}:
        function, arguments, result = _FUNCTIONS[name]
        connection.create_function(  # type: ignore[call-overload]
            name,
            _over_columns(function, arguments, result),
            list(arguments),
            result,
            type="arrow",
            null_handling="special",
        )


def _invalid(message: str) -> ValueError:
    """Fail the query with the service's code for a value that a function does not take."""
    return ValueError(f"ODPS-0121095:{message}")


def _over_columns(function: Scalar, arguments: Sequence[str], result: str) -> Callable[..., Any]:
    def call(*columns: Any) -> Any:
        import pyarrow as pa

        types = {
            "VARCHAR": pa.string(),
            "BIGINT": pa.int64(),
            "BOOLEAN": pa.bool_(),
        }
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        return pa.array([None if None in row else function(*row) for row in rows], type=types[result])

    # DuckDB counts the parameters, and evaluates their annotations.
    named = [Parameter(f"a{i}", Parameter.POSITIONAL_ONLY) for i in range(len(arguments))]
    call.__signature__ = Signature(named)  # type: ignore[attr-defined]
    return call


@_function("VARCHAR", "VARCHAR", "VARCHAR", "BIGINT")
def decimal_multiply(left: str, right: str, scale: int) -> str:
    with localcontext(prec=100):
        return str((Decimal(left) * Decimal(right)).quantize(Decimal(1).scaleb(-scale), ROUND_DOWN))


@_function("VARCHAR", "VARCHAR", "VARCHAR", "BIGINT")
def decimal_divide(left: str, right: str, scale: int) -> str | None:
    with localcontext(prec=100):
        divisor = Decimal(right)
        if not divisor:
            return None
        return str((Decimal(left) / divisor).quantize(Decimal(1).scaleb(-scale), ROUND_DOWN))


@_function("BIGINT", "BLOB")
def crc32(value: bytes) -> int:
    return zlib.crc32(value)


@_function("VARCHAR", "BLOB", "BIGINT")
def sha2(value: bytes, bits: int) -> str | None:
    if bits not in (224, 256, 384, 512):
        return None
    return hashlib.new(f"sha{bits}", value).hexdigest()


@_function("VARCHAR", "VARCHAR")
def soundex(value: str) -> str:
    """Code a word by its sound: the letter that it begins with and three digits."""
    letters = [c for c in value.upper() if "A" <= c <= "Z"]
    if not letters:
        return ""
    codes = {c: d for d, group in _SOUNDS.items() for c in group}
    code, last = letters[0], codes.get(letters[0], "")
    for letter in letters[1:]:
        digit = codes.get(letter, "")
        if digit and digit != last:
            code += digit
        if letter not in "HW":
            last = digit
    return code[:4].ljust(4, "0")


_SOUNDS = {"1": "BFPV", "2": "CGJKQSXZ", "3": "DT", "4": "L", "5": "MN", "6": "R"}


@_function("VARCHAR", "VARCHAR", "BIGINT", "BIGINT")
def conv(digits: str, source: int, target: int) -> str:
    if source not in _DIGITS or target not in _DIGITS:
        raise _invalid("conv converts between the bases 2, 8, 10 and 16")
    whole = digits.strip().split(".")[0]
    if whole.startswith("-"):
        raise _invalid("conv does not take negative numbers")
    if not whole or not set(whole.lower()) <= set("0123456789abcdef"[:source]):
        raise _invalid(f"conv: {digits!r} is not a number of base {source}")
    number = int(whole, source)
    if number >= 2**64:
        raise _invalid(f"conv: {digits!r} does not fit into 64 bits")
    return format(number, _DIGITS[target])


_DIGITS = {2: "b", 8: "o", 10: "d", 16: "x"}


@_function("VARCHAR", "VARCHAR", "VARCHAR")
def url_encode(value: str, encoding: str) -> str:
    return quote_plus(value.encode(_charset(encoding)), safe="*").replace("~", "%7E")


@_function("VARCHAR", "VARCHAR", "VARCHAR")
def url_decode(value: str, encoding: str) -> str:
    return unquote_to_bytes(value.replace("+", " ")).decode(_charset(encoding))


def _charset(name: str) -> str:
    if name.lower() not in ("utf-8", "utf8", "gbk"):
        raise _invalid(f"the encoding must be UTF-8 or GBK, not {name!r}")
    return name


@_function("BOOLEAN", "VARCHAR", "VARCHAR", "VARCHAR")
def is_encoding(value: str, source: str, target: str) -> bool:
    try:
        value.encode(source)
        value.encode(target)
    except UnicodeEncodeError:
        return False
    except LookupError as error:
        raise _invalid(str(error)) from error
    return True


@_function("VARCHAR", "VARCHAR", "VARCHAR", "VARCHAR")
def parse_url(url: str, part: str, key: str) -> str | None:
    """Take a part of a URL as java.net.URI names them; the key is empty unless one of QUERY is asked for."""
    try:
        pieces = urlsplit(url)
    except ValueError:
        return None
    if not pieces.scheme:
        return None
    path, query = pieces.path, pieces.query
    if part == "QUERY" and key:
        found = [p.partition("=") for p in query.split("&")]
        return next((value for name, equals, value in found if name == key and equals), None)
    userinfo = pieces.netloc.rpartition("@")[0]
    parts = {
        "HOST": pieces.netloc.rpartition("@")[2].rpartition(":")[0]
        if re.search(r":[0-9]*$", pieces.netloc)
        else pieces.netloc.rpartition("@")[2],
        "PATH": path,
        "QUERY": query,
        "REF": pieces.fragment,
        "PROTOCOL": pieces.scheme,
        "AUTHORITY": pieces.netloc,
        "FILE": f"{path}?{query}" if query else path,
        "USERINFO": userinfo,
    }
    if part not in parts:
        raise _invalid(f"parse_url does not know the part {part!r}")
    return parts[part] or (None if part != "PATH" else "")


@_function("VARCHAR", "VARCHAR", "VARCHAR")
def format_pattern(number: str, pattern: str) -> str:
    """Write a number like ``#,###,###.##`` says."""
    bare = pattern.replace(" ", "")
    if not re.fullmatch(r"[#0,]*(\.[#0]*)?", bare):
        raise _invalid(f"format_number does not know the pattern {pattern!r}")
    whole, _, fraction = bare.partition(".")
    rounded = Decimal(number).quantize(Decimal(1).scaleb(-len(fraction)), ROUND_HALF_EVEN)
    left, _, right = format(abs(rounded), f"{',' if ',' in whole else ''}f").partition(".")
    while right and len(right) > fraction.count("0") and right.endswith("0"):
        right = right[:-1]
    least = whole.count("0")
    left = "" if left == "0" and not least and right else left.rjust(least, "0")
    sign = "-" if rounded < 0 else ""
    return f"{sign}{left}.{right}" if right else f"{sign}{left}"


@_function("BIGINT", "VARCHAR", "VARCHAR", "BIGINT", "BIGINT")
def instr(source: str, wanted: str, start: int, nth: int) -> int:
    """Find the nth occurrence from a position on; from a negative one backwards, counted from the end."""
    if nth < 1 or start == 0:
        raise _invalid("instr: neither position nor occurrence may be 0")
    step = 1 if start > 0 else -1
    at = start - 1 if start > 0 else len(source) + start
    while 0 <= at <= len(source):
        if source.startswith(wanted, at):
            nth -= 1
            if not nth:
                return at + 1
        at += step
    return 0


@_function("BIGINT", "BIGINT", "BIGINT", "BIGINT")
def shift_left(value: int, places: int, bits: int) -> int:
    shifted = (value << (places % bits)) & ((1 << bits) - 1)
    return shifted - (1 << bits) if shifted >> (bits - 1) else shifted


@_function("BIGINT", "BIGINT", "BIGINT", "BIGINT")
def shift_right_unsigned(value: int, places: int, bits: int) -> int:
    shifted = (value & ((1 << bits) - 1)) >> (places % bits)
    return shifted - (1 << bits) if shifted >> (bits - 1) else shifted


_JSON_STEP = re.compile(r"\.([^.\[\]]+)|\[\s*'([^']*)'\s*\]|\[\s*([0-9]+|\*)\s*\]")


@_function("VARCHAR", "VARCHAR", "VARCHAR")
def get_json_object(document: str, path: str) -> str | None:
    """Follow a path with wildcards; one match is given as it is, several as an array."""
    try:
        values = [json.loads(document)]
    except ValueError:
        return None
    at, several = 1, False
    if not path.startswith("$"):
        return None
    while at < len(path):
        step = _JSON_STEP.match(path, at)
        if not step:
            return None
        at = step.end()
        index = step.group(3)
        if index == "*":
            several = True
            values = [item for value in values if isinstance(value, list) for item in value]
        elif index is not None:
            values = [v[int(index)] for v in values if isinstance(v, list) and int(index) < len(v)]
        else:
            key = step.group(1) or step.group(2)
            values = [v[key] for v in values if isinstance(v, dict) and key in v]
    if not values:
        return None
    found = values if several and (len(values) > 1 or path.endswith("[*]")) else values[0]
    if found is None or isinstance(found, str):
        return found
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))
