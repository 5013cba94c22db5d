"""Canaries: made-up secrets which the tests hand to the exporter, and which must show in no output of any test.

A pytest plugin. It searches what every test printed and logged, and what the tests themselves show it: the output of
processes, the answers of the exporter. A test in which a canary shows fails, and the whole session with it.
"""

import base64
import re
from collections.abc import Generator

import pytest

CANARY = "Canary4E1c7b"
"""A part of every canary, in letters of both cases: a secret shown in another case is shown."""
ACCESS_KEY_ID = f"ak-{CANARY}-id"
SECRET_KEY = f"sk-{CANARY}-key"

_WATCH = pytest.StashKey["Watch"]()


class Watch:
    """Looks for canaries and remembers where it saw one."""

    def __init__(self) -> None:
        self.leaks: list[str] = []
        self._patterns = [re.compile("|".join(_disguises(CANARY)), re.IGNORECASE)]
        self._told = 0

    def hide(self, secret: str) -> None:
        """From now on this text is a secret too, one that only comes to be while the test runs."""
        self._patterns.append(re.compile(re.escape(secret)))

    def look(self, place: str, shown: str | bytes) -> None:
        """Search what was shown at a place."""
        text = shown.decode("utf-8", "replace") if isinstance(shown, bytes) else shown
        if place not in self.leaks and any(pattern.search(text) for pattern in self._patterns):
            self.leaks.append(place)

    def news(self) -> list[str]:
        """The places found since it was last asked."""
        found, self._told = self.leaks[self._told :], len(self.leaks)
        return found


def _disguises(text: str) -> list[str]:
    """The text as it is, in hexadecimal digits, and in base64 wherever in a longer text it begins."""
    disguised = [re.escape(text), text.encode().hex()]
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + text.encode()).decode()
        # The characters at both ends depend on the neighbours too.
        inner = encoded.rstrip("=")[(0, 2, 3)[offset] :]
        disguised.append(re.escape(inner[: len(inner) - 1]))
    return disguised


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_WATCH] = Watch()


@pytest.fixture(scope="session")
def secrecy(pytestconfig: pytest.Config) -> Watch:
    """Is shown everything that reaches the outside."""
    return pytestconfig.stash[_WATCH]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    watch = item.config.stash[_WATCH]
    for title, content in report.sections:
        watch.look(f"{item.nodeid}: {title}", content)
    found = watch.news()
    if found:
        message = "A secret shows in\n" + "\n".join(found)
        report.sections.append(("Secrets", message))
        if not report.failed:
            report.outcome, report.longrepr = "failed", message
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    # The test has failed already, unless the leak was seen outside of any test.
    if session.config.stash[_WATCH].leaks:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for place in config.stash[_WATCH].leaks:
        terminalreporter.write_line(f"a secret shows in {place}", red=True)
