"""Fixtures for all tests."""

import logging
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest_plugins = ["tests.secrecy"]

os.environ["TZ"] = "Asia/Shanghai"  # where local time is not UTC
time.tzset()
# Programs inherit what is ignored: SIGINT in a shell's background jobs, SIGHUP under nohup.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """The exporter's lines since it was last asked: message and level beside the fields that are there."""
    caplog.set_level(logging.INFO)

    def since() -> list[dict[str, object]]:
        found = [
            {"msg": entry.message, "level": entry.levelname}
            | {name: value for name, value in vars(entry)["fields"].items() if value is not None}
            for entry in caplog.records
            if entry.name.startswith("exporter")
        ]
        caplog.clear()
        return found

    return since


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for task files."""
    path = tmp_path / "tasks.d"
    path.mkdir()
    return path
