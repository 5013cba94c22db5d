"""A real Prometheus that scrapes every second."""

import contextlib
import json
import re
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from tests.program.process import until


class Prometheus:
    """Answers queries over its HTTP API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def api(self, path: str, **parameters: str) -> object:
        """The `data` of an answer."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=10) as response:  # noqa: S310 - local
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
def scraping(program: str, jobs: Mapping[str, Mapping[str, object]], folder: Path) -> Iterator[Prometheus]:
    """A Prometheus with these jobs that has scraped once, about five seconds after its start."""
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{"job_name": name, **job} for name, job in jobs.items()],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    flags = [
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        "--web.listen-address=127.0.0.1:0",
        "--query.lookback-delta=10s",
        "--scrape.discovery-reload-interval=100ms",
    ]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([program, *flags], stdout=output, stderr=output)  # noqa: S603 - the program asked for
    try:
        until(lambda: re.search(r'msg="Listening on".* address=\S+', log.read_text()), 60, "Prometheus listens")
        found = re.search(r'msg="Listening on".* address=(\S+)', log.read_text())
        assert found
        prometheus = Prometheus(f"http://{found[1]}")
        until(lambda: _has_scraped(prometheus), 60, "Prometheus has scraped")
        yield prometheus
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _has_scraped(prometheus: Prometheus) -> bool:
    with contextlib.suppress(OSError):  # it listens before it answers
        return bool(prometheus.query("up == 1"))
    return False
