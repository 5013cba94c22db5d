"""Fixtures: the real programs, and the shipped files as YAML."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.alerting.servers import ROOT
from tests.alerting.sinks import Sinks, listening


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """The path of a program that `make components` fetched, or of one on the PATH."""

    def find(name: str) -> str:
        path = shutil.which(name, path=f"{ROOT / '.components'}{os.pathsep}{os.environ.get('PATH', '')}")
        if path is None and os.environ.get("CI"):
            pytest.fail(f"{name} is missing: make components")
        if path is None:
            pytest.skip(f"{name} is missing: make components")
        return path

    return find


@pytest.fixture(scope="module")
def sinks() -> Iterator[Sinks]:
    """Stands for Slack, PagerDuty, WeCom, DingTalk's bridge and a mail server."""
    with listening() as sinks:
        yield sinks
