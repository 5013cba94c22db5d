"""A real Prometheus that scrapes every second."""

import contextlib
import json
import re
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

FIRST_SCRAPE_SECONDS = 60.0


class Prometheus:
    """Answers queries over its HTTP API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def api(self, path: str, **parameters: str) -> object:
        """The `data` of an answer."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=10) as response:  # noqa: S310
            return json.load(response)["data"]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series of an instant query."""
        data = self.api("query", query=expression)
        assert isinstance(data, dict)
        return [(series["metric"], float(series["value"][1])) for series in data["result"]]

    def by(self, label: str, expression: str) -> dict[str, float]:
        """The values of a query by one of its labels, which must tell them apart."""
        found = self.query(expression)
        values = {labels[label]: value for labels, value in found}
        assert len(values) == len(found), found
        return values


@contextlib.contextmanager
def scraping(
    program: str, target: str, folder: Path, jobs: Mapping[str, Mapping[str, object]] | None = None
) -> Iterator[Prometheus]:
    """A Prometheus that has scraped the target once, and ends with the context.

    `jobs` gives the names of the jobs that scrape it, and what else is configured for each.
    """
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [target]}], **more}
            for name, more in (jobs or {"ninedata": {}}).items()
        ],
    }
    with configured(program, config, folder) as prometheus:
        yield prometheus


@contextlib.contextmanager
def configured(program: str, config: Mapping[str, object], folder: Path) -> Iterator[Prometheus]:
    """A Prometheus that has scraped one of its targets once, and ends with the context."""
    (folder / "prometheus.yml").write_text(yaml.safe_dump(dict(config)))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - the program asked for
            [
                program,
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                "--web.listen-address=127.0.0.1:0",
                "--query.lookback-delta=10s",
                "--scrape.discovery-reload-interval=100ms",
                "--log.level=info",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield _awaited(process, folder / "log")
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _awaited(process: subprocess.Popen[bytes], log: Path) -> Prometheus:
    """Once it has scraped; about five seconds pass before it does for the first time."""
    deadline = time.monotonic() + FIRST_SCRAPE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r'msg="Listening on".* address=(\S+)', log.read_text())
        if found:
            prometheus = Prometheus(f"http://{found[1]}")
            with contextlib.suppress(OSError):  # it listens before it answers
                if prometheus.query("up == 1"):
                    return prometheus
        time.sleep(0.1)
    raise AssertionError(f"Prometheus has not scraped: {log.read_text()}")
