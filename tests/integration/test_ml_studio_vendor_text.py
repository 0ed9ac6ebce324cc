"""What we write is byte for byte what the service's own client writes, and it reads what we have sent."""

from __future__ import annotations

import json
import random
import subprocess
import uuid
from typing import TYPE_CHECKING, Any

import pandas as pd

from airflow_provider_datalake.clients.ml_studio import serialized
from airflow_provider_datalake.clients.ml_studio_formats import PLAIN_TEXT, TABULAR
from demo.azureml_environment import python
from tests.integration.studio_connections import TOKEN, WORKSPACE, connect

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import Emulator

WRITE = """
import io, json, pathlib, sys
import pandas as pd
from azureml.serialization import serialize_dataframe
folder = pathlib.Path(sys.argv[1])
columns = json.loads((folder / "columns.json").read_text())
for kind in sys.argv[2:]:
    frame = pd.DataFrame({"text": columns["text"]} if kind == "PlainText" else columns)
    with (folder / kind).open("wb") as file:
        serialize_dataframe(file, kind, frame)
"""
READ = """
import json, sys
from azureml import Workspace
endpoint, workspace, token, name = sys.argv[1:]
dataset = Workspace(workspace, token, endpoint=endpoint).datasets[name]
print(json.dumps({"description": dataset.description, "columns": dataset.to_dataframe().to_dict("list")}))
"""


def vendor(folder: Path, program: str, *arguments: str) -> str:
    """Run a program with the unmodified client."""
    done = subprocess.run(
        [str(python()), "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        # It reads settings from a person's home, which come before its arguments.
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "NO_PROXY": "127.0.0.1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def columns(rows: int) -> dict[str, list[Any]]:
    """Values of all types that JSON can carry to another environment."""
    chosen = random.Random(7)
    return {
        "whole": [chosen.randint(-(2**62), 2**62) for _ in range(rows)],
        "float": [
            chosen.choice(
                [chosen.random(), chosen.uniform(-1e20, 1e20), chosen.uniform(-1e-5, 1e-5), None, 7.0, -0.0]
            )
            for _ in range(rows)
        ],
        "text": ["".join(chosen.choices('ab,"\t\n é', k=chosen.randint(0, 6))) for _ in range(rows)],
        "maybe": [chosen.choice(["x, y", None, "NA"]) for _ in range(rows)],
        "flag": [chosen.random() > 0.5 for _ in range(rows)],
        "a name, with a comma": ["x"] * rows,
    }


def test_every_format_has_the_same_bytes(tmp_path: Path) -> None:
    made = columns(3000)
    (tmp_path / "columns.json").write_text(json.dumps(made))
    kinds = [*TABULAR, PLAIN_TEXT]
    vendor(tmp_path, WRITE, str(tmp_path), *kinds)
    for kind in kinds:
        frame = pd.DataFrame({"text": made["text"]} if kind == PLAIN_TEXT else made)
        with serialized(frame, kind) as file:
            assert file.read() == (tmp_path / kind).read_bytes(), kind


def test_the_other_client_reads_what_we_have_made(emulator: Emulator, tmp_path: Path) -> None:
    name = f"for the other client {uuid.uuid4().hex}"
    frame = pd.DataFrame({"a": [1, 2], "b": ["x, y", 'ü "z"'], "c": [0.1, 1e-7], "d": [True, False]})
    connect(emulator).create_from_dataframe(name, frame, data_type_id="GenericTSV", description="our words")
    printed = vendor(tmp_path, READ, f"{emulator.address}/studio/", WORKSPACE, TOKEN, name)
    assert json.loads(printed) == {"description": "our words", "columns": frame.to_dict("list")}
