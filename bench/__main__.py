"""`python -m bench` measures and prints a table; `--write` puts it into docs/performance.md as well."""

import argparse
import math
import os
import platform
import re
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bench.measure import CONCURRENCY, peak_mib, side_by_side, start_up, task_status_costs
from bench.process import ROOT

PAGE = ROOT / "docs" / "performance.md"
TASKS = 1000
LATENCY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table: values of several runs, and the limit that their median must keep."""

    name: str
    form: str
    limit: float
    values: Sequence[float]

    def row(self) -> str:
        """The row in Markdown."""
        least, middle, most = (
            self.form.format(value) for value in (min(self.values), statistics.median(self.values), max(self.values))
        )
        spread = f" ({least} to {most})" if len(self.values) > 1 else ""
        return f"| {self.name} | {self.form.format(self.limit)} | {middle}{spread} | {'yes' if self.kept else 'NO'} |"

    @property
    def kept(self) -> bool:
        """Whether the limit is kept."""
        return statistics.median(self.values) <= self.limit


def figures(tasks: int, rounds: int, say: Callable[[str], None]) -> Iterator[Figure]:
    """Measure everything, with 5 times as many tasks for the memory."""
    say(f"{tasks} tasks at {LATENCY_SECONDS * 1000:.0f} ms")
    ideal = math.ceil(tasks / CONCURRENCY) * LATENCY_SECONDS
    walls = [scraped.seconds / ideal for scraped, _ in side_by_side(LATENCY_SECONDS, tasks, rounds)]
    yield Figure(f"wall time / ideal, {tasks} tasks at 50 ms", "{:.2f}", 1.15, walls)
    say(f"{tasks} tasks at 0 ms")
    costs = side_by_side(0, tasks, 3 * rounds)
    per_task = [scraped.cpu_seconds / tasks * 1000 for scraped, _ in costs]
    yield Figure(f"CPU per task, {tasks} tasks at 0 ms", "{:.2f} ms", 0.36, per_task)
    ratios = [scraped.cpu_seconds / floor.cpu_seconds for scraped, floor in costs]
    yield Figure("the same / raw aiohttp in the same run", "{:.2f}", 2.6, ratios)
    say(f"{tasks} tasks with task_status: true")
    cpu, dearer, requests = zip(*task_status_costs(tasks, rounds), strict=True)
    yield Figure("requests with `task_status: true` / without", "{:.1f}", 3.0, requests)
    per_task = [seconds / tasks * 1000 for seconds in cpu]
    yield Figure("CPU per task with `task_status: true`, at 0 ms", "{:.2f} ms", 2.6 * 0.36, per_task)
    yield Figure("the same / without `task_status: true`", "{:.2f}", 2.6, dearer)
    say(f"{5 * tasks} tasks")
    yield Figure(f"peak memory, {5 * tasks} tasks", "{:.0f} MiB", 120, [peak_mib(5 * tasks, 3)])
    limits = {"start to first scrape answered": 0.6, "`--config.check`": 0.3, "`--version`": 0.3}
    for name, measured in start_up(10).items():
        say(name)
        yield Figure(name, "{:.2f} s", limits[name], [measured() for _ in range(rounds)])


def table(measured: Sequence[Figure]) -> str:
    """The table and what it was measured on, in Markdown."""
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    libraries = ", ".join(f"{name} {version(name)}" for name in ("aiohttp", "httpx", "prometheus-client"))
    where = (
        f"Measured on {len(os.sched_getaffinity(0))} cores of {cpu[1] if cpu else platform.machine()}, "
        f"Python {platform.python_version()}, {libraries}; {CONCURRENCY} requests at once."
    )
    head = "| what | limit | median (least to most) | kept |\n|---|---|---|---|"
    return "\n".join([where, "", head, *(figure.row() for figure in measured)])


def main() -> int:
    """Measure and print; returns 1 if a limit is not kept."""
    parser = argparse.ArgumentParser(prog="make bench", allow_abbrev=False)
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    parser.add_argument("--tasks", type=int, default=TASKS, help="number of tasks (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="runs of each measurement (default: %(default)s)")
    flags = parser.parse_args()
    measured = list(figures(flags.tasks, flags.rounds, lambda what: print(f"{what} ...", file=sys.stderr)))  # noqa: T201 - progress
    text = table(measured)
    print(text)  # noqa: T201 - the result
    if flags.write:
        between = r"(?<=<!-- figures -->\n).*(?=<!-- end of figures -->)"
        page = re.sub(between, lambda _: f"\n{text}\n\n", PAGE.read_text("utf-8"), flags=re.DOTALL)
        PAGE.write_text(page, "utf-8")
    return 0 if all(figure.kept for figure in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
