from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_provider_datalake.emulator.azure.calls import AnyCase

PATHS = ["/jobs", "/jobs/{job}", "/databases/{database}/schemas/{schema}/tables/{name}", "/buildjob"]


def canonical(path: str, root: str = "/adla/x") -> str:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["path"])

    scope = {"type": "http", "path": root + path, "root_path": root}
    asyncio.run(AnyCase(app, PATHS)(scope, None, None))  # type: ignore[arg-type]
    return seen[0].removeprefix(root)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/Jobs", "/jobs"),
        ("/JOBS/", "/jobs"),
        ("/BuildJob", "/buildjob"),
        ("/Jobs/AbC", "/jobs/AbC"),
        # What only has the name of a word elsewhere keeps its case.
        ("/Databases/Jobs/Schemas/Tables/TABLES/Schemas", "/databases/Jobs/schemas/Tables/tables/Schemas"),
        ("/Nothing/Here", "/Nothing/Here"),
        ("/", "/"),
    ],
)
def test_words_of_a_path_have_no_case(path: str, expected: str) -> None:
    assert canonical(path) == expected
