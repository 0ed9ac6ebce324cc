"""Experiments come through calls or from a folder, and a name is never a way out of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_datalake.emulator.ml_studio.documents import experiment_document
from airflow_provider_datalake.emulator.ml_studio.errors import StudioError
from airflow_provider_datalake.emulator.ml_studio.experiments import Experiments
from airflow_provider_datalake.emulator.ml_studio.models import DATA_TYPES

if TYPE_CHECKING:
    from pathlib import Path


def make(folder: Path) -> Experiments:
    return Experiments(folder / "stored", folder / "loaded", "w")


def outputs(experiments: Experiments, workspace: str = "w") -> dict[tuple[str, str, str, str], bytes]:
    return {
        (one.id, output.node, output.port, output.data_type): output.path.read_bytes()
        for one in experiments.all(workspace)
        for output in one.outputs
    }


def test_a_folder_is_an_experiment(tmp_path: Path):
    experiments = make(tmp_path)
    node = tmp_path / "loaded" / "flights" / "node-1"
    node.mkdir(parents=True)
    (node / "Results dataset.csv").write_bytes(b"a\n1\n")
    (node / "other.nh.tsv").write_bytes(b"1\t2\n")
    (node / "model.ilearner").write_bytes(b"binary")
    (node / ".hidden.csv").write_bytes(b"")
    assert outputs(experiments) == {
        ("w.f-id.flights", "node-1", "Results dataset", "GenericCSV"): b"a\n1\n",
        ("w.f-id.flights", "node-1", "other", "GenericTSVNoHeader"): b"1\t2\n",
        ("w.f-id.flights", "node-1", "model", "Dataset"): b"binary",
    }
    assert experiments.all("other") == []


def test_a_file_tells_more_about_an_experiment(tmp_path: Path):
    experiments = make(tmp_path)
    folder = tmp_path / "loaded" / "f"
    folder.mkdir()
    document = {"ExperimentId": "w.f-id.1", "Description": "census", "Status": {"StatusCode": "Failed"}}
    (folder / "experiment.json").write_text(json.dumps(document))
    (found,) = experiments.all("w")
    shown = experiment_document(found)
    assert (shown["ExperimentId"], shown["Description"]) == ("w.f-id.1", "census")
    assert shown["Status"] == {
        "StatusCode": "Failed",
        "StatusDetail": None,
        "CreationTime": f"/Date({found.created})/",
    }


@pytest.mark.parametrize(("text", "words"), [("{", "is no JSON: "), ("[]", "is no JSON object")])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str, words: str):
    experiments = make(tmp_path)
    (tmp_path / "loaded" / "f").mkdir()
    (tmp_path / "loaded" / "f" / "experiment.json").write_text(text)
    with pytest.raises(StudioError, match=f"f/experiment.json {words}"):
        experiments.all("w")


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20) | st.sampled_from(
    ["..", ".", "../../x", "a/b", "a.csv", "%2e", "experiment.json", "Results dataset"]
)


@settings(max_examples=60, deadline=None)
@given(experiment=NAMES, node=NAMES, port=NAMES, data_type=st.sampled_from(sorted(DATA_TYPES)))
def test_any_name_is_kept_inside_of_the_folder_or_refused(
    tmp_path_factory: pytest.TempPathFactory, experiment: str, node: str, port: str, data_type: str
):
    folder = tmp_path_factory.mktemp("experiments")
    experiments = make(folder)
    try:
        experiments.put_output("v", experiment, node, port, data_type, b"x")
    except StudioError as error:
        assert "printable characters" in error.message  # noqa: PT017
    else:
        assert outputs(experiments, "v") == {(experiment, node, port, data_type): b"x"}
        assert experiments.output("v", experiment, node, port).path.read_bytes() == b"x"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert all(len(path.relative_to(folder / "stored" / "v").parts) <= 3 for path in files)
    assert not list(folder.parent.glob("*.csv"))


def test_a_stored_output_replaces_the_one_of_its_port(tmp_path: Path):
    experiments = make(tmp_path)
    experiments.put("v", "e", {"Description": "words"})
    experiments.put_output("v", "e", "n", "p", "GenericCSV", b"1")
    experiments.put_output("v", "e", "n", "q", "GenericCSV", b"2")
    experiments.put_output("v", "e", "n", "p", "GenericTSVNoHeader", b"3")
    assert outputs(experiments, "v") == {
        ("e", "n", "p", "GenericTSVNoHeader"): b"3",
        ("e", "n", "q", "GenericCSV"): b"2",
    }
    assert [one.description for one in experiments.all("v")] == ["words"]
    experiments.delete("v", "e")
    assert experiments.all("v") == []


def test_what_is_not_there_is_told_apart(tmp_path: Path):
    experiments = make(tmp_path)
    experiments.put_output("w", "e", "n", "p", "GenericCSV", b"1")
    for parts, words in (
        (("x", "n", "p"), "There is no experiment 'x'"),
        (("e", "x", "p"), "Node 'x' of experiment 'e' has no output 'p'"),
        (("e", "n", "P"), "Node 'n' of experiment 'e' has no output 'P'"),
    ):
        with pytest.raises(StudioError, match=words) as raised:
            experiments.output("w", *parts)
        assert raised.value.status == 404
    with pytest.raises(StudioError, match="There is no stored experiment"):
        experiments.delete("w", "x")
