"""Contents that become datasets of ML Studio: up in blocks, side by side, and one dataset of them."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING

from airflow_provider_datalake.clients.parallel import Jobs, Progress, check_threads
from airflow_provider_datalake.exceptions import DataLakeError, TransferError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_datalake.clients.ml_studio_calls import StudioCalls
    from airflow_provider_datalake.clients.ml_studio_models import DatasetInfo
    from airflow_provider_datalake.clients.parallel import Job

log = logging.getLogger(__name__)

BLOCK = 2 * 1024 * 1024
"""Bytes of a block; the service's own client sends no larger ones."""
THREADS = 4


@dataclass(frozen=True)
class Uploaded:
    """
    Bytes that the service has, and of which a dataset can be made.

    :param upload_id: the service's id for them
    :param size: how many
    :param sha256: their hash, hexadecimal
    """

    upload_id: str
    size: int
    sha256: str


def size_of(file: IO[bytes]) -> int:
    """
    Measure what is left of a file.

    :param file: an open, seekable binary file
    :return: bytes from its position on
    """
    here = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(here)
    return end - here


def upload(
    calls: StudioCalls,
    file: IO[bytes],
    size: int,
    data_type_id: str,
    *,
    threads: int = THREADS,
    stop: threading.Event | None = None,
) -> Uploaded:
    """
    Send bytes, in blocks side by side; no dataset is made of them yet.

    :param calls: where to
    :param file: an open binary file; it is read once, in order
    :param size: bytes that it has
    :param data_type_id: the format
    :param threads: blocks in flight at a time
    :param stop: set it to end the upload
    :return: what the service has then
    :raises TransferError: when the file has another size
    """
    check_threads(threads)
    upload_id = calls.begin_upload(data_type_id)
    blocks = -(-size // BLOCK)
    digest = hashlib.sha256()
    progress = Progress("Uploaded", 1, size)

    def send(number: int, content: bytes) -> None:
        calls.send_block(upload_id, number, blocks, content, data_type_id)
        progress.add(size=len(content))

    def jobs() -> Iterator[Job]:
        # The threads take turns here: the file is read in order, and a block is in memory while it travels.
        for number in range(blocks):
            wanted = min(BLOCK, size - number * BLOCK)
            content = _read_block(file, wanted)
            if len(content) != wanted:
                raise _other_size(size, number * BLOCK + len(content))
            digest.update(content)
            yield partial(send, number, content)
        if file.read(1):
            raise TransferError(f"the source has more than the {size} bytes that were expected")

    Jobs(jobs(), stop or threading.Event()).run(min(threads, max(1, blocks)), "ml-studio-upload")
    return Uploaded(upload_id, size, digest.hexdigest())


def _read_block(file: IO[bytes], wanted: int) -> bytes:
    content = file.read(wanted)
    if len(content) in (0, wanted):
        return content
    # A raw stream may give less than it was asked for.
    pieces = [content]
    missing = wanted - len(content)
    while missing and (piece := file.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _other_size(expected: int, found: int) -> TransferError:
    return TransferError(f"{expected} bytes were expected, the source gave {found}")


def create_once(
    calls: StudioCalls,
    upload_id: str,
    name: str,
    data_type_id: str,
    description: str,
    family_id: str | None,
) -> DatasetInfo:
    """
    Make one dataset of an upload.

    After a lost answer we look for a dataset that was made of the upload, and ask again only if there is
    none: an upload becomes one dataset at most.

    :param calls: the workspace
    :param upload_id: the upload
    :param name: the dataset's name
    :param data_type_id: its format
    :param description: a person's words
    :param family_id: what it is a new version of, None for a new dataset
    :return: what the service says about it
    :raises ConflictError: when the name is used by another dataset
    """
    policy = calls.settings.transport.policy
    attempt, unclear = 0, False
    while True:
        attempt += 1
        try:
            return calls.dataset(calls.create(upload_id, name, data_type_id, description, family_id))
        except DataLakeError as error:
            if not error.retryable and not unclear:
                raise
            failure = error
        unclear = True
        found = find_by_upload(calls, upload_id)
        if found is not None:
            log.warning("%s; it has been done nevertheless", failure)
            return found
        if not failure.retryable or attempt >= policy.attempts:
            raise calls.named(failure)
        seconds = policy.pause(attempt, None)
        log.warning("%s; trying again in %.1f s", failure, seconds)
        time.sleep(seconds)


def find_by_upload(calls: StudioCalls, upload_id: str) -> DatasetInfo | None:
    """
    Find the dataset that was made of an upload.

    :param calls: the workspace
    :param upload_id: the upload
    :return: the dataset, None when there is none or a newer version has taken its place
    """
    return next((one for one in calls.datasets() if one.resource_upload_id == upload_id), None)
