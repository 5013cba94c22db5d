"""docs/alerts.md, which is where people are sent by an alert."""

import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from tests.alerting import shipped

DOCUMENT = (shipped.ROOT / "docs" / "alerts.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n\n(.*?)(?=^## |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL))
PARTS = ["**What it means.**", "**What to look at.**", "**What to do.**", "**When to silence.**"]


def alerts() -> list[Mapping[str, object]]:
    """The shipped ones, in their order."""
    groups = yaml.safe_load(shipped.RULES.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: str(rule["alert"]))
def test_every_alert_leads_to_a_section_of_its_own(rule: dict[str, dict[str, str]]) -> None:
    """Which says what it means, what to look at with a query, what to do, and when to silence it."""
    name = str(rule["alert"])
    assert rule["annotations"]["runbook_url"].endswith(f"/docs/alerts.md#{name.lower()}")
    section = SECTIONS[name]
    assert re.findall(r"^\*\*.*?\*\*", section, re.MULTILINE) == PARTS
    assert "```promql\n" in section
    assert f"| [{name}](#{name.lower()}) | {rule['labels']['severity']} |" in DOCUMENT


def test_there_is_no_section_about_an_alert_that_is_none() -> None:
    assert list(SECTIONS) == [rule["alert"] for rule in alerts()]


@pytest.mark.parametrize("name", [str(rule["alert"]) for rule in alerts()])
def test_every_alert_is_seen_firing_by_promtool(name: str) -> None:
    """Some unit test of the rules expects it."""
    expected = re.compile(rf"alertname: {name}[,\n]\s*exp_alerts")
    tests = (path.read_text("utf-8") for path in (shipped.RULES.parent / "tests").glob("*.yaml"))
    assert any(expected.search(text) for text in tests)


def test_the_queries_can_be_asked(program: Callable[[str], str], tmp_path: Path) -> None:
    """Each parses, as the expression of a rule that nobody has."""
    blocks = re.findall(r"```promql\n(.*?)```", DOCUMENT, re.DOTALL)
    queries = [line for block in blocks for line in block.splitlines()]
    assert len(queries) > len(SECTIONS)
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), "utf-8")
    checked = subprocess.run(  # noqa: S603 - a component of the tests
        [program("promtool"), "check", "rules", str(file)], capture_output=True, text=True, check=False, timeout=60
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
