"""Check the dashboards without a server: `python -m grafana.check`. Exit status 1 and a line per problem, or 0.

It checks what is written by hand: queries and widths. What `panels` and `frame` do alike for every panel is not
checked again, and links are for `tools.check_documents`.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from grafana.build import DIRECTORY, built

Document = Mapping[str, Any]
"""A dashboard, or a part of one, as parsed JSON."""

VARIABLE = re.compile(r"\$(?:\{(\w+)[^}]*\}|([A-Za-z_]\w*))")
"""A variable in a text: `$name`, `${name:format}` or `${name.path}`."""

_BUILT_IN = {"__data", "__field", "__url_time_range", "__range", "__interval", "__rate_interval", "__all"}
_SELECTOR = re.compile(r"\b(ninedata[\w:]+|up|scrape_\w+|ALERTS)\b(?:\{((?:\$\{[^}]*\}|[^}])*)\})?")

# In pixels, at a width of 1280 with Grafana's menu open; a panel's frame and padding taken off.
_WIDTH, _FRAME = 948, 18
_READABLE = 280


def panels_of(document: Document) -> Iterator[Document]:
    """Every panel that shows data, those in rows that are closed as well."""
    for panel in document["panels"]:
        yield from panel["panels"] if panel["type"] == "row" else [panel]


def problems_in(document: Document) -> Iterator[str]:
    """All problems of a dashboard."""
    variables = {variable["name"] for variable in document["templating"]["list"]}
    for place, text in _texts(document):
        used = {braced or bare for braced, bare in VARIABLE.findall(text)}
        yield from (f"{place}: nothing resolves ${name}" for name in sorted(used - variables - _BUILT_IN))
        if place.endswith(".expr"):
            yield from (f"{place}: {problem}" for problem in _problems_of_query(text))
    for panel in panels_of(document):
        check = {"stat": _stat, "table": _table}.get(panel["type"], lambda _: ())
        yield from (f"{panel['title']}: {problem}" for problem in check(panel))


def _problems_of_query(expr: str) -> Iterator[str]:
    """Every selector is filtered, and a task's name can hold quotes and backslashes."""
    for metric, matchers in _SELECTOR.findall(re.sub(r'"[^"]*"', '""', expr)):
        of_task = re.match("ninedata_(precheck|task|comparison|replication)_", metric)
        wanted = {"job", "instance", "task"} if of_task else {"job", "instance"}
        missing = sorted(wanted - set(re.findall(r"(\w+)=", matchers)))
        yield from (f"{metric} is not filtered by {label}" for label in missing)
    if re.search(r"\btask=~?\"[^\"]*\$|\$task|`[^`]*\$\{task(?!:(?:raw|regex)\})", expr):
        yield "a task's name with a quote or a backslash breaks the query"


def _stat(panel: Document) -> Iterator[str]:
    width = _WIDTH * panel["gridPos"]["w"] / 24
    if len(panel["title"]) * 8 > width - 75:
        yield "the title is cut at 1280 pixels"
    longest = max(len(target["legendFormat"]) for target in panel["targets"])
    if len(panel["targets"]) > 1 and longest * 6 > width / len(panel["targets"]) - 20:
        yield "the name of a tile wraps at 1280 pixels"


def _table(panel: Document) -> Iterator[str]:
    overrides = panel["fieldConfig"]["overrides"]
    columns = [{prop["id"]: prop["value"] for prop in override["properties"]} for override in overrides]
    fixed = sum(column.get("custom.width", 0) for column in columns)
    room = _WIDTH * panel["gridPos"]["w"] / 24 - _FRAME - fixed
    if room < sum(column.get("custom.minWidth", 0) for column in columns):
        yield "columns are off the screen at 1280 pixels"
    if room < _READABLE and re.search("'(Reason and|Why)", str(overrides)):
        yield "reasons cannot be read at 1280 pixels"


def _texts(value: object, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a document with the path to it."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _texts(part, f"{place}.{key}")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _texts(part, f"{place}[{index}]")


def main() -> int:
    """Print the problems of the files as they are written."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(DIRECTORY.glob("*.json"))}
    found = [] if texts == built() else ["the files are not what is built: python -m grafana.build"]
    for name, text in texts.items():
        found += [f"{name}: {problem}" for problem in problems_in(json.loads(text))]
    sys.stdout.writelines(f"{problem}\n" for problem in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
