"""The checks without a server: each test breaks a dashboard in one way, and the check names the fault."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
import yaml

from exporter.ninedata import Status, TaskStatus
from grafana.build import DIRECTORY
from grafana.check import main, panels_of, problems_in
from grafana.frame import OVERVIEW_UID, TASK_UID
from grafana.states import (
    FAILED,
    NO_EXPORTER,
    NOT_QUERIED,
    OWN_STATUSES,
    REASON_COLORS,
    STATUSES,
    SUCCESS,
    UNKNOWN,
    WORST_FIRST,
)
from tests.grafana.conftest import document_of
from tests.grafana.history import STATUSES as EXPORTED

Document = dict[str, Any]
Break = Callable[[Document], object]


def panel(document: Document, title: str) -> Document:
    return next(panel for panel in panels_of(document) if panel["title"] == title)  # type: ignore[return-value]


def in_query(title: str, old: str, new: str) -> Break:
    def change(document: Document) -> None:
        target = panel(document, title)["targets"][0]
        assert old in target["expr"]
        target["expr"] = target["expr"].replace(old, new)

    return change


def second_column(width: int) -> Break:
    return lambda document: panel(document, ATTENTION)["fieldConfig"]["overrides"][1]["properties"][1].update(
        value=width
    )


NOW, ATTENTION = "Tasks by state", "Tasks that need attention"

BREAKS: dict[str, tuple[Break, str]] = {
    "no filter": (in_query("Exporters", 'job=~"$job", ', ""), "up is not filtered by job"),
    "a variable unresolved": (in_query(ATTENTION, "$instance", "$inst"), "nothing resolves $inst"),
    "a name with a quote": (in_query(ATTENTION, "`${task:regex}`", '"$task"'), "a quote or a backslash"),
    "a title that is cut": (lambda d: panel(d, NOW)["gridPos"].update(w=4), "the title is cut"),
    "a name that wraps": (lambda d: panel(d, NOW)["targets"][1].update(legendFormat="Cannot be queried"), "tile wraps"),
    "reasons without room": (second_column(400), "reasons cannot be read"),
    "columns without room": (second_column(600), "columns are off the screen"),
}


@pytest.mark.parametrize(("change", "problem"), BREAKS.values(), ids=BREAKS.keys())
def test_the_check_names(change: Break, problem: str) -> None:
    document = document_of(OVERVIEW_UID)
    change(document)
    assert problem in "\n".join(problems_in(document))


def test_the_committed_files_are_what_is_built_and_have_no_problems(capsys: pytest.CaptureFixture[str]) -> None:
    assert (main(), capsys.readouterr().out) == (0, "")


def test_the_rows_about_the_exporter_itself_are_closed() -> None:
    rows = {row["title"]: row["collapsed"] for row in document_of(OVERVIEW_UID)["panels"] if row["type"] == "row"}
    assert rows == {"Migrations": False, "Exporters": True, "Where the tasks come from": True}


def test_the_link_to_one_task_brings_a_task() -> None:
    document = document_of(OVERVIEW_UID)
    assert "var-task=${first:percentencode}" in document["links"][0]["url"]
    assert document["templating"]["list"][-1]["name"] == "first"


def test_the_task_and_its_page_stand_at_the_top() -> None:
    document = document_of(TASK_UID)
    assert document["panels"][0]["title"] == "$task"
    assert "${page:raw}" in [link["url"] for link in document["links"]]


def test_statuses_and_reasons_are_those_of_the_exporter() -> None:
    words = [word for words in OWN_STATUSES.values() for word in words]
    assert sorted(words) == sorted(status.value for status in TaskStatus)
    assert {state.word for state in STATUSES} == {status.value for status in Status} == set(EXPORTED)
    assert SUCCESS.color not in REASON_COLORS.values()


def test_provisioning_loads_both_from_where_they_are_mounted() -> None:
    folder = DIRECTORY.parent / "provisioning"
    provider = yaml.safe_load((folder / "dashboards/ninedata.yaml").read_text(encoding="utf-8"))["providers"][0]
    source = yaml.safe_load((folder / "datasources/prometheus.yaml").read_text(encoding="utf-8"))["datasources"][0]
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")


# How dichromats see, on linear RGB: Machado, Oliveira and Fernandes, 2009, at severity 1.
VISION = {
    "trichromat": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanope": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deuteranope": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "tritanope": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}


@pytest.mark.parametrize("eyes", VISION)
def test_every_two_states_look_different(eyes: str) -> None:
    for one, other in combinations((*WORST_FIRST, NO_EXPORTER), 2):
        a, b = _lab(one.color, eyes), _lab(other.color, eyes)
        distance = sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5
        assert distance > 15, (one.word, other.word)


@pytest.mark.parametrize("background", ["#181b1f", "#ffffff"])
@pytest.mark.parametrize("state", [FAILED, NOT_QUERIED, UNKNOWN], ids=lambda state: state.word)
def test_what_is_bad_stands_out_in_both_themes(state: Any, background: str) -> None:  # noqa: ANN401 - a State
    light, dark = sorted((_luminance(state.color) + 0.05, _luminance(background) + 0.05), reverse=True)
    assert light / dark > 3


def _rgb(color: str) -> tuple[float, ...]:
    values = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return tuple(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values)


def _luminance(color: str) -> float:
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), _rgb(color), strict=True))


def _lab(color: str, eyes: str) -> tuple[float, ...]:
    r, g, b = (sum(w * c for w, c in zip(row, _rgb(color), strict=True)) for row in VISION[eyes])
    r, g, b = (min(max(value, 0.0), 1.0) for value in (r, g, b))
    whites = ((0.4124, 0.3576, 0.1805, 0.9505), (0.2126, 0.7152, 0.0722, 1), (0.0193, 0.1192, 0.9505, 1.0891))
    parts = ((kr * r + kg * g + kb * b) / white for kr, kg, kb, white in whites)
    x, y, z = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in parts)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)
