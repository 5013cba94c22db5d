"""prometheus-blackbox-exporter: one probe per task, which says no more than whether its precheck passed."""

import asyncio
import gzip
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import yaml

from bench.contenders.contender import Case, Run
from bench.processes import ROOT, Process
from exporter.ninedata.signing import signature, timestamp_of
from exporter.sandbox import ACCESS_KEY_ID, SECRET_KEY, fleet

PROGRAM = ROOT / ".bench/usr/bin/prometheus-blackbox-exporter"
PATH = "/openapi/v1/comparedata/precheck/status"
HEADERS = {"Accept-Encoding": "gzip"}
GZIP = b"\x1f\x8b"
START_SECONDS = 10.0


class Blackbox:
    """Is probed for one task after the other, as many at once as the case wants."""

    def __init__(self, process: Process, base_url: str, api_url: str, case: Case) -> None:
        self.process = process
        self._urls = [
            f"{base_url}/probe?{urlencode({'module': 'precheck', 'target': _target(api_url, *ids)})}"
            for ids in ((task.task_id, task.precheck_task_id) for task in fleet(case.tasks))
        ]
        self._concurrency = case.concurrency

    def run(self) -> Run:
        """Probe every task."""
        return asyncio.run(self._probe_all())

    async def _probe_all(self) -> Run:
        urls = iter(self._urls)
        connector = aiohttp.TCPConnector(limit=0)
        # What is measured ends with the last byte: it is decompressed afterwards, as with the other contenders.
        async with aiohttp.ClientSession(connector=connector, headers=HEADERS, auto_decompress=False) as session:
            began = time.perf_counter()
            bodies = await asyncio.gather(*(_work(session, urls) for _ in range(self._concurrency)))
            seconds = time.perf_counter() - began
        return counted(seconds, [body for worker in bodies for body in worker])


def counted(seconds: float, bodies: Sequence[bytes]) -> Run:
    """A run from the bodies of its probes' answers, as they came over the wire."""
    texts = [(gzip.decompress(body) if body.startswith(GZIP) else body).decode() for body in bodies]
    samples = sum(not line.startswith("#") for text in texts for line in text.splitlines())
    answered = sum("\nprobe_success 1\n" in text for text in texts)
    return Run(seconds, answered, sum(map(len, bodies)), samples)


@contextmanager
def blackbox(case: Case, api_url: str, folder: Path) -> Iterator[Blackbox]:
    """The distribution's. Its signature is fixed, so that it is good for ten minutes."""
    config, port = folder / "blackbox.yaml", _free_port()
    config.write_text(yaml.safe_dump(_configuration()), "utf-8")
    flags = (f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error")
    with Process([str(PROGRAM), *flags], folder / "blackbox.log") as process:
        _await_listening(process, port)
        yield Blackbox(process, f"http://127.0.0.1:{port}", api_url, case)


async def _work(session: aiohttp.ClientSession, urls: Iterator[str]) -> list[bytes]:
    bodies = []
    for url in urls:
        async with session.get(url) as response:
            bodies.append(await response.read())
    return bodies


def _target(api_url: str, task_id: str, precheck_task_id: str) -> str:
    return f"{api_url}{PATH}?taskId={task_id}&precheckTaskId={precheck_task_id}"


def _configuration() -> dict[str, object]:
    timestamp = timestamp_of(datetime.now(UTC))
    http = {
        "headers": {
            "access-key-id": ACCESS_KEY_ID,
            "timestamp": timestamp,
            "signature": signature(PATH, SECRET_KEY, timestamp),
        },
        "fail_if_body_not_matches_regexp": ['"status": "Success"'],
    }
    return {"modules": {"precheck": {"prober": "http", "timeout": "30s", "http": http}}}


def _free_port() -> int:
    """A port that is free now; it takes none by itself."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _await_listening(process: Process, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.running() and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"the blackbox exporter did not start: {process.errors.read_text('utf-8')[-2000:]}")
