"""Log lines: one per event, in logfmt or JSON, without waiting for their reader."""

import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterator

import pytest

from exporter.credentials import Secret
from exporter.logs import FORMATS, LEVELS, LineFormatter, event, logging_to

MOMENT = 1_767_323_045.6789  # 2026-01-02T03:04:05.678900Z
LOG = logging.getLogger("exporter.test")
NASTY = {
    "line end": "one\ntwo",
    "line ends": "one\ntwo\r\nthree\rfour\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029five",
    "controls": "\x00\x1b[2J\x1b[31mred\x9b\x7f",
    "lone surrogate": "one \ud800 two",
    "another field": 'x level=error msg="forged"',
    "another line": 'x"\nts=2026-01-02T03:04:05.678Z level=error msg=forged',
    "backslashes": '"quoted" \\ back\\slash\\',
    "chinese": "预检查 失败",
}


def record(message: str, level: int = logging.INFO, **fields: object) -> logging.LogRecord:
    return logging.makeLogRecord({"created": MOMENT, "levelno": level, "msg": message, "fields": fields})


def parsed(line: str) -> dict[str, str]:
    """A line of logfmt as its readers parse it: bare values, and quoted ones with JSON's escapes."""
    pairs = re.compile(r'([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s="\\]+)(?: |$)')
    assert pairs.sub("", line) == ""
    return {key: json.loads(value) if value[0] == '"' else value for key, value in pairs.findall(line)}


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """Restores what `logging_to` configures."""
    loggers = [logging.getLogger(name) for name in (None, "asyncio", "httpx", "aiohttp")]
    before = [(logger, logger.level, logger.handlers[:]) for logger in loggers]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.fixture
def pipe() -> Iterator[tuple[int, Callable[[], str]]]:
    """The writing end of a pipe, and a function that reads what is in it."""
    reader, writer = os.pipe()
    yield writer, lambda: os.read(reader, 10_000_000).decode()
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize(
    ("fields", "logfmt", "as_json"),
    [
        ({}, "", {}),
        ({"task": "orders-prod", "none": None}, "task=orders-prod", {"task": "orders-prod"}),
        ({"task": "", "b": "orders prod"}, 'task="" b="orders prod"', {"task": "", "b": "orders prod"}),
        ({"a": 1, "b": 0.1234567, "c": 3.0}, "a=1 b=0.123457 c=3", {"a": 1, "b": 0.1234567, "c": 3.0}),
        ({"b": True, "c": False}, "b=true c=false", {"b": True, "c": False}),
        ({"url": "http://h:1/p?a=b"}, 'url="http://h:1/p?a=b"', {"url": "http://h:1/p?a=b"}),
        ({"reason": "预检查失败"}, "reason=预检查失败", {"reason": "预检查失败"}),
        ({"key": Secret("hunter2")}, "key=***", {"key": "***"}),
    ],
)
def test_an_event_is_one_line(fields: dict[str, object], logfmt: str, as_json: dict[str, object]) -> None:
    """Time in UTC, level, message, and the fields in their order."""
    line = LineFormatter("logfmt").format(record("something happened", **fields))
    assert line == f'ts=2026-01-02T03:04:05.678Z level=info msg="something happened" {logfmt}'.rstrip()
    first = {"ts": "2026-01-02T03:04:05.678Z", "level": "info", "msg": "something happened"}
    assert list(json.loads(LineFormatter("json").format(record("something happened", **fields))).items()) == [
        *(first | as_json).items()
    ]


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())
@pytest.mark.parametrize("form", FORMATS)
def test_no_text_can_end_its_line_or_forge_a_field(form: str, text: str) -> None:
    """Neither as a field nor as a message; readers get the text back unchanged."""
    line = LineFormatter(form).format(record(text, task=text, last="end"))
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", line)
    read = json.loads(line) if form == "json" else parsed(line)
    assert read == {"ts": "2026-01-02T03:04:05.678Z", "level": "info", "msg": text, "task": text, "last": "end"}


@pytest.mark.parametrize("form", FORMATS)
def test_the_log_has_one_line_per_event(pipe: tuple[int, Callable[[], str]], form: str) -> None:
    """An exception is a field with its traceback."""
    writer, read = pipe
    with logging_to(writer, form=form):
        event(LOG, logging.INFO, "100% done", answer=42)
        try:
            int("two\nlines")
        except ValueError:
            LOG.exception("internal %s", "error", extra={"fields": {"task": "a b"}})
    first, second = [json.loads(line) if form == "json" else parsed(line) for line in read().splitlines()]
    assert (first["msg"], first["answer"]) == ("100% done", 42 if form == "json" else "42")
    assert (second["level"], second["msg"], second["task"]) == ("error", "internal error", "a b")
    assert second["exception"].startswith("Traceback (most recent call last):\n  File ")
    assert second["exception"].endswith("ValueError: invalid literal for int() with base 10: 'two\\nlines'")


@pytest.mark.parametrize("level", LEVELS)
def test_only_events_of_the_level_and_above_are_logged(pipe: tuple[int, Callable[[], str]], level: str) -> None:
    """Each as one of four levels. Of libraries only warnings and errors, unless the level is higher."""
    writer, read = pipe
    with logging_to(writer, level=level):
        for number in (logging.DEBUG, logging.INFO, logging.WARNING, logging.CRITICAL):
            event(LOG, number, "own")
            logging.getLogger("aiohttp.server").log(number, "library")
    names = list(LEVELS)
    found = [(line["msg"], line["level"]) for line in map(parsed, read().splitlines())]
    assert [name for msg, name in found if msg == "own"] == names[names.index(level) :]
    assert [name for msg, name in found if msg == "library"] == names[max(names.index(level), 2) :]


def test_lines_that_are_not_read_are_dropped_and_counted(pipe: tuple[int, Callable[[], str]]) -> None:
    """Logging never blocks; the count is logged when there is room again, at the place of the dropped lines."""
    writer, read = pipe
    text, logged = "", 2000
    with logging_to(writer, lines=10):
        for number in range(logged):
            event(LOG, logging.INFO, "hello", number=number, text="x" * 1000)
        while f"number={logged - 1}\n" not in text:
            event(LOG, logging.INFO, "hello", number=logged)
            logged += 1
            time.sleep(0.02)  # for the thread that writes
            text += read()
    kept = [int(number) for number in re.findall(r"msg=hello number=(\d+)", text)]
    dropped = [int(number) for number in re.findall(r'level=warn msg="log lines dropped[^"]*" lines=(\d+)', text)]
    assert kept == sorted(set(kept))
    assert len(kept) + sum(dropped) == logged
    assert text.index("number=0") < text.index("log lines dropped") < text.index(f"number={kept[-1]}")
