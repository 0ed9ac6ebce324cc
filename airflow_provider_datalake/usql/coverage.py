"""
What of U-SQL is compiled and what is refused, as tables for the documentation.

``python -m airflow_provider_datalake.usql.coverage`` writes them into ``docs/usql.md``, between the markers.
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.binder.formats import EXTRACT_FIELDS, OTHER_FORMATS, OUTPUT_FIELDS
from airflow_provider_datalake.usql.expressions.coverage import Entry, entries
from airflow_provider_datalake.usql.expressions.members import UNSUPPORTED
from airflow_provider_datalake.usql.parser.definitions import UNSUPPORTED_OBJECTS
from airflow_provider_datalake.usql.parser.sources import PIVOTS, TABLE_FUNCTION, USER_OPERATORS
from airflow_provider_datalake.usql.parser.statements import NOT_RUN
from airflow_provider_datalake.usql.text_format import ExtractFormat, OutputFormat
from airflow_provider_datalake.usql.types import NUMERIC

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BEGIN = "<!-- generated: the tables of the compiler, see the Makefile's coverage-tables -->"
END = "<!-- end of what is generated -->"
_PAGE = Path("docs/usql.md")
_FUNCTIONS = ("aggregate", "window")
_NUMBERS = tuple(kind.value for kind in NUMERIC)
_MANY = 5
"""From so many overloads on, they are written once for all types."""


def tables() -> str:
    """
    Write all tables.

    :return: markdown, without the markers
    """
    parts = (
        ("Parameters of extractors and outputters", _parameters()),
        ("Aggregates and window functions", _functions()),
        ("C# members", _members()),
        ("Refused: statements and operators", _refused_syntax()),
        ("Refused: details", _refused_details()),
        ("Refused: members", _refused_members()),
    )
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in parts)


def insert(page: str) -> str:
    """
    Put the tables into the page.

    :param page: the page's text
    :return: the page with the tables between its markers
    :raises ValueError: when the markers are not there
    """
    return put_between(page, BEGIN, tables())


def main(arguments: list[str] | None = None) -> int:
    """
    Rewrite the tables in the documentation.

    :param arguments: the page's path; ``docs/usql.md`` where there is none
    :return: the exit code
    """
    given = sys.argv[1:] if arguments is None else arguments
    path = Path(given[0]) if given else _PAGE
    path.write_text(insert(path.read_text("utf-8")), "utf-8")
    return 0


def _parameters() -> str:
    extract = {field.name: field.default for field in fields(ExtractFormat)}
    output = {field.name: field.default for field in fields(OutputFormat)}
    rows = []
    for name in dict.fromkeys([*EXTRACT_FIELDS, *OUTPUT_FIELDS]):
        rows.append(
            (
                f"`{name}`",
                _default(extract, EXTRACT_FIELDS.get(name)),
                _default(output, OUTPUT_FIELDS.get(name)),
            )
        )
    table = write_table(("parameter", "default of an extractor", "default of an outputter"), rows)
    others = ", ".join(f"`{name}`" for name in OTHER_FORMATS)
    note = f"For `Csv`, `Tsv` and `Text`; `delimiter` is a parameter of `Text` only. Refused: {others}."
    return f"{note}\n\n{table}"


def _default(defaults: dict[str, object], field: str | None) -> str:
    if field is None:
        return "not a parameter"
    default = defaults[field]
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if field == "row_delimiter":
        return "CR LF" if default else "any of CR LF, LF and CR"
    return "none" if default is None else f"`{default}`"


def _functions() -> str:
    found = {owner: [entry.name for entry in entries() if entry.owner == owner] for owner in _FUNCTIONS}
    only_windows = [name for name in found["window"] if name not in found["aggregate"]]
    rows = [
        ("aggregates, also with `OVER`", codes(found["aggregate"])),
        ("only with `OVER`", codes(only_windows)),
    ]
    return write_table(("what", "functions"), rows)


def _members() -> str:
    by_owner: dict[str, list[Entry]] = {}
    for entry in entries():
        if entry.owner not in _FUNCTIONS:
            by_owner.setdefault(entry.owner, []).append(entry)
    owners_by_cells: dict[tuple[str, str], list[str]] = {}
    for owner, found in by_owner.items():
        cells = (_calls(owner, found, static=False), _calls(owner, found, static=True))
        owners_by_cells.setdefault(cells, []).append(owner)
    rows = [(codes(owners), *cells) for cells, owners in owners_by_cells.items()]
    table = write_table(("type", "of a value", "of the type"), rows)
    return f"`T` stands for the number's own type.\n\n{table}"


def _calls(owner: str, found: list[Entry], *, static: bool) -> str:
    """Write the members of a type; what takes any of many types is written once for all of them."""
    of_value = "T?." if owner == "Nullable" else f"<{owner}>."
    overloads: dict[str, list[tuple[str, ...] | None]] = {}
    for entry in found:
        if entry.signature.startswith(of_value) is static:
            continue
        name, parameters = _split(entry.signature.removeprefix(of_value).removeprefix(f"{owner}."))
        overloads.setdefault(name, []).append(parameters and _generic(owner, parameters))
    calls: list[str] = []
    calls_by_types: dict[tuple[str, ...], list[str]] = {}
    for name, lists in overloads.items():
        types = tuple(parameters[0] for parameters in lists if parameters and len(set(parameters)) == 1)
        arities = {len(parameters or ()) for parameters in lists}
        if len(lists) >= _MANY and len(types) == len(lists) and len(arities) == 1:
            calls_by_types.setdefault(types, []).append(_call(name, ("N",) * arities.pop()))
        else:
            calls += [_call(name, parameters) for parameters in lists]
    parts = [codes(calls)] if calls else []
    for types, names in calls_by_types.items():
        parts.append(f"{codes(names)} with `N` any of {codes(types)}")
    return "; ".join(parts)


def _split(text: str) -> tuple[str, tuple[str, ...] | None]:
    name, bracket, rest = text.partition("(")
    if not bracket:
        return name, None
    parameters = rest.removesuffix(")")
    return name, tuple(parameters.split(", ")) if parameters else ()


def _call(name: str, parameters: tuple[str, ...] | None) -> str:
    return name if parameters is None else f"{name}({', '.join(parameters)})"


def _generic(owner: str, parameters: tuple[str, ...]) -> tuple[str, ...]:
    """Write a number's own type in one way, so that types with the same members share a row."""
    return tuple("T" if parameter == owner in _NUMBERS else parameter for parameter in parameters)


def _refused_syntax() -> str:
    kinds = ", ".join(f"`{' '.join(words)}`" for words in UNSUPPORTED_OBJECTS)
    features = [*NOT_RUN.values(), *USER_OPERATORS.values(), *PIVOTS, TABLE_FUNCTION]
    return "\n".join([f"* `CREATE`, `ALTER` and `DROP` of {kinds}", *(f"* {one}" for one in features)])


def _refused_members() -> str:
    by_owner: dict[str, list[str]] = {}
    for owner, name in sorted(UNSUPPORTED):
        by_owner.setdefault(owner, []).append(name)
    owners_by_names: dict[str, list[str]] = {}
    for owner, names in by_owner.items():
        owners_by_names.setdefault(codes(names), []).append(owner)
    rows = [(codes(owners), names) for names, owners in owners_by_names.items()]
    return write_table(("type", "members"), rows)


def _refused_details() -> str:
    """List what the compiler's own source refuses in passing, so that the list cannot be out of date."""
    found = sorted({text for text in _refusals() if text}, key=str.casefold)
    return "\n".join(f"* {text.replace('<', '&lt;')}" for text in found)


def _refusals() -> Iterator[str]:
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in (
                "unsupported",
                "unsupported_statement",
                "not_supported",
            ):
                for argument in node.args:
                    yield _text(argument)


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _text(argument: ast.expr) -> str:
    """Give a feature's words; what is only known when a script is compiled becomes three dots."""
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return argument.value
    if not isinstance(argument, ast.JoinedStr):
        return ""
    parts = [part.value if isinstance(part, ast.Constant) else "..." for part in argument.values]
    text = re.sub(r"(\.\.\.[ .]*){2,}", "... ", "".join(str(part) for part in parts)).strip(" ,")
    # A placeholder with one word, such as "DROP ...", says nothing.
    return text if re.match(r"\w+ .*\w", text) else ""


def codes(names: Iterable[str]) -> str:
    """
    Write names as code.

    :param names: the names
    :return: markdown of one line
    """
    return ", ".join(f"`{name}`" for name in names)


def write_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """
    Write a table.

    :param head: the columns' names
    :param rows: a text per column each
    :return: markdown
    """
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def put_between(page: str, begin: str, text: str) -> str:
    """
    Put what is generated into a page.

    :param page: the page's text
    :param begin: the marker before it; the one behind it is ``END``
    :param text: what is generated
    :return: the page with the text between the markers
    :raises ValueError: when the markers are not there
    """
    before, found, rest = page.partition(begin)
    _, end, after = rest.partition(END)
    if not found or not end:
        raise ValueError(f"the page has no section from {begin!r} to {END!r}")
    return f"{before}{begin}\n\n{text}\n\n{END}{after}"


if __name__ == "__main__":
    sys.exit(main())
