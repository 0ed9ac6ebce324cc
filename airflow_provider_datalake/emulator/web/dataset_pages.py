"""The pages about ML Studio: the datasets and experiments of workspaces, one dataset, one experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_datalake.emulator.ml_studio.errors import StudioError, not_found
from airflow_provider_datalake.emulator.web.access_codes import dataset_code, output_code
from airflow_provider_datalake.emulator.web.dataset_preview import preview
from airflow_provider_datalake.emulator.web.histograms import HEIGHT, WIDTH
from airflow_provider_datalake.emulator.web.rendering import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_datalake.emulator.ml_studio.experiments import Experiment
    from airflow_provider_datalake.emulator.ml_studio.models import Dataset
    from airflow_provider_datalake.emulator.services import Services

SECTION = "Datasets"


def _found(show: Callable[[Services, Request], Response]) -> Callable[[Services, Request], Response]:
    """Say it where there is nothing to show."""

    def answer(services: Services, request: Request) -> Response:
        try:
            return show(services, request)
        except StudioError as error:
            return page(
                "message.html", error.status, section=SECTION, title="Not found", message=error.message
            )

    return answer


def workspaces_page(services: Services, request: Request) -> Response:
    """
    Show the workspaces with their datasets and experiments.

    :param services: has them
    :param request: the request
    :return: the page
    """
    service = services.studio
    workspaces = []
    samples: list[dict[str, Any]] = []
    for workspace in service.workspaces():
        datasets = [_summary(workspace.id, one) for one in service.datasets(workspace.id)]
        samples = samples or [one for one in datasets if one["is_example"]]
        workspaces.append(
            {
                "id": workspace.id,
                "datasets": [one for one in datasets if not one["is_example"]],
                "experiments": [
                    {
                        "href": _href(workspace.id, "experiments", one.id),
                        "description": one.description,
                        "id": one.id,
                        "outputs": len(one.outputs),
                        "created": one.created / 1000,
                    }
                    for one in service.experiments.all(workspace.id)
                ],
            }
        )
    return page("datasets.html", section=SECTION, workspaces=workspaces, samples=samples)


@_found
def dataset_page(services: Services, request: Request) -> Response:
    """
    Show one version of a dataset.

    :param services: has it
    :param request: the request
    :return: the page
    """
    service = services.studio
    workspace = service.workspace(request.path_params["workspace"])
    dataset = service.dataset(workspace.id, request.path_params["dataset"])
    versions = service.versions(workspace.id, dataset.family)
    try:
        shown = preview(dataset.path, dataset.data_type)
    except FileNotFoundError:
        raise not_found(f"The dataset {dataset.id!r} was removed at this moment.") from None
    return page(
        "dataset.html",
        section=SECTION,
        workspace=workspace.id,
        dataset=_summary(workspace.id, dataset),
        versions=[_summary(workspace.id, one) for one in versions],
        preview=shown,
        picture=(WIDTH, HEIGHT),
        # By its name: only the newest version has it.
        code=dataset_code(workspace, _endpoint(request), dataset) if dataset.is_latest else None,
    )


@_found
def experiment_page(services: Services, request: Request) -> Response:
    """
    Show an experiment with what its nodes have given.

    :param services: has it
    :param request: the request
    :return: the page
    """
    service = services.studio
    workspace = service.workspace(request.path_params["workspace"])
    wanted = request.path_params["experiment"]
    for one in service.experiments.all(workspace.id):
        if one.id == wanted:
            break
    else:
        raise not_found(f"There is no experiment {wanted[:200]!r} in workspace {workspace.id!r}.")
    outputs = [
        {
            "node": output.node,
            "port": output.port,
            "data_type": output.data_type,
            "bytes": output.size,
            "code": output_code(workspace, _endpoint(request), one.id, output),
            "preview": preview(output.path, output.data_type),
        }
        for output in one.outputs
    ]
    return page(
        "experiment.html",
        section=SECTION,
        workspace=workspace.id,
        experiment=_described(one),
        outputs=outputs,
        picture=(WIDTH, HEIGHT),
    )


def _described(experiment: Experiment) -> dict[str, Any]:
    document = experiment.document
    status = document.get("Status")
    return {
        "id": experiment.id,
        "description": experiment.description,
        "creator": str(document.get("Creator") or ""),
        "status": str(status.get("StatusCode") or "") if isinstance(status, dict) else "",
        "created": experiment.created / 1000,
    }


def _summary(workspace: str, dataset: Dataset) -> dict[str, Any]:
    return {
        "href": _href(workspace, dataset.id),
        "id": dataset.id,
        "name": dataset.name,
        "description": dataset.description,
        "data_type": dataset.data_type,
        "bytes": dataset.size,
        "created": dataset.created / 1000,
        "owner": dataset.owner,
        "origin": dataset.origin,
        "file_name": dataset.file_name,
        "family": dataset.family,
        "upload": dataset.upload,
        "version": dataset.version,
        "is_latest": dataset.is_latest,
        "is_example": dataset.is_example,
    }


def _href(*parts: str) -> str:
    return "/datasets/" + "/".join(quote(part, safe="") for part in parts)


def _endpoint(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}/studio/"
