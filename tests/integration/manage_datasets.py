"""
The article "Access datasets with Python using the Azure Machine Learning Python client library" as one script.

It runs in an environment of its own, with azureml 0.2.7 as it was released, and knows nothing of an
emulator but the address. What it has seen is printed as JSON. It leaves out one thing that the client cannot
do itself: it reads PlainText with a separator that pandas refuses.
"""

from __future__ import annotations

import json
import sys

import pandas as pd
from azureml import DataTypeIds, Workspace
from azureml.errors import AzureMLConflictHttpError, AzureMLHttpError, AzureMLUnauthorizedError

address, workspace_id, token, seed = sys.argv[1:]
seen: dict[str, object] = {}
ws = Workspace(workspace_id=workspace_id, authorization_token=token, endpoint=address)


def named(name: str) -> str:
    """Give a name that no other run uses."""
    return f"{seed} {name}"


def mine(datasets) -> list[str]:
    """Give the names of this run's datasets, without its seed."""
    return [one.name.removeprefix(f"{seed} ") for one in datasets if one.name.startswith(seed)]


def failure(action) -> list[object]:
    """Give the class of what an action raises, and its status."""
    try:
        action()
    except (AzureMLHttpError, IndexError) as error:
        return [type(error).__name__, getattr(error, "status_code", None)]
    return []


# Create a new dataset
frame = pd.DataFrame(
    {
        "name": ["Ann", "Bob, Jr.", 'a "quoted"', "Zoë 日本", "two\nlines"],
        "count": [1, -2, 3, 4, 5],
        "share": [0.5, 1.25, -3.0, 1e-9, 2.0],
    }
)
tables = (
    DataTypeIds.GenericCSV,
    DataTypeIds.GenericTSV,
    DataTypeIds.GenericCSVNoHeader,
    DataTypeIds.GenericTSVNoHeader,
)
frames = {}
for data_type in tables:
    made = ws.datasets.add_from_dataframe(
        dataframe=frame, data_type_id=data_type, name=named(data_type), description=f"as {data_type}"
    )
    back = made.to_dataframe()
    back.columns = frame.columns
    frames[data_type] = back.equals(frame)
seen["frames"] = frames
seen["csv"] = ws.datasets[named(DataTypeIds.GenericCSV)].read_as_text()

lines = pd.DataFrame({0: ["one", "zwei ü", "three"]})
ws.datasets.add_from_dataframe(lines, DataTypeIds.PlainText, named("lines"), "lines of text")
seen["lines"] = ws.datasets[named("lines")].read_as_text()

arff = b"@RELATION r\n@ATTRIBUTE a NUMERIC\n@DATA\n1\n"
made = ws.datasets.add_from_raw_data(arff, DataTypeIds.ARFF, named("arff"), "raw only")
seen["arff"] = made.read_as_binary().decode()
seen["arff can be a frame"] = hasattr(made, "to_dataframe")

# Several blocks, the last one not full; and no block at all
large = bytes(range(256)) * 20_000 + b"end"
made = ws.datasets.add_from_raw_data(large, DataTypeIds.PlainText, named("large"), "three blocks")
seen["large"] = [made.size, made.read_as_binary() == large]
made = ws.datasets.add_from_raw_data(b"", DataTypeIds.PlainText, named("empty"), "no block")
seen["empty"] = [made.size, made.read_as_binary().decode()]

# Read contents
with ws.datasets[named("large")].open() as file:
    seen["open"] = file.read(1000) == large[:1000] and file.read() == large[1000:]

# Metadata
made = ws.datasets[named(DataTypeIds.GenericCSV)]
seen["metadata"] = {
    "name": made.name == named(DataTypeIds.GenericCSV),
    "description": made.description,
    "data_type_id": made.data_type_id,
    "id": made.id if hasattr(made, "id") else made.dataset_id,
    "family_id": made.family_id,
    "size": made.size,
    "year": made.created_date.year,
    "owner": made.owner,
    "source_origin": made.source_origin,
    "is_latest": made.is_latest,
    "is_deprecated": made.is_deprecated,
    "is_example": made.is_example,
    "file_type": made.download_location.file_type,
    "location_size": made.download_location.size,
}
# All other attributes must be there as well.
for attribute in (
    "batch category client_version created_date_ticks culture experiment_id promoted_from resource_upload_id "
    "schema_status service_version uploaded_from_filename"
).split():
    getattr(made, attribute)
for location in (made.download_location, made.visualize_end_point, made.schema_end_point):
    for attribute in (
        "base_uri size endpoint_type credential_container access_credential location file_type is_auxiliary name"
    ).split():
        getattr(location, attribute)

# Enumerate datasets
seen["all"] = mine(ws.datasets)
seen["mine"] = mine(ws.user_datasets)
seen["examples"] = [one.name for one in ws.example_datasets]
seen["examples can be changed"] = any(hasattr(one, "update_from_raw_data") for one in ws.example_datasets)
example = ws.example_datasets["Planets of the solar system"]
seen["planets"] = example.to_dataframe()["planet"].tolist()
seen["index"] = ws.datasets[0].name == next(iter(ws.datasets)).name
seen["count"] = len(ws.datasets) == len(ws.user_datasets) + len(ws.example_datasets)
seen["other case"] = failure(lambda: ws.datasets[named("ARFF")])
ws.datasets.add_from_raw_data(b"x", DataTypeIds.PlainText, named("ARFF"), "a name that differs by case")
seen["both cases"] = [name for name in mine(ws.datasets) if name.lower() == "arff"]

# A name in use
seen["conflict"] = failure(
    lambda: ws.datasets.add_from_raw_data(b"x", DataTypeIds.PlainText, named("arff"), "again")
)
seen["conflict class"] = issubclass(AzureMLConflictHttpError, AzureMLHttpError)

# Update an existing dataset
frame2 = frame.assign(count=[9, 8, 7, 6, 5])


def state(dataset) -> list[object]:
    """Give what an update may change."""
    return [dataset.data_type_id, dataset.name.removeprefix(f"{seed} "), dataset.description]


dataset = ws.datasets[named(DataTypeIds.GenericCSV)]
first_id, family = dataset.dataset_id, dataset.family_id
steps = []
for change in (
    {},
    {"data_type_id": DataTypeIds.GenericTSV},
    {"description": "data up to feb 2015"},
    {"name": named("existing dataset v2"), "description": "renamed"},
):
    dataset.update_from_dataframe(dataframe=frame2, **change)
    steps.append([*state(dataset), dataset.to_dataframe().equals(frame2), dataset.family_id == family])
seen["updates"] = steps
seen["new id"] = dataset.dataset_id != first_id
seen["renamed"] = state(ws.datasets[named("existing dataset v2")])
seen["old name"] = failure(lambda: ws.datasets[named(DataTypeIds.GenericCSV)])
dataset.update_from_raw_data(b"name\nraw\n", DataTypeIds.GenericCSV)
seen["raw update"] = dataset.read_as_text()
seen["rename onto another"] = failure(lambda: dataset.update_from_raw_data(b"x\n", name=named("arff")))
seen["after the conflict"] = ws.datasets[named("existing dataset v2")].read_as_text()

# Intermediate datasets
experiment = ws.experiments[f"{workspace_id}.f-id.{seed}"]
seen["experiment"] = [experiment.description, experiment.status.status_code, experiment.is_example]
for attribute in "creator etag is_archived job_id run_id version_id".split():
    getattr(experiment, attribute)
seen["experiment year"] = experiment.status.creation_time.year
output = experiment.get_intermediate_dataset("node-1", "Results dataset", DataTypeIds.GenericCSV)
seen["intermediate"] = [
    output.read_as_text(),
    output.read_as_binary().decode(),
    output.to_dataframe().to_dict("list"),
]
with output.open() as file:
    seen["intermediate open"] = file.read().decode()

# Tokens
wrong = Workspace(workspace_id=workspace_id, authorization_token="wrong", endpoint=address)
seen["wrong token"] = failure(lambda: list(wrong.datasets))
seen["wrong token class"] = issubclass(AzureMLUnauthorizedError, AzureMLHttpError)
nowhere = Workspace(workspace_id="nowhere", authorization_token=token, endpoint=address)
seen["other workspace"] = failure(lambda: list(nowhere.datasets))
print(json.dumps(seen))
