"""Experiments and what their nodes have given: folders, which anybody may fill."""

from __future__ import annotations

import json
import os
import shutil
import threading
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from airflow_provider_datalake.emulator.ml_studio.errors import bad_request, not_found
from airflow_provider_datalake.emulator.ml_studio.models import DATA_TYPES

if TYPE_CHECKING:
    from pathlib import Path

_DOCUMENT = "experiment.json"
_SAFE = " ()+,-=_~"
MAX_NAME = 200


@dataclass(frozen=True)
class Output:
    """
    What a node has given.

    :param node: the node
    :param port: its output
    :param data_type: the format, ``Dataset`` when the client library has no word for it
    :param size: bytes
    :param path: where the contents are on this machine
    """

    node: str
    port: str
    data_type: str
    size: int
    path: Path


@dataclass(frozen=True)
class Experiment:
    """
    An experiment.

    :param id: its id
    :param workspace: whose it is
    :param document: what its file says, as the service names it
    :param created: milliseconds since the epoch
    :param outputs: what its nodes have given
    """

    id: str
    workspace: str
    document: dict[str, Any]
    created: int
    outputs: tuple[Output, ...]

    @property
    def description(self) -> str:
        """A person's words."""
        return str(self.document.get("Description") or self.id.rpartition(".")[2])


class Experiments:
    """
    The experiments of all workspaces.

    :param stored: the folder of those that came through calls
    :param loaded: the folder of those that somebody has put there; created when missing
    :param workspace: the workspace that these belong to
    """

    def __init__(self, stored: Path, loaded: Path, workspace: str) -> None:
        self._stored = stored
        self._loaded = loaded
        self._loaded.mkdir(parents=True, exist_ok=True)
        self._workspace = workspace
        self._lock = threading.Lock()

    def all(self, workspace: str) -> list[Experiment]:
        """
        List the experiments.

        :param workspace: whose
        :return: the experiments, by id
        """
        folders = _folders(self._loaded) if workspace == self._workspace else []
        # What came through a call hides what the folder says.
        folders += _folders(self._stored / workspace)
        found = {one.id: one for one in (_read(workspace, folder) for folder in folders)}
        return [found[key] for key in sorted(found)]

    def output(self, workspace: str, experiment: str, node: str, port: str) -> Output:
        """
        Find what a node has given.

        :param workspace: whose
        :param experiment: the experiment's id
        :param node: the node
        :param port: its output
        :return: the output
        :raises StudioError: when there is none
        """
        for one in self.all(workspace):
            if one.id == experiment:
                for output in one.outputs:
                    if (output.node, output.port) == (node, port):
                        return output
                raise not_found(
                    f"Node {node[:100]!r} of experiment {experiment!r} has no output {port[:100]!r}."
                )
        raise not_found(f"There is no experiment {experiment[:100]!r} in workspace {workspace!r}.")

    def put(self, workspace: str, experiment: str, document: dict[str, Any]) -> None:
        """
        Store an experiment.

        :param workspace: whose
        :param experiment: its id
        :param document: what is known of it, as the service names it
        :raises StudioError: when it cannot be named so
        """
        folder = self._folder(workspace, experiment)
        text = json.dumps({**document, "ExperimentId": experiment}, ensure_ascii=False, indent=2)
        with self._lock:
            _replace(folder / _DOCUMENT, text.encode())

    def put_output(
        self, workspace: str, experiment: str, node: str, port: str, data_type: str, content: bytes
    ) -> None:
        """
        Store what a node has given.

        :param workspace: whose
        :param experiment: the experiment's id; it is made when there is none
        :param node: the node
        :param port: its output
        :param data_type: the format
        :param content: the bytes
        :raises StudioError: when something cannot be named so
        """
        folder = self._folder(workspace, experiment)
        target = folder / _file_name(node, "node") / (_file_name(port, "port") + DATA_TYPES[data_type])
        with self._lock:
            if not (folder / _DOCUMENT).exists():
                _replace(folder / _DOCUMENT, json.dumps({"ExperimentId": experiment}).encode())
            _replace(target, content)
            for other in target.parent.iterdir():
                if other != target and _named(other.name)[0] == port:
                    other.unlink()

    def delete(self, workspace: str, experiment: str) -> None:
        """
        Delete a stored experiment.

        :param workspace: whose
        :param experiment: its id
        :raises StudioError: when there is none that was stored
        """
        folder = self._folder(workspace, experiment)
        with self._lock:
            if not folder.is_dir():
                raise not_found(f"There is no stored experiment {experiment[:100]!r} in {workspace!r}.")
            shutil.rmtree(folder)

    def _folder(self, workspace: str, experiment: str) -> Path:
        return self._stored / workspace / _file_name(experiment, "experiment")


def _folders(root: Path) -> list[Path]:
    return sorted(one for one in root.iterdir() if one.is_dir()) if root.is_dir() else []


def _read(workspace: str, folder: Path) -> Experiment:
    path = folder / _DOCUMENT
    document: dict[str, Any] = {}
    if path.is_file():
        try:
            document = json.loads(path.read_bytes())
        except ValueError as error:
            raise bad_request(f"{folder.name}/{_DOCUMENT} is no JSON: {error}") from error
        if not isinstance(document, dict):
            raise bad_request(f"{folder.name}/{_DOCUMENT} is no JSON object")
    changed = (path if path.is_file() else folder).stat().st_mtime
    return Experiment(
        id=str(document.get("ExperimentId") or f"{workspace}.f-id.{unquote(folder.name)}"),
        workspace=workspace,
        document=document,
        created=int(changed * 1000),
        outputs=tuple(
            _output(unquote(node.name), file)
            for node in _folders(folder)
            for file in sorted(node.iterdir())
            if file.is_file() and not file.name.startswith(".")
        ),
    )


def _output(node: str, file: Path) -> Output:
    port, data_type = _named(file.name)
    return Output(node, port, data_type, file.stat().st_size, file)


def _named(file_name: str) -> tuple[str, str]:
    """Tell the port and the format from a file's name; the longest suffix counts."""
    for data_type, suffix in sorted(DATA_TYPES.items(), key=lambda pair: -len(pair[1])):
        if file_name.lower().endswith(suffix) and len(file_name) > len(suffix):
            return unquote(file_name[: -len(suffix)]), data_type
    return unquote(file_name.rpartition(".")[0] or file_name), "Dataset"


def _file_name(name: str, what: str) -> str:
    # A dot would be a file that nobody sees, a way out, or a suffix.
    quoted = quote(name, safe=_SAFE).replace(".", "%2E")
    if not name or not name.isprintable() or len(quoted) > MAX_NAME:
        raise bad_request(
            f"The {what} is named with printable characters, {MAX_NAME} at most, got {name[:100]!r}."
        )
    return quoted


def _replace(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{uuid.uuid4().hex}")
    with temporary.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)
