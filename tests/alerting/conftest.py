"""Where notifications arrive."""

from collections.abc import Iterator

import pytest

from tests.alerting.sinks import Sinks, listening


@pytest.fixture(scope="module")
def sinks() -> Iterator[Sinks]:
    """Stands for Slack, PagerDuty, WeCom, DingTalk's bridge and a mail server."""
    with listening() as sinks:
        yield sinks
