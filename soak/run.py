"""The run: scrapes, things that go wrong, and measurements while nothing is wrong."""

import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import bcrypt

from exporter.sandbox import ACCESS_KEY_ID, SECRET_KEY, fleet
from soak.subject import AUTHORIZATION, PASSWORD, USER, Subject, running
from soak.verdict import Sample

FAULTS: tuple[dict[str, object], ...] = (
    {"kind": "http_error", "status": 503},
    {"kind": "api_error", "message": "password=hunter2 of user:hunter2@db.example"},
    {"kind": "auth"},
    {"kind": "rate_limited", "retry_after": 0},
    {"kind": "not_found"},
    {"kind": "slow", "seconds": 0.3},
    {"kind": "hang"},
    {"kind": "away"},
)
BYTES = (
    b"GET /metr",
    b"\x16\x03\x01",
    b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
    f"GET /metrics HTTP/1.1\r\nHost: e\r\nAuthorization: {AUTHORIZATION}\r\n\r\n".encode(),
)


class Run:
    """Scrapes an exporter that watches a sandbox. The same seed makes the same choices."""

    def __init__(self, exporter: Subject, sandbox: Subject, folder: Path, tasks: int, seed: int) -> None:
        self.failures: list[str] = []
        self._exporter = exporter
        self._sandbox = sandbox
        self._folder = folder
        self._task_ids = [task.task_id for task in fleet(tasks)]
        self._random = random.Random(seed)  # noqa: S311 - no secret

    def go(self, scrapes: int, every: int, on_sample: Callable[[Sample], None]) -> None:
        """Do a number of scrapes; something is wrong at one in three; measure after `every`."""
        troubles = (self._faults, self._clients, self._crowd, self._reloads, self._files, self._pages)
        for trouble in troubles:
            trouble()
        for number in range(1, scrapes + 1):
            if number % every == 0:
                on_sample(self._measure(number))
            elif self._random.random() < 1 / 3:
                self._random.choice(troubles)()
            else:
                self._scrape(30)

    def _scrape(self, timeout: float) -> str:
        began = time.monotonic()
        status, text = self._exporter.request("/metrics", {"X-Prometheus-Scrape-Timeout-Seconds": str(timeout)})
        took = time.monotonic() - began
        if status != 200 or took > timeout + 1:  # noqa: PLR2004 - a busy machine may be late by less than a second
            self.failures.append(f"a scrape with status {status} took {took:.1f} s of {timeout} s")
        return text

    def _measure(self, number: int) -> Sample:
        time.sleep(0.2)
        lines = self._scrape(30).splitlines()
        up = sum(line.startswith("ninedata_precheck_up{") and line.endswith(" 1.0") for line in lines)
        if up != len(self._task_ids):
            self.failures.append(f"{up} of {len(self._task_ids)} tasks are up after scrape {number}")
        self.failures += self._exporter.complaints()
        return Sample(number, *self._exporter.held(), sum(not line.startswith("#") for line in lines))

    @contextmanager
    def _fault(self, fault: dict[str, object], name: str = "") -> Iterator[None]:
        self._sandbox.request(f"/sandbox/faults/{name}".rstrip("/"), method="PUT", body=json.dumps(fault))
        yield
        self._sandbox.request("/sandbox/faults", method="DELETE")

    def _faults(self) -> None:
        """One fault for all tasks, one for one task."""
        for name in ("", self._random.choice(self._task_ids)):
            with self._fault(self._random.choice(FAULTS), name):
                self._scrape(1.2)

    def _clients(self) -> None:
        """Clients that send something and go away."""
        with self._fault({"kind": "hang"}):
            for _ in range(20):
                self._exporter.send(self._random.choice(BYTES))

    def _crowd(self) -> None:
        """Many scrapes at once."""
        with ThreadPoolExecutor(20) as pool:
            for _ in range(20):
                pool.submit(self._scrape, 10)

    def _reloads(self) -> None:
        """Good and broken reloads."""
        config = self._folder / "config.yaml"
        good = config.read_text()
        for text, expected in ((good, 200), ("api: {", 500), (good, 200)) * 3:
            config.write_text(text)
            status, answer = self._exporter.request("/-/reload", method="POST")
            if status != expected:
                self.failures.append(f"a reload was answered with {status}: {answer[:200]}")

    def _files(self) -> None:
        """A wrong secret and another task file, each for longer than the exporter needs to notice."""
        more = self._folder / "tasks-more.yaml"
        (self._folder / "secret").write_text("wrong")
        more.write_text('[{"task_id": "cd-gone-1", "precheck_task_id": "pcte-1"}]')
        time.sleep(1.2)
        self._scrape(1.2)
        (self._folder / "secret").write_text(SECRET_KEY)
        more.unlink()
        time.sleep(1.2)

    def _pages(self) -> None:
        """All pages, and a wrong password."""
        for path in ("/", f"/tasks/{self._task_ids[0]}", "/nowhere", "/sd", "/metrics?collect[]=exporter"):
            self._exporter.request(path, {"Accept": self._random.choice(["text/html", "application/json"])})
        self._exporter.request("/", {"Authorization": "Basic c3RyYW5nZXI6aW4gdGhlIG5pZ2h0"})


def soak(tasks: int, scrapes: int, every: int, seed: int, on_sample: Callable[[Sample], None]) -> list[str]:
    """A whole run; returns what failed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        flags = [f"--fleet={tasks}", "--latency-seconds=0.002"]
        with running("exporter.sandbox", flags, "--listen-address", folder / "sandbox.log") as sandbox:
            flags = [
                f"--config.file={folder}/config.yaml",
                f"--web.config.file={folder}/web.yaml",
                "--web.enable-lifecycle",
            ]
            _write_files(folder, sandbox.port, tasks)
            with running("exporter", flags, "--web.listen-address", folder / "exporter.log") as exporter:
                run = Run(exporter, sandbox, folder, tasks, seed)
                run.go(scrapes, every, on_sample)
                return run.failures


def _write_files(folder: Path, port: int, tasks: int) -> None:
    """The exporter's files, as JSON, which is YAML."""
    api = {"base_url": f"http://127.0.0.1:{port}", "access_key_id": ACCESS_KEY_ID, "secret_key_file": "secret"}
    config = {"api": {**api, "concurrency": 8, "request_timeout": "1s"}, "task_files": ["tasks*.yaml"]}
    listed = [{"task_id": task.task_id, "precheck_task_id": task.precheck_task_id} for task in fleet(tasks)]
    users = {USER: bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()}
    for name, content in {
        "config.yaml": json.dumps({**config, "discovery": {"replication": {"enabled": True}}}),
        "secret": SECRET_KEY,
        "tasks.yaml": json.dumps(listed),
        "web.yaml": json.dumps({"basic_auth_users": users}),
    }.items():
        (folder / name).write_text(content)
