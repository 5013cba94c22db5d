"""The checks find what they are there to find: each test breaks a dashboard in one way."""

from collections.abc import Callable
from typing import Any

import pytest

from grafana.check import DOCS
from grafana.lint import problems_in
from tests.grafana.ask import problems_of
from tests.grafana.server import Prometheus

Document = dict[str, Any]
Break = Callable[[Document], object]


def panel(document: Document, title: str) -> Document:
    return next(panel for panel in document["panels"] if panel["title"] == title)


def defaults(document: Document, title: str) -> Any:  # noqa: ANN401 - JSON
    return panel(document, title)["fieldConfig"]["defaults"]


def in_query(title: str, old: str, new: str) -> Break:
    def change(document: Document) -> None:
        target = panel(document, title)["targets"][0]
        assert old in target["expr"]
        target["expr"] = target["expr"].replace(old, new)

    return change


STATIC: dict[str, tuple[Break, str]] = {
    "a wrong metric": (in_query("Failed", "_status{", "_statuz{"), "no metric is named ninedata_precheck_statuz"),
    "a wrong label in a matcher": (in_query("Failed", 'status="', 'state="'), "has no label state"),
    "a wrong label in a grouping": (in_query("Failed", "by (task_id", "by (taskid"), "has the label taskid"),
    "a filter removed": (in_query("Failed", ', task=~"$task"', ""), "not filtered by the variable task"),
    "another filter": (in_query("Failed", 'task=~"$task"', 'task=~"$job"'), "not filtered by the variable task"),
    "no filter": (in_query("Exporters", '{job=~"$job", instance=~"$instance"}', ""), "up is not filtered at all"),
    "a variable unresolved": (in_query("Failed", "$task", "$tsk"), "nothing resolves $tsk"),
    "a unit missing": (
        lambda d: defaults(d, "Failed").pop("unit"),
        "neither unit nor mappings",
    ),
    "no title": (lambda d: panel(d, "Failed").pop("title"), "has no title"),
    "no description": (lambda d: panel(d, "Failed").pop("description"), "has no description"),
    "nothing for empty": (lambda d: defaults(d, "Failed").pop("noValue"), "has no noValue"),
    "a data source by name": (
        lambda d: panel(d, "Failed")["targets"][0].update(datasource={"type": "prometheus", "uid": "prom"}),
        "datasource is {'type': 'prometheus', 'uid': 'prom'}",
    ),
    "no data source": (lambda d: panel(d, "Failed").pop("datasource"), "Failed names no data source"),
    "inputs": (lambda d: d.update(__inputs=[]), "__inputs"),
    "another uid": (lambda d: d.update(uid="x"), "unknown uid"),
    "editable": (lambda d: d.update(editable=True), "editable"),
    "an id twice": (lambda d: panel(d, "Failed").update(id=2), "ids are not unique"),
    "panels on each other": (lambda d: panel(d, "Failed")["gridPos"].update(w=5), "Failed overlaps Warning"),
    "a panel too wide": (lambda d: panel(d, "Watched")["gridPos"].update(w=5), "wider than the dashboard"),
    "a link to nowhere": (lambda d: d["links"][0].update(url="/d/gone"), "no dashboard has the uid"),
    "a runbook that is not": (
        lambda d: d["links"][1].update(url=d["links"][1]["url"] + "#gone"),
        "the documentation has no",
    ),
    "a key unknown to Grafana": (
        lambda d: panel(d, "Failed")["options"].update(colour="red"),
        "the schema does not know",
    ),
    "All that matches nothing": (lambda d: d["templating"]["list"][1].update(allValue=".*"), "All is not .+"),
    "a variable gone": (lambda d: d["templating"]["list"].pop(1), "nothing resolves $job"),
}


@pytest.mark.parametrize(("change", "problem"), STATIC.values(), ids=STATIC.keys())
def test_the_files_check_names(overview: Document, change: Break, problem: str) -> None:
    change(overview)
    assert problem in "\n".join(problems_in(overview, DOCS))


def legend(text: str) -> Break:
    return lambda d: panel(d, "Tasks that cannot be queried, by reason")["targets"][0].update(legendFormat=text)


def in_options(title: str, index: int, key: str, value: object) -> Break:
    return lambda d: panel(d, title)["transformations"][index]["options"].update({key: value})


LIVE: dict[str, tuple[Break, str]] = {
    "a metric without series": (in_query("Failed", "_status{", "_statuz{"), "Failed A: no data"),
    "an expression that is none": (in_query("Failed", "sum(", "sum(("), "unclosed left parenthesis"),
    "a legend's label": (legend("{{kind}}"), "the legend's label kind"),
    "a renamed field": (
        in_options("Exporters", 1, "renameByName", {"Value #Z": "Z"}),
        "organize names the field Value #Z",
    ),
    "a matrix of nothing": (in_options("Check items of each task", 0, "rowField", "name"), "names the field name"),
    "a sorting field": (in_options("Which checks fail most", 2, "sort", [{"field": "Fail"}]), "names the field Fail"),
    "an order of rows": (
        lambda d: panel(d, "What fails and why")["options"].update(sortBy=[{"displayName": "State"}]),
        "rows are sorted by the field State",
    ),
    "an override": (
        lambda d: panel(d, "Exporters")["fieldConfig"]["overrides"][0]["matcher"].update(options="Name"),
        "an override names the field Name",
    ),
    "a link's field": (
        lambda d: panel(d, "What fails and why")["transformations"][0]["options"]["excludeByName"].update(
            instance=True
        ),
        "a link names the field instance",
    ),
    "a link's label": (
        in_query("Status of every task", "(task_id, task)", "(task_id)"),
        "a link names the label task",
    ),
}


@pytest.mark.parametrize(("change", "problem"), LIVE.values(), ids=LIVE.keys())
def test_running_the_queries_names(overview: Document, server: Prometheus, change: Break, problem: str) -> None:
    change(overview)
    assert problem in "\n".join(problems_of(overview, server, {}))
