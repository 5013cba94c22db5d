"""What can be said against a dashboard without a server. Each function gives the problems that it finds, in words."""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.expressions import problems_of
from grafana.links import OVERVIEW_UID, TASK_UID
from grafana.reading import (
    Document,
    annotations_of,
    panels_of,
    parts_named,
    queries_of,
    strings_in,
    variables_in,
    variables_of,
)

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24

_BUILT_IN = frozenset({"__data", "__field", "__url_time_range", "__range", "__interval", "__rate_interval", "__all"})
_DOCS = re.compile(r"https://github\.com/ninedata-exporter/ninedata-exporter/blob/main/docs/([^#]+)(?:#(.*))?")


def problems_in(document: Document, docs: Path) -> list[str]:
    """All problems of a dashboard; `docs` is the folder that links to the documentation mean."""
    found = [*identity(document), *variables(document), *datasources(document), *queries(document)]
    return [*found, *panels(document), *grid(document), *links(document, docs), *schema(document)]


def identity(document: Document) -> Iterator[str]:
    """The file can be provisioned and imported as it is, and is the same dashboard each time."""
    fixed = {"editable": False, "timezone": "browser", "tags": ["ninedata", "prechecks"]}
    yield from (f"{key} is not {value!r}" for key, value in fixed.items() if document.get(key) != value)
    if document.get("uid") not in {OVERVIEW_UID, TASK_UID}:
        yield f"unknown uid {document.get('uid')!r}"
    yield from (
        f"{key} is resolved by the import dialog alone" for key in ("__inputs", "__requires") if key in document
    )


def variables(document: Document) -> Iterator[str]:
    """The variables that every dashboard has are there, and each one that is used is."""
    names = [variable["name"] for variable in variables_of(document)]
    if names != ["datasource", "job", "instance", "task"]:
        yield f"the variables are {', '.join(names)}"
    for variable in variables_of(document):
        if variable.get("includeAll") and variable.get("allValue") != ".+":
            yield f"variable {variable['name']}: All is not .+"
    for place, text in strings_in(document):
        unknown = variables_in(text) - set(names) - _BUILT_IN
        yield from (f"{place}: nothing resolves ${name}" for name in sorted(unknown))


def datasources(document: Document) -> Iterator[str]:
    """Everything that asks, asks the data source that the variable names."""
    asking = [*panels_of(document), *annotations_of(document)]
    asking += [target for panel in panels_of(document) for target in panel["targets"]]
    asking += [variable for variable in variables_of(document) if variable["type"] == "query"]
    yield from (f"{_name(part)} names no data source" for part in asking if "datasource" not in part)
    for place, source in parts_named(document, "datasource"):
        if source != DATASOURCE:
            yield f"{place} is {source}"


def queries(document: Document) -> Iterator[str]:
    """Every expression asks for metrics and labels that exist, filtered by the variables."""
    task_is_one = not next(variable for variable in variables_of(document) if variable["name"] == "task")["multi"]
    for query in queries_of(document):
        yield from (f"{query.place}: {problem}" for problem in problems_of(query.expr, task_is_one))


def panels(document: Document) -> Iterator[str]:
    """Every panel says what it shows, in what unit, and what it means when it is empty."""
    ids = [panel.get("id") for panel in document["panels"]]
    if len(set(ids)) != len(ids) or None in ids:
        yield "the panels' ids are not unique"
    for panel in panels_of(document):
        defaults = panel["fieldConfig"]["defaults"]
        yield from (f"panel {panel['id']} has no {key}" for key in ("title", "description") if not panel.get(key))
        if not defaults.get("noValue"):
            yield f"{_name(panel)} has no noValue"
        if not defaults.get("unit") and not defaults.get("mappings"):
            yield f"{_name(panel)} has neither unit nor mappings"
        refs = [target["refId"] for target in panel["targets"]]
        if not refs or len(set(refs)) != len(refs):
            yield f"{_name(panel)} has no queries, or two with one refId"


def grid(document: Document) -> Iterator[str]:
    """No panel lies on another, or beyond the edge."""
    places = [(_name(panel), panel["gridPos"]) for panel in document["panels"]]
    for name, place in places:
        if place["x"] < 0 or place["x"] + place["w"] > COLUMNS:
            yield f"{name} is wider than the dashboard"
    for (name, a), (other, b) in combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        below = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        if not beside and not below:
            yield f"{name} overlaps {other}"


def links(document: Document, docs: Path) -> Iterator[str]:
    """Links lead to dashboards and to headings of the documentation that exist."""
    for place, url in parts_named(document, "url"):
        if url.startswith("/d/") and re.split(r"[/?]", url)[2] not in {OVERVIEW_UID, TASK_UID}:
            yield f"{place}: no dashboard has the uid of {url}"
        if match := _DOCS.fullmatch(url):
            file, anchor = docs / match[1], match[2]
            if not file.is_file() or (anchor and anchor not in _anchors(file)):
                yield f"{place}: the documentation has no {match[0]}"


def schema(document: Document) -> Iterator[str]:
    """Grafana's schema knows every key: what the SDK does not read is not there when it writes."""
    register_default_plugins()
    understood = json.loads(json.dumps(Dashboard.from_json(dict(document)), cls=JSONEncoder))
    return _lost(document, understood, "")


def _lost(before: object, after: object, path: str) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key, value in before.items():
            if key not in after:
                yield f"the schema does not know {path}.{key}"
            else:
                yield from _lost(value, after[key], f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (value, other) in enumerate(zip(before, after, strict=True)):
            yield from _lost(value, other, f"{path}[{index}]")
    elif before != after:
        yield f"the schema reads {path} as {after!r}"


def _anchors(file: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a Markdown file."""
    headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def _name(part: Document) -> str:
    return str(part.get("title") or part.get("name") or part.get("refId"))
