"""The report: what a reader gets to see of any findings."""

import json

import pytest

from exporter.doctor.finding import Check, Finding, Level
from exporter.doctor.report import Report, json_of, table_of

FINDINGS = (
    Finding(Check.CONFIGURATION, "config.yaml", Level.OK, "2 tasks to watch at https://ninedata.example"),
    Finding(Check.TLS, "ninedata.example:443", Level.WARNING, "the certificate ends in 3 days", "Have it renewed."),
    Finding(Check.DISCOVERY, "", Level.SKIPPED, "is not configured"),
    Finding(Check.TASK, "orders", Level.OK, "data_compare, Success, 12 check items"),
    Finding(Check.TASK, "billing", Level.FAULT, "data_compare, not_found: it is not there", "See whether it is."),
    Finding(Check.TASK, "stock", Level.FAULT, "data_compare, not_found: it is not there", "See whether it is."),
    Finding(Check.ASSUMPTION, "the console serves the API", Level.OK, "it answered"),
    Finding(Check.ASSUMPTION, "ids are unique", Level.WARNING, "there is a#2", "Please report it."),
    Finding(Check.ASSUMPTION, "a refused key is recognised", Level.SKIPPED, "not seen"),
    Finding(Check.ASSUMPTION, "too many requests are recognised", Level.SKIPPED, "not seen"),
)

TABLE = """\
ninedata-exporter 1.2.3 examined config.yaml

ok       configuration  config.yaml: 2 tasks to watch at
                        https://ninedata.example
warning  tls            ninedata.example:443: the certificate ends in
                        3 days
skipped  discovery      is not configured
fault    task           billing: data_compare, not_found: it is not
                        there
fault    task           stock: data_compare, not_found: it is not
                        there
ok       task           orders: data_compare, Success, 12 check items

What to do
  1. ninedata.example:443: Have it renewed.
  2. billing, stock: See whether it is.
  3. ids are unique: Please report it.

What it tells of the API (“What is assumed about the API” in
docs/operations.md)
  confirmed  the console serves the API: it answered
  wrong      ids are unique: there is a#2
  not seen   a refused key is recognised; too many requests are
             recognised

Not good: 2 faults, 1 warning, 1 skipped, 2 ok.
"""


def report(*findings: Finding, complete: bool = True) -> Report:
    return Report("1.2.3", "config.yaml", findings, complete)


def test_a_table() -> None:
    """Faults before the good of the same check, advice once with all that it is for, what was learned, the outcome."""
    assert table_of(report(*FINDINGS), 70) == TABLE


@pytest.mark.parametrize("width", [1, 60, 100, 300])
def test_the_width_is_kept(width: int) -> None:
    """Down to one in which there is room for something; a long word is broken."""
    long = Finding(Check.ANSWER, "x" * 500, Level.FAULT, "word " * 100, "advice " * 100)
    assert max(map(len, table_of(report(*FINDINGS, long), width).splitlines())) <= max(width, 60)


def test_many_findings_are_counted() -> None:
    """Bad ones are listed further than good ones; the JSON document has all."""
    good = [Finding(Check.TASK, f"good-{number}", Level.OK, "Success") for number in range(500)]
    bad = [Finding(Check.TASK, f"bad-{number}", Level.FAULT, "timeout", "Wait.") for number in range(500)]
    whole = report(*good, *bad)
    table = table_of(whole, 100)
    assert (table.count("good-"), table.count("bad-")) == (50, 200 + 5)
    assert "ok       task           ... and 450 more\n" in table
    assert "fault    task           ... and 300 more\n" in table
    assert "  1. bad-0, bad-1, bad-2, bad-3, bad-4 and 495 more: Wait.\n" in table
    assert len(json.loads(json_of(whole))["findings"]) == 1000


def test_a_document() -> None:
    """All that the table is made of, and the outcome."""
    document = json.loads(json_of(report(*FINDINGS)))
    assert (document["version"], document["examined"]) == ("1.2.3", "config.yaml")
    assert (document["good"], document["complete"]) == (False, True)
    assert document["findings"][1] == {
        "check": "tls",
        "subject": "ninedata.example:443",
        "level": "warning",
        "what": "the certificate ends in 3 days",
        "advice": "Have it renewed.",
    }


@pytest.mark.parametrize(
    ("level", "complete", "good", "outcome"),
    [
        (Level.OK, True, True, "Good: 1 ok."),
        (Level.WARNING, True, True, "Good: 1 warning."),
        (Level.SKIPPED, True, True, "Good: 1 skipped."),
        (Level.FAULT, True, False, "Not good: 1 fault."),
        (Level.OK, False, False, "Interrupted; until then: 1 ok."),
    ],
)
def test_the_outcome(level: Level, *, complete: bool, good: bool, outcome: str) -> None:
    """Faults alone are not good, and what was not brought to an end."""
    whole = report(Finding(Check.TASK, "orders", level, "x"), complete=complete)
    assert (whole.good, table_of(whole, 100).splitlines()[-1]) == (good, outcome)


def test_an_assumption_that_is_wrong_is_nobodys_fault() -> None:
    """It is to be reported, and changes nothing about the outcome."""
    assert table_of(report(FINDINGS[0], FINDINGS[7]), 100).splitlines()[-1] == "Good: 1 ok."
