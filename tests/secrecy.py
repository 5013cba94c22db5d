"""Made-up secrets ("canaries") that tests give to the exporter and that no output of any test may show.

A pytest plugin: it searches what every test prints and logs, and what tests pass to `Watch.look`. A test whose output
shows a canary fails.
"""

import base64
import re
from collections.abc import Generator

import pytest

CANARY = "Canary4E1c7b"
"""A part of every canary, with letters of both cases: a secret in another case is a leak too."""
ACCESS_KEY_ID = f"ak-{CANARY}-id"
SECRET_KEY = f"sk-{CANARY}-key"

_WATCH = pytest.StashKey["Watch"]()


class Watch:
    """Remembers where a canary was shown."""

    def __init__(self) -> None:
        self.leaks: list[str] = []
        self._patterns = [re.compile("|".join(_encodings(CANARY)), re.IGNORECASE)]

    def hide(self, secret: str) -> None:
        """Look for this text as well from now on."""
        self._patterns.append(re.compile(re.escape(secret)))

    def look(self, place: str, shown: str | bytes) -> None:
        """Search what was shown at a place."""
        text = shown.decode("utf-8", "replace") if isinstance(shown, bytes) else shown
        if any(pattern.search(text) for pattern in self._patterns):
            self.leaks.append(place)


def _encodings(text: str) -> list[str]:
    """The text as it is, in hexadecimal digits, and in base64 at any offset."""
    found = [re.escape(text), text.encode().hex()]
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + text.encode()).decode().rstrip("=")
        found.append(re.escape(encoded[(0, 2, 3)[offset] : -1]))  # the ends depend on the neighbours
    return found


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_WATCH] = Watch()


@pytest.fixture(scope="session")
def secrecy(pytestconfig: pytest.Config) -> Watch:
    """The watch of this session, for outputs that pytest does not capture."""
    return pytestconfig.stash[_WATCH]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    watch = item.config.stash[_WATCH]
    for title, content in report.sections:
        watch.look(title, content)
    if watch.leaks:
        report.sections.append(("Secrets", "A secret shows in\n" + "\n".join(watch.leaks)))
        if not report.failed:
            report.outcome, report.longrepr = "failed", report.sections[-1][1]
        watch.leaks.clear()
    return report
