"""docs/alerts.md, where an alert sends people to."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerting.shipped_alerting import ALERTS
from tests.programs import ROOT, component, run

DOCUMENT = (ROOT / "docs" / "alerts.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (NineData\w+)\n\n(.*?)(?=^## |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL))
PARTS = ["**Now.**", "**Impact.**", "**More.**", "**Silence.**"]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_leads_to_what_to_do_now_and_when_to_silence_it(rule: dict[str, Any]) -> None:
    """And has a row in the table of who gets what."""
    name = rule["alert"]
    assert rule["annotations"]["runbook_url"].endswith(f"/docs/alerts.md#{name.lower()}")
    assert [part for part in re.findall(r"^\*\*.*?\*\*", SECTIONS[name], re.MULTILINE) if part in PARTS] == PARTS
    assert re.search(rf"^\| \[{name}\]\(#{name.lower()}\) \| {rule['labels']['severity']} \|", DOCUMENT, re.MULTILINE)


def test_every_section_is_about_an_alert() -> None:
    assert sorted(SECTIONS) == sorted(rule["alert"] for rule in ALERTS)


def test_every_silence_names_its_alert() -> None:
    """Without it, a silence for a task or an exporter also hides that nobody sees it any more."""
    for name, section in SECTIONS.items():
        silences = re.findall(r"amtool silence add --duration=\w+ --comment='...'\s(\S+)", section)
        assert silences == [f"alertname={name}"] * section.count("silence add")
    assert len(re.findall(r"silence add [^`]*?alertname=", DOCUMENT)) == DOCUMENT.count("silence add ")


def test_the_queries_parse(tmp_path: Path) -> None:
    queries = "".join(re.findall(r"```promql\n(.*?)```", DOCUMENT, re.DOTALL)).splitlines()
    assert queries
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), "utf-8")
    run(component("promtool"), "check", "rules", str(file))
