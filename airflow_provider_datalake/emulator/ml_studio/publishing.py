"""How datasets come to be, and go: at once, or not at all."""

from __future__ import annotations

import os
import re
import time
import uuid
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.ml_studio.errors import StudioError, bad_request, conflict, not_found
from airflow_provider_datalake.emulator.ml_studio.examples import example_datasets, example_name
from airflow_provider_datalake.emulator.ml_studio.models import DATA_TYPES, Dataset
from airflow_provider_datalake.emulator.ml_studio.records import Records

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_datalake.emulator.database import Database
    from airflow_provider_datalake.emulator.ml_studio.models import NewDataset
    from airflow_provider_datalake.emulator.ml_studio.uploads import Uploads

MAX_NAME = 255
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Publishing:
    """
    Makes datasets of uploads.

    :param database: has the rows
    :param contents: the folder of the contents; what nobody knows there is removed
    :param uploads: what datasets are made of
    """

    def __init__(self, database: Database, contents: Path, uploads: Uploads) -> None:
        self._database = database
        self._contents = contents
        self._uploads = uploads
        self._settle()

    def create(self, workspace: str, upload_id: str, wanted: NewDataset) -> Dataset:
        """
        Make a dataset, or a new version of one, of an upload.

        :param workspace: whose
        :param upload_id: the upload, which is complete
        :param wanted: what it shall be
        :return: the version
        :raises StudioError: when that cannot be; the upload is as it was
        """
        _check_wanted(wanted)
        self._check_unused(workspace, upload_id)
        try:
            return self._create(workspace, upload_id, wanted)
        except StudioError as error:
            if error.status == 404:
                # Somebody else may have been faster.
                self._check_unused(workspace, upload_id)
            raise

    def _create(self, workspace: str, upload_id: str, wanted: NewDataset) -> Dataset:
        version = f"{workspace}.{uuid.uuid4().hex}"
        target = self._contents / version
        linked = False
        with self._uploads.take(workspace, upload_id) as (source, size):
            try:
                with self._database.transaction() as connection:
                    records = Records(connection, self._contents)
                    made = self._new_version(records, workspace, upload_id, wanted, version, size)
                    # The upload keeps its bytes until the row is on disk: after a crash it is as it was.
                    os.link(source, target)
                    linked = True
                    _sync_folder(self._contents)
                    records.add(made)
            except BaseException:
                if linked:
                    target.unlink()
                raise
        return made

    def _check_unused(self, workspace: str, upload_id: str) -> None:
        with self._database.read() as connection:
            made = Records(connection, self._contents).made_of(upload_id)
        if made is not None and made.workspace == workspace:
            raise conflict(f"Upload {upload_id} has become dataset {made.id} already.")

    def _new_version(
        self,
        records: Records,
        workspace: str,
        upload_id: str,
        wanted: NewDataset,
        version: str,
        size: int,
    ) -> Dataset:
        family, number = f"{workspace}.{uuid.uuid4().hex}", 0
        if wanted.family is not None:
            versions = records.versions(workspace, wanted.family)
            if not versions:
                if any(one.family == wanted.family for one in example_datasets()):
                    raise bad_request("An example dataset cannot be changed.")
                raise not_found(f"There is no dataset family {wanted.family[:200]!r} in {workspace!r}.")
            family, number = wanted.family, versions[0].version + 1
        namesake = records.named(workspace, wanted.name)
        if (namesake is not None and namesake.family != family) or example_name(wanted.name):
            raise conflict(f"A data set named {wanted.name!r} already exists.")
        return Dataset(
            id=version,
            workspace=workspace,
            family=family,
            name=wanted.name,
            data_type=wanted.data_type,
            description=wanted.description,
            owner=wanted.owner,
            origin=wanted.origin,
            file_name=wanted.file_name,
            upload=upload_id,
            size=size,
            created=int(time.time() * 1000),
            version=number,
            is_latest=True,
            path=self._contents / version,
        )

    def delete(self, workspace: str, family: str) -> None:
        """
        Delete a dataset with all its versions.

        :param workspace: whose
        :param family: what they have in common
        :raises StudioError: when there is none, or it is an example
        """
        if any(one.family == family for one in example_datasets()):
            raise bad_request("An example dataset cannot be deleted.")
        with self._database.transaction() as connection:
            records = Records(connection, self._contents)
            found = records.versions(workspace, family)
            if not found:
                raise not_found(f"There is no dataset family {family[:200]!r} in {workspace!r}.")
            records.remove(workspace, family)
            for one in found:
                self._database.after_commit(partial(one.path.unlink, missing_ok=True))

    def _settle(self) -> None:
        """Remove contents of which no dataset was made, and uploads of which one was."""
        with self._database.read() as connection:
            records = Records(connection, self._contents)
            known = records.ids()
            over = [one for one in self._uploads.ids() if records.made_of(one) is not None]
        for upload_id in over:
            self._uploads.cancel(upload_id)
        for path in self._contents.iterdir():
            if path.name not in known:
                with suppress(FileNotFoundError):
                    path.unlink()


def _check_wanted(wanted: NewDataset) -> None:
    if not wanted.name.strip():
        raise bad_request("The Name of the DataSource is empty.")
    if len(wanted.name) > MAX_NAME or _CONTROL.search(wanted.name):
        raise bad_request(
            f"The Name of a DataSource has up to {MAX_NAME} characters, none of which control anything; "
            f"got {wanted.name[:100]!r}."
        )
    check_data_type(wanted.data_type)


def check_data_type(data_type: str) -> None:
    """
    Refuse a format that there is not.

    :param data_type: the format
    :raises StudioError: when there is no such format
    """
    if data_type not in DATA_TYPES:
        raise bad_request(f"The DataTypeId is one of {', '.join(DATA_TYPES)}; got {data_type[:100]!r}.")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
