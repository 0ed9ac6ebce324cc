"""A workspace in a temporary directory, and short ways to use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.config import Config
from airflow_provider_datalake.emulator.identity.service import IdentityService
from airflow_provider_datalake.emulator.ml_studio.models import NewDataset
from airflow_provider_datalake.emulator.ml_studio.service import StudioService

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_datalake.emulator.ml_studio.models import Dataset

WORKSPACE = "emulator"


@dataclass
class Studio:
    """
    One workspace.

    :param service: has it
    """

    service: StudioService

    def upload(self, *blocks: bytes) -> str:
        upload_id = self.service.uploads.begin(WORKSPACE)
        for number, block in enumerate(blocks):
            self.service.uploads.put(WORKSPACE, upload_id, number, len(blocks), [block])
        return upload_id

    def create(self, name: str, *blocks: bytes, family: str | None = None, **fields: str) -> Dataset:
        wanted = NewDataset(name, fields.pop("data_type", "GenericCSV"), family=family, **fields)
        return self.service.publishing.create(WORKSPACE, self.upload(*blocks), wanted)

    def names(self) -> list[str]:
        return [one.name for one in self.service.datasets(WORKSPACE) if not one.is_example]

    def contents(self) -> dict[str, bytes]:
        """Read what all newest versions have, by name."""
        found = self.service.datasets(WORKSPACE)
        return {one.name: one.path.read_bytes() for one in found if not one.is_example}

    def files(self) -> set[str]:
        """Name the files that hold contents."""
        folder = self.service.config.data_dir / "ml_studio" / "contents"
        return {path.name for path in folder.iterdir()}

    def pending(self) -> list[Path]:
        """List the folders of uploads."""
        return list((self.service.config.data_dir / "ml_studio" / "uploads").iterdir())


def open_studio(data_dir: Path, **settings: str) -> Studio:
    """Open the workspace of a data directory, as a start of the emulator does."""
    config = Config(data_dir=data_dir, **settings)
    (data_dir / "identity").mkdir(parents=True, exist_ok=True)
    return Studio(StudioService(config, IdentityService(config)))
