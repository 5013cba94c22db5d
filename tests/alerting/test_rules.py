"""What promtool cannot show about the alert rules: a restart of Prometheus."""

import re

import pytest

from tests.alerting.shipped_alerting import ALL_RULES, seconds


@pytest.mark.parametrize("rule", [rule for rule in ALL_RULES if "for" in rule], ids=lambda rule: str(rule["alert"]))
def test_a_restart_of_prometheus_ends_no_alert(rule: dict[str, str]) -> None:
    """Prometheus restores `for` from ten minutes on; a shorter one must be over before Alertmanager gives the alert up.

    It does so four minutes after it was last sent, of which a restart and the first scrapes take some.
    """
    assert seconds(rule["for"]) <= 60 or seconds(rule["for"]) >= 600


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: str(rule.get("alert", rule.get("record"))))
def test_no_window_is_shorter_than_the_longest_scrape_interval(rule: dict[str, str]) -> None:
    """Of samples that are scraped, as often as every five minutes; recorded series come with each evaluation."""
    windows = re.findall(r"(ninedata\S*?|\bup\S*?|scrape_\S+?)\[(\w+)\]", rule["expr"])
    scraped = [window for series, window in windows if not series.startswith("ninedata:")]
    assert all(seconds(window) > 300 for window in scraped)
