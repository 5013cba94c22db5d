"""What promtool cannot show about the alert rules: a restart of Prometheus, and every window at once."""

import re
from pathlib import Path

import pytest
import yaml

FILE = Path(__file__).parents[2] / "prometheus" / "ninedata.rules.yaml"
RULES = [rule for group in yaml.safe_load(FILE.read_text("utf-8"))["groups"] for rule in group["rules"]]
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(duration: str) -> int:
    """A duration of one unit."""
    return int(duration[:-1]) * SECONDS[duration[-1]]


@pytest.mark.parametrize("rule", [rule for rule in RULES if "for" in rule], ids=lambda rule: str(rule["alert"]))
def test_a_restart_of_prometheus_ends_no_alert(rule: dict[str, str]) -> None:
    """Prometheus restores `for` from ten minutes on; a shorter one must be over before Alertmanager gives the alert up.

    It does so four minutes after it was last sent, of which a restart and the first evaluations take some.
    """
    assert seconds(rule["for"]) <= 60 or seconds(rule["for"]) >= 600


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.get("alert") or rule["record"]))
def test_each_window_is_longer_than_the_longest_scrape_interval(rule: dict[str, str]) -> None:
    """Windows of scraped series; recorded ones have a sample at each evaluation."""
    windows = re.findall(r"\b(up|ninedata_\w+|scrape_\w+)(?:\{[^}]*\})?\[(\w+)\]", rule["expr"])
    assert all(seconds(window) > 300 for _, window in windows)
