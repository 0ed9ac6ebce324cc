"""What the service says about datasets, experiments and workspaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.ml_studio.models import EXAMPLES, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_datalake.emulator.ml_studio.experiments import Experiment
    from airflow_provider_datalake.emulator.ml_studio.models import Dataset, Workspace

_TICKS_AT_EPOCH = 621_355_968_000_000_000
_TICKS_PER_MILLISECOND = 10_000
_NO_LOCATION = {
    "BaseUri": None,
    "Size": 0,
    "Name": None,
    "EndpointType": None,
    "CredentialContainer": None,
    "AccessCredential": None,
    "Location": None,
    "FileType": None,
    "IsAuxiliary": False,
}


def dataset_document(dataset: Dataset, base: str, location: str, credential: str) -> dict[str, Any]:
    """
    Describe a version of a dataset.

    :param dataset: the version
    :param base: the address below which its contents are
    :param location: where they are
    :param credential: the query that grants reading
    :return: JSON
    """
    return {
        "VisualizeEndPoint": _NO_LOCATION,
        "SchemaEndPoint": _NO_LOCATION,
        "SchemaStatus": "Complete",
        "Id": dataset.id,
        "DataTypeId": dataset.data_type,
        "Name": dataset.name,
        "Description": dataset.description,
        "FamilyId": dataset.family,
        "ResourceUploadId": dataset.upload or None,
        "SourceOrigin": dataset.origin,
        "Size": dataset.size,
        "CreatedDate": _date(dataset.created),
        "Owner": dataset.owner,
        "ExperimentId": None,
        "ClientVersion": None,
        "PromotedFrom": None,
        "UploadedFromFilename": dataset.file_name,
        "ServiceVersion": dataset.version,
        "IsLatest": dataset.is_latest,
        "Category": None,
        "DownloadLocation": {
            **_NO_LOCATION,
            "BaseUri": base,
            "Size": dataset.size,
            "Name": dataset.name,
            "EndpointType": "AzureBlob",
            "AccessCredential": credential,
            "Location": location,
            "FileType": dataset.data_type,
        },
        "IsDeprecated": False,
        "Culture": None,
        "Batch": 0,
        "CreatedDateTicks": dataset.created * _TICKS_PER_MILLISECOND + _TICKS_AT_EPOCH,
    }


def experiment_document(experiment: Experiment) -> dict[str, Any]:
    """
    Describe an experiment.

    :param experiment: the experiment
    :return: JSON; what its file says comes first
    """
    usual = {
        "ExperimentId": experiment.id,
        "RunId": experiment.id,
        "ParentExperimentId": None,
        "OriginalExperimentDocumentationLink": None,
        "Summary": "",
        "Description": experiment.description,
        "Creator": "Airflow provider",
        "Category": "example" if experiment.id.startswith(EXAMPLES) else "user",
        "JobId": None,
        "VersionId": None,
        "Etag": str(experiment.created),
        "IsLeaf": True,
        "IsArchived": False,
    }
    status = {
        "StatusCode": "Finished",
        "StatusDetail": None,
        "CreationTime": _date(experiment.created),
    }
    known = {**usual, **experiment.document}
    given = experiment.document.get("Status")
    return {
        **known,
        "ExperimentId": experiment.id,
        "Status": {**status, **given} if isinstance(given, dict) else status,
    }


def workspace_document(workspace: Workspace, users: Mapping[str, Role], *, tokens: bool) -> dict[str, Any]:
    """
    Describe a workspace.

    :param workspace: the workspace
    :param users: who is in it
    :param tokens: whether the reader may see its authorization tokens
    :return: JSON
    """
    shown = {
        "AuthorizationToken": {
            "PrimaryToken": workspace.primary_token,
            "SecondaryToken": workspace.secondary_token,
        }
    }
    return {
        "Id": workspace.id,
        "WorkspaceId": workspace.id,
        "FriendlyName": workspace.id,
        "Description": "",
        "OwnerEmail": next((name for name, role in users.items() if role is Role.OWNER), None),
        "UserStorage": None,
        "WorkspaceState": "Enabled",
        "Region": "Emulator",
        "Type": "Production",
        **(shown if tokens else {}),
    }


def users_document(users: Mapping[str, Role]) -> list[dict[str, Any]]:
    """
    Describe who is in a workspace.

    :param users: their roles, by name
    :return: JSON
    """
    return [
        {"Status": "Active", "User": {"Email": name, "Name": name, "Role": str(role), "UserId": name}}
        for name, role in users.items()
    ]


def _date(milliseconds: int) -> str:
    return f"/Date({milliseconds})/"
