"""Whether the measurements of a run are flat. Pure."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WARM_UP = 0.25
"""The share of the scrapes that does not count: pools, caches and the allocator fill up."""
GROWTH: Mapping[str, float] = {"memory_kib": 2048, "descriptors": 2, "threads": 1, "series": 0.5}
"""How far the regression line of each measurement may rise; less is noise."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the exporter holds after a number of scrapes, while nothing is wrong."""

    scrapes: int
    memory_kib: int
    descriptors: int
    threads: int
    series: int


def verdict_on(samples: Sequence[Sample], failures: Sequence[str]) -> tuple[bool, str]:
    """Whether the run was good, and a line with all figures. Needs two samples after the warm-up."""
    counted = [sample for sample in samples if sample.scrapes > WARM_UP * samples[-1].scrapes]
    scrapes = [sample.scrapes for sample in counted]
    faults, figures = list(failures[:3]), []
    for name, limit in GROWTH.items():
        values = [getattr(sample, name) for sample in counted]
        growth = statistics.linear_regression(scrapes, values).slope * (scrapes[-1] - scrapes[0])
        figures.append(f"{name} {growth:+.1f} ({values[0]} to {values[-1]})")
        if growth > limit:
            faults.append(name)
    measured = f"{', '.join(figures)}; {len(counted)} measurements over {scrapes[-1] - scrapes[0]} scrapes"
    words = "NOT flat: " + ", ".join(faults) if faults else "flat"
    return not faults, f"{words}: {measured}"
