"""What of .NET's members and of U-SQL's functions can be used, for the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.expressions.aggregates import AGGREGATES
from airflow_provider_datalake.usql.expressions.members import members
from airflow_provider_datalake.usql.expressions.windows import FUNCTIONS
from airflow_provider_datalake.usql.types import Kind

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.expressions.members.registry import Member
    from airflow_provider_datalake.usql.types import Type

_NULLABLE_MEMBERS = (
    ("HasValue", "T?.HasValue", "bool"),
    ("Value", "T?.Value", "T"),
    ("GetValueOrDefault", "T?.GetValueOrDefault()", "T"),
    ("GetValueOrDefault", "T?.GetValueOrDefault(T)", "T"),
    ("Equals", "T?.Equals(T?)", "bool"),
    ("ToString", "T?.ToString()", "string"),
)


@dataclass(frozen=True, order=True)
class Entry:
    """
    One thing that can be used.

    :param owner: the type that has it; ``aggregate`` or ``window`` for U-SQL's own functions
    :param name: its name
    :param signature: how it is written
    :param result: the type of its value
    """

    owner: str
    name: str
    signature: str
    result: str


def entries() -> tuple[Entry, ...]:
    """
    List all that can be used.

    :return: sorted by owner and name
    """
    found = {_entry(member) for overloads in members().values() for member in overloads}
    found |= {Entry("Nullable", *row) for row in _NULLABLE_MEMBERS}
    found |= {Entry("aggregate", name, f"{name}(...)", "") for name in AGGREGATES}
    found |= {Entry("window", name, f"{name}(...) OVER (...)", "") for name in AGGREGATES | FUNCTIONS}
    return tuple(sorted(found))


def _entry(member: Member) -> Entry:
    owner = member.owner
    if member.name == "new":
        return Entry(owner, "new", f"new {owner}({_parameters(member)})", owner)
    written = owner if member.static else f"<{owner}>"
    call = "" if member.parameters is None else f"({_parameters(member)})"
    result = "" if member.result_of else _shown(member.result)
    return Entry(owner, member.name, f"{written}.{member.name}{call}", result)


def _parameters(member: Member) -> str:
    names = [_shown(parameter) for parameter in member.parameters or ()]
    if member.rest is not None:
        names.append(f"params {_shown(member.rest)}[]")
    return ", ".join(names)


def _shown(type_: Type) -> str:
    return "object" if type_.kind is Kind.NULL else str(type_)
