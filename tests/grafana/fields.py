"""The fields that a panel's queries and transformations give, and whether what names a field names one of them."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from grafana.reading import LABEL, Document, Query, strings_in
from tests.grafana.server import Series

Answers = Sequence[tuple[Query, Sequence[Series]]]


def problems_of_panel(panel: Document, answers: Answers) -> Iterator[str]:
    """What the panel names and its answers do not have."""
    for query, series in answers:
        if not series:
            yield f"{query.place}: no data"
        for label in LABEL.findall(query.legend):
            if not all(label in one.labels for one in series):
                yield f"{query.place}: the legend's label {label} is not in the result"
    every = [one for _, series in answers for one in series]
    fields = _fields(panel, answers)
    for step in panel.get("transformations", []):
        named, fields = _step(step["id"], step["options"], fields, every)
        yield from (f"{panel['title']}: {step['id']} names the field {name}" for name in sorted(named))
    overrides = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
    yield from (f"{panel['title']}: an override names the field {name}" for name in sorted(overrides - fields))
    order = [sort["displayName"] for sort in panel["options"].get("sortBy", [])]
    yield from (f"{panel['title']}: rows are sorted by the field {name}" for name in order if name not in fields)
    yield from _problems_of_links(panel, fields, every)


def _problems_of_links(panel: Document, fields: set[str], series: Sequence[Series]) -> Iterator[str]:
    for _, text in strings_in(panel):
        names = set(re.findall(r"\$\{__data\.fields\.(\w+)", text))
        yield from (f"{panel['title']}: a link names the field {name}" for name in names - fields)
        for name in re.findall(r"\$\{__field\.labels\.(\w+)", text):
            if not all(name in one.labels for one in series):
                yield f"{panel['title']}: a link names the label {name}"


def _fields(panel: Document, answers: Answers) -> set[str]:
    """Names as Grafana's Prometheus data source gives them."""
    found: set[str] = set()
    for target, (query, series) in zip(panel["targets"], answers, strict=True):
        if target["format"] == "table":
            value = "Value" if len(answers) == 1 else f"Value #{target['refId']}"
            found |= {"Time", value, *(label for one in series for label in one.labels)}
        else:
            found |= {_legend(query.legend, one) for one in series}
    return found


def _legend(text: str, series: Series) -> str:
    return LABEL.sub(lambda match: series.labels.get(match[1], ""), text)


def _step(
    transformer: str,
    options: Any,  # noqa: ANN401 - JSON
    fields: set[str],
    series: Sequence[Series],
) -> tuple[set[str], set[str]]:
    """The names that a transformation uses and do not exist, and the fields after it."""
    match transformer:
        case "organize":
            named = {*options["indexByName"], *options["renameByName"], *options["excludeByName"]}
            kept = fields - set(options["excludeByName"])
            # A renamed field is found by both names.
            return named - fields, kept | {new for old, new in options["renameByName"].items() if old in kept}
        case "groupingToMatrix":
            row, column, value = options["rowField"], options["columnField"], options["valueField"]
            columns = {one.labels.get(column, "") for one in series}
            return {row, column, value} - fields, {rf"{row}\{column}", *columns}
        case "sortBy":
            return {sort["field"] for sort in options["sort"]} - fields, fields
        case "merge" | "limit":
            return set(), fields
    raise AssertionError(transformer)
