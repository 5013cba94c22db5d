"""Dashboards as they are written in files, taken apart for the checks."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]
"""A dashboard, or a part of one, as parsed JSON."""

VARIABLE = re.compile(r"\$(?:\{(\w+)[^}]*\}|(\w+))")
"""A variable in a text, `$name`, `${name:format}` or `${name.path}`."""

LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
"""A label in a legend or a text of an annotation."""


@dataclass(frozen=True, slots=True)
class Query:
    """An expression of a dashboard."""

    place: str
    """Where it stands, for people."""
    expr: str
    instant: bool = True
    legend: str = ""


def panels_of(document: Document) -> Iterator[Document]:
    """Every panel that shows data."""
    return (panel for panel in document["panels"] if panel["type"] != "row")


def variables_of(document: Document) -> list[Document]:
    """The template variables."""
    return list(document["templating"]["list"])


def annotations_of(document: Document) -> list[Document]:
    """The queries for annotations."""
    return list(document["annotations"].get("list", []))


def queries_of_panel(panel: Document) -> list[Query]:
    """The queries of a panel, in their order."""
    name = panel.get("title", panel["id"])
    return [
        Query(f"{name} {target['refId']}", target["expr"], target["instant"], target.get("legendFormat", ""))
        for target in panel["targets"]
    ]


def queries_of(document: Document) -> Iterator[Query]:
    """The queries of all panels and annotations."""
    for panel in panels_of(document):
        yield from queries_of_panel(panel)
    for annotation in annotations_of(document):
        yield Query(f"annotation {annotation['name']}", annotation["expr"], instant=False)


def variables_in(text: str) -> set[str]:
    """The names of the variables that a text uses."""
    return {braced or bare for braced, bare in VARIABLE.findall(text)}


def strings_in(value: object, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a document, with the path to it."""
    for path, part in _walk(value, place):
        if isinstance(part, str):
            yield path, part


def parts_named(value: object, name: str) -> Iterator[tuple[str, Any]]:
    """Every value that stands under a key, with the path to it."""
    for path, part in _walk(value, ""):
        if isinstance(part, Mapping) and name in part:
            yield f"{path}.{name}", part[name]


def _walk(value: object, path: str) -> Iterator[tuple[str, object]]:
    yield path, value
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _walk(part, f"{path}.{key}")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _walk(part, f"{path}[{index}]")
