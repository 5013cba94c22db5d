"""Fixtures: exporters as processes, and sandboxes of the API that they watch."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.sandbox import fleet
from tests.program.launcher import Api, Launcher, launching
from tests.program.process import Exporter, until
from tests.secrecy import Watch

FLEET = fleet(12)
IDS = [task.task_id for task in FLEET]


@dataclass
class Shared:
    """An exporter that watches twelve tasks, with few requests at a time and a long request timeout."""

    api: Api
    exporter: Exporter


@pytest.fixture
def launch(tmp_path: Path, secrecy: Watch) -> Iterator[Launcher]:
    with launching(tmp_path, secrecy) as launcher:
        yield launcher


@pytest.fixture(scope="session")
def _shared(tmp_path_factory: pytest.TempPathFactory, secrecy: Watch) -> Iterator[Shared]:
    with launching(tmp_path_factory.mktemp("shared"), secrecy) as launcher:
        api = launcher.serve(*FLEET)
        yield Shared(api, launcher.watch(api, api={"concurrency": 4, "request_timeout": "60s"}))


@pytest.fixture
def shared(_shared: Shared) -> Shared:
    """The one exporter of most tests; all is well when a test begins."""
    _shared.api.sandbox.reset()
    until(lambda: set(_shared.exporter.scrape().up.values()) == {1}, 10, "all tasks are up")
    _shared.api.sandbox.requests.clear()
    return _shared
