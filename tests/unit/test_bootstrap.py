from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

import pytest

from demo import bootstrap, browser

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in whose environment nothing is installed yet; installing is recorded only."""
    (tmp_path / "pyproject.toml").write_text("[project]")
    (tmp_path / "constraints.txt").write_text("a==1")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv" / ".setup")
    return tmp_path


@pytest.fixture
def installs(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []

    def create() -> None:
        calls.append("venv")
        bootstrap.PYTHON.parent.mkdir(parents=True)
        bootstrap.PYTHON.symlink_to(sys.executable)

    monkeypatch.setattr(bootstrap, "create_venv", create)
    monkeypatch.setattr(bootstrap, "has_pip", lambda: bootstrap.PYTHON.exists())
    monkeypatch.setattr(bootstrap, "install", lambda: calls.append("install"))
    return calls


def no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)


def test_the_second_setup_does_nothing(installs: list[str]) -> None:
    assert bootstrap.main() == 0
    assert installs == ["venv", "install"]
    assert bootstrap.main() == 0
    assert installs == ["venv", "install"]


def test_changed_pins_are_installed_into_the_same_environment(installs: list[str], checkout: Path) -> None:
    bootstrap.main()
    (checkout / "constraints.txt").write_text("a==2")
    assert bootstrap.main() == 0
    assert installs == ["venv", "install", "install"]


def test_an_environment_whose_python_is_gone_is_made_again(installs: list[str]) -> None:
    bootstrap.main()
    bootstrap.PYTHON.unlink()
    bootstrap.PYTHON.parent.rmdir()
    assert bootstrap.main() == 0
    assert installs == ["venv", "install", "venv", "install"]


def test_an_old_python_is_refused_with_a_way_out(
    installs: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    assert bootstrap.main() == 1
    assert installs == []
    assert "make setup PYTHON=" in capsys.readouterr().err


def test_without_venv_and_without_apt_the_message_names_the_package(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    no_programs(monkeypatch, checkout)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert bootstrap.main() == 1
    assert "sudo apt-get install python3." in capsys.readouterr().err
    assert not bootstrap.STAMP.exists()


def test_without_chromium_the_left_out_tests_and_the_command_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    no_programs(monkeypatch, tmp_path)
    assert browser.main() == 0
    message = capsys.readouterr().err
    assert "tests/system/test_ui.py" in message
    assert browser.HINT in message
