"""Fixtures for all tests."""

import pytest

pytest_plugins = ["tests.secrecy"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
