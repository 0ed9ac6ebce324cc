"""The members of .NET types that scripts may use, one entry each."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.expressions.members import (
    collections,
    dates,
    maths,
    parsing,
    regex,
    strings,
    time_spans,
    universal,
)

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.expressions.members.registry import Member

_TOPICS = (strings, dates, time_spans, maths, parsing, collections, regex, universal)

UNSUPPORTED = frozenset(
    (owner, name)
    for owner, names in {
        "string": "Chars Clone CopyTo GetEnumerator GetHashCode GetType IndexOfAny IsNormalized "
        "LastIndexOfAny Normalize ToCharArray",
        "DateTime": "FromBinary FromFileTime FromOADate GetDateTimeFormats IsDaylightSavingTime ToBinary "
        "ToFileTime ToFileTimeUtc ToOADate TryParse TryParseExact",
        **{
            owner: "TryParse TryParseExact"
            for owner in "bool byte decimal double float int long sbyte short uint ulong ushort".split()
        },
        "Guid": "ToByteArray TryParse",
        "byte[]": "GetValue LongLength Rank",
    }.items()
    for name in names.split()
)
"""Members that .NET has and this compiler has not."""


@cache
def members() -> dict[tuple[str, str], tuple[Member, ...]]:
    """
    Collect all members.

    :return: overloads by owner and name
    """
    found: dict[tuple[str, str], list[Member]] = {}
    for topic in _TOPICS:
        for member in topic.MEMBERS:
            found.setdefault((member.owner, member.name), []).append(member)
    return {key: tuple(overloads) for key, overloads in found.items()}
