"""A Prometheus with a history, and what is asked of it."""

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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.grafana.history import END, START, STEP

Labels = Mapping[str, str]

_COMPONENTS = Path(__file__).parents[2] / ".components"


@dataclass(frozen=True, slots=True)
class Series:
    """A series of an answer with its last value."""

    labels: Labels
    value: float


class QueryError(Exception):
    """Prometheus refuses an expression."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """The server's HTTP API."""

    url: str

    def check(self, expr: str) -> None:
        """Raises QueryError where the expression cannot be parsed."""
        self._get("format_query", query=expr)

    def instant(self, expr: str) -> list[Series]:
        """The answer at the end of the history."""
        found = self._get("query", query=expr, time=str(END))["result"]
        return [Series(series["metric"], float(series["value"][1])) for series in found]

    def range(self, expr: str) -> list[Series]:
        """The answer for all of the history."""
        found = self._get("query_range", query=expr, start=str(START), end=str(END), step=str(STEP))["result"]
        return [Series(series["metric"], float(series["values"][-1][1])) for series in found]

    def label_values(self, call: str) -> list[str]:
        """The answer to `label_values(selector, label)`, as Grafana asks for it."""
        match = re.fullmatch(r"label_values\((.+),\s*(\w+)\)", call)
        assert match, call
        query = {"match[]": match[1], "start": str(START), "end": str(END)}
        return list(self._get(f"label/{match[2]}/values", **query))

    def _get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        body = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{body}", timeout=30) as answer:  # noqa: S310
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise QueryError(json.load(error)["error"]) from None


@contextmanager
def prometheus(openmetrics: str, directory: Path) -> Iterator[Prometheus]:
    """A server that holds the history and scrapes nothing."""
    text, data, config = directory / "history.txt", directory / "data", directory / "prometheus.yml"
    text.write_text(openmetrics, encoding="utf-8")
    config.write_text("scrape_configs: []\n", encoding="utf-8")
    subprocess.run(  # noqa: S603 - our own command
        [_binary("promtool"), "tsdb", "create-blocks-from", "openmetrics", text, data],
        check=True,
        capture_output=True,
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    log = directory / "log"
    with log.open("w") as stderr:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [
                _binary("prometheus"),
                f"--config.file={config}",
                f"--storage.tsdb.path={data}",
                "--storage.tsdb.retention.time=100y",
                f"--web.listen-address={address}",
                "--log.level=warn",
            ],
            stderr=stderr,
        )
        try:
            _wait(f"http://{address}/-/ready", process, log)
            yield Prometheus(f"http://{address}")
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
