"""Fixtures: an API that answers as a test says, and an event loop in which waiting takes no time."""

from collections.abc import Callable

import pytest

from tests.ninedata.fake_api import FakeApi
from tests.ninedata.virtual_time import VirtualTimeLoop


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Callable[[], VirtualTimeLoop]]]:
    return "asyncio", {"loop_factory": VirtualTimeLoop}


@pytest.fixture
async def api() -> FakeApi:
    return FakeApi()
