"""The soak: what counts as flat, and a tiny run."""

import random
import re
from pathlib import Path
from unittest import mock

import pytest

from soak.__main__ import main
from soak.subject import Subject
from soak.verdict import Sample, verdict_on

SCRAPES = 2000


def samples(**growth: float) -> list[Sample]:
    """A run with the usual noise, in which some measurements grow by so much over the whole of it."""
    chance = random.Random(1)  # noqa: S311 - no secret

    def value(name: str, start: int, noise: int, scrapes: int) -> int:
        return start + round(growth.get(name, 0) * scrapes / SCRAPES) + chance.randrange(noise)

    return [
        Sample(
            scrapes,
            value("memory_kib", 60_000, 500, scrapes),
            value("descriptors", 20, 2, scrapes),
            value("threads", 4, 2, scrapes),
            value("series", 1500, 1, scrapes),
        )
        for scrapes in range(25, SCRAPES + 1, 25)
    ]


def test_noise_is_flat() -> None:
    good, text = verdict_on(samples(), [])
    assert good
    assert text.startswith("flat: memory_kib ")
    assert text.endswith("; 60 measurements over 1475 scrapes")


@pytest.mark.parametrize(("name", "growth"), [("memory_kib", 4096), ("descriptors", 6), ("threads", 4), ("series", 2)])
def test_what_grows_is_named(name: str, growth: float) -> None:
    good, text = verdict_on(samples(**{name: growth}), [])
    assert not good
    assert text.startswith(f"NOT flat: {name}: ")


def test_growth_during_the_warm_up_does_not_count() -> None:
    filling = [Sample(n, 60_000 + min(n, 500) * 20, 20, 4, 1500) for n in range(25, SCRAPES + 1, 25)]
    assert verdict_on(filling, [])[0]


def test_a_failed_scrape_is_not_good() -> None:
    good, text = verdict_on(samples(), ["9 of 10 tasks are up after scrape 75"])
    assert not good
    assert text.startswith("NOT flat: 9 of 10 tasks are up after scrape 75: ")


def test_errors_in_the_log_are_complaints_once(tmp_path: Path) -> None:
    """A broken reload is on purpose; a traceback is no line of the log; a line may still be incomplete."""
    log = tmp_path / "log"
    subject = Subject(mock.Mock(), 0, log)
    good = 'ts=1 level=warn msg="level=error, it says"\nts=1 level=error msg="configuration not reloaded"\n'
    log.write_text(f"{good}ts=1 level=error msg=bug\nTraceback\nts=2 level=er")
    assert subject.complaints() == ["the log says: ts=1 level=error msg=bug", "the log says: Traceback"]
    assert subject.complaints() == []


def test_a_tiny_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing fails in it; whether memory grows, so short a run cannot show."""
    main(["--scrapes=8", "--tasks=3", "--every=2"])
    *measured, verdict = capsys.readouterr().out.splitlines()
    assert [re.match(r"Sample\(scrapes=(\d)", line) is not None for line in measured] == [True] * 4
    assert verdict.endswith("; seed 1")
