"""The results as a picture, in SVG. Both axes are logarithmic: what grows with the tasks is a straight line."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from bench.maths import ideal_seconds
from bench.plan import BLACKBOX, EXPORTER, FLOOR, SCRIPT, USUAL_CONCURRENCY, USUAL_LATENCY
from bench.results import Results, cpu_per_task, wall

IDEAL = "ideal"
STYLES: Mapping[str, tuple[str, str]] = {
    EXPORTER: ("#0969da", "stroke-width:3"),
    FLOOR: ("#57606a", "stroke-width:2"),
    BLACKBOX: ("#bc4c00", "stroke-width:2"),
    SCRIPT: ("#8250df", "stroke-width:2"),
    IDEAL: ("#1a7f37", "stroke-width:2;stroke-dasharray:5 4"),
}
WIDTH, HEIGHT = 440, 320
LEFT, RIGHT, TOP, BOTTOM = 70, 15, 50, 45

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes; all values exceed 0."""

    title: str
    unit: str
    lines: Mapping[str, Points]


def plot(results: Results) -> str:
    """The whole picture."""
    panels = [_walls(results), _cpus(results)]
    names = [name for name in STYLES if any(name in panel.lines for panel in panels)]
    size = f"{WIDTH * len(panels)} {HEIGHT + 30}"
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        *_legend(names),
    ]
    for index, panel in enumerate(panels):
        body += [f'<g transform="translate({index * WIDTH} 30)">', *_drawn(panel), "</g>"]
    return "\n".join([*body, "</svg>"]) + "\n"


def _walls(results: Results) -> Panel:
    lines: dict[str, Points] = {}
    for name in STYLES:
        series = results.growing(name, USUAL_LATENCY, USUAL_CONCURRENCY)
        if series:
            lines[name] = [(s.case.tasks, wall(s).median) for s in series]
    counts = [x for x, _ in lines.get(EXPORTER, ())]
    if counts:
        lines[IDEAL] = [(x, ideal_seconds(int(x), USUAL_CONCURRENCY, USUAL_LATENCY)) for x in counts]
    title = f"Time of a scrape, answers after {USUAL_LATENCY * 1e3:.0f} ms, {USUAL_CONCURRENCY} requests at once"
    return Panel(title, "s", lines)


def _cpus(results: Results) -> Panel:
    lines: dict[str, Points] = {}
    for name in STYLES:
        series = results.growing(name, 0.0, USUAL_CONCURRENCY)
        if series:
            lines[name] = [(s.case.tasks, cpu_per_task(s).median * s.case.tasks / 1e3) for s in series]
    return Panel("CPU of a scrape, answers at once", "s", lines)


def _legend(names: Sequence[str]) -> Iterator[str]:
    for index, name in enumerate(names):
        x = LEFT + index * 160
        colour, style = STYLES[name]
        yield f'<line x1="{x}" y1="18" x2="{x + 22}" y2="18" stroke="{colour}" style="{style}"/>'
        yield f'<text x="{x + 28}" y="22" fill="#1f2328">{escape(name)}</text>'


def _drawn(panel: Panel) -> Iterator[str]:
    values = [point for points in panel.lines.values() for point in points]
    across = _Axis([x for x, _ in values], LEFT, WIDTH - RIGHT)
    up = _Axis([y for _, y in values], HEIGHT - BOTTOM, TOP)
    yield f'<text x="{LEFT}" y="{TOP - 16}" font-weight="bold" fill="#1f2328">{escape(panel.title)}</text>'
    for y in up.decades():
        yield f'<line x1="{LEFT}" y1="{up(y):.1f}" x2="{WIDTH - RIGHT}" y2="{up(y):.1f}" stroke="#d0d7de"/>'
        yield f'<text x="{LEFT - 6}" y="{up(y) + 4:.1f}" text-anchor="end" fill="#57606a">{y:g} {panel.unit}</text>'
    for x in sorted({x for x, _ in values}):
        yield f'<line x1="{across(x):.1f}" y1="{TOP}" x2="{across(x):.1f}" y2="{HEIGHT - BOTTOM}" stroke="#eaeef2"/>'
        yield (f'<text x="{across(x):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" fill="#57606a">{x:g}</text>')
    yield f'<text x="{(LEFT + WIDTH) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle" fill="#57606a">tasks</text>'
    for name, points in panel.lines.items():
        colour, style = STYLES[name]
        path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" style="{style}"/>'
        if name != IDEAL:
            yield from (f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3" fill="{colour}"/>' for x, y in points)


class _Axis:
    """A logarithmic one, of whole decades."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self._lowest = math.floor(math.log10(min(values)))
        self._highest = max(math.ceil(math.log10(max(values))), self._lowest + 1)
        self._start = start
        self._end = end

    def __call__(self, value: float) -> float:
        share = (math.log10(value) - self._lowest) / (self._highest - self._lowest)
        return self._start + share * (self._end - self._start)

    def decades(self) -> list[float]:
        """The powers of ten on it."""
        return [10.0**power for power in range(self._lowest, self._highest + 1)]
