"""Fixtures: a folder for task files."""

from collections.abc import Callable
from pathlib import Path

import pytest

Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    path = tmp_path / "tasks.d"
    path.mkdir()
    return path
