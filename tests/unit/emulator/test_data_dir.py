from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.emulator.config import Config
from airflow_provider_datalake.emulator.data_dir import empty, finish_reset
from airflow_provider_datalake.emulator.services import Services

if TYPE_CHECKING:
    from pathlib import Path

KEPT = {"identity", "storage.lock", "tls", "ml_studio"}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_all_that_the_services_keep_is_removed(tmp_path: Path) -> None:
    services = Services(Config(tmp_path))
    services.start()
    services.stop()
    services.close()
    assert "catalog.db" in names(tmp_path)
    empty(tmp_path)
    assert names(tmp_path) <= KEPT
    assert [path for path in tmp_path.glob("ml_studio/*") if path.name != "experiments"] == []


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / "segments").mkdir()
    empty(tmp_path)
    assert names(tmp_path) == {"thesis.txt"}


def test_experiments_that_a_person_has_put_there_stay(tmp_path: Path) -> None:
    node = tmp_path / "ml_studio" / "experiments" / "e" / "node"
    node.mkdir(parents=True)
    (node / "port.csv").write_text("a\n1\n")
    (tmp_path / "ml_studio" / "blobs").mkdir()
    empty(tmp_path)
    assert (node / "port.csv").exists()
    assert names(tmp_path / "ml_studio") == {"experiments"}


def test_a_linked_folder_keeps_its_content(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").touch()
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / "segments").symlink_to(elsewhere)
    empty(data_dir)
    assert names(data_dir) == set()
    assert (elsewhere / "file").exists()


def test_a_reset_that_was_killed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "catalog.db").touch()
    (tmp_path / "stores").mkdir()

    def killed(path: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            empty(tmp_path)
    assert names(tmp_path) == {"reset-begun", "stores"}
    finish_reset(tmp_path)
    assert names(tmp_path) == set()


def test_a_start_removes_nothing_without_a_reset(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").touch()
    finish_reset(tmp_path)
    assert names(tmp_path) == {"catalog.db"}
