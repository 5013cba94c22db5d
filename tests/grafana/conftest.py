"""Fixtures: the dashboards as they are committed, and a Prometheus in whose history everything happened."""

import json
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

with warnings.catch_warnings():
    # The SDK would rather have dashboards in a schema that only recent Grafana reads, and says so when imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana.build import DIRECTORY
    from grafana.check import VARIABLE, panels_of
    from grafana.frame import OVERVIEW_UID, TASK_UID

from tests.grafana.history import END, START, STEP, openmetrics
from tests.programs import component, run
from tests.prometheus import Prometheus, prometheus


@dataclass(frozen=True, slots=True)
class Series:
    """A series of an answer, with its values."""

    labels: Mapping[str, str]
    values: list[float]

    @property
    def value(self) -> float:
        """The last one."""
        return self.values[-1]


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard, whose queries are run as Grafana runs them."""

    document: dict[str, Any]
    prometheus: Prometheus
    choice: Mapping[str, str]
    """The value chosen of some variables; of the others, all are."""
    interval: int = STEP

    def panel(self, title: str) -> dict[str, Any]:
        """The panel with a title."""
        return next(dict(panel) for panel in panels_of(self.document) if panel["title"] == title)

    def show(self, title: str, ref_id: str = "A") -> list[Series]:
        """The answer to a query of a panel."""
        return self.ask(next(target for target in self.panel(title)["targets"] if target["refId"] == ref_id))

    def ask(self, target: Mapping[str, Any]) -> list[Series]:
        """The answer to a query, of all of the history or of its end."""
        expr = VARIABLE.sub(self._value, target["expr"])
        if target.get("instant"):
            found = self.prometheus.api("query", query=expr, time=str(END))["result"]
            return [Series(series["metric"], [float(series["value"][1])]) for series in found]
        span = {"start": str(START), "end": str(END), "step": str(self.interval)}
        found = self.prometheus.api("query_range", query=expr, **span)["result"]
        return [Series(series["metric"], [float(value) for _, value in series["values"]]) for series in found]

    def _value(self, match: re.Match[str]) -> str:
        name = match[1] or match[2]
        chosen = self.choice.get(name)
        built_in = {"__range": f"{END - START}s", "__interval": f"{self.interval}s", "__rate_interval": f"{4 * STEP}s"}
        if name in built_in:
            return built_in[name]
        if chosen is None:
            return ".+"
        return re.escape(chosen).replace("\\ ", " ") if ":regex" in match[0] else chosen


def document_of(uid: str) -> dict[str, Any]:
    return dict(json.loads((DIRECTORY / f"{uid}.json").read_text(encoding="utf-8")))


@pytest.fixture
def overview(server: Prometheus) -> Board:
    return Board(document_of(OVERVIEW_UID), server, {})


@pytest.fixture
def task(server: Prometheus) -> Board:
    return Board(document_of(TASK_UID), server, {"task": "inventory-prod", "job": "ninedata"})


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that holds the history and scrapes nothing."""
    folder = tmp_path_factory.mktemp("prometheus")
    text = folder / "history.txt"
    text.write_text(openmetrics(), encoding="utf-8")
    run(component("promtool"), "tsdb", "create-blocks-from", "openmetrics", text, folder / "data")
    with prometheus(folder, {}, "--storage.tsdb.retention.time=100y") as running:
        yield running
