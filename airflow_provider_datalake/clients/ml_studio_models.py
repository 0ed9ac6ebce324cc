"""What ML Studio (classic) says about datasets and experiments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from airflow_provider_datalake.exceptions import ServiceError

EXAMPLES = "506153734175476c4f62416c57734963"
"""The workspace of the examples: with it the ids of example datasets and experiments begin."""

SCHEME = "azureml-studio"
"""Of the URIs that name datasets in lineage and as assets."""

_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")


def dataset_uri(workspace_id: str, name: str) -> str:
    """
    Name a dataset in lineage and as an asset.

    :param workspace_id: the workspace
    :param name: the dataset's name
    :return: e.g. ``azureml-studio://4c29e1ad/flights%202013``
    """
    return f"{SCHEME}://{quote(workspace_id, safe='')}/{quote(name, safe='')}"


@dataclass(frozen=True)
class Location:
    """
    Where a part of a dataset is.

    :param base_uri: the storage's address
    :param location: path below it
    :param access_credential: query that grants access for a while, a secret
    :param name: the part's name
    :param size: bytes
    :param endpoint_type: the service's word for the storage
    :param credential_container: the service's word
    :param file_type: the service's word
    :param is_auxiliary: whether it is no contents of its own
    """

    base_uri: str
    location: str
    access_credential: str = ""
    name: str = ""
    size: int = 0
    endpoint_type: str = ""
    credential_container: str = ""
    file_type: str = ""
    is_auxiliary: bool = False

    @property
    def url(self) -> str:
        """The full address; a secret, for it grants access."""
        return f"{self.base_uri}{self.location}{self.access_credential}"

    def __repr__(self) -> str:
        """Show where it is without what grants access."""
        return f"{type(self).__name__}({self.base_uri + self.location!r})"

    @classmethod
    def from_json(cls, found: Any) -> Location | None:
        """
        Read what the service says.

        :param found: an end point of a dataset, or nothing
        :return: the location, None when there is none
        """
        if not isinstance(found, dict) or not found.get("BaseUri"):
            return None
        return cls(
            base_uri=_text(found, "BaseUri"),
            location=_text(found, "Location"),
            access_credential=_text(found, "AccessCredential"),
            name=_text(found, "Name"),
            size=int(found.get("Size") or 0),
            endpoint_type=_text(found, "EndpointType"),
            credential_container=_text(found, "CredentialContainer"),
            file_type=_text(found, "FileType"),
            is_auxiliary=bool(found.get("IsAuxiliary")),
        )


@dataclass(frozen=True)
class DatasetInfo:
    """
    What the service says about one version of a dataset.

    :param id: the version's id
    :param name: unique in the workspace, case-sensitive
    :param data_type_id: the contents' format
    :param description: a person's words
    :param family_id: what all versions have in common
    :param size: bytes of the contents
    :param created_date: when the version was made, in UTC
    :param created_date_ticks: the same, as the service counts
    :param owner: who made it
    :param source_origin: how it came to be
    :param resource_upload_id: the upload that it was made of
    :param experiment_id: the experiment that it was made by
    :param client_version: the service's word
    :param promoted_from: the service's word
    :param uploaded_from_filename: the file that it was made of
    :param service_version: counts the versions
    :param is_latest: whether it is its family's newest
    :param category: the service's word
    :param is_deprecated: whether it should not be used any more
    :param culture: the service's word
    :param batch: the service's word
    :param schema_status: whether the service knows its columns
    :param download_location: where the contents are
    :param visualize_end_point: where a picture of it is
    :param schema_end_point: where its columns are
    """

    id: str
    name: str
    data_type_id: str
    description: str = ""
    family_id: str = ""
    size: int = 0
    created_date: datetime = datetime.fromtimestamp(0, UTC)
    created_date_ticks: int = 0
    owner: str = ""
    source_origin: str = ""
    resource_upload_id: str = ""
    experiment_id: str = ""
    client_version: str = ""
    promoted_from: str = ""
    uploaded_from_filename: str = ""
    service_version: int = 0
    is_latest: bool = True
    category: str = ""
    is_deprecated: bool = False
    culture: str = ""
    batch: int = 0
    schema_status: str = ""
    download_location: Location | None = None
    visualize_end_point: Location | None = None
    schema_end_point: Location | None = None

    @property
    def is_example(self) -> bool:
        """Whether it is one of the service's own, which nobody can change."""
        return self.id.startswith(EXAMPLES)

    @classmethod
    def from_json(cls, found: Any) -> DatasetInfo:
        """
        Read what the service says.

        :param found: a data source
        :return: the same, typed
        :raises ServiceError: when it is not one
        """
        try:
            return cls(
                id=str(found["Id"]),
                name=str(found["Name"]),
                data_type_id=str(found["DataTypeId"]),
                description=_text(found, "Description"),
                family_id=_text(found, "FamilyId"),
                size=int(found.get("Size") or 0),
                created_date=read_date(found.get("CreatedDate")),
                created_date_ticks=int(found.get("CreatedDateTicks") or 0),
                owner=_text(found, "Owner"),
                source_origin=_text(found, "SourceOrigin"),
                resource_upload_id=_text(found, "ResourceUploadId"),
                experiment_id=_text(found, "ExperimentId"),
                client_version=_text(found, "ClientVersion"),
                promoted_from=_text(found, "PromotedFrom"),
                uploaded_from_filename=_text(found, "UploadedFromFilename"),
                service_version=int(found.get("ServiceVersion") or 0),
                is_latest=bool(found.get("IsLatest", True)),
                category=_text(found, "Category"),
                is_deprecated=bool(found.get("IsDeprecated")),
                culture=_text(found, "Culture"),
                batch=int(found.get("Batch") or 0),
                schema_status=_text(found, "SchemaStatus"),
                download_location=Location.from_json(found.get("DownloadLocation")),
                visualize_end_point=Location.from_json(found.get("VisualizeEndPoint")),
                schema_end_point=Location.from_json(found.get("SchemaEndPoint")),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ServiceError(f"the service's answer about a dataset cannot be read: {error!r}") from error


@dataclass(frozen=True)
class ExperimentInfo:
    """
    What the service says about an experiment.

    :param id: its id
    :param description: a person's words
    :param creator: who made it
    :param job_id: the service's word
    :param version_id: the service's word
    :param etag: changes when it does
    :param run_id: its last run
    :param is_archived: whether it is put away
    :param status: how the last run ended
    :param status_detail: in more words
    :param created: when the last run began, in UTC
    """

    id: str
    description: str = ""
    creator: str = ""
    job_id: str = ""
    version_id: str = ""
    etag: str = ""
    run_id: str = ""
    is_archived: bool = False
    status: str = ""
    status_detail: str = ""
    created: datetime = datetime.fromtimestamp(0, UTC)

    @property
    def is_example(self) -> bool:
        """Whether it is one of the service's own."""
        return self.id.startswith(EXAMPLES)

    @classmethod
    def from_json(cls, found: Any) -> ExperimentInfo:
        """
        Read what the service says.

        :param found: an experiment
        :return: the same, typed
        :raises ServiceError: when it is not one
        """
        try:
            status = found.get("Status") or {}
            return cls(
                id=str(found["ExperimentId"]),
                description=_text(found, "Description"),
                creator=_text(found, "Creator"),
                job_id=_text(found, "JobId"),
                version_id=_text(found, "VersionId"),
                etag=_text(found, "Etag"),
                run_id=_text(found, "RunId"),
                is_archived=bool(found.get("IsArchived")),
                status=_text(status, "StatusCode"),
                status_detail=_text(status, "StatusDetail"),
                created=read_date(status.get("CreationTime")),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ServiceError(
                f"the service's answer about an experiment cannot be read: {error!r}"
            ) from error


def read_date(text: object) -> datetime:
    """
    Read a date as the service writes it.

    :param text: e.g. ``/Date(1418444668177)/``, or nothing
    :return: the instant, in UTC; the epoch for nothing
    :raises ValueError: when it is something else
    """
    if text in (None, ""):
        return datetime.fromtimestamp(0, UTC)
    match = _DATE.fullmatch(str(text))
    if match is None:
        raise ValueError(f"{text!r} is no date of the form /Date(milliseconds)/")
    seconds, milliseconds = divmod(int(match[1]), 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=milliseconds * 1000)


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    return "" if value is None else str(value)
