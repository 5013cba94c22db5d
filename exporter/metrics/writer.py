"""The text of gauges, written as prometheus-client writes it, in a tenth of the time.

prometheus-client builds each line from its parts and looks at every character of a metric's name. Here what all lines
of a family have in common is built once, and what all lines of a task have in common once per task.
"""

import functools
from collections.abc import Iterable, Sequence

from prometheus_client.utils import floatToGoString

from exporter.metrics.families import Family

# A sample: the values of the family's own labels, and the value.
Row = tuple[tuple[str, ...], float]


class Writer:
    """Writes the series of one family; `shared` are the labels that it has beside its own."""

    def __init__(self, family: Family, shared: Sequence[str] = ()) -> None:
        self._family = family
        # A template of a template: filled with the shared values, it has places for the family's own and the value.
        labels = ",".join(
            f'{name}="%s"' if name in shared else f'{name}="%%s"' for name in sorted((*shared, *family.labels))
        )
        self._template = f"{family.name}{{{labels}}} %%s\n"
        self._lines: list[str] = []

    def write(self, rows: Iterable[Row], shared: tuple[str, ...] = ()) -> None:
        """Add series; `shared` are the values of the shared labels in the alphabetical order of these, see `prepared`.

        The family's own labels are declared in alphabetical order.
        """
        template = self._template % shared
        self._lines.append("".join([template % _cells(row) for row in rows]))

    def text(self) -> bytes:
        """The whole family, the same in the text format and in OpenMetrics; nothing where it has no series."""
        lines = "".join(self._lines)
        name = self._family.name
        return f"# HELP {name} {self._family.help}\n# TYPE {name} gauge\n{lines}".encode() if lines else b""


def prepared(values: Iterable[str]) -> tuple[str, ...]:
    """The values of shared labels, to be written any number of times."""
    return tuple(_escaped(value).replace("%", "%%") for value in values)


# Check items and their statuses are the same in most tasks and every scrape.
@functools.lru_cache(maxsize=1024)
def _cells(row: Row) -> tuple[str, ...]:
    values, value = row
    number = floatToGoString(value)  # type: ignore[no-untyped-call] # a text, as its name says
    return (*map(_escaped, values), number)


def _escaped(value: str) -> str:
    """A label's value as both formats write it."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
