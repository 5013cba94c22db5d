"""Fixtures: sinks for notifications, and the programs that make them."""

from collections.abc import Callable, Iterator

import pytest

from tests.alerting.sinks import Sinks, listening
from tests.program.components import component


@pytest.fixture(scope="session")
def program(pytestconfig: pytest.Config) -> Callable[[str], str]:
    """The path of a real program; see `component` for what is done where there is none."""
    return lambda name: component(name, pytestconfig)


@pytest.fixture(scope="module")
def sinks() -> Iterator[Sinks]:
    """A chat and a mail server of the module's own."""
    with listening() as sinks:
        yield sinks
