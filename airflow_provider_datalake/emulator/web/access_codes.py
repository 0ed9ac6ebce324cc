"""The Python code that reads a dataset with the vendor's client library, as Studio's own pages gave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.ml_studio.experiments import Output
    from airflow_provider_datalake.emulator.ml_studio.models import Dataset, Workspace

_READS = {
    "GenericCSV": "frame = ds.to_dataframe()",
    "GenericTSV": "frame = ds.to_dataframe()",
    "GenericCSVNoHeader": "frame = ds.to_dataframe()",
    "GenericTSVNoHeader": "frame = ds.to_dataframe()",
    "PlainText": "frame = ds.to_dataframe()",
    "ARFF": "text = ds.read_as_text()",
}
"""What the client library can do with each of the formats that it knows."""


def dataset_code(workspace: Workspace, endpoint: str, dataset: Dataset) -> str | None:
    """
    Write the code that reads a dataset.

    :param workspace: the workspace
    :param endpoint: the service's address
    :param dataset: the dataset
    :return: the code; None for a format that the client library does not know
    """
    read = _READS.get(dataset.data_type)
    if read is None:
        return None
    return f"{_workspace(workspace, endpoint)}ds = ws.datasets[{dataset.name!r}]\n{read}\n"


def output_code(workspace: Workspace, endpoint: str, experiment: str, output: Output) -> str | None:
    """
    Write the code that reads what a node of an experiment has given.

    :param workspace: the workspace
    :param endpoint: the service's address
    :param experiment: the experiment's id
    :param output: what the node has given
    :return: the code; None for a format that the client library does not know
    """
    read = _READS.get(output.data_type)
    if read is None:
        return None
    return (
        f"{_workspace(workspace, endpoint)}"
        f"experiment = ws.experiments[{experiment!r}]\n"
        "ds = experiment.get_intermediate_dataset(\n"
        f"    node_id={output.node!r},\n"
        f"    port_name={output.port!r},\n"
        f"    data_type_id={output.data_type!r}\n"
        ")\n"
        f"{read}\n"
    )


def _workspace(workspace: Workspace, endpoint: str) -> str:
    return (
        "from azureml import Workspace\n\n"
        "ws = Workspace(\n"
        f"    workspace_id={workspace.id!r},\n"
        f"    authorization_token={workspace.primary_token!r},\n"
        f"    endpoint={endpoint!r}\n"
        ")\n"
    )
