"""`make soak` prints each measurement, and the verdict in its last line; exit status 0 if it is good."""

import argparse
import sys
from collections.abc import Sequence

from soak.run import soak
from soak.verdict import Sample, verdict_on


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make soak", allow_abbrev=False)
    parser.add_argument("--scrapes", type=int, default=2000, help="number of scrapes (default: %(default)s)")
    parser.add_argument("--tasks", type=int, default=100, help="number of tasks (default: %(default)s)")
    parser.add_argument("--every", type=int, default=25, help="scrapes between measurements (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another one makes other choices (default: %(default)s)")
    flags = parser.parse_args(arguments)
    if not 0 < 4 * flags.every <= flags.scrapes:
        parser.error("--scrapes must be at least 4 times --every")
    samples: list[Sample] = []

    def on_sample(sample: Sample) -> None:
        samples.append(sample)
        print(sample, flush=True)  # noqa: T201 - the result

    failures = soak(flags.tasks, flags.scrapes, flags.every, flags.seed, on_sample)
    flat, text = verdict_on(samples, failures)
    print("\n".join([*failures, f"{text}; seed {flags.seed}"]))  # noqa: T201 - the result
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
