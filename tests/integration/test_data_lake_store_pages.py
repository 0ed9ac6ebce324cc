"""What people see of the files of stores."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import requests

if TYPE_CHECKING:
    from tests.integration.conftest import Emulator

TOKEN = {"Authorization": "Bearer emulator-token"}
NAME = "<b>a & b<b>%20.csv"


@pytest.fixture
def folder(emulator: Emulator) -> str:
    """A folder with a file of text and a file of other bytes."""
    path = f"/pages-{uuid.uuid4().hex}"
    for name, data in ((NAME, b"1,<script>alert(1)</script>\n" * 200), ("image", bytes(range(256)))):
        url = f"{emulator.address}/adls/emulator/webhdfs/v1{path}/{quote(name)}?op=CREATE"
        assert requests.put(url, data=data, headers=TOKEN, timeout=60).status_code == 201
    return path


def show(emulator: Emulator, path: str) -> requests.Response:
    return requests.get(f"{emulator.address}/files{path}", timeout=60)


def test_the_stores_are_listed(emulator: Emulator, folder: str):
    answer = show(emulator, "")
    assert 'href="/files/emulator"' in answer.text
    assert 'href="/files" aria-current="page"' in answer.text


def test_a_folder_lists_what_is_in_it(emulator: Emulator, folder: str):
    answer = show(emulator, f"/emulator{folder}")
    assert f'href="/files/emulator{folder}/{quote(NAME, safe="")}"' in answer.text
    assert "&lt;b&gt;a &amp; b&lt;b&gt;%20.csv" in answer.text
    assert ">770<" in re.sub(r"\s+", "", answer.text)
    assert '<td class="text">emulator</td>' in answer.text
    assert f"{folder[1:]}/" in show(emulator, "/emulator").text


def test_a_file_is_shown_with_its_first_lines_as_text(emulator: Emulator, folder: str):
    answer = show(emulator, f"/emulator{folder}/{quote(NAME, safe='')}")
    assert answer.status_code == 200
    assert answer.text.count("&lt;script&gt;alert(1)") == 100
    assert "<script>" not in answer.text


def test_a_file_that_is_no_text_is_shown_as_bytes(emulator: Emulator, folder: str):
    answer = show(emulator, f"/emulator{folder}/image")
    assert "00000010  10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f  ................" in answer.text


@pytest.mark.parametrize("path", ["/nobody", "/emulator/nothing", "/emulator/a//b", "/emulator/%2e%2e/x"])
def test_what_is_not_there_is_said(emulator: Emulator, path: str):
    assert show(emulator, path).status_code in (400, 404)


def test_a_long_folder_is_shown_in_parts(emulator: Emulator):
    path = f"/pages-{uuid.uuid4().hex}"
    for number in range(205):
        url = f"{emulator.address}/adls/emulator/webhdfs/v1{path}/{number:03}?op=MKDIRS"
        requests.put(url, headers=TOKEN, timeout=60).raise_for_status()
    first = show(emulator, f"/emulator{path}").text
    assert f'href="/files/emulator{path}?after=199">More' in first
    rest = show(emulator, f"/emulator{path}?after=199").text
    assert f"{path}/204" in rest
    assert "More" not in rest
