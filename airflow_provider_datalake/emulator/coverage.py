"""
What the emulator answers and runs, as tables for the documentation.

``python -m airflow_provider_datalake.emulator.coverage`` writes them into ``docs/emulator-coverage.md``,
between the markers. They are read from the code's own routes, operations, statements and functions.
"""

from __future__ import annotations

import inspect
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.usql.coverage import codes, put_between, write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

BEGIN = "<!-- generated: the tables of the emulator, see the Makefile's coverage-tables -->"
_PAGE = Path("docs/emulator-coverage.md")
_SHORT = (
    ("/subscriptions/{subscription}/resourcegroups/{group}", "<group>"),
    ("/subscriptions/{subscription}", "<subscription>"),
    ("/catalog/usql/databases/{database}/schemas/{schema}", "<schema>"),
    ("/catalog/usql/databases/{database}", "<database>"),
    ("/api/projects/{project}", "<project>"),
    ("/api/workspaces/{workspace}", "<workspace>"),
)
"""How the beginnings of paths are written, the longer ones first."""
_REFUSES = "Refuse"
"""How the docstrings of handlers begin that refuse a part of a service."""


@dataclass(frozen=True)
class Request:
    """
    One request that the emulator knows.

    :param method: HTTP method
    :param path: below the service's address
    :param said: what it does
    :param refused: whether it is answered with an error that names it
    """

    method: str
    path: str
    said: str
    refused: bool


def tables() -> str:
    """
    Write all tables.

    :return: markdown, without the markers
    """
    parts = (
        ("MaxCompute: statements", _statements()),
        ("MaxCompute: functions", _functions()),
        ("MaxCompute: tunnel", _tunnel()),
        ("Data Lake Store: operations of WebHDFS", _operations()),
        *((title, _requests(found)) for title, found in services().items()),
    )
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in parts)


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

    :param arguments: the page's path; ``docs/emulator-coverage.md`` where there is none
    :return: the exit code
    """
    given = sys.argv[1:] if arguments is None else arguments
    path = Path(given[0]) if given else _PAGE
    path.write_text(insert(path.read_text("utf-8")), "utf-8")
    return 0


def services() -> dict[str, list[Request]]:
    """
    List the requests of all services.

    :return: requests by the heading of their table
    """
    from airflow_provider_datalake.emulator.config import Config
    from airflow_provider_datalake.emulator.data_lake_analytics.app import create_app as analytics_app
    from airflow_provider_datalake.emulator.identity.app import create_app as identity_app
    from airflow_provider_datalake.emulator.maxcompute import rest
    from airflow_provider_datalake.emulator.ml_studio import app as ml_studio
    from airflow_provider_datalake.emulator.resource_manager.app import create_app as resource_manager_app
    from airflow_provider_datalake.emulator.services import Services

    with tempfile.TemporaryDirectory() as folder:
        emulator = Services(Config(Path(folder)))
        try:
            found = {
                "MaxCompute: REST": rest.routes(emulator.maxcompute),
                "Data Lake Analytics": _routes(analytics_app(emulator.analytics)),
                "Azure Resource Manager": _routes(resource_manager_app(emulator.resources)),
                "Azure Active Directory": _routes(identity_app(emulator.identity)),
            }
        finally:
            emulator.close()
    studio = [_request(method, path, handler) for method, path, handler in ml_studio.HANDLERS]
    return {**{title: list(_described(routes)) for title, routes in found.items()}, "ML Studio": studio}


def _routes(app: Any) -> Iterable[Any]:
    # What matches paths in any case is wrapped around the application that has the routes.
    return (getattr(app, "_app", app)).routes


def _described(routes: Iterable[Any]) -> Iterator[Request]:
    for route in routes:
        if ":path}" in route.path:  # what answers for everything that is not there
            continue
        methods = sorted(route.methods)
        # Starlette answers HEAD wherever it answers GET.
        for method in methods if methods == ["HEAD"] else [one for one in methods if one != "HEAD"]:
            yield _request(method, route.path, route.endpoint)


def _request(method: str, path: str, handler: Callable[..., Any]) -> Request:
    said = _first_line(handler)
    return Request(method, path, said, said.startswith(_REFUSES))


def _requests(found: list[Request]) -> str:
    shown = {whole for whole, _ in _SHORT if any(one.path.startswith(whole) for one in found)}
    notes = [f"`{short}` stands for `{whole}`." for whole, short in _SHORT if whole in shown]
    parts = [
        " ".join(notes),
        write_table(("path", "requests"), _rows(one for one in found if not one.refused)),
    ]
    refused = [f"* `{one.method} {_short(one.path)}`" for one in found if one.refused]
    if refused:
        parts += ["Refused with an error that names it:", "\n".join(refused)]
    return "\n\n".join(filter(None, parts))


def _rows(found: Iterable[Request]) -> list[tuple[str, str]]:
    by_path: dict[str, list[str]] = {}
    for one in found:
        said = f" {one.said[0].lower()}{one.said[1:]}" if one.said else ""
        by_path.setdefault(f"`{_short(one.path)}`", []).append(f"`{one.method}`{said}")
    return [(path, "<br>".join(requests)) for path, requests in by_path.items()]


def _short(path: str) -> str:
    return next((short + path.removeprefix(whole) for whole, short in _SHORT if path.startswith(whole)), path)


def _statements() -> str:
    from airflow_provider_datalake.emulator.maxcompute.sql import commands, parser
    from airflow_provider_datalake.emulator.maxcompute.submissions import _LATER

    said = [_first_line(kind).partition(";")[0] for kind in commands.Command.__subclasses__()]
    queries = codes(word for word in parser._QUERIES if word.isalpha())
    lines = [f"* Queries and inserts, which begin with {queries}"]
    lines += [f"* {line.rstrip('.')}" for line in said]
    refused = [
        f"* Statements that begin with {codes(sorted(parser._MISSING))}",
        *(f"* {task}" for task in _LATER.values()),
    ]
    return "\n".join([*lines, "", "Refused with an error that names it:", "", *refused])


def _functions() -> str:
    from airflow_provider_datalake.emulator.maxcompute.sql import functions

    modules = ("conditional", "string", "math", "date", "json", "collection")
    rows = [(name, _names(vars(functions)[name].SCALARS)) for name in modules]
    rows += [
        ("aggregate, also with `OVER`", _names(functions.AGGREGATES)),
        ("only with `OVER`", _names(functions.WINDOWS)),
        ("with `LATERAL VIEW`", _names(functions.TABLE_FUNCTIONS)),
    ]
    return write_table(("kind", "functions"), rows)


def _tunnel() -> str:
    from airflow_provider_datalake.emulator.maxcompute.tunnel import downloads, instance, preview, uploads

    handlers: dict[str, tuple[Callable[..., Any], ...]] = {
        "upload to a table": (uploads.create, uploads.put_block, uploads.status, uploads.commit),
        "download of a table": (downloads.create, downloads.status, downloads.read),
        "download of a result": (instance.create, instance.status, instance.read),
        "preview of a table": (preview.preview,),
    }
    rows = [
        (what, f"`{_request_of(handler)}`", _first_line(handler))
        for what, steps in handlers.items()
        for handler in steps
    ]
    return write_table(("what", "request", "does"), rows)


def _request_of(handler: Callable[..., Any]) -> str:
    found = re.search(r":param (?:call|request): ``([^`]+)``", inspect.getdoc(handler) or "")
    if found is None:
        raise ValueError(f"{handler.__qualname__} does not say which request it is for")
    return found[1]


def _operations() -> str:
    from airflow_provider_datalake.emulator.data_lake_store.operations import OPERATIONS

    by_method: dict[str, list[str]] = {}
    for name, operation in OPERATIONS.items():
        by_method.setdefault(operation.method, []).append(name)
    return write_table(
        ("method", "`op`"), [(f"`{method}`", codes(names)) for method, names in by_method.items()]
    )


def _names(registry: Iterable[str]) -> str:
    return codes(sorted(name.upper() for name in registry))


def _first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0].replace("``", "`").rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
