"""Check the dashboards without a server: `python -m grafana.check`. Exit status 1 and a line per problem, or 0."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from itertools import chain, combinations
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.build import DIRECTORY, built
from grafana.frame import OVERVIEW_UID, TASK_UID

Document = Mapping[str, Any]
"""A dashboard, or a part of one, as parsed JSON."""

DOCS = Path(__file__).parent.parent / "docs"

VARIABLE = re.compile(r"\$(?:\{(\w+)[^}]*\}|([A-Za-z_]\w*))")
"""A variable in a text: `$name`, `${name:format}` or `${name.path}`."""

_BUILT_IN = {"__data", "__field", "__url_time_range", "__range", "__interval", "__rate_interval", "__all"}
_DOCS_URL = re.compile(
    r"https://github\.com/ninedata-exporter/ninedata-exporter/blob/main/docs/([^#)\s]+)(?:#([\w-]+))?"
)
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
    for part in (_identity, _schema, _variables, _queries, _alerts, _grid, _links):
        yield from part(document)
    for panel in panels_of(document):
        checks = chain(_words(panel), _OF_TYPE.get(panel["type"], lambda _: ())(panel))
        yield from (f"{panel.get('title', panel['id'])}: {problem}" for problem in checks)


def _identity(document: Document) -> Iterator[str]:
    for key, value in {"editable": False, "timezone": "browser", "tags": ["ninedata", "prechecks"]}.items():
        if document.get(key) != value:
            yield f"{key} is not {value!r}"
    if document.get("uid") not in {OVERVIEW_UID, TASK_UID}:
        yield f"unknown uid {document.get('uid')!r}"
    if {"__inputs", "__requires"} & document.keys():
        yield "__inputs and __requires are resolved by the import dialog alone"


def _schema(document: Document) -> Iterator[str]:
    """Grafana's schema knows every key: the SDK writes what it has read."""
    register_default_plugins()
    known = json.loads(json.dumps(Dashboard.from_json(json.loads(json.dumps(document))), cls=JSONEncoder))
    places = {place for place, _ in _walk(known)}
    yield from (f"the schema does not know {place}" for place, _ in _walk(document) if place not in places)


def _variables(document: Document) -> Iterator[str]:
    variables = {variable["name"]: variable for variable in document["templating"]["list"]}
    if variables["datasource"].get("current", {}).get("value") != "default":
        yield "the data source is not the default one at first"
    for name, variable in variables.items():
        if variable.get("includeAll") and variable.get("allValue") != ".+":
            yield f"variable {name}: All is not .+"
    for place, value in _walk(document):
        if isinstance(value, str):
            used = {braced or bare for braced, bare in VARIABLE.findall(value)}
            yield from (f"{place}: nothing resolves ${name}" for name in sorted(used - variables.keys() - _BUILT_IN))
        if isinstance(value, Mapping) and value.get("datasource", _DATASOURCE) != _DATASOURCE:
            yield f"{place} asks another data source than the chosen one"


_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def _queries(document: Document) -> Iterator[str]:
    """Every selector is filtered, and a task's name can hold quotes and backslashes."""
    for place, expr in _walk(document):
        if not place.endswith(".expr"):
            continue
        for metric, matchers in _SELECTOR.findall(re.sub(r'"[^"]*"', '""', expr)):
            wanted = {"job", "instance"} | (
                {"task"} if re.match("ninedata_(precheck|task|comparison|replication)_", metric) else set()
            )
            missing = sorted(wanted - set(re.findall(r"(\w+)=", matchers)))
            yield from (f"{place}: {metric} is not filtered by {label}" for label in missing)
        if re.search(r"\btask=~?\"[^\"]*\$|\$task|`[^`]*\$\{task(?!:(?:raw|regex)\})", expr):
            yield f"{place}: a task's name with a quote or a backslash breaks the query"


def _alerts(document: Document) -> Iterator[str]:
    timelines = [panel["id"] for panel in panels_of(document) if panel["type"] == "state-timeline"]
    for annotation in document["annotations"]["list"]:
        if not re.search(r" unless .* offset \$__interval", annotation["expr"]):
            yield "annotations mark all of the time in which an alert fires, not its start"
        if annotation.get("filter", {}) != {"exclude": False, "ids": timelines}:
            yield "annotations are shown on other panels than the timelines"


def _grid(document: Document) -> Iterator[str]:
    ids = [panel["id"] for panel in chain(document["panels"], panels_of(document))]
    if len(set(ids)) < len({id(panel) for panel in chain(document["panels"], panels_of(document))}):
        yield "the panels' ids are not unique"
    for panels in (document["panels"], *(row["panels"] for row in document["panels"] if row["type"] == "row")):
        for (one, a), (other, b) in combinations([(panel.get("title"), panel["gridPos"]) for panel in panels], 2):
            beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
            if not beside and not (a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]):
                yield f"{one} overlaps {other}"
        yield from (f"{p.get('title')} is too wide" for p in panels if p["gridPos"]["x"] + p["gridPos"]["w"] > 24)  # noqa: PLR2004


def _links(document: Document) -> Iterator[str]:
    for link in document["links"]:
        if link.get("includeVars") or "${task" in link["url"]:
            yield f"the link {link['title']} takes the task along, which may be All"
    for place, text in _walk(document):
        if not isinstance(text, str):
            continue
        if text.startswith("/d/") and re.split(r"[/?]", text)[2] not in {
            OVERVIEW_UID,
            TASK_UID,
            "${__data.fields.board}",
        }:
            yield f"{place}: no dashboard has the uid of {text}"
        for file, anchor in _DOCS_URL.findall(text):
            if not (DOCS / file).is_file() or (anchor and anchor not in _anchors(DOCS / file)):
                yield f"{place}: the documentation has no {file}#{anchor}"


def _words(panel: Document) -> Iterator[str]:
    """What a panel shows, in what unit, and what it means when it is empty."""
    defaults = panel["fieldConfig"]["defaults"]
    yield from (f"no {key}" for key in ("title", "description", "datasource") if not panel.get(key))
    if not defaults.get("unit") and not defaults.get("mappings"):
        yield "neither unit nor mappings"
    if panel["type"] != "state-timeline" and not defaults.get("noValue"):
        yield "nothing says what an empty panel means"
    refs = [target["refId"] for target in panel["targets"]]
    if not refs or len(set(refs)) != len(refs):
        yield "no queries, or two with one refId"


def _timeline(panel: Document) -> Iterator[str]:
    defaults = panel["fieldConfig"]["defaults"]
    if defaults["color"]["mode"] == "thresholds":
        yield "with thresholds as the mode of colours, Grafana shows no words and no colours of states"
    if "noValue" in defaults:
        yield "noValue becomes an entry of the legend where there is a gap"
    if not all("_over_time(" in target["expr"] and "[$__interval]" in target["expr"] for target in panel["targets"]):
        yield "a short failure vanishes from a long time range"
    if any(_UNFILTERED.search(target["expr"]) for target in panel["targets"]):
        yield "statuses that a task does not have make the query several times slower"


_UNFILTERED = re.compile(r"max_over_time\(ninedata_precheck_status[^\[]*\[\$__interval\]\) or")


def _stat(panel: Document) -> Iterator[str]:
    if panel["options"]["colorMode"] == "background":
        yield "a gradient shows other colours than those of the states"
    if panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["color"] != "transparent":
        yield "0 has a colour"
    if panel.get("links"):
        yield "links take the title's room: put them into the description"
    if len(panel["title"]) * 8 > _WIDTH * panel["gridPos"]["w"] / 24 - 75:
        yield "the title is cut at 1280 pixels"
    longest = max(len(target["legendFormat"]) for target in panel["targets"])
    if len(panel["targets"]) > 1 and longest * 6 > _WIDTH * panel["gridPos"]["w"] / 24 / len(panel["targets"]) - 20:
        yield "the name of a tile wraps at 1280 pixels"


def _table(panel: Document) -> Iterator[str]:
    overrides = panel["fieldConfig"]["overrides"]
    columns = [{prop["id"]: prop["value"] for prop in override["properties"]} for override in overrides]
    wide = sum(column.get("custom.width", 0) for column in columns)
    room = _WIDTH * panel["gridPos"]["w"] / 24 - _FRAME - wide
    if room < sum(column.get("custom.minWidth", 0) for column in columns):
        yield "columns are off the screen at 1280 pixels"
    if room < _READABLE and re.search("'(Reason and|Why)", str(overrides)):
        yield "reasons cannot be read at 1280 pixels"
    for column in columns:
        painted = "color-background" in str(column.get("custom.cellOptions", ""))
        if painted and not any(mapping["type"] == "special" for mapping in column.get("mappings", [])):
            yield "cells without a value are painted"
    if panel["fieldConfig"]["defaults"].get("custom", {}).get("align") != "left":
        yield "words are not aligned to the left"


def _series(panel: Document) -> Iterator[str]:
    custom = panel["fieldConfig"]["defaults"]["custom"]
    stacked = custom.get("stacking", {}).get("mode") == "normal"
    if stacked and (custom.get("lineWidth") != 0 or custom.get("lineInterpolation") != "stepAfter"):
        yield "lines of series that are 0 stripe the stack"


_OF_TYPE = {"state-timeline": _timeline, "stat": _stat, "table": _table, "timeseries": _series}


def _anchors(file: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a Markdown file."""
    headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def _walk(value: object, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a document with the path to it."""
    yield path, value
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _walk(part, f"{path}.{key}")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _walk(part, f"{path}[{index}]")


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
