"""What workspaces hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = "506153734175476c4f62416c57734963"
"""The workspace of the examples: with it the ids of example datasets and experiments begin."""

DATA_TYPES = {
    "GenericCSV": ".csv",
    "GenericTSV": ".tsv",
    "GenericCSVNoHeader": ".nh.csv",
    "GenericTSVNoHeader": ".nh.tsv",
    "PlainText": ".txt",
    "ARFF": ".arff",
    "SvmLight": ".svmlight",
    "Zip": ".zip",
    "RData": ".rdata",
}
"""The formats with their suffixes."""
BINARY = ("Zip", "RData")


class Role(StrEnum):
    """What somebody is in a workspace."""

    OWNER = "Owner"
    """Sees the authorization tokens, and the access code."""
    USER = "User"
    """Sees neither; with a token that an owner gave, may do everything."""


@dataclass(frozen=True)
class Workspace:
    """
    A workspace.

    :param id: its id
    :param primary_token: an authorization token
    :param secondary_token: the other one, to be shared
    """

    id: str
    primary_token: str = field(repr=False)
    secondary_token: str = field(repr=False)


@dataclass(frozen=True)
class Dataset:
    """
    One version of a dataset.

    :param id: the version's id
    :param workspace: whose it is; :data:`EXAMPLES` for the examples
    :param family: what all versions have in common
    :param name: unique among the newest versions of a workspace, case-sensitive
    :param data_type: the contents' format
    :param description: a person's words
    :param owner: who or what made it, as the client says
    :param origin: how it came to be, as the client says
    :param file_name: the file that it was made of, as the client says
    :param upload: the upload that it was made of
    :param size: bytes of the contents
    :param created: milliseconds since the epoch
    :param version: counts the versions of the family, from 0
    :param is_latest: whether it is the newest one
    :param path: where the contents are on this machine
    """

    id: str
    workspace: str
    family: str
    name: str
    data_type: str
    description: str
    owner: str
    origin: str
    file_name: str
    upload: str
    size: int
    created: int
    version: int
    is_latest: bool
    path: Path

    @property
    def is_example(self) -> bool:
        """Whether it is one of the service's own, which nobody can change."""
        return self.workspace == EXAMPLES


@dataclass(frozen=True)
class NewDataset:
    """
    What a client wants a dataset to be.

    :param name: its name
    :param data_type: its format
    :param description: a person's words
    :param family: what it is a new version of, None for a new dataset
    :param owner: who makes it
    :param origin: how it comes to be
    :param file_name: the file that it is made of
    """

    name: str
    data_type: str
    description: str = ""
    family: str | None = None
    owner: str = ""
    origin: str = "FromResourceUpload"
    file_name: str = ""
