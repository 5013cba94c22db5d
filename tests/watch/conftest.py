"""Fixtures: a folder for task files, and what is logged."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """The lines logged since it was last asked: message and level beside the fields that are there."""
    caplog.set_level(logging.INFO)

    def since() -> list[dict[str, object]]:
        found = [
            {"msg": entry.message, "level": entry.levelname}
            | {name: value for name, value in vars(entry)["fields"].items() if value is not None}
            for entry in caplog.records
            if entry.name.startswith("exporter")
        ]
        caplog.clear()
        return found

    return since


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    path = tmp_path / "tasks.d"
    path.mkdir()
    return path
