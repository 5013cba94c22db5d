"""Fixtures: the dashboards as they are committed, and a Prometheus in whose history everything happened."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    # The SDK would rather have dashboards in a schema that only recent Grafana reads, and says so when imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana.build import DIRECTORY
    from grafana.check import VARIABLE, panels_of
    from grafana.frame import OVERVIEW_UID, TASK_UID

from tests.grafana.history import END, START, STEP, openmetrics

_COMPONENTS = Path(__file__).parents[2] / ".components"


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
    url: str
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
            found = self._get("query", query=expr, time=str(END))
            return [Series(series["metric"], [float(series["value"][1])]) for series in found]
        span = {"start": str(START), "end": str(END), "step": str(self.interval)}
        found = self._get("query_range", query=expr, **span)
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

    def _get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        body = urllib.parse.urlencode(parameters).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}", body, timeout=30) as answer:  # noqa: S310
                return json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            pytest.fail(f"{json.load(error)['error']} in {parameters['query']}")


def document_of(uid: str) -> dict[str, Any]:
    return dict(json.loads((DIRECTORY / f"{uid}.json").read_text(encoding="utf-8")))


@pytest.fixture
def overview(prometheus: str) -> Board:
    return Board(document_of(OVERVIEW_UID), prometheus, {})


@pytest.fixture
def task(prometheus: str) -> Board:
    return Board(document_of(TASK_UID), prometheus, {"task": "inventory-prod", "job": "ninedata"})


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that holds the history and scrapes nothing."""
    directory = tmp_path_factory.mktemp("prometheus")
    text, data, config = directory / "history.txt", directory / "data", directory / "prometheus.yml"
    text.write_text(openmetrics(), encoding="utf-8")
    config.write_text("scrape_configs: []\n", encoding="utf-8")
    make = [_binary("promtool"), "tsdb", "create-blocks-from", "openmetrics", text, data]
    subprocess.run(make, check=True, capture_output=True)  # noqa: S603 - our own command
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    options = {"config.file": config, "storage.tsdb.path": data, "storage.tsdb.retention.time": "100y"}
    options |= {"web.listen-address": address, "log.level": "warn"}
    log = directory / "log"
    with log.open("w") as stderr:
        command = [_binary("prometheus"), *(f"--{name}={value}" for name, value in options.items())]
        process = subprocess.Popen(command, stderr=stderr)  # noqa: S603 - our own command
        try:
            _wait(f"http://{address}/-/ready", process, log)
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"Prometheus did not start: {log.read_text()}")


def _binary(name: str) -> str:
    found = shutil.which(name, path=f"{_COMPONENTS}{os.pathsep}{os.environ['PATH']}")
    if found:
        return found
    message = f"{name} is missing: run tools/components"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
