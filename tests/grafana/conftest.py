"""Fixtures: the dashboards as they are committed, and a Prometheus in whose history everything happened."""

import json
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

with warnings.catch_warnings():
    # The SDK would rather have dashboards in a schema that only recent Grafana reads, and says so when imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    import grafana.check  # noqa: F401 - imports all of the SDK that is used

from grafana.build import DIRECTORY
from grafana.links import OVERVIEW_UID, TASK_UID
from tests.grafana.history import openmetrics
from tests.grafana.server import Prometheus, prometheus

UIDS = (OVERVIEW_UID, TASK_UID)


@pytest.fixture(params=UIDS)
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each dashboard in turn."""
    return _read(request.param)


@pytest.fixture
def overview() -> dict[str, Any]:
    return _read(OVERVIEW_UID)


@pytest.fixture
def task() -> dict[str, Any]:
    return _read(TASK_UID)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with prometheus(openmetrics(), tmp_path_factory.mktemp("prometheus")) as running:
        yield running


def _read(uid: str) -> dict[str, Any]:
    return dict(json.loads((DIRECTORY / f"{uid}.json").read_text(encoding="utf-8")))
