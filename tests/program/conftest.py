"""Fixtures: exporters as processes, and sandboxes of the API that they watch."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program.launcher import Launcher, launching
from tests.secrecy import Watch


@pytest.fixture
def launch(tmp_path: Path, secrecy: Watch) -> Iterator[Launcher]:
    with launching(tmp_path, secrecy) as launcher:
        yield launcher
