"""The kinds of panel that the dashboards are made of: what they have in common, so that the dashboards say the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import barchart, common, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as d
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana import states

DATASOURCE = c.DataSourceRef(type_val="prometheus", uid="${datasource}")

MAX_BARS = 25
"""Of the most failing; more cannot be read."""

NO_CELL = "-"
"""In a cell without a value; a panel's own text is for a table without rows."""

_Panel = TypeVar("_Panel", barchart.Panel, stat.Panel, statetimeline.Panel, table.Panel, timeseries.Panel)


@dataclass(frozen=True, slots=True)
class Words:
    """What a panel says about itself."""

    title: str
    description: str
    """What is seen, and what to do about it."""
    empty: str
    """What an empty panel means."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: the field it shows, its heading, its width (0: what is left), and further properties."""

    field: str
    heading: str
    width: int = 0
    properties: Mapping[str, object] | None = None


def instant(expr: str, legend: str = "") -> prometheus.Dataquery:
    """A query of the end of the time range."""
    query = prometheus.Dataquery().expr(expr).instant().format(PromQueryFormat.TIME_SERIES)
    return query.legend_format(legend or "__auto")


def rows(expr: str) -> prometheus.Dataquery:
    """A query of the end of the time range, as a table with a column per label."""
    return prometheus.Dataquery().expr(expr).instant().format(PromQueryFormat.TABLE)


def over_time(expr: str, legend: str) -> prometheus.Dataquery:
    """A query of the whole time range."""
    return prometheus.Dataquery().expr(expr).range().format(PromQueryFormat.TIME_SERIES).legend_format(legend)


def number(words: Words, expr: str, color: str) -> stat.Panel:
    """One number: grey while it is 0, in its colour from 1 on."""
    panel = _stat(words, instant(expr)).unit("none")
    return panel.thresholds(_steps(states.UNSTARTED.color, (1, color))).text_mode(c.BigValueTextMode.VALUE)


def word(words: Words, query: prometheus.Dataquery, mapping: d.ValueMap) -> stat.Panel:
    """One value as the word that it stands for."""
    return _stat(words, query).mappings([mapping])


def moment(words: Words, expr: str) -> stat.Panel:
    """How long ago a moment, in milliseconds of Unix time, was."""
    return _stat(words, instant(expr)).unit("dateTimeFromNow").color_mode(c.BigValueColorMode.NONE)


def numbers(words: Words, query: prometheus.Dataquery) -> stat.Panel:
    """A number per status, each with its word."""
    panel = _stat(words, query).unit("none").text_mode(c.BigValueTextMode.VALUE_AND_NAME)
    return _in_status_colors(panel.color_mode(c.BigValueColorMode.BACKGROUND))


def timeline(words: Words, query: prometheus.Dataquery, mapping: d.ValueMap, per_page: int) -> statetimeline.Panel:
    """A row per series, with a block as long as it stays in a state."""
    panel = _common(statetimeline.Panel(), words, query).mappings([mapping]).per_page(per_page)
    # A state is a word, so a mixture of two is none: samples are taken as they are, and a gap stays one.
    panel = panel.merge_values(merge_values=True).show_value(c.VisibilityMode.AUTO).row_height(0.8).max_data_points(400)
    return panel.color_scheme(FieldColor().mode(d.FieldColorModeId.THRESHOLDS)).legend(_legend())


def lines(words: Words, unit: str, *queries: prometheus.Dataquery) -> timeseries.Panel:
    """Lines over time."""
    panel = _common(timeseries.Panel(), words, *queries).unit(unit).min(0).legend(_legend()).tooltip(_all_series())
    return panel.line_width(2).fill_opacity(5).show_points(c.VisibilityMode.AUTO)


def stacked(words: Words, unit: str, *queries: prometheus.Dataquery) -> timeseries.Panel:
    """Areas over time that add up."""
    panel = lines(words, unit, *queries).stacking(common.StackingConfig().mode(c.StackingMode.NORMAL))
    return panel.fill_opacity(70).line_width(1)


def in_status_colors(panel: timeseries.Panel) -> timeseries.Panel:
    """With series that are named for statuses in those colours."""
    return _in_status_colors(panel)


def status_bars(
    words: Words, expr: str, label: str, heading: str, shown: Sequence[states.State] = states.WORST_FIRST
) -> barchart.Panel:
    """A bar per value of a label, made up of statuses; those with most failures first.

    The query has to give one value per `label` and `status`, of the statuses shown.
    """
    matrix = rf"{label}\status"
    order = [matrix, *(state.word for state in shown)]
    panel = _common(barchart.Panel(), words, rows(expr)).unit("none").min(0)
    panel = panel.transformations(
        [
            _step("groupingToMatrix", rowField=label, columnField="status", valueField="Value", emptyValue="null"),
            _organize(order, {matrix: heading}),
            _step("sortBy", fields={}, sort=[{"field": states.FAILED.word, "desc": True}]),
            _step("limit", limitField=MAX_BARS),
        ]
    )
    panel = panel.orientation(c.VizOrientation.HORIZONTAL).stacking(c.StackingMode.NORMAL).fill_opacity(80)
    panel = panel.show_value(c.VisibilityMode.AUTO).legend(_legend()).tooltip(_all_series())
    return _in_status_colors(panel.x_tick_label_max_length(30), shown)


def listing(
    words: Words,
    columns: Sequence[Column],
    *queries: prometheus.Dataquery,
    order: Sequence[str],
    hidden: Sequence[str] = (),
) -> table.Panel:
    """A table of these columns, with cells that show all of their text.

    Several queries make one row where their common labels are equal. Hidden fields are there for links. `order` has
    the headings that rows are sorted by, with `-` before those whose greatest value comes first.
    """
    panel = _common(table.Panel(), words, *queries).unit("none").color_scheme(_plain())
    fields = [column.field for column in columns]
    headings = {column.field: column.heading for column in columns}
    merge = [_step("merge")] if len(queries) > 1 else []
    panel = panel.transformations([*merge, _organize([*fields, *hidden], headings, "Time")])
    panel = panel.cell_options(c.TableAutoCellOptions(wrap_text=True)).inspect(inspect=True)
    panel = panel.cell_height(c.TableCellHeight.SM).filterable(filterable=True)
    panel = panel.sort_by([_sorting(heading) for heading in order])
    for column in columns:
        width = {"custom.width": column.width} if column.width else {"custom.minWidth": 300}
        properties = {"noValue": NO_CELL, **width, **(column.properties or {})}
        panel = panel.override_by_name(column.heading, _properties(properties))
    for field in hidden:
        panel = panel.override_by_name(field, _properties({"custom.hidden": True}))
    return panel


def colored_words(mapping: d.ValueMap) -> dict[str, object]:
    """The properties of a column of codes: words on their colours."""
    cell = c.TableColoredBackgroundCellOptions(mode=c.TableCellBackgroundDisplayMode.BASIC)
    return {"mappings": [mapping], "custom.cellOptions": cell}


def _common(panel: _Panel, words: Words, *queries: prometheus.Dataquery) -> _Panel:
    panel.title(words.title).description(words.description).no_value(words.empty).datasource(DATASOURCE)
    for index, query in enumerate(queries):
        panel.with_target(query.datasource(DATASOURCE).ref_id(chr(ord("A") + index)))
    return panel


def _stat(words: Words, query: prometheus.Dataquery) -> stat.Panel:
    last = common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False).fields("")
    panel = _common(stat.Panel(), words, query).reduce_options(last).graph_mode(c.BigValueGraphMode.NONE)
    return panel.color_mode(c.BigValueColorMode.BACKGROUND).thresholds(_steps(states.UNSTARTED.color))


def _in_status_colors(panel: _Panel, shown: Sequence[states.State] = states.STATUSES) -> _Panel:
    for state in shown:
        color = {"mode": "fixed", "fixedColor": state.color}
        panel.override_by_name(state.word, _properties({"color": color}))
    return panel


def _steps(base: str, *steps: tuple[float, str]) -> ThresholdsConfig:
    thresholds = [
        d.Threshold(value=None, color=base),
        *(d.Threshold(value=value, color=color) for value, color in steps),
    ]
    return ThresholdsConfig().mode(d.ThresholdsMode.ABSOLUTE).steps(thresholds)


def _sorting(heading: str) -> common.TableSortByFieldState:
    state = common.TableSortByFieldState().display_name(heading.removeprefix("-"))
    return state.desc(desc=heading.startswith("-"))


def _plain() -> FieldColor:
    return FieldColor().mode(d.FieldColorModeId.FIXED).fixed_color("text")


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().display_mode(c.LegendDisplayMode.LIST).placement(c.LegendPlacement.BOTTOM)
    return legend.show_legend(show_legend=True).calcs([])


def _all_series() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(c.TooltipDisplayMode.MULTI).sort(c.SortOrder.DESCENDING)


def _organize(order: Sequence[str], headings: Mapping[str, str], *excluded: str) -> d.DataTransformerConfig:
    return _step(
        "organize",
        indexByName={field: index for index, field in enumerate(order)},
        renameByName=dict(headings),
        excludeByName=dict.fromkeys(excluded, True),
    )


def _step(transformer: str, **options: object) -> d.DataTransformerConfig:
    return d.DataTransformerConfig(id_val=transformer, options=options)


def _properties(values: Mapping[str, object]) -> list[d.DynamicConfigValue]:
    return [d.DynamicConfigValue(id_val=key, value=value) for key, value in values.items()]
