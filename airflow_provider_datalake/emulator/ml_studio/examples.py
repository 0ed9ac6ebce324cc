"""The example datasets, which every workspace lists and nobody can change."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from airflow_provider_datalake.emulator.ml_studio.models import EXAMPLES, Dataset

_FOLDER = Path(__file__).with_name("examples")
_CREATED = 1_420_070_400_000
_OWNER = "Airflow provider"
_SHIPPED = (
    ("planets.csv", "Planets of the solar system", "GenericCSV", "Size, distance and moons of each planet."),
    (
        "customers.csv",
        "Customers who left (generated)",
        "GenericCSV",
        "400 made-up customers, and whether they left: for a two-class model.",
    ),
    (
        "sensors.nh.tsv",
        "Sensor readings (generated)",
        "GenericTSVNoHeader",
        "Made-up readings of three sensors over two days: time, sensor, degrees Celsius.",
    ),
    ("gettysburg.txt", "Gettysburg address", "PlainText", "Abraham Lincoln's speech of 1863, a line each."),
    ("shapes.arff", "Shapes (generated)", "ARFF", "Made-up lengths of sides, and the shape they make."),
)


@cache
def example_datasets() -> tuple[Dataset, ...]:
    """
    Give the example datasets.

    :return: the datasets, always in the same order
    """
    return tuple(_dataset(*shipped) for shipped in _SHIPPED)


def example_dataset(dataset_id: str) -> Dataset | None:
    """
    Find an example dataset.

    :param dataset_id: its id
    :return: the dataset, None when there is none
    """
    return next((one for one in example_datasets() if one.id == dataset_id), None)


def example_name(name: str) -> bool:
    """
    Tell whether an example has a name.

    :param name: the name
    :return: whether one has
    """
    return any(one.name == name for one in example_datasets())


def _dataset(file_name: str, name: str, data_type: str, description: str) -> Dataset:
    # The same in every installation: a DAG may name an example by its id.
    family = hashlib.sha256(f"family {name}".encode()).hexdigest()[:32]
    version = hashlib.sha256(f"dataset {name}".encode()).hexdigest()[:32]
    path = _FOLDER / file_name
    return Dataset(
        id=f"{EXAMPLES}.{version}",
        workspace=EXAMPLES,
        family=f"{EXAMPLES}.{family}",
        name=name,
        data_type=data_type,
        description=description,
        owner=_OWNER,
        origin="FromResourceUpload",
        file_name=file_name,
        upload="",
        size=path.stat().st_size,
        created=_CREATED,
        version=0,
        is_latest=True,
        path=path,
    )
