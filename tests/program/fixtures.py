"""Fixtures: exporters as processes, and sandboxes of the API in threads."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from exporter.sandbox import Handle, run_in_thread
from tests.program.process import Launcher, canary_sandbox, launcher
from tests.secrecy import Watch


@pytest.fixture
def launch(secrecy: Watch, tmp_path: Path) -> Iterator[Launcher]:
    """Starts exporters that live as long as the test."""
    with launcher(secrecy, tmp_path) as launching:
        yield launching


@pytest.fixture(scope="module")
def launch_for_module(secrecy: Watch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """Starts exporters that live as long as the tests of the module."""
    with launcher(secrecy, tmp_path_factory.mktemp("module")) as launching:
        yield launching


@pytest.fixture
def serve() -> Iterator[Callable[..., Handle]]:
    """Serves the API for given tasks as long as the test lives."""
    with ExitStack() as stack:
        yield lambda *tasks, **options: stack.enter_context(run_in_thread(canary_sandbox(tasks, **options)))
