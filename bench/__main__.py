"""`python -m bench` measures and prints the report; `--write` puts it into docs/performance.md as well."""

import argparse
import os
import re
import sys
from collections.abc import Iterable

from bench.measure import Series, measure
from bench.plan import Step, quick, whole
from bench.plot import plot
from bench.processes import ROOT
from bench.report import markdown
from bench.results import Results, cpu_per_task, wall
from bench.startup import startup

PAGE = ROOT / "docs/performance.md"
PICTURE = ROOT / "docs/images/performance.svg"
BUSY = 0.5

_PLACE = re.compile(r"(?<=<!-- results -->\n).*(?=<!-- end of results -->)", re.DOTALL)


def main() -> None:
    """Read the flags, measure, and tell."""
    parser = argparse.ArgumentParser(prog="make bench", allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="a look at it, in half a minute")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and its picture")
    flags = parser.parse_args()
    if os.getloadavg()[0] > BUSY:
        _say(f"the machine is busy (load {os.getloadavg()[0]:.1f}): the figures will be worse than they need be")
    series = list(_measured(quick() if flags.quick else whole()))
    results = Results(series, startup(5))
    report = markdown(results, "make bench" + (" ARGS=--quick" if flags.quick else ""))
    sys.stdout.write(report)
    if flags.write:
        page = PAGE.read_text("utf-8")
        PAGE.write_text(_PLACE.sub(lambda _: f"\n{report}\n", page), "utf-8")
        PICTURE.write_text(plot(results), "utf-8")


def _measured(steps: Iterable[Step]) -> Iterable[Series]:
    for step in steps:
        for series in measure(step.case, step.contenders, step.rounds):
            case = series.case
            _say(
                f"{case.tasks} tasks, {case.latency_seconds * 1e3:.0f} ms, {case.concurrency} at once, "
                f"{case.failing} of {case.items} items failing, {series.contender}: "
                f"{wall(series).median:.3f} s, {cpu_per_task(series).median:.3f} ms CPU per task"
            )
            yield series


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
