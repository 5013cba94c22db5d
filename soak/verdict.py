"""Whether what was measured is flat. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

WARM_UP = 0.25
"""The share of the scrapes that counts as warm-up: pools, caches and the allocator fill up."""
GROWTH_KIB = 2 * 1024
"""The memory by which the line through the measurements may rise from the warm-up to the end: less is noise."""
MIN_SAMPLES = 2
GROWTH_DESCRIPTORS = 2.0
GROWTH_THREADS = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What the exporter holds after so many scrapes, while nothing is wrong."""

    scrapes: int
    memory_kib: int
    descriptors: int
    threads: int
    series: int
    troubles: Mapping[str, int] = field(default_factory=dict)
    """How often each thing has gone wrong until then."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a run."""

    flat: bool
    text: str


def verdict_on(samples: Sequence[Sample], failures: Sequence[str]) -> Verdict:
    """Judge a run by its samples, and by the scrapes that were not as they should have been.

    Raises:
        ValueError: fewer than two samples, through which there is no line.
    """
    if len(samples) < MIN_SAMPLES:
        raise ValueError(f"a verdict needs {MIN_SAMPLES} samples, not {len(samples)}")
    counted = [sample for sample in samples if sample.scrapes > WARM_UP * samples[-1].scrapes]
    scrapes = counted[-1].scrapes - counted[0].scrapes
    memory = slope(counted, lambda sample: sample.memory_kib)
    descriptors = slope(counted, lambda sample: sample.descriptors)
    threads = slope(counted, lambda sample: sample.threads)
    series = sorted({sample.series for sample in counted})
    grown = {
        "memory": memory * scrapes > GROWTH_KIB,
        "descriptors": descriptors * scrapes > GROWTH_DESCRIPTORS,
        "threads": threads * scrapes > GROWTH_THREADS,
        "series": len(series) > 1,
    }
    faults = [name for name, has_grown in grown.items() if has_grown]
    first, last = counted[0], counted[-1]
    troubles = {name: times - first.troubles.get(name, 0) for name, times in last.troubles.items()}
    figures = (
        f"memory {memory * 1024:+.1f} bytes per scrape "
        f"({first.memory_kib / 1024:.1f} to {last.memory_kib / 1024:.1f} MiB), "
        f"descriptors {descriptors:+.5f} ({first.descriptors} to {last.descriptors}), "
        f"threads {threads:+.5f} ({first.threads} to {last.threads}), "
        f"series {' or '.join(map(str, series))}; "
        f"{len(counted)} measurements over {scrapes} scrapes after {first.scrapes} of warm-up"
        f"; in them {', '.join(f'{times} {name}' for name, times in sorted(troubles.items())) or 'no trouble'}"
    )
    flat = not faults and not failures
    words = "flat" if flat else f"NOT flat: {', '.join([*faults, *failures[:3]])}"
    return Verdict(flat, f"{words}: {figures}")


def slope(samples: Sequence[Sample], value: Callable[[Sample], float]) -> float:
    """The rise of the line of least squares through the values, per scrape; 0 for fewer than two samples."""
    count = len(samples)
    middle = sum(sample.scrapes for sample in samples) / count
    spread = sum((sample.scrapes - middle) ** 2 for sample in samples)
    mean = sum(value(sample) for sample in samples) / count
    rise = sum((sample.scrapes - middle) * (value(sample) - mean) for sample in samples)
    return rise / spread if spread else 0.0
