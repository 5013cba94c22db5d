"""The results as Markdown."""

import os
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from bench.maths import Spread, fit, growth, percentile
from bench.measure import Series
from bench.plan import EXPORTER, FLOOR, HEADLINE, LARGE, NO_LATENCY, SMALL, USUAL_CONCURRENCY
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


def goals(results: Results) -> str:
    """What was to be reached, and what was."""
    rows = list(_goals(results))
    rows += [(way, f"{START_SECONDS[way]:g} s", shown(spread, 2, " s")) for way, spread in results.startup.items()]
    return table(("this exporter", "to be reached", "measured"), rows)


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


def _goals(results: Results) -> Iterator[tuple[str, str, str]]:
    headline, small = results.find(EXPORTER, HEADLINE), results.find(EXPORTER, SMALL)
    idle, large = results.find(EXPORTER, NO_LATENCY), results.find(EXPORTER, LARGE)
    if headline and (ratio := times_ideal(headline)):
        yield f"wall / ideal, {_case(headline)}", "1.4; aim 1.15", shown(ratio, 2)
    if idle:
        yield f"CPU per task, {_case(idle)}", "0.8 ms; aim 0.45", shown(cpu_per_task(idle), 2, " ms")
        yield "memory before the first scrape", "80 MiB", f"{idle.idle_mib:.0f} MiB"
    if large:
        yield f"peak memory, {large.case.tasks} tasks", "200 MiB", f"{large.peak_mib:.0f} MiB"
    if small:
        seconds = [one.run.seconds * 1e3 for one in small.rounds]
        yield (
            f"wall, {_case(small)}",
            "75 ms",
            f"{shown(wall(small), 3, ' s')}, 95 % within {percentile(seconds, 95):.0f} ms",
        )


def _case(series: Series) -> str:
    case = series.case
    return f"{case.tasks} tasks of {_latency(case.latency_seconds)}, {case.concurrency} at once"


def _latency(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms"


_HEAD = (
    "tasks",
    "latency",
    "at once",
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
