"""The run: scrapes, faults, and measurements in between, while all is well."""

import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import bcrypt
import yaml

from exporter.sandbox import Handle, Sandbox, Task, fleet, run_in_thread
from exporter.sandbox.faults import (
    ApiError,
    Body,
    CloseAfter,
    CutOff,
    Delay,
    Drip,
    Drop,
    Endless,
    Fault,
    Garbage,
    Hang,
    HttpStatus,
    Huge,
    HugeHeaders,
    Patch,
    RateLimited,
    Redirect,
    Reset,
)
from soak.subject import AUTHORIZATION, PASSWORD, USER, Subject, started
from soak.verdict import Sample

CONCURRENCY = 8
PATIENT_SECONDS = 30.0
HASTY_SECONDS = 1.2
"""What a scraper allows while something is wrong."""
FAULTY = 0.3
"""The share of the scrapes at which something is wrong."""
# How often each happens when it is its turn. There are only dozens of turns: a leak of a few KiB would be lost in what
# the memory rises and falls by, if it did not happen many times in each of them.
CLIENTS_GONE = 20
CLIENTS_AT_ONCE = 20
RELOADS = 10
FILES_CHANGED = 5
LOOKS_AROUND = 5
OTHER_TASKS = 50
"""Tasks that come and go. Of each the exporter keeps 1.3 KiB, of 10,000 at the most: no leak, but it would hide one."""
GRACE_SECONDS = 1.0
"""A scrape that is late by less is the fault of a machine that has other work as well."""
FAULTS: Sequence[Fault] = (
    ApiError(error_code="INTERNAL", message="password=hunter2 of user:hunter2@db.example"),
    Body(content=b"{" * 1000),
    Body(content=b"<html>log in</html>", content_type="text/html"),
    CloseAfter(),
    CutOff(),
    Delay(delay_seconds=0.3),
    Drip(seconds=0.05),
    Drop(),
    Endless(),
    Garbage(),
    Hang(),
    HttpStatus(status=503, body="html"),
    HttpStatus(status=401),
    Huge(size=8 * 1024 * 1024),
    HugeHeaders(size=100_000),
    Patch(data={"status": "Failed", "precheckItems": [{"status": "Failed", "errorMessage": "why " * 500}] * 20}),
    RateLimited(retry_after=0),
    Redirect(location="http://elsewhere.example/"),
    Reset(),
)
_TO_ASK = {"X-Prometheus-Scrape-Timeout-Seconds": "1"}
_ASK = (
    "GET /metrics HTTP/1.1\r\nHost: exporter\r\nX-Prometheus-Scrape-Timeout-Seconds: 1\r\n"
    f"Authorization: {AUTHORIZATION}\r\n\r\n"
).encode()
_STRANGER = {"Authorization": "Basic c3RyYW5nZXI6aW4gdGhlIG5pZ2h0"}
_LIST = "replication/list"
"""The id that the sandbox has for the list of replication tasks."""


@dataclass(slots=True)
class Record:
    """What a run gave."""

    samples: list[Sample] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Scrapes that were late, or not whole although nothing was wrong, and errors in the log."""
    troubles: Counter[str] = field(default_factory=Counter)
    """How often each thing went wrong, after the warm-up of `Run.warm_up`."""


class Run:
    """Scrapes an exporter that watches a sandbox."""

    def __init__(self, tasks: Sequence[Task], chance: random.Random, folder: Path, sandbox: Handle) -> None:
        self.record = Record()
        self._tasks = tasks
        self._chance = chance
        self._folder = folder
        self._sandbox = sandbox
        self._config: dict[str, object] = {
            "api": {
                "base_url": sandbox.base_url,
                "access_key_id": sandbox.access_key_id,
                "secret_key_file": "secret",
                "concurrency": CONCURRENCY,
                "request_timeout": "1s",
            },
            "task_files": ["tasks*.yaml"],
            "discovery": {"replication": {"enabled": True}},
            "probe": {"allow_unlisted": True},
        }
        self.config = folder / "config.yaml"
        self.web_config = folder / "web.yaml"
        hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
        self.web_config.write_text(yaml.safe_dump({"basic_auth_users": {USER: hashed}}))
        self._put_right()

    def warm_up(self, subject: Subject, rounds: int) -> None:
        """Meet everything that can go wrong: each has its most memory at once, of which the allocator keeps a part."""
        for _ in range(rounds):
            for fault in FAULTS:
                self._sandbox.set_fault(fault)
                self._scrape(subject, HASTY_SECONDS)
                self._sandbox.clear()
            for trouble in dict.fromkeys(self._troubles()):
                trouble(subject)
        self.record.troubles.clear()

    def go(self, subject: Subject, scrapes: int, every: int, tell: Callable[[Sample], None]) -> None:
        """Do so many scrapes; measure after each `every` of them."""
        for number in range(1, scrapes + 1):
            if number % every == 0:
                sample = self._measured(subject, number)
                self.record.samples.append(sample)
                tell(sample)
            elif self._chance.random() < FAULTY:
                self._chance.choice(self._troubles())(subject)
            else:
                self._scrape(subject, PATIENT_SECONDS)

    def _troubles(self) -> list[Callable[[Subject], None]]:
        often = [self._fault_of_all, self._fault_of_one] * 3
        return [*often, self._client_gone, self._clients_at_once, self._reload, self._files_change, self._look_around]

    def _fault_of_all(self, subject: Subject) -> None:
        self.record.troubles["faults of all"] += 1
        self._sandbox.set_fault(self._chance.choice(FAULTS))
        self._scrape(subject, HASTY_SECONDS)
        self._sandbox.clear()

    def _fault_of_one(self, subject: Subject) -> None:
        self.record.troubles["faults of one"] += 1
        about = [_LIST, *(task.task_id for task in self._tasks)]
        self._sandbox.set_fault(self._chance.choice(FAULTS), self._chance.choice(about))
        self._scrape(subject, HASTY_SECONDS)
        self._sandbox.clear()

    def _client_gone(self, subject: Subject) -> None:
        self._sandbox.set_fault(Hang())
        for _ in range(CLIENTS_GONE):
            self.record.troubles["clients gone"] += 1
            subject.say(_ASK, 0.02)
            subject.say(
                self._chance.choice([b"GET /metr", b"\x16\x03\x01", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n"])
            )
        self._sandbox.clear()

    def _clients_at_once(self, subject: Subject) -> None:
        self.record.troubles["clients at once"] += CLIENTS_AT_ONCE
        statuses = subject.crowd(CLIENTS_AT_ONCE, "/metrics", _TO_ASK)
        if set(statuses) != {200}:
            self.record.failures.append(f"clients at once were answered with {statuses}")

    def _reload(self, subject: Subject) -> None:
        for _ in range(RELOADS):
            self.record.troubles["reloads"] += 1
            if self._chance.random() < 0.5:  # noqa: PLR2004 - every second time
                self.config.write_text("api: {")
                if subject.reload():
                    self.record.failures.append("a broken configuration was taken")
                self._put_right()
            if not subject.reload():
                self.record.failures.append("a configuration was not taken")
        subject.hang_up()
        time.sleep(0.1)

    def _files_change(self, subject: Subject) -> None:
        for _ in range(FILES_CHANGED):
            self.record.troubles["changed files"] += 1
            (self._folder / "secret").write_text("wrong")
            other = [{"task_id": f"cd-gone-{self._chance.randrange(OTHER_TASKS)}", "precheck_task_id": "pcte-1"}]
            (self._folder / "tasks-more.yaml").write_text(yaml.safe_dump(other))
            self._scrape(subject, HASTY_SECONDS)
            (self._folder / "tasks-more.yaml").unlink()
            self._put_right()

    def _look_around(self, subject: Subject) -> None:
        for _ in range(LOOKS_AROUND):
            self.record.troubles["looks around"] += 1
            unlisted = f"/probe?task_id=cd-unlisted-{self._chance.randrange(OTHER_TASKS)}&precheck_task_id=pcte-1"
            for path in (
                "/",
                f"/tasks/{self._tasks[0].task_id}",
                "/nowhere",
                "/sd",
                unlisted,
                "/metrics?collect[]=exporter",
            ):
                subject.get(path, {"Accept": self._chance.choice(["text/html", "application/json"])})
            subject.get("/", _STRANGER)

    def _scrape(self, subject: Subject, seconds: float) -> str:
        began = time.monotonic()
        status, text = subject.get("/metrics", {"X-Prometheus-Scrape-Timeout-Seconds": str(seconds)})
        took = time.monotonic() - began
        if status != 200 or took > seconds + GRACE_SECONDS:  # noqa: PLR2004 - HTTP's OK
            self.record.failures.append(f"a scrape with status {status} after {took:.1f} of {seconds:g} s")
        return text

    def _measured(self, subject: Subject, number: int) -> Sample:
        """While nothing is wrong, and with as many connections to the API as there may be."""
        time.sleep(0.2)
        self._sandbox.reset()
        self._sandbox.set_fault(Delay(delay_seconds=0.05))
        text = self._scrape(subject, PATIENT_SECONDS)
        self._sandbox.clear()
        lines = text.splitlines()
        up = sum(line.startswith("ninedata_precheck_up{") and line.endswith(" 1.0") for line in lines)
        self.record.failures += subject.complaints()
        if up != len(self._tasks):
            self.record.failures.append(f"{up} of {len(self._tasks)} tasks up after scrape {number}")
        held = subject.held()
        series = sum(not line.startswith("#") for line in lines)
        return Sample(number, held.memory_kib, held.descriptors, held.threads, series, dict(self.record.troubles))

    def _put_right(self) -> None:
        """All files as they should be."""
        self.config.write_text(yaml.safe_dump(self._config))
        (self._folder / "secret").write_text(self._sandbox.secret_key)
        # The others are discovered.
        named = [task for task in self._tasks if task.precheck_task_id]
        listed = [{"task_id": task.task_id, "precheck_task_id": task.precheck_task_id} for task in named]
        (self._folder / "tasks.yaml").write_text(yaml.safe_dump(listed))


@dataclass(frozen=True, slots=True)
class Extent:
    """How long a run is. The same seed makes the same choices."""

    scrapes: int
    tasks: int
    """One in five is a replication task, which is discovered."""
    every: int
    """Scrapes between two measurements."""
    rounds: int
    """Of warming up."""
    seed: int


def soak(extent: Extent, tell: Callable[[Sample], None]) -> Record:
    """A whole run."""
    found = extent.tasks // 5
    watched = (*fleet(extent.tasks - found), *fleet(found, kind="replication"))
    with tempfile.TemporaryDirectory() as name, run_in_thread(Sandbox(watched)) as sandbox:
        folder = Path(name)
        run = Run(watched, random.Random(extent.seed), folder, sandbox)  # noqa: S311 - no secret
        with started(run.config, run.web_config, folder / "log") as subject:
            run.warm_up(subject, extent.rounds)
            run.go(subject, extent.scrapes, extent.every, tell)
        run.record.failures += subject.complaints()
        return run.record
