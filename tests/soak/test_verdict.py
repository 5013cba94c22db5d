"""The verdict of a soak: what counts as flat, and what it is based on."""

import random
from dataclasses import replace

import pytest

from soak.verdict import GROWTH_KIB, Sample, verdict_on

SCRAPES = 3000


def samples(memory: float = 0.0, descriptors: float = 0.0, threads: float = 0.0, series: float = 0.0) -> list[Sample]:
    """A run in which these grow by so much per scrape, with the noise that there is."""
    chance = random.Random(1)  # noqa: S311 - no secret
    return [
        Sample(
            scrapes,
            60_000 + round(memory * scrapes) + chance.randrange(500),
            20 + round(descriptors * scrapes) + chance.randrange(2),
            2 + round(threads * scrapes) + chance.randrange(2),
            1500 + round(series * scrapes),
        )
        for scrapes in range(25, SCRAPES + 1, 25)
    ]


def test_noise_is_flat() -> None:
    """The line says so, with all figures."""
    verdict = verdict_on(samples(), [])
    assert verdict.flat
    assert verdict.text.startswith("flat: memory ")
    assert "bytes per scrape" in verdict.text
    assert "series 1500;" in verdict.text
    assert "measurements over 2225 scrapes after 775 of warm-up" in verdict.text


@pytest.mark.parametrize(
    ("growth", "what"),
    [
        ({"memory": 2 * GROWTH_KIB / SCRAPES}, "memory"),
        ({"descriptors": 1 / 500}, "descriptors"),
        ({"threads": 1 / 500}, "threads"),
        ({"series": 1 / 500}, "series"),
    ],
    ids=["memory", "descriptors", "threads", "series"],
)
def test_what_grows_is_named(growth: dict[str, float], what: str) -> None:
    """Slowly, but with every scrape."""
    verdict = verdict_on(samples(**growth), [])
    assert not verdict.flat
    assert verdict.text.startswith(f"NOT flat: {what}: memory ")


def test_growth_during_the_warm_up_is_none() -> None:
    """Pools and caches fill up."""
    filling = [
        Sample(n, 60_000 + min(n, 700) * 20, 20 + min(n, 700) // 100, 2, 1400 + (100 if n > 700 else 0))
        for n in range(25, SCRAPES + 1, 25)
    ]
    assert verdict_on(filling, []).flat


def test_a_scrape_that_was_late_is_no_success() -> None:
    """Whatever the figures say."""
    verdict = verdict_on(samples(), ["99 of 100 tasks up after scrape 75"])
    assert not verdict.flat
    assert verdict.text.startswith("NOT flat: 99 of 100 tasks up after scrape 75: ")


def test_a_line_needs_two_samples() -> None:
    """One tells nothing."""
    with pytest.raises(ValueError, match="a verdict needs 2 samples, not 1"):
        verdict_on(samples()[:1], [])


def test_the_troubles_after_the_warm_up_are_told() -> None:
    """How often each happened in what is counted."""
    with_troubles = [replace(sample, troubles={"reloads": sample.scrapes}) for sample in samples()]
    assert "after 775 of warm-up; in them 2225 reloads" in verdict_on(with_troubles, []).text
