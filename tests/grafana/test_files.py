"""The files, without a server."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.ninedata import Status
from grafana.build import DIRECTORY, built
from grafana.check import DOCS, main, out_of_date
from grafana.lint import problems_in
from grafana.reading import panels_of
from grafana.states import FAILED, NOT_QUERIED, STATES, STATUSES, WARNING

PROVISIONING = DIRECTORY.parent / "provisioning"


def test_what_is_built_is_what_is_committed() -> None:
    assert out_of_date(DIRECTORY) == []


def test_building_gives_the_same_each_time() -> None:
    assert built() == built()


def test_a_file_that_was_changed_is_out_of_date(tmp_path: Path) -> None:
    for name, text in built().items():
        (tmp_path / name).write_text(text.replace("Failed", "Broken"), encoding="utf-8")
    assert len(out_of_date(tmp_path)) == len(built())


def test_the_dashboards_have_no_problems(dashboard: dict[str, Any]) -> None:
    assert problems_in(dashboard, DOCS) == []


def test_the_check_ends_with_0_and_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0
    assert capsys.readouterr().out == ""


def test_every_status_of_the_exporter_is_a_state() -> None:
    assert {state.word for state in STATUSES} == {status.value for status in Status}
    assert [state.code for state in STATES] == sorted({state.code for state in STATES})
    assert STATES[-1] is NOT_QUERIED


def test_a_state_has_the_same_word_and_colour_everywhere(dashboard: dict[str, Any]) -> None:
    expected = {str(state.code): (state.word, state.color) for state in STATES}
    for panel in panels_of(dashboard):
        for mapping in panel["fieldConfig"]["defaults"].get("mappings", []):
            shown = {code: (result["text"], result["color"]) for code, result in mapping["options"].items()}
            if len(shown) > 1:
                assert shown.items() <= expected.items()
        for override in panel["fieldConfig"]["overrides"]:
            for prop in override["properties"]:
                if prop["id"] == "color":
                    assert (override["matcher"]["options"], prop["value"]["fixedColor"]) in expected.values()


def test_failing_items_stand_with_failed_ones_first(dashboard: dict[str, Any]) -> None:
    (panel,) = (panel for panel in panels_of(dashboard) if panel["title"] == "What fails and why")
    assert panel["options"]["sortBy"][0] == {"displayName": "Status", "desc": True}
    assert FAILED.code > WARNING.code


def test_provisioning_loads_both_from_where_they_are_mounted() -> None:
    provider = yaml.safe_load((PROVISIONING / "dashboards/ninedata.yaml").read_text(encoding="utf-8"))["providers"][0]
    source = yaml.safe_load((PROVISIONING / "datasources/prometheus.yaml").read_text(encoding="utf-8"))["datasources"][
        0
    ]
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
