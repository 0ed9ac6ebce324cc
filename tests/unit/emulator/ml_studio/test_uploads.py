"""Blocks arrive in any order, again and side by side, and leave as one file."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_datalake.emulator.ml_studio.errors import StudioError
from airflow_provider_datalake.emulator.ml_studio.uploads import KEPT_SECONDS, MAX_BLOCK, Uploads

Send = tuple[int, bytes]


def taken(uploads: Uploads, upload_id: str) -> bytes:
    with uploads.take("w", upload_id) as (path, size):
        content = path.read_bytes()
        assert len(content) == size
    return content


@st.composite
def sends(draw: st.DrawFn) -> tuple[int, list[Send]]:
    """The blocks of an upload as they arrive: all of them, some several times and with other bytes."""
    total = draw(st.integers(1, 6))
    stride = draw(st.integers(1, 5))
    sizes = st.just(stride) | st.integers(1, 9)
    first = draw(st.permutations(range(total)))
    again = draw(st.lists(st.integers(0, total - 1), max_size=6))
    return total, [
        (number, draw(sizes.flatmap(lambda n: st.binary(min_size=n, max_size=n))))
        for number in (*first, *again)
    ]


@settings(max_examples=150, deadline=None)
@given(case=sends(), restart=st.integers(0, 11))
def test_the_last_of_each_block_counts_whatever_the_order_and_the_sizes(
    case: tuple[int, list[Send]], restart: int
):
    total, blocks = case
    with tempfile.TemporaryDirectory() as folder:
        uploads = Uploads(Path(folder))
        upload_id = uploads.begin("w")
        for step, (number, content) in enumerate(blocks):
            if step == restart:
                uploads = Uploads(Path(folder))
            uploads.put("w", upload_id, number, total, [content])
        expected = dict(blocks)
        assert taken(uploads, upload_id) == b"".join(expected[number] for number in range(total))
        assert list(Path(folder).iterdir()) == []


def test_blocks_may_come_side_by_side(tmp_path: Path):
    uploads = Uploads(tmp_path)
    upload_id = uploads.begin("w")
    blocks = [os.urandom(50_000) for _ in range(63)] + [os.urandom(77)]
    with ThreadPoolExecutor(8) as threads:
        # Every block comes twice.
        list(threads.map(lambda n: uploads.put("w", upload_id, n % 64, 64, [blocks[n % 64]]), range(128)))
    assert taken(uploads, upload_id) == b"".join(blocks)


def test_an_upload_without_blocks_is_empty(tmp_path: Path):
    uploads = Uploads(tmp_path)
    assert taken(uploads, uploads.begin("w")) == b""


def test_pieces_in_order_need_no_total(tmp_path: Path):
    uploads = Uploads(tmp_path)
    upload_id = uploads.begin("w")
    uploads.append("w", upload_id, 0, [b"a" * MAX_BLOCK])
    uploads.append("w", upload_id, 1, [b"e", b"nd"])
    uploads.close("w", upload_id, 2)
    assert taken(uploads, upload_id) == b"a" * MAX_BLOCK + b"end"


def test_missing_blocks_are_named_and_can_still_come(tmp_path: Path):
    uploads = Uploads(tmp_path)
    upload_id = uploads.begin("w")
    for number in (0, 3):
        uploads.put("w", upload_id, number, 5, [b"x"])
    with pytest.raises(StudioError, match="3 of the 5 blocks .* are missing: 1, 2, 4"):
        taken(uploads, upload_id)
    for number in (1, 2, 4):
        uploads.put("w", upload_id, number, 5, [b"x"])
    assert taken(uploads, upload_id) == b"xxxxx"


@pytest.mark.parametrize(
    ("number", "total", "content", "words"),
    [
        (0, 0, b"x", "numberOfBlocks must be from 1 to 50000, got 0"),
        (0, 50_001, b"x", "numberOfBlocks must be from 1 to 50000, got 50001"),
        (2, 2, b"x", "blockId must be from 0 to 1, got 2"),
        (0, 3, b"x", "numberOfBlocks was 2 before, now it is 3"),
        (1, 2, b"", "Block 1 is empty"),
    ],
)
def test_a_block_that_does_not_belong_is_refused(
    tmp_path: Path, number: int, total: int, content: bytes, words: str
):
    uploads = Uploads(tmp_path)
    upload_id = uploads.begin("w")
    uploads.put("w", upload_id, 0, 2, [b"a"])
    with pytest.raises(StudioError, match=words) as raised:
        uploads.put("w", upload_id, number, total, [content])
    assert raised.value.status == 400


def test_an_upload_belongs_to_its_workspace(tmp_path: Path):
    uploads = Uploads(tmp_path)
    upload_id = uploads.begin("w")
    with pytest.raises(StudioError, match="There is no upload") as raised:
        uploads.put("other", upload_id, 0, 1, [b"x"])
    assert raised.value.status == 404


def test_no_block_reaches_contents_that_were_taken(tmp_path: Path):
    uploads = Uploads(tmp_path / "uploads")
    upload_id = uploads.begin("w")
    uploads.put("w", upload_id, 0, 1, [b"first"])
    with uploads.take("w", upload_id) as (path, _):
        with pytest.raises(StudioError, match="A dataset is being made") as raised:
            uploads.put("w", upload_id, 0, 1, [b"later"])
        os.link(path, tmp_path / "moved")
    assert raised.value.status == 409
    with pytest.raises(StudioError, match="There is no upload"):
        uploads.put("w", upload_id, 0, 1, [b"later"])
    assert (tmp_path / "moved").read_bytes() == b"first"


def test_an_upload_is_as_it_was_after_a_failure(tmp_path: Path):
    uploads = Uploads(tmp_path)
    upload_id = uploads.begin("w")
    uploads.put("w", upload_id, 0, 2, [b"1"])
    uploads.put("w", upload_id, 1, 2, [b"a long last one"])

    def fail() -> None:
        with uploads.take("w", upload_id):
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    uploads.put("w", upload_id, 1, 2, [b"2"])
    assert taken(uploads, upload_id) == b"12"


def test_only_one_of_two_takes_an_upload(tmp_path: Path):
    uploads = Uploads(tmp_path)
    upload_id = uploads.begin("w")
    uploads.put("w", upload_id, 0, 1, [b"x"])
    inside, go_on = threading.Event(), threading.Event()

    def slow() -> bytes:
        with uploads.take("w", upload_id) as (path, _):
            inside.set()
            assert go_on.wait(30)
            return path.read_bytes()

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(slow)
        assert inside.wait(30)
        second = threads.submit(taken, uploads, upload_id)
        go_on.set()
        assert first.result(30) == b"x"
        with pytest.raises(StudioError, match="There is no upload"):
            second.result(30)


def test_an_upload_is_given_up_a_day_after_its_last_block(tmp_path: Path):
    uploads = Uploads(tmp_path)
    upload_id = uploads.begin("w")
    uploads.put("w", upload_id, 0, 2, [b"x"])
    uploads.expire(time.time() + KEPT_SECONDS - 60)
    uploads.put("w", upload_id, 1, 2, [b"y"])
    uploads.expire(time.time() + KEPT_SECONDS + 60)
    with pytest.raises(StudioError, match="There is no upload"):
        uploads.put("w", upload_id, 1, 2, [b"y"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "data").unlink(),
        lambda folder: (folder / "blocks").unlink(),
        lambda folder: (folder / "blocks").write_bytes(b"\x00\x00\n" * 3),
        lambda folder: (folder / "blocks").write_bytes(b'{"workspace": "w", "boot": "another"}\n'),
        lambda folder: os.utime(folder / "blocks", (0, 0)),
    ],
    ids=["no data", "no journal", "zeros", "another boot", "old"],
)
def test_what_may_have_lost_bytes_is_swept_at_the_start(tmp_path: Path, damage):
    uploads = Uploads(tmp_path)
    lost, kept = uploads.begin("w"), uploads.begin("w")
    for upload_id in (lost, kept):
        uploads.put("w", upload_id, 0, 1, [b"x"])
    damage(tmp_path / lost)

    uploads = Uploads(tmp_path)

    with pytest.raises(StudioError, match="There is no upload"):
        taken(uploads, lost)
    assert [path.name for path in tmp_path.iterdir()] == [kept]
    assert taken(uploads, kept) == b"x"


def test_a_block_that_was_overwritten_by_halves_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    uploads = Uploads(tmp_path)
    upload_id = uploads.begin("w")
    uploads.put("w", upload_id, 0, 1, [b"1234"])

    def fail(path: Path, content: list[bytes], offset: int) -> None:
        path.write_bytes(content[0][:2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("airflow_provider_datalake.emulator.ml_studio.uploads._write", fail)
        with pytest.raises(OSError, match="No space left"):
            uploads.put("w", upload_id, 0, 1, [b"5678"])
    for one in (uploads, Uploads(tmp_path)):
        with pytest.raises(StudioError, match="1 of the 1 blocks .* are missing: 0"):
            taken(one, upload_id)


def test_half_a_line_of_the_journal_is_a_block_that_is_missing(tmp_path: Path):
    uploads = Uploads(tmp_path)
    upload_id = uploads.begin("w")
    for number in (0, 1):
        uploads.put("w", upload_id, number, 2, [b"x"])
    journal = tmp_path / upload_id / "blocks"
    journal.write_bytes(journal.read_bytes()[:-5])

    with pytest.raises(StudioError, match="1 of the 2 blocks .* are missing: 1"):
        taken(Uploads(tmp_path), upload_id)
