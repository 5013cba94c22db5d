"""The kinds of panel that the dashboards are made of. `empty` is what an empty one means, whatever made it empty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import common, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as d
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.states import NO_EXPORTER, NOT_KNOWN, TRANSPARENT, mapping

DATASOURCE = c.DataSourceRef(type_val="prometheus", uid="${datasource}")

_Panel = TypeVar("_Panel", stat.Panel, statetimeline.Panel, table.Panel, timeseries.Panel)
Panel = stat.Panel | statetimeline.Panel | table.Panel | timeseries.Panel


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: the field it shows, its heading, its width (0: what is left), and further properties."""

    field: str
    heading: str
    width: int = 0
    properties: Mapping[str, object] | None = None


def instant(expr: str, legend: str) -> prometheus.Dataquery:
    """A query of the end of the time range."""
    return _series(expr, legend).instant()


def over_time(expr: str, legend: str) -> prometheus.Dataquery:
    """A query of the whole time range."""
    return _series(expr, legend).range()


def _series(expr: str, legend: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expr).format(PromQueryFormat.TIME_SERIES).legend_format(legend)


def numbers(
    title: str,
    description: str,
    tiles: Mapping[str, tuple[str, str, str]],
    *,
    unknown: tuple[str, str] = ("?", NO_EXPORTER.color),
    size: int | None = 30,
) -> stat.Panel:
    """Tiles of a name and a number, or of a text on a colour where that is not known.

    Each has a query, the colour of 0, and that of more. Without a size, a number is as large as all of it fits.
    """
    queries = (instant(expr, name) for name, (expr, _, _) in tiles.items())
    panel = _stat(title, description, "?", *queries).text_mode(c.BigValueTextMode.VALUE_AND_NAME).unit("locale")
    panel = panel.mappings([mapping({str(NOT_KNOWN): unknown})])
    text = common.VizTextDisplayOptions().title_size(11)
    panel = panel.text(text.value_size(size) if size else text)
    for name, (_, zero, more) in tiles.items():
        panel = panel.override_by_name(name, _properties({"thresholds": _steps(zero, (1, more)).build()}))
    return panel


def word(title: str, description: str, meanings: d.ValueMap, query: prometheus.Dataquery) -> stat.Panel:
    """A state as its word."""
    return _stat(title, description, "?", query).text_mode(c.BigValueTextMode.VALUE).mappings([meanings])


def moment(title: str, description: str, query: prometheus.Dataquery) -> stat.Panel:
    """How long ago a moment, in milliseconds of Unix time, was."""
    return amount("dateTimeFromNow", title, description, "Not known", query).max_data_points(300)


def amount(unit: str, title: str, description: str, empty: str, query: prometheus.Dataquery) -> stat.Panel:
    """A number with a unit."""
    panel = _stat(title, description, empty, query).text_mode(c.BigValueTextMode.VALUE)
    return panel.unit(unit).color_mode(c.BigValueColorMode.NONE)


def timeline(title: str, description: str, meanings: d.ValueMap, *queries: prometheus.Dataquery) -> statetimeline.Panel:
    """A row per series, with a block as long as it stays in a state."""
    # No text for an empty one: Grafana would put it into the legend for each gap.
    panel = _common(statetimeline.Panel(), title, description, "", *queries).mappings([meanings]).per_page(25)
    panel = panel.merge_values(merge_values=True).show_value(c.VisibilityMode.AUTO).row_height(0.8).legend(_legend())
    # Thresholds as the mode of colours would discard the words.
    return panel.color_scheme(_fixed(NO_EXPORTER.color)).max_data_points(300).fill_opacity(100)


def lines(unit: str, title: str, description: str, empty: str, *queries: prometheus.Dataquery) -> timeseries.Panel:
    """Lines over time."""
    panel = _common(timeseries.Panel(), title, description, empty, *queries).unit(unit).min(0).legend(_legend())
    tooltip = common.VizTooltipOptions().mode(c.TooltipDisplayMode.MULTI).sort(c.SortOrder.DESCENDING)
    return panel.line_width(2).fill_opacity(0).show_points(c.VisibilityMode.AUTO).tooltip(tooltip)


def worst_first(unit: str, title: str, description: str, empty: str, query: prometheus.Dataquery) -> timeseries.Panel:
    """Lines with a legend that begins with the greatest value. Not with the last one, which may have ended long ago."""
    panel = lines(unit, title, description, empty, query)
    legend = _legend().display_mode(c.LegendDisplayMode.TABLE).calcs(["max"])
    return panel.legend(legend.sort_by("Max").sort_desc(sort_desc=True))


def logarithmic(panel: timeseries.Panel, above: float) -> timeseries.Panel:
    """Lines of which one that is far above the others leaves them readable; linear down to 0 below a value."""
    scale = common.ScaleDistributionConfig().type(c.ScaleDistribution.SYMLOG).log(10).linear_threshold(above)
    return panel.scale_distribution(scale)


def stacked(panel: timeseries.Panel, colors: Mapping[str, str]) -> timeseries.Panel:
    """Lines as areas that add up, in colours by name."""
    panel = panel.stacking(common.StackingConfig().mode(c.StackingMode.NORMAL)).show_points(c.VisibilityMode.NEVER)
    panel = panel.line_width(0).line_interpolation(c.LineInterpolation.STEP_AFTER).fill_opacity(90)
    for name, color in colors.items():
        panel = panel.override_by_name(name, _properties({"color": {"mode": "fixed", "fixedColor": color}}))
    return panel


def listing(
    title: str,
    description: str,
    empty: str,
    columns: Sequence[Column],
    *exprs: str,
    order: Sequence[str],
) -> table.Panel:
    """A table of these columns, with cells that show all of their text.

    Several queries make one row where their common labels are equal. Other fields are hidden, for links alone. `order`
    has the headings that rows are sorted by, with `-` before those whose greatest value comes first.
    """
    queries = (prometheus.Dataquery().expr(expr).instant().format(PromQueryFormat.TABLE) for expr in exprs)
    panel = _common(table.Panel(), title, description, empty, *queries).unit("locale").color_scheme(_fixed("text"))
    steps, suffix = ([], "") if len(exprs) == 1 else (_one_table(columns), f" ({_ONLY})")
    names = [column.field + (suffix if column.field.startswith("Value") else "") for column in columns]
    organize = {
        "indexByName": {name: index for index, name in enumerate(names)},
        "renameByName": {name: column.heading for name, column in zip(names, columns, strict=True)},
        "excludeByName": {"Time": True},
    }
    panel = panel.transformations([*steps, d.DataTransformerConfig(id_val="organize", options=organize)])
    panel = panel.cell_options(c.TableAutoCellOptions(wrap_text=True)).inspect(inspect=True)
    panel = panel.max_data_points(300).align(c.FieldTextAlignment.LEFT).cell_height(c.TableCellHeight.SM)
    by = [(heading.removeprefix("-"), heading.startswith("-")) for heading in order]
    panel = panel.sort_by([common.TableSortByFieldState().display_name(name).desc(desc=desc) for name, desc in by])
    for column in columns:
        width = {"custom.width": column.width} if column.width else {"custom.minWidth": 150}
        properties = {"noValue": "-", **width, **(column.properties or {})}
        panel = panel.override_by_name(column.heading, _properties(properties))
    # Their names as Grafana gives them; those of columns are headings.
    return panel.override_by_regexp("/^(Value( #.)?|[a-z_]+)$/", _properties({"custom.hidden": True}))


_ONLY = "lastNotNull"

# Labels that tell rows apart, or that links use.
_HIDDEN = ("task_id", "task", "job", "instance", "kind", "page", "board", "sets")


def _one_table(columns: Sequence[Column]) -> list[d.DataTransformerConfig]:
    """The steps from the answers of several queries to one table.

    Grouping changes no row, but leaves nothing of answers without labels, which are empty: Grafana 12.2 would show
    their headings instead of what an empty table means.
    """
    names = [*_HIDDEN, *(column.field for column in columns)]
    values = {name: {"aggregations": [_ONLY], "operation": "aggregate"} for name in names if name.startswith("Value")}
    labels = {name: {"aggregations": [], "operation": "groupby"} for name in names if name not in values}
    steps = {"merge": {}, "groupBy": {"fields": labels | values}}
    return [d.DataTransformerConfig(id_val=name, options=options) for name, options in steps.items()]


def colored(meanings: d.ValueMap) -> dict[str, object]:
    """The properties of a column of codes: words on their colours, and nothing where there is no code."""
    blank = d.ValueMappingResult(text="-", color=TRANSPARENT, index=len(meanings.options))
    absent = d.DashboardSpecialValueMapOptions(match=d.SpecialValueMatch.NULL_AND_NAN, result=blank)
    cell = c.TableColoredBackgroundCellOptions(mode=c.TableCellBackgroundDisplayMode.BASIC)
    return {"mappings": [meanings, d.SpecialValueMap(absent)], "custom.cellOptions": cell}


def _common(panel: _Panel, title: str, description: str, empty: str, *queries: prometheus.Dataquery) -> _Panel:
    panel.title(title).description(description).datasource(DATASOURCE)
    if empty:
        panel.no_value(empty)
    for index, query in enumerate(queries):
        panel.with_target(query.datasource(DATASOURCE).ref_id(chr(ord("A") + index)))
    return panel


def _stat(title: str, description: str, empty: str, *queries: prometheus.Dataquery) -> stat.Panel:
    last = common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False).fields("")
    panel = _common(stat.Panel(), title, description, empty, *queries).reduce_options(last)
    # Not `background`: that is a gradient, which shows other colours than those of the states.
    panel = panel.color_mode(c.BigValueColorMode.BACKGROUND_SOLID).justify_mode(c.BigValueJustifyMode.CENTER)
    panel = panel.orientation(c.VizOrientation.VERTICAL).graph_mode(c.BigValueGraphMode.NONE)
    return panel.thresholds(_steps(TRANSPARENT))


def _steps(base: str, *steps: tuple[float, str]) -> ThresholdsConfig:
    levels = [d.Threshold(value=value, color=color) for value, color in ((None, base), *steps)]
    return ThresholdsConfig().mode(d.ThresholdsMode.ABSOLUTE).steps(levels)


def _fixed(color: str) -> FieldColor:
    return FieldColor().mode(d.FieldColorModeId.FIXED).fixed_color(color)


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().display_mode(c.LegendDisplayMode.LIST).placement(c.LegendPlacement.BOTTOM)
    return legend.show_legend(show_legend=True).calcs([])


def _properties(values: Mapping[str, object]) -> list[d.DynamicConfigValue]:
    return [d.DynamicConfigValue(id_val=key, value=value) for key, value in values.items()]
