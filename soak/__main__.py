"""`make soak`: prints what it measures, and in the end the verdict; exit status 0 where all stayed flat, or 1."""

import argparse
import sys
from collections.abc import Sequence

from soak.run import Extent, soak
from soak.verdict import MIN_SAMPLES, Sample, verdict_on


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="soak", description="Scrape for a long while with faults in the mix.")
    parser.add_argument("--scrapes", type=int, default=3000, help="how many")
    parser.add_argument("--tasks", type=int, default=100, help="how many are watched")
    parser.add_argument("--every", type=int, default=25, help="scrapes between two measurements")
    parser.add_argument("--rounds", type=int, default=4, help="how often everything goes wrong for a warm-up")
    parser.add_argument("--seed", type=int, default=1, help="another one makes other faults")
    flags = parser.parse_args(arguments)
    if not 0 < flags.every * MIN_SAMPLES <= flags.scrapes:
        parser.error(f"--scrapes must be at least {MIN_SAMPLES} times --every: a verdict needs as many measurements")
    record = soak(Extent(flags.scrapes, flags.tasks, flags.every, flags.rounds, flags.seed), _tell)
    verdict = verdict_on(record.samples, record.failures)
    for failure in record.failures:
        print(failure)  # noqa: T201 - its purpose
    print(f"{verdict.text}; seed {flags.seed}; glibc gave free memory back at once")  # noqa: T201 - its purpose
    return 0 if verdict.flat else 1


def _tell(sample: Sample) -> None:
    print(  # noqa: T201 - its purpose
        f"{sample.scrapes:6} scrapes: {sample.memory_kib / 1024:.1f} MiB, {sample.descriptors} descriptors, "
        f"{sample.threads} threads, {sample.series} series",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
