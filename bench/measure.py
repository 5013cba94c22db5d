"""The measurements: what they cost, as plain numbers."""

import gzip
import http.client
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.process import Process, running, seconds_of
from bench.tasks import ACCESS_KEY_ID, SECRET_KEY, tasks

CONCURRENCY = 64
HEADERS = {
    "Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
    "X-Prometheus-Scrape-Timeout-Seconds": "300",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """One run over all tasks."""

    seconds: float
    cpu_seconds: float


class RunningExporter:
    """An exporter process that is scraped as Prometheus scrapes."""

    def __init__(self, process: Process, port: int, count: int) -> None:
        self._process = process
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self._count = count
        self.requests = 0.0
        """To the API, so far."""

    def scrape(self) -> Cost:
        """Scrape once. Raises RuntimeError unless every task is up."""
        began, used = time.perf_counter(), self._process.cpu_seconds()
        self._connection.request("GET", "/metrics", headers=HEADERS)
        response = self._connection.getresponse()
        body = response.read()
        cost = Cost(time.perf_counter() - began, self._process.cpu_seconds() - used)
        text = (gzip.decompress(body) if response.getheader("content-encoding") == "gzip" else body).decode()
        up = len(re.findall(r"^ninedata_precheck_up\{.*\} 1\.0$", text, re.MULTILINE))
        if up != self._count:
            raise RuntimeError(f"{up} of {self._count} tasks are up")
        sent = re.findall(r"^ninedata_api_requests_total\{.*\} (.*)$", text, re.MULTILINE)
        self.requests = sum(map(float, sent))
        return cost

    def peak_mib(self) -> float:
        """The most resident memory that it ever had."""
        return self._process.peak_mib()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def api(latency_seconds: float) -> Iterator[str]:
    """A running API; gives its base URL."""
    with running("-m", "bench.api", str(latency_seconds)) as process:
        yield process.read_line()


@contextmanager
def exporter(base_url: str, count: int, *, task_status: bool = False) -> Iterator[RunningExporter]:
    """A running exporter that accepts connections and watches this number of tasks."""
    with TemporaryDirectory(prefix="bench-") as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        config = write_config(Path(folder), base_url, count, task_status=task_status)
        free.close()
        flags = (f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error")
        with running("-m", "exporter", *flags) as process:
            _await_port(process, port)
            scraped = RunningExporter(process, port, count)
            try:
                yield scraped
            finally:
                scraped.close()


def write_config(folder: Path, base_url: str, count: int, *, task_status: bool = False) -> Path:
    """Write a configuration with this number of tasks. JSON is YAML."""
    api_section = {
        "base_url": base_url,
        "access_key_id": ACCESS_KEY_ID,
        "secret_key": SECRET_KEY,
        "concurrency": CONCURRENCY,
    }
    listed = [{"task_id": task_id, "precheck_task_id": precheck_id} for task_id, precheck_id in tasks(count)]
    config = folder / "config.yaml"
    config.write_text(json.dumps({"api": api_section, "task_status": task_status, "tasks": listed}), "utf-8")
    return config


def side_by_side(latency_seconds: float, count: int, rounds: int) -> list[tuple[Cost, Cost]]:
    """Costs of the exporter and of raw aiohttp, in turns, so that both meet the same moods of the machine."""
    with (
        api(latency_seconds) as url,
        exporter(url, count) as scraped,
        running("-m", "bench.floor", url, str(count), str(CONCURRENCY)) as floor,
    ):
        floor.read_line()
        scraped.scrape()
        _run_floor(floor, count)  # both are warm now
        return [(scraped.scrape(), _run_floor(floor, count)) for _ in range(rounds)]


def task_status_costs(count: int, rounds: int) -> Iterator[tuple[float, float, float]]:
    """What `task_status: true` costs, in turns with an exporter without it.

    CPU seconds of a scrape, and multiples of the CPU and of the requests without it.
    """
    with api(0) as url, exporter(url, count) as plain, exporter(url, count, task_status=True) as full:
        plain.scrape()
        full.scrape()
        for _ in range(rounds):
            # Several scrapes each, because the garbage collector does not work the same in each.
            pairs = [(plain.scrape().cpu_seconds, full.scrape().cpu_seconds) for _ in range(4)]
            cheap, dear = map(sum, zip(*pairs, strict=True))
            yield dear / len(pairs), dear / cheap, full.requests / plain.requests


def peak_mib(count: int, scrapes: int) -> float:
    """The exporter's peak memory over some scrapes."""
    with api(0) as url, exporter(url, count) as scraped:
        for _ in range(scrapes):
            scraped.scrape()
        return scraped.peak_mib()


def start_up(count: int) -> dict[str, Callable[[], float]]:
    """For each way to start the exporter, a function that measures it in seconds."""

    def first_scrape() -> float:
        with api(0) as url:
            began = time.perf_counter()
            with exporter(url, count) as scraped:
                scraped.scrape()
                return time.perf_counter() - began

    def check() -> float:
        with TemporaryDirectory(prefix="bench-") as folder:
            config = write_config(Path(folder), "http://127.0.0.1:1", count)
            return seconds_of(["-m", "exporter", "--config.check", f"--config.file={config}"])

    return {
        "start to first scrape answered": first_scrape,
        "`--config.check`": check,
        "`--version`": lambda: seconds_of(["-m", "exporter", "--version"]),
    }


def _run_floor(process: Process, count: int) -> Cost:
    began, used = time.perf_counter(), process.cpu_seconds()
    process.write_line()
    answered = int(process.read_line())
    cost = Cost(time.perf_counter() - began, process.cpu_seconds() - used)
    if answered != count:
        raise RuntimeError(f"raw aiohttp had {answered} of {count} answers")
    return cost


def _await_port(process: Process, port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        process.check_running()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.005)
        else:
            return
    raise RuntimeError("the exporter does not listen")
