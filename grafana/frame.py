"""What both dashboards have around their panels: identity, variables, annotations, and the form of the file."""

import json
from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as b
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as d

from grafana.panels import DATASOURCE
from grafana.promql import ALL, Scope
from grafana.states import FAILED

# The oldest Grafana that is supported. Written into the file so that a newer one adapts what it has changed since.
GRAFANA_VERSION = "10.4.0"
SCHEMA_VERSION = 39

# Exporters that watch tasks, one by one as well, have the first; those that watch none yet have only the second.
_ANY_EXPORTER = '__name__=~"ninedata_precheck_up|ninedata_exporter_build_info"'


def frame(title: str, uid: str, description: str, scope: Scope) -> b.Dashboard:
    """A dashboard without panels."""
    board = b.Dashboard(title).uid(uid).description(description).tags(["ninedata", "prechecks"]).readonly()
    board = board.timezone("browser").time("now-6h", "now").refresh("1m").tooltip(d.DashboardCursorSync.CROSSHAIR)
    return board.variables(_variables(scope)).annotations([_alerts(scope)])


def add(board: b.Dashboard, *sections: b.Row | Sequence[Builder[d.Panel]]) -> b.Dashboard:
    """Add rows' heads and panels, from left to right and downwards."""
    for section in sections:
        if isinstance(section, b.Row):
            board.with_row(section)
        else:
            for panel in section:
                board.with_panel(panel)
    return board


def encode(dashboard: d.Dashboard) -> str:
    """The file's text; the same for the same dashboard."""
    dashboard.schema_version = SCHEMA_VERSION
    for number, panel in enumerate(dashboard.panels or [], start=1):
        panel.id_val = number
        if isinstance(panel, d.Panel):
            panel.plugin_version = GRAFANA_VERSION
    document = json.loads(json.dumps(dashboard, cls=JSONEncoder))
    return json.dumps(_without_placement(document), indent=2, ensure_ascii=False) + "\n"


def _without_placement(value: object) -> object:
    """The SDK would have links and annotations in a menu that only recent Grafana has; they belong in the head."""
    if isinstance(value, dict):
        return {key: _without_placement(part) for key, part in value.items() if key != "placement" or part != _MENU}
    if isinstance(value, list):
        return [_without_placement(part) for part in value]
    return value


_MENU = d.DashboardLinkPlacement.IN_CONTROLS_MENU


def _variables(scope: Scope) -> list[Builder[d.VariableModel]]:
    task = _variable("task", "Task", 'label_values(ninedata_precheck_up{job=~"$job", instance=~"$instance"}, task)')
    task = _of_many(task) if scope == ALL else task.multi(multi=False).allow_custom_value(allow_custom_value=False)
    return [
        b.DatasourceVariable("datasource").label("Data source").type("prometheus"),
        _of_many(_variable("job", "Job", f"label_values({{{_ANY_EXPORTER}}}, job)")),
        _of_many(
            _variable("instance", "Exporter", f'label_values({{{_ANY_EXPORTER}, job=~"$job"}}, instance)'),
        ),
        task,
    ]


def _variable(name: str, label: str, query: str) -> b.QueryVariable:
    variable = (
        b.QueryVariable(name).label(label).datasource(DATASOURCE).sort(d.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    )
    variable = variable.query({"query": query, "refId": f"{name}-values", "qryType": 1}).definition(query)
    return variable.refresh(d.VariableRefresh.ON_TIME_RANGE_CHANGED)


def _of_many(variable: b.QueryVariable) -> b.QueryVariable:
    every = d.VariableOption(selected=True, text=["All"], value=["$__all"])
    return variable.multi(multi=True).include_all(include_all=True).all_value(".+").current(every)


def _alerts(scope: Scope) -> b.AnnotationQuery:
    query = b.AnnotationQuery().name("Alerts").datasource(DATASOURCE).enable(enable=True).icon_color(FAILED.color)
    query = (
        query.expr(scope.firing_alerts()).step("60s").title_format("{{alertname}}").text_format("{{task}} {{instance}}")
    )
    return query.tag_keys("severity")
