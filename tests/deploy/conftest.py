"""Fixtures: the program that reads rules and scrape configurations."""

import pytest

from tests.program.components import component


@pytest.fixture(scope="session")
def promtool(pytestconfig: pytest.Config) -> str:
    """Its path; see `component` for what is done where there is none."""
    return component("promtool", pytestconfig)
