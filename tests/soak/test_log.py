"""Which lines of the exporter's log are failures of a soak."""

from pathlib import Path

import pytest

from soak.log import MAX_CHARACTERS, MAX_TOLD, Log

GOOD = """\
ts=2026-01-02T03:04:05.678Z level=info msg="configuration reloaded"
ts=2026-01-02T03:04:05.678Z level=warn msg="query fails" task=orders reason=timeout error="level=error, it says"
ts=2026-01-02T03:04:05.678Z level=error msg="configuration not reloaded; the one before it stays in force" fault="a: b"
"""
ERROR = 'ts=2026-01-02T03:04:05.678Z level=error msg="Exception in ASGI application" exception="Traceback"'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "log"
    file.write_text(GOOD)
    return file


def say(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_what_is_meant_to_be_is_none(path: Path) -> None:
    """A run has queries fail, and breaks the configuration on purpose."""
    assert Log(path).complaints() == []


@pytest.mark.parametrize(
    "line",
    [
        ERROR,
        'ts=2026-01-02T03:04:05.678Z level=warn msg="internal error" task=orders',
        "Exception in thread Thread-1 (look):",
    ],
    ids=["an error", "an internal error of any level", "no line of the log"],
)
def test_what_should_not_be_is_told_once(path: Path, line: str) -> None:
    """With the line; later only what is new."""
    log = Log(path)
    say(path, f"{line}\n")
    assert log.complaints() == [f"the log says: {line}"]
    say(path, GOOD)
    assert log.complaints() == []
    say(path, f"{line}\n")
    assert log.complaints() == [f"the log says: {line}"]


def test_a_line_that_is_being_written_is_awaited(path: Path) -> None:
    """Half of it may look like anything."""
    log = Log(path)
    say(path, ERROR[:10])
    assert log.complaints() == []
    say(path, f"{ERROR[10:]}\n")
    assert log.complaints() == [f"the log says: {ERROR}"]


def test_many_and_long_lines_are_told_in_short(path: Path) -> None:
    """A traceback is long, and an error may come with each query."""
    say(path, f"{ERROR}{'x' * 10_000}\n" * 1000)
    *told, last = Log(path).complaints()
    assert len(told) == MAX_TOLD
    assert {len(line) for line in told} == {len("the log says: ") + MAX_CHARACTERS}
    assert last == f"the log says {1000 - MAX_TOLD} more of that kind"
