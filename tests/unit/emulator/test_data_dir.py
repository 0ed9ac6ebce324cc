from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_datalake.emulator.config import Config
from airflow_provider_datalake.emulator.data_dir import discard, empty, finish_reset
from airflow_provider_datalake.emulator.services import Services

KEPT = {"identity", "storage.lock", "tls", "ml_studio", "discarded"}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_all_that_the_services_keep_is_put_away(tmp_path: Path) -> None:
    services = Services(Config(tmp_path))
    services.start()
    services.stop()
    services.close()
    assert "catalog.db" in names(tmp_path)
    discard(empty(tmp_path))
    assert names(tmp_path) <= KEPT
    assert names(tmp_path / "discarded") == set()
    assert [path for path in tmp_path.glob("ml_studio/*") if path.name != "experiments"] == []


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / "segments").mkdir()
    empty(tmp_path)
    assert names(tmp_path) == {"thesis.txt", "discarded"}


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
    discard(empty(data_dir))
    assert "segments" not in names(data_dir)
    assert (elsewhere / "file").exists()


def test_two_resets_do_not_get_into_each_others_way(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_text("first")
    first = empty(tmp_path)
    (tmp_path / "catalog.db").write_text("second")
    second = empty(tmp_path)
    discard(first)
    assert (second / "catalog.db").read_text() == "second"


@pytest.mark.parametrize("moved", range(4))
def test_a_reset_that_was_killed_goes_on_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: int
) -> None:
    for name in ("catalog.db", "jobs.db", "segments", "stores"):
        (tmp_path / name).touch()
    rename, left = Path.rename, iter(range(moved))

    def killed(path: Path, target: Path) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            empty(tmp_path)
    assert len(names(tmp_path) - {"reset-begun", "discarded"}) == 4 - moved
    finish_reset(tmp_path)
    assert names(tmp_path) == set()


def test_a_start_removes_nothing_without_a_reset(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").touch()
    finish_reset(tmp_path)
    assert names(tmp_path) == {"catalog.db"}
