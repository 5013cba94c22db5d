"""The doctor's report: what a reader sees of the findings."""

import json

import pytest

from exporter import __version__
from exporter.doctor.report import Finding, Level, json_of, table_of

FINDINGS = (
    Finding("configuration", "config.yaml", "ok", "watches 2 tasks at https://ninedata.example"),
    Finding("connection", "ninedata.example:443", "warning", "the certificate expires soon", "Renew it."),
    Finding("discovery", "", "skipped", "is not configured"),
    Finding("task", "orders", "ok", "data_compare, Success, 12 check items"),
    Finding("task", "billing", "fault", "data_compare, not_found: it is not there", "Check the ids."),
    Finding("task", "stock", "fault", "data_compare, not_found: it is not there", "Check the ids."),
)
TABLE = f"""\
ninedata-exporter {__version__} examined config.yaml

ok       configuration  config.yaml: watches 2 tasks at
                        https://ninedata.example
warning  connection     ninedata.example:443: the certificate expires
                        soon
skipped  discovery      is not configured
fault    task           billing: data_compare, not_found: it is not
                        there
fault    task           stock: data_compare, not_found: it is not
                        there
ok       task           orders: data_compare, Success, 12 check items

What to do
  1. ninedata.example:443: Renew it.
  2. billing, stock: Check the ids.

Not good: fault 2, warning 1, skipped 1, ok 2.
"""


def test_a_table_has_faults_first_and_each_advice_once() -> None:
    assert table_of("config.yaml", FINDINGS, width=70) == TABLE


def test_a_document_has_every_finding() -> None:
    document = json.loads(json_of("config.yaml", FINDINGS))
    assert [document[key] for key in ("version", "examined", "good")] == [__version__, "config.yaml", False]
    assert document["findings"][1] == {
        "check": "connection",
        "subject": "ninedata.example:443",
        "level": "warning",
        "what": "the certificate expires soon",
        "advice": "Renew it.",
    }


def test_a_table_of_many_tasks_counts_those_beyond_50() -> None:
    findings = [Finding("task", f"task-{n}", "fault", "timeout", "Wait.") for n in range(500)]
    table = table_of("config.yaml", findings)
    assert table.count("timeout\n") == 50
    assert "fault    task           ... and 450 more\n" in table
    assert "  1. task-0, task-1, task-2, task-3, task-4 and 495 more: Wait.\n" in table


@pytest.mark.parametrize(
    ("level", "complete", "good", "outcome"),
    [
        ("ok", True, True, "Good: ok 1."),
        ("warning", True, True, "Good: warning 1."),
        ("fault", True, False, "Not good: fault 1."),
        ("ok", False, False, "Interrupted: ok 1."),
    ],
    ids=["ok", "warning", "fault", "interrupted"],
)
def test_only_a_complete_examination_without_faults_is_good(
    level: Level, outcome: str, *, complete: bool, good: bool
) -> None:
    findings = [Finding("task", "orders", level, "x")]
    document = json.loads(json_of("c", findings, complete=complete))
    assert (document["good"], document["complete"]) == (good, complete)
    assert table_of("c", findings, complete=complete).splitlines()[-1] == outcome
