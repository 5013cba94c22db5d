"""The declarations of the metrics, and the documentation made of them. The golden scrape has their names and labels."""

import re
from pathlib import Path

from prometheus_client.registry import Collector

from exporter.metrics import choose_format, render
from exporter.metrics.families import DISCOVERY_FAMILIES, OWN_FAMILIES, TASK_FAMILIES
from exporter.scraping.snapshot import Snapshot
from tools import metrics_page


def test_every_family_is_exposed_as_declared(snapshot: Snapshot, own: Collector) -> None:
    """And no other family is exposed."""
    exposed = set(re.findall(r"(?m)^# TYPE (ninedata_\w+) (\w+)$", render(snapshot, own, choose_format("")).decode()))
    families = (*TASK_FAMILIES, *DISCOVERY_FAMILIES, *OWN_FAMILIES)
    assert exposed == {(family.name, family.type) for family in families}


def test_the_documentation_is_generated_from_the_declarations(own: Collector) -> None:
    """The documented `sample_limit` has room for the exporter's own series."""
    page = (Path(__file__).parents[2] / "docs/metrics.md").read_text("utf-8")
    assert page == metrics_page.markdown()
    limit = page.partition("`sample_limit` | ")[2].partition(",")[0]
    assert int(limit) > 1.1 * len(re.findall("(?m)^[^#]", render(Snapshot(()), own, choose_format("")).decode()))
