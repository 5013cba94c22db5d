"""The kinds of panel that the dashboards are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import barchart, common, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as d
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.states import FAILED, NO_EXPORTER, NOT_KNOWN, TRANSPARENT, State, mappings, words

DATASOURCE = c.DataSourceRef(type_val="prometheus", uid="${datasource}")

_Panel = TypeVar("_Panel", barchart.Panel, stat.Panel, statetimeline.Panel, table.Panel, timeseries.Panel)


@dataclass(frozen=True, slots=True)
class Words:
    """What a panel says about itself."""

    title: str
    description: str
    """What is seen, and what to do about it."""
    empty: str = ""
    """What an empty panel means, whatever made it empty. Timelines have none: Grafana would put it into the legend."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: the field it shows, its heading, its width (0: what is left), and further properties."""

    field: str
    heading: str
    width: int = 0
    properties: Mapping[str, object] | None = None


def instant(expr: str, legend: str) -> prometheus.Dataquery:
    """A query of the end of the time range."""
    return prometheus.Dataquery().expr(expr).instant().format(PromQueryFormat.TIME_SERIES).legend_format(legend)


def rows(expr: str) -> prometheus.Dataquery:
    """A query of the end of the time range, as a table with a column per label."""
    return prometheus.Dataquery().expr(expr).instant().format(PromQueryFormat.TABLE)


def over_time(expr: str, legend: str) -> prometheus.Dataquery:
    """A query of the whole time range."""
    return prometheus.Dataquery().expr(expr).range().format(PromQueryFormat.TIME_SERIES).legend_format(legend)


def numbers(words_: Words, queries: Sequence[prometheus.Dataquery], colors: Mapping[str, str]) -> stat.Panel:
    """A number per series with its name: blank while it is 0, in its colour from 1 on, and ? where it is not known."""
    panel = _stat(words_, *queries).text_mode(c.BigValueTextMode.VALUE_AND_NAME).unit("none")
    panel = panel.text(common.VizTextDisplayOptions().title_size(11).value_size(36))
    panel = panel.mappings(mappings({str(NOT_KNOWN): ("?", NO_EXPORTER.color)}))
    for name, color in colors.items():
        panel = panel.override_by_name(name, _properties({"thresholds": _steps((1, color)).build()}))
    return panel


def bad_at_zero(panel: stat.Panel, name: str) -> stat.Panel:
    """With a number that is bad where it is 0."""
    return panel.override_by_name(name, _properties({"thresholds": _steps((1, TRANSPARENT), base=FAILED.color).build()}))


def word(words_: Words, query: prometheus.Dataquery) -> stat.Panel:
    """A state as its word."""
    return _stat(words_, query).text_mode(c.BigValueTextMode.VALUE).mappings(words())


def moment(words_: Words, query: prometheus.Dataquery) -> stat.Panel:
    """How long ago a moment, in milliseconds of Unix time, was."""
    panel = _stat(words_, query).text_mode(c.BigValueTextMode.VALUE).unit("dateTimeFromNow")
    return panel.color_mode(c.BigValueColorMode.NONE)


def timeline(
    words_: Words, query: prometheus.Dataquery, meanings: Sequence[d.ValueMap], per_page: int
) -> statetimeline.Panel:
    """A row per series, with a block as long as it stays in a state."""
    panel = _common(statetimeline.Panel(), words_, query).mappings(meanings).per_page(per_page).legend(_legend())
    panel = panel.merge_values(merge_values=True).show_value(c.VisibilityMode.AUTO).row_height(0.8)
    # Thresholds as the mode of colours would discard the words.
    return panel.color_scheme(_fixed(NO_EXPORTER.color)).max_data_points(300).fill_opacity(100)


def lines(words_: Words, unit: str, *queries: prometheus.Dataquery) -> timeseries.Panel:
    """Lines over time."""
    panel = _common(timeseries.Panel(), words_, *queries).unit(unit).min(0).legend(_legend()).tooltip(_all_series())
    return panel.line_width(2).fill_opacity(0).show_points(c.VisibilityMode.AUTO)


def stacked(words_: Words, unit: str, query: prometheus.Dataquery, colors: Mapping[str, str]) -> timeseries.Panel:
    """Areas over time that add up, in colours by name."""
    panel = lines(words_, unit, query).stacking(common.StackingConfig().mode(c.StackingMode.NORMAL))
    panel = panel.line_width(0).line_interpolation(c.LineInterpolation.STEP_AFTER).fill_opacity(90)
    return _in_colors(panel.show_points(c.VisibilityMode.NEVER), colors)


def bars(words_: Words, expr: str, label: str, heading: str, shown: Sequence[State], most: int) -> barchart.Panel:
    """A bar per value of a label, made up of statuses: the `most` ones with the most failures.

    The query has to give a value per `label` and `status`, of the statuses shown.
    """
    matrix = rf"{label}\status"
    panel = _common(barchart.Panel(), words_, rows(expr)).unit("none").min(0).decimals(0)
    panel = panel.transformations(
        [
            _step("groupingToMatrix", rowField=label, columnField="status", valueField="Value", emptyValue="null"),
            _organize([matrix, *(state.word for state in shown)], {matrix: heading}),
            _step("sortBy", fields={}, sort=[{"field": FAILED.word, "desc": True}]),
            _step("limit", limitField=most),
        ]
    )
    panel = panel.orientation(c.VizOrientation.HORIZONTAL).stacking(c.StackingMode.NORMAL).fill_opacity(100)
    panel = panel.line_width(0).show_value(c.VisibilityMode.AUTO).legend(_legend()).tooltip(_all_series())
    return _in_colors(panel.x_tick_label_max_length(30), {state.word: state.color for state in shown})


def listing(
    words_: Words,
    columns: Sequence[Column],
    *queries: prometheus.Dataquery,
    order: Sequence[str],
    hidden: Sequence[str] = (),
) -> table.Panel:
    """A table of these columns, with cells that show all of their text.

    Several queries make one row where their common labels are equal. Hidden fields are there for links. `order` has
    the headings that rows are sorted by, with `-` before those whose greatest value comes first.
    """
    panel = _common(table.Panel(), words_, *queries).unit("none").color_scheme(_fixed("text"))
    fields = [column.field for column in columns]
    headings = {column.field: column.heading for column in columns}
    merge = [_step("merge")] if len(queries) > 1 else []
    panel = panel.transformations([*merge, _organize([*fields, *hidden], headings, "Time")])
    panel = panel.cell_options(c.TableAutoCellOptions(wrap_text=True)).inspect(inspect=True).align(c.FieldTextAlignment.LEFT)
    panel = panel.cell_height(c.TableCellHeight.SM).sort_by([_sorting(heading) for heading in order])
    for column in columns:
        width = {"custom.width": column.width} if column.width else {"custom.minWidth": MIN_WIDTH}
        properties = {"noValue": "-", **width, **(column.properties or {})}
        panel = panel.override_by_name(column.heading, _properties(properties))
    for field in hidden:
        panel = panel.override_by_name(field, _properties({"custom.hidden": True}))
    return panel


MIN_WIDTH = 150
"""In pixels, of a column that takes what is left."""


def colored(meanings: Sequence[d.ValueMap]) -> dict[str, object]:
    """The properties of a column of codes: words on their colours, and nothing where there is no code."""
    cell = c.TableColoredBackgroundCellOptions(mode=c.TableCellBackgroundDisplayMode.BASIC)
    blank = d.ValueMappingResult(text="-", color=TRANSPARENT, index=len(meanings))
    absent = d.DashboardSpecialValueMapOptions(match=d.SpecialValueMatch.NULL_AND_NAN, result=blank)
    return {"mappings": [*meanings, d.SpecialValueMap(absent)], "custom.cellOptions": cell}


def _common(panel: _Panel, words_: Words, *queries: prometheus.Dataquery) -> _Panel:
    panel.title(words_.title).description(words_.description).datasource(DATASOURCE)
    if words_.empty:
        panel.no_value(words_.empty)
    for index, query in enumerate(queries):
        panel.with_target(query.datasource(DATASOURCE).ref_id(chr(ord("A") + index)))
    return panel


def _stat(words_: Words, *queries: prometheus.Dataquery) -> stat.Panel:
    last = common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False).fields("")
    panel = _common(stat.Panel(), words_, *queries).reduce_options(last).graph_mode(c.BigValueGraphMode.NONE)
    # Not `background`, a gradient that shows other colours than those of the states.
    panel = panel.color_mode(c.BigValueColorMode.BACKGROUND_SOLID).justify_mode(c.BigValueJustifyMode.CENTER)
    return panel.orientation(c.VizOrientation.VERTICAL).thresholds(_steps())


def _in_colors(panel: _Panel, colors: Mapping[str, str]) -> _Panel:
    for name, color in colors.items():
        panel.override_by_name(name, _properties({"color": {"mode": "fixed", "fixedColor": color}}))
    return panel


def _steps(*steps: tuple[float, str], base: str = TRANSPARENT) -> ThresholdsConfig:
    levels = [d.Threshold(value=value, color=color) for value, color in ((None, base), *steps)]
    return ThresholdsConfig().mode(d.ThresholdsMode.ABSOLUTE).steps(levels)


def _sorting(heading: str) -> common.TableSortByFieldState:
    state = common.TableSortByFieldState().display_name(heading.removeprefix("-"))
    return state.desc(desc=heading.startswith("-"))


def _fixed(color: str) -> FieldColor:
    return FieldColor().mode(d.FieldColorModeId.FIXED).fixed_color(color)


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().display_mode(c.LegendDisplayMode.LIST).placement(c.LegendPlacement.BOTTOM)
    return legend.show_legend(show_legend=True).calcs([])


def _all_series() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(c.TooltipDisplayMode.MULTI).sort(c.SortOrder.DESCENDING)


def _organize(order: Sequence[str], headings: Mapping[str, str], *excluded: str) -> d.DataTransformerConfig:
    indexes = {field: index for index, field in enumerate(order)}
    excluding = dict.fromkeys(excluded, True)
    return _step("organize", indexByName=indexes, renameByName=dict(headings), excludeByName=excluding)


def _step(transformer: str, **options: object) -> d.DataTransformerConfig:
    return d.DataTransformerConfig(id_val=transformer, options=options)


def _properties(values: Mapping[str, object]) -> list[d.DynamicConfigValue]:
    return [d.DynamicConfigValue(id_val=key, value=value) for key, value in values.items()]
