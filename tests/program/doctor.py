"""`--doctor` as a user runs it: what it prints, as a document and as a table, and how it ends."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.program.process import Launcher

CHECKS = ["configuration", "name", "tcp", "tls", "answer", "clock", "key", "discovery", "task", "time", "assumption"]
LEVELS = {"ok", "warning", "fault", "skipped"}


@dataclass(frozen=True)
class Found:
    """A finding of the JSON report."""

    check: str
    subject: str
    level: str
    what: str
    advice: str


@dataclass(frozen=True)
class Diagnosis:
    """An examination that is over."""

    status: int
    findings: list[Found]

    def of(self, check: str) -> list[Found]:
        """The findings of a check."""
        return [found for found in self.findings if found.check == check]

    def one(self, check: str) -> Found:
        """The only finding of a check."""
        (found,) = self.of(check)
        return found

    @property
    def faults(self) -> list[Found]:
        return self._of_level("fault")

    @property
    def warnings(self) -> list[Found]:
        return self._of_level("warning")

    @property
    def skipped(self) -> list[str]:
        """The checks that were left out."""
        return [found.check for found in self._of_level("skipped")]

    def _of_level(self, level: str) -> list[Found]:
        return [found for found in self.findings if found.level == level and found.check != "assumption"]


class Doctor:
    """Examines, and sees to it that every report is one that it may be."""

    def __init__(self, launch: Launcher) -> None:
        self.launch = launch

    def examine(
        self, config: Mapping[str, object] | Path, *flags: str, env: Mapping[str, str] | None = None
    ) -> Diagnosis:
        """The JSON report on a configuration, or on the file that has one."""
        path = config if isinstance(config, Path) else self.launch.config(config)
        return self.run(f"--config.file={path}", *flags, env=env)

    def run(self, *flags: str, env: Mapping[str, str] | None = None) -> Diagnosis:
        """The JSON report that these flags give."""
        process = self.launch.begin("--doctor", "--doctor.format=json", *flags, env=env)
        status = process.wait()
        assert process.stderr == ""
        document = json.loads(process.stdout)
        assert set(document) == {"version", "examined", "good", "complete", "findings"}
        findings = [Found(**found) for found in document["findings"]]
        assert {found.level for found in findings} <= LEVELS
        order = [CHECKS.index(found.check) for found in findings]
        assert order == sorted(order)
        assert all(found.advice for found in findings if found.level in ("fault", "warning"))
        at_fault = any(found.level == "fault" for found in findings)
        assert (document["complete"], document["good"], status) == (True, not at_fault, int(at_fault))
        return Diagnosis(status, findings)

    def table(self, *flags: str) -> tuple[int, str]:
        """The exit status and the report for people."""
        process = self.launch.begin("--doctor", *flags)
        status = process.wait()
        assert process.stderr == ""
        return status, process.stdout
