"""What both dashboards have around their panels: identity, variables, annotations, links, and the form of the file."""

import json
from collections.abc import Iterable
from typing import TypeVar

from grafana_foundation_sdk.builders import dashboard as b
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as d

from grafana.panels import DATASOURCE, Panel
from grafana.promql import ALL, Scope
from grafana.queries import alerts_that_start, pages
from grafana.states import FAILED

_Board = TypeVar("_Board", b.Dashboard, b.Row)

OVERVIEW_UID = "ninedata-prechecks"
TASK_UID = "ninedata-precheck-task"

_DOCS = "https://github.com/ninedata-exporter/ninedata-exporter/blob/main/docs"

REASONS = f"[What to do about each reason]({_DOCS}/metrics.md#values-of-reason-of-a-failed-query)"
"""A link, for descriptions."""

# What a link takes along. Not the chosen tasks: All is none of the values of the other dashboard's variable.
_KEPT = "${datasource:queryparam}&${job:queryparam}&${instance:queryparam}&${__url_time_range}"

# The oldest Grafana that is supported. Written into the file so that a newer one adapts what it has changed since.
_GRAFANA_VERSION = "10.4.0"
_SCHEMA_VERSION = 39

# Of a task's precheck, and of the task itself: a task can have either alone.
_ANY_TASK = "ninedata_precheck_up|ninedata_task_info"
# Exporters that watch tasks, one by one as well, have the first; those that watch none yet have only the last.
_ANY_EXPORTER = f'__name__=~"{_ANY_TASK}|ninedata_exporter_build_info"'


def frame(title: str, uid: str, description: str, scope: Scope) -> b.Dashboard:
    """A dashboard without panels."""
    board = b.Dashboard(title).uid(uid).description(description).tags(["ninedata", "prechecks"]).readonly()
    board = board.timezone("browser").time("now-6h", "now").refresh("1m").tooltip(d.DashboardCursorSync.CROSSHAIR)
    return board.variables(_variables(scope)).links(_links(scope))


def place(board: _Board, sizes: Iterable[tuple[int, int]], panels: Iterable[Panel]) -> _Board:
    """Add panels of these widths and heights, from left to right and downwards."""
    for (width, height), panel in zip(sizes, panels, strict=True):
        board.with_panel(panel.span(width).height(height))
    return board


def encode(board: b.Dashboard) -> str:
    """The file's text; the same for the same dashboard."""
    dashboard = board.build()
    dashboard.schema_version = _SCHEMA_VERSION
    panels = []
    for panel in dashboard.panels or []:
        panels += [panel, *(panel.panels if isinstance(panel, d.RowPanel) else ())]
    for number, panel in enumerate(panels, start=1):
        panel.id_val = number
        if isinstance(panel, d.Panel):
            panel.plugin_version = _GRAFANA_VERSION
    timelines = [panel.id_val for panel in panels if isinstance(panel, d.Panel) and panel.type_val == "state-timeline"]
    dashboard.annotations.list_val = [_alerts([number or 0 for number in timelines]).build()]
    document = json.loads(json.dumps(dashboard, cls=JSONEncoder))
    # The SDK would have them in a menu that only recent Grafana has; they belong in the head.
    for part in (*document["links"], *document["annotations"]["list"]):
        part.pop("placement", None)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _variables(scope: Scope) -> list[Builder[d.VariableModel]]:
    default = d.VariableOption(selected=True, text="default", value="default")
    source = b.DatasourceVariable("datasource").label("Data source").type("prometheus").current(default)
    variables: list[Builder[d.VariableModel]] = [
        source,
        _of_many(_variable("job", "Job", f"label_values({{{_ANY_EXPORTER}}}, job)")),
        _of_many(_variable("instance", "Exporter", f'label_values({{{_ANY_EXPORTER}, job=~"$job"}}, instance)')),
    ]
    tasks = f'label_values({{__name__=~"{_ANY_TASK}", job=~"$job", instance=~"$instance"}}, task)'
    task = _variable("task", "Task", tasks)
    if scope == ALL:
        # For the link to one task: Grafana 12.0 shows nothing on a dashboard to which a link brings no task.
        first = _variable("first", "First task", tasks).hide(d.VariableHide.HIDE_VARIABLE)
        return [*variables, _of_many(task), first]
    page = _variable("page", "Page", f"query_result({pages(scope)})").regex('/page="([^"]+)"/')
    return [*variables, task.multi(multi=False), page.hide(d.VariableHide.HIDE_VARIABLE)]


def _variable(name: str, label: str, query: str) -> b.QueryVariable:
    variable = (
        b.QueryVariable(name).label(label).datasource(DATASOURCE).refresh(d.VariableRefresh.ON_TIME_RANGE_CHANGED)
    )
    # The numbers are those of Grafana's kinds of queries: the values of a label, the result of a query.
    kind = 1 if query.startswith("label_values") else 3
    variable = variable.query({"query": query, "refId": f"{name}-values", "qryType": kind}).definition(query)
    return variable.sort(d.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)


def _of_many(variable: b.QueryVariable) -> b.QueryVariable:
    every = d.VariableOption(selected=True, text=["All"], value=["$__all"])
    return variable.multi(multi=True).include_all(include_all=True).all_value(".+").current(every)


def _alerts(timelines: list[int]) -> b.AnnotationQuery:
    query = b.AnnotationQuery().name("Alerts").datasource(DATASOURCE).enable(enable=True).icon_color(FAILED.color)
    query = query.expr(alerts_that_start()).step("60s").title_format("{{alertname}}").tag_keys("severity")
    only = b.AnnotationPanelFilter().exclude(exclude=False).ids(timelines)
    return query.text_format("{{of}}").filter(only)


def _links(scope: Scope) -> list[Builder[d.DashboardLink]]:
    if scope == ALL:
        return [_inward("One task", f"{TASK_UID}?var-task=${{first:percentencode}}&{_KEPT}")]
    page = b.DashboardLink("Exporter's page").url("${page:raw}").target_blank(target_blank=True)
    return [_inward("All tasks", f"{OVERVIEW_UID}?{_KEPT}"), page]


def docs(place: str) -> str:
    """The address of a page of the documentation."""
    return f"{_DOCS}/{place}"


def task_of_series() -> b.DashboardLink:
    """From a timeline to the dashboard of its task."""
    return b.DashboardLink(_TASK_TITLE).url(f"/d/{TASK_UID}?var-task=${{__field.labels.task:percentencode}}&{_KEPT}")


def place_of_row() -> dict[str, object]:
    """From a row to the dashboard of its task or exporter. The last value of a variable in an address counts."""
    url = f"/d/${{__data.fields.board}}?{_KEPT}&var-${{__data.fields.sets}}=${{__data.fields.task:percentencode}}"
    return {"title": "Dashboard of ${__data.fields.task}", "url": url, "targetBlank": False}


def task_of_row() -> dict[str, object]:
    """From a table's row to the dashboard of its task."""
    url = f"/d/{TASK_UID}?var-task=${{__data.fields.task:percentencode}}&{_KEPT}"
    return {"title": _TASK_TITLE, "url": url, "targetBlank": False}


def page_of_row() -> dict[str, object]:
    """From a table's row to the page that the exporter itself has."""
    return {"title": "The exporter's page", "url": "${__data.fields.page}", "targetBlank": True}


_TASK_TITLE = "This task's dashboard"


def _inward(title: str, place: str) -> b.DashboardLink:
    return b.DashboardLink(title).url(f"/d/{place}").icon("dashboard")
