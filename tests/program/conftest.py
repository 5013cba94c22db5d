"""Fixtures: exporters as processes, and sandboxes of the API in threads."""

from collections.abc import Callable

import pytest

from exporter.sandbox import Handle, demo_tasks
from tests.program.components import check_metrics, component


@pytest.fixture
def sandbox(serve: Callable[..., Handle]) -> Handle:
    """Serves the demo's tasks."""
    return serve(*demo_tasks())


@pytest.fixture(scope="session")
def promtool_check(pytestconfig: pytest.Config) -> Callable[[str], str]:
    """What promtool has to say about a scrape in the text format: nothing, if all is well."""
    promtool = component("promtool", pytestconfig)
    return lambda text: check_metrics(promtool, text)
