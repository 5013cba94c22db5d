"""A leak that only a rare trouble has is found in the mix of troubles that a soak really has."""

import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from exporter.sandbox import Handle, Sandbox, fleet, run_in_thread
from soak.run import Run
from soak.subject import Held, Subject
from soak.verdict import Verdict, verdict_on

SCRAPES = 3000
EVERY = 25


class Leaking(Subject):
    """No exporter, but answers as one: what it holds rises and falls, and grows at each trouble of a kind."""

    config: Path
    """What a reload reads."""

    def __init__(self, per_reload: float = 0.0, per_client: float = 0.0, complaint: str = "") -> None:
        self._chance = random.Random(1)  # noqa: S311 - no secret
        self._per_reload = per_reload
        self._per_client = per_client
        self._complaint = complaint
        self._leaked = 0.0

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        assert path
        assert headers
        return 200, "ninedata_precheck_up{} 1.0\n"

    def crowd(self, clients: int, path: str, headers: Mapping[str, str]) -> list[int]:
        assert path
        assert headers
        self._leaked += clients * self._per_client
        return [200]

    def say(self, request: bytes, wait: float = 0.0) -> None:
        assert request or wait

    def reload(self) -> bool:
        broken = self.config.read_text("utf-8") == "api: {"
        self._leaked += 0 if broken else self._per_reload
        return not broken

    def hang_up(self) -> None:
        self._leaked += self._per_reload

    def held(self) -> Held:
        # Creeps a little, by 50 bytes per scrape, as a healthy one was seen to.
        self._leaked += self._chance.uniform(0, 0.1) * EVERY
        return Held(61_000 + round(self._leaked) + self._chance.randrange(-300, 500), 20, 3)

    def complaints(self) -> list[str]:
        return [self._complaint] if self._complaint else []


Judge = Callable[[Leaking], Verdict]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Handle]:
    with run_in_thread(Sandbox(fleet(1))) as handle:
        yield handle


@pytest.fixture
def judge(sandbox: Handle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """The verdict on a whole run with a subject."""
    monkeypatch.setattr("soak.run.time.sleep", lambda _: None)

    def judged(subject: Leaking) -> Verdict:
        run = Run(fleet(1), random.Random(1), tmp_path, sandbox)  # noqa: S311 - no secret
        subject.config = run.config
        run.go(subject, SCRAPES, EVERY, lambda _: None)
        return verdict_on(run.record.samples, run.record.failures)

    return judged


def test_a_healthy_run_is_flat(judge: Judge) -> None:
    """And says how often each trouble happened."""
    verdict = judge(Leaking())
    assert verdict.flat, verdict.text
    for trouble in ("changed files", "clients at once", "clients gone", "looks around", "reloads"):
        assert f" {trouble}" in verdict.text


@pytest.mark.parametrize(
    "subject",
    [Leaking(per_reload=30), Leaking(per_reload=5), Leaking(per_client=3)],
    ids=["30 KiB per reload", "5 KiB per reload", "3 KiB per client"],
)
def test_a_leak_at_a_rare_trouble_is_found(judge: Judge, subject: Leaking) -> None:
    """Even one of a few KiB."""
    verdict = judge(subject)
    assert verdict.text.startswith("NOT flat: memory: memory +"), verdict.text


def test_a_complaint_in_the_log_is_no_success(judge: Judge) -> None:
    """Whatever the figures say."""
    verdict = judge(Leaking(complaint="the log says: ts=1 level=error msg=why"))
    assert verdict.text.startswith("NOT flat: the log says: ts=1 level=error msg=why, "), verdict.text
