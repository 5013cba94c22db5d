"""The results as Markdown."""

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bench.maths import Spread, fit, growth
from bench.measure import Series
from bench.plan import EXPORTER, FAILING, FLOOR, HEADLINE, LARGE, NO_LATENCY, SMALL, USUAL_CONCURRENCY
from bench.results import Results, api_cpu_per_task, cpu_per_task, times_ideal, wall
from bench.startup import START_SECONDS

LIBRARIES = ("aiohttp", "httpx", "prometheus-client", "starlette", "uvicorn")


def markdown(results: Results, command: str) -> str:
    """The whole report."""
    parts = [f"Measured with `{command}` on {machine()}.", goals(results), growths(results), side_by_side(results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def machine() -> str:
    """What it ran on."""
    cpuinfo = Path("/proc/cpuinfo").read_text("utf-8")
    model = next((line.partition(": ")[2] for line in cpuinfo.splitlines() if line.startswith("model name")), "CPU")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{len(os.sched_getaffinity(0))} cores of {model}, {memory:.0f} GiB, {platform.system()} "
        f"{platform.release().partition('-')[0]}, Python {platform.python_version()}, {libraries}"
    )


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that is to be no more than its limit, and better no more than its aim."""

    what: str
    unit: str
    limit: float
    measured: float
    """What is judged, in the unit of the limit."""
    shown: str
    aim: float | None = None

    def row(self) -> tuple[str, str, str, str]:
        """For the table: what, what is to be reached, what is measured, and what of it is reached."""
        wanted = f"{self.limit:g}{self.unit}"
        verdict = "limit kept" if self.measured <= self.limit else "limit NOT kept"
        if self.aim is not None:
            wanted += f"; aim {self.aim:g}"
            verdict += ", aim reached" if self.measured <= self.aim else ", aim not reached"
        return self.what, wanted, self.shown, verdict


def goals(results: Results) -> str:
    """What was to be reached, and what was."""
    found = list(_goals(results))
    found += [
        Goal(way, " s", START_SECONDS[way], spread.median, shown(spread, 2, " s"))
        for way, spread in results.startup.items()
    ]
    return table(("this exporter", "to be reached", "measured", ""), [goal.row() for goal in found])


def growths(results: Results) -> str:
    """How the exporter's cost grows with the number of tasks."""
    lines = []
    for latency in sorted({s.case.latency_seconds for s in results.series}):
        series = results.growing(EXPORTER, latency, USUAL_CONCURRENCY)
        if len(series) > 1:
            points = [(float(s.case.tasks), cpu_per_task(s).median * s.case.tasks) for s in series]
            line, power = fit(points), growth(points[1:]) if len(points) > 2 else growth(points)  # noqa: PLR2004 - two
            lines.append(
                (_latency(latency), f"{line.intercept:.0f} ms + {line.slope:.3f} ms per task", f"N^{power:.2f}")
            )
    return table(("latency", "CPU of a scrape of N tasks, as a straight line", "grows as"), lines)


def side_by_side(results: Results) -> str:
    """Every series in a row."""
    return table(_HEAD, [_row(results, series) for series in results.series])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; nothing where it has no rows."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) if rows else ""


def shown(spread: Spread, digits: int, unit: str = "") -> str:
    """The median, and from where to where."""
    return f"{spread.median:.{digits}f}{unit} ({spread.least:.{digits}f}-{spread.most:.{digits}f})"


def _goals(results: Results) -> Iterator[Goal]:
    for case in (HEADLINE, NO_LATENCY, LARGE, *FAILING):
        series = results.find(EXPORTER, case)
        if series:
            yield from _goals_of(series)
    small = results.find(EXPORTER, SMALL)
    if small:
        # Of so few tasks the slowest scrape counts, not the usual one.
        seconds = wall(small)
        most = seconds.most * 1e3
        yield Goal(f"wall, {_case(small)}", " ms", 75, most, f"{shown(seconds, 3, ' s')}, all within {most:.0f} ms")


def _goals_of(series: Series) -> Iterator[Goal]:
    """The same whether items fail or not."""
    case = series.case
    ratio, cpu = times_ideal(series), cpu_per_task(series)
    if case.tasks == LARGE.tasks:
        yield Goal(f"peak memory, {_case(series)}", " MiB", 200, series.peak_mib, f"{series.peak_mib:.0f} MiB")
    elif ratio:
        yield Goal(f"wall / ideal, {_case(series)}", "", 1.4, ratio.median, shown(ratio, 2), 1.15)
    else:
        yield Goal(f"CPU per task, {_case(series)}", " ms", 0.8, cpu.median, shown(cpu, 3, " ms"), 0.45)
        if not case.failing:
            yield Goal("memory before the first scrape", " MiB", 80, series.idle_mib, f"{series.idle_mib:.0f} MiB")


def _case(series: Series) -> str:
    case = series.case
    failing = f", {case.failing} of {case.items} items failing" if case.failing else ""
    return f"{case.tasks} tasks of {_latency(case.latency_seconds)}, {case.concurrency} at once{failing}"


def _latency(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms"


_HEAD = (
    "tasks",
    "latency",
    "at once",
    "items failing",
    "",
    "wall",
    "wall / ideal",
    "CPU per task",
    "CPU / floor",
    "API's CPU",
    "peak memory",
    "samples",
    "KiB",
)


def _row(results: Results, series: Series) -> list[str]:
    case, last = series.case, series.rounds[-1].run
    ratio, beside = times_ideal(series), results.cpu_beside(FLOOR, series)
    return [
        str(case.tasks),
        _latency(case.latency_seconds),
        str(case.concurrency),
        f"{case.failing} of {case.items}",
        series.contender,
        shown(wall(series), 3, " s"),
        shown(ratio, 2) if ratio else "",
        shown(cpu_per_task(series), 2, " ms"),
        f"{beside:.1f}" if beside else "",
        f"{api_cpu_per_task(series).median:.2f} ms",
        f"{series.peak_mib:.0f} MiB",
        str(last.samples or ""),
        f"{last.size / 1024:.0f}" if last.size else "",
    ]
