"""Contenders that are scraped as Prometheus scrapes: this project, and the script."""

import gzip
import http.client
import re
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import yaml

from bench.contenders.contender import Case, Run
from bench.processes import Process, python
from exporter.sandbox import ACCESS_KEY_ID, SECRET_KEY, fleet

HEADERS = {
    "Accept": "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
    "User-Agent": "Prometheus/2.42.0",
    "X-Prometheus-Scrape-Timeout-Seconds": "300",
}
MAX_SECONDS = 600.0
START_SECONDS = 30.0

_ANSWERED = re.compile(r"^\w*precheck_up\{.*\} 1\.0$", re.MULTILINE)


class Scraped:
    """Is asked for its metrics over a connection that is kept."""

    def __init__(self, process: Process, base_url: str) -> None:
        self.process = process
        self._connection = http.client.HTTPConnection(urllib.parse.urlsplit(base_url).netloc, timeout=MAX_SECONDS)

    def run(self) -> Run:
        """Scrape it once."""
        began = time.perf_counter()
        self._connection.request("GET", "/metrics", headers=HEADERS)
        response = self._connection.getresponse()
        body = response.read()
        seconds = time.perf_counter() - began
        text = (gzip.decompress(body) if response.getheader("content-encoding") == "gzip" else body).decode()
        samples = sum(not line.startswith("#") for line in text.splitlines())
        return Run(seconds, len(_ANSWERED.findall(text)), len(body), samples)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def exporter(case: Case, api_url: str, folder: Path) -> Iterator[Scraped]:
    """This project."""
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(configuration(case, api_url)), "utf-8")
    flags = (f"--config.file={config}", "--web.listen-address=127.0.0.1:0", "--log.level=info")
    with (
        Process(python("-m", "exporter", *flags), folder / "exporter.log") as process,
        closing(Scraped(process, _listening(process))) as scraped,
    ):
        yield scraped


@contextmanager
def script(case: Case, api_url: str, folder: Path) -> Iterator[Scraped]:
    """What one would write in an afternoon."""
    with (
        Process(python("-m", "bench.script", api_url, str(case.tasks)), folder / "script.log") as process,
        closing(Scraped(process, process.hear())) as scraped,
    ):
        yield scraped


def configuration(case: Case, api_url: str) -> dict[str, object]:
    """The exporter's, with all tasks of a case."""
    return {
        "api": {
            "base_url": api_url,
            "access_key_id": ACCESS_KEY_ID,
            "secret_key": SECRET_KEY,
            "concurrency": case.concurrency,
        },
        "tasks": [
            {"task_id": task.task_id, "precheck_task_id": task.precheck_task_id, "name": task.name}
            for task in fleet(case.tasks)
        ],
    }


def _listening(process: Process) -> str:
    """Where the exporter says that it listens."""
    deadline = time.monotonic() + START_SECONDS
    while process.running() and time.monotonic() < deadline:
        found = re.search(r"address=127\.0\.0\.1:(\d+)", process.errors.read_text("utf-8"))
        if found:
            return f"http://127.0.0.1:{found[1]}"
        time.sleep(0.005)
    raise RuntimeError(f"the exporter did not start: {process.errors.read_text('utf-8')[-2000:]}")
