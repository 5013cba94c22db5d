"""Log lines: one per event, in logfmt or JSON, whatever their texts contain."""

import io
import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from typing import Literal

import pytest

from exporter.credentials import Secret
from exporter.logs import FORMATS, LEVELS, JsonFormatter, LogfmtFormatter, configure, event

Form = Literal["logfmt", "json"]
MOMENT = 1_767_323_045.6789  # 2026-01-02T03:04:05.678900Z
NASTY = {
    "newline": "one\ntwo",
    "windows newline": "one\r\ntwo",
    "return": "one\rtwo",
    "vertical tab": "one\x0btwo",
    "form feed": "one\x0ctwo",
    "separators": "one\x1c\x1d\x1etwo",
    "next line": "one\x85two",
    "line separator": "one\u2028two",
    "paragraph separator": "one\u2029two",
    "null": "one\x00two",
    "escape sequence": "\x1b[2J\x1b[31mred",
    "escape sequence in one": "\x9b31mred",
    "delete": "one\x7ftwo",
    "lone surrogate": "one \ud800 two",
    "another field": 'x level=error msg="forged"',
    "quotes": '"quoted" \\ back\\slash\\',
    "end of the line": 'x"\nts=2026-01-02T03:04:05.678Z level=error msg=forged',
    "chinese": "预检查 失败",
}


def record(message: str, *, level: int = logging.INFO, **fields: object) -> logging.LogRecord:
    """An event of a known moment."""
    return logging.makeLogRecord(
        {"created": MOMENT, "levelno": level, "name": "exporter", "msg": message, "fields": fields}
    )


def parsed(line: str) -> dict[str, str]:
    """A line of logfmt as its readers take it: bare values, and quoted ones with JSON's escapes."""
    pairs = re.compile(r'([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s="\\]+)(?: |$)')
    found, end = {}, 0
    for pair in pairs.finditer(line):
        assert pair.start() == end, line[end:]
        end = pair.end()
        key, value = pair.groups()
        found[key] = json.loads(value) if value.startswith('"') else value
    assert end == len(line), line[end:]
    return found


@pytest.fixture
def log() -> Iterator[Callable[[str, str], io.StringIO]]:
    """Configures the log of the process into a stream; the test's end restores it."""
    root = logging.getLogger()
    names = ("uvicorn", "uvicorn.error", "asyncio", "httpx", "aiohttp")
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in names}
    root.handlers.clear()

    def into_stream(level: str, form: str) -> io.StringIO:
        stream = io.StringIO()
        configure(level, form, stream)
        return stream

    yield into_stream
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in names:
        logging.getLogger(name).setLevel(levels[name])


@pytest.mark.parametrize(
    ("fields", "logfmt", "as_json"),
    [
        ({}, "", {}),
        ({"task": "orders-prod"}, "task=orders-prod", {"task": "orders-prod"}),
        ({"task": "orders prod"}, 'task="orders prod"', {"task": "orders prod"}),
        ({"task": ""}, 'task=""', {"task": ""}),
        ({"task": None}, "", {}),
        ({"a": 1, "b": -2.5, "c": 0.1234567}, "a=1 b=-2.5 c=0.123457", {"a": 1, "b": -2.5, "c": 0.1234567}),
        ({"a": 3.0, "b": True, "c": False}, "a=3 b=true c=false", {"a": 3.0, "b": True, "c": False}),
        ({"url": "http://h:1/p?a=b"}, 'url="http://h:1/p?a=b"', {"url": "http://h:1/p?a=b"}),
        ({"address": "[::1]:10199"}, "address=[::1]:10199", {"address": "[::1]:10199"}),
        ({"error": 'say "no"'}, 'error="say \\"no\\""', {"error": 'say "no"'}),
        ({"error": "two\nlines"}, 'error="two\\nlines"', {"error": "two\nlines"}),
        ({"error": "C:\\tmp"}, 'error="C:\\\\tmp"', {"error": "C:\\tmp"}),
        ({"reason": "预检查失败"}, "reason=预检查失败", {"reason": "预检查失败"}),
        ({"reason": "预检查 失败"}, 'reason="预检查 失败"', {"reason": "预检查 失败"}),
        ({"error": "\x1b[31m"}, 'error="\\u001b[31m"', {"error": "\x1b[31m"}),
        ({"error": "\x7f\x85\u2028\ud800"}, 'error="\\u007f\\u0085\\u2028\\ud800"', {"error": "\x7f\x85\u2028\ud800"}),
        ({"z": "1", "a": "2"}, "z=1 a=2", {"z": "1", "a": "2"}),
        ({"key": Secret("hunter2")}, "key=***", {"key": "***"}),
    ],
)
def test_an_event_is_one_line(fields: dict[str, object], logfmt: str, as_json: dict[str, object]) -> None:
    """Moment, level, message, and its fields in their order."""
    event_record = record("something happened", **fields)
    line = LogfmtFormatter().format(event_record)
    assert line == f'ts=2026-01-02T03:04:05.678Z level=info msg="something happened" {logfmt}'.rstrip()
    assert json.loads(JsonFormatter().format(event_record)) == {
        "ts": "2026-01-02T03:04:05.678Z",
        "level": "info",
        "msg": "something happened",
        **as_json,
    }


def test_a_line_of_json_in_full() -> None:
    """Plain ASCII, keys in the order of the logfmt form."""
    assert JsonFormatter().format(record("一", task="orders", seconds=0.25, ok=True)) == (
        '{"ts": "2026-01-02T03:04:05.678Z", "level": "info", "msg": "\\u4e00", "task": "orders", "seconds": 0.25, '
        '"ok": true}'
    )


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())
@pytest.mark.parametrize("formatter", [LogfmtFormatter(), JsonFormatter()], ids=["logfmt", "json"])
def test_no_text_can_end_its_line_or_forge_a_field(formatter: logging.Formatter, text: str) -> None:
    """Neither as a field nor as a message; readers get the text back as it was."""
    line = formatter.format(record(text, task=text, last="end"))
    assert len(line.splitlines()) == 1
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", line)
    read = json.loads(line) if isinstance(formatter, JsonFormatter) else parsed(line)
    assert read == {"ts": "2026-01-02T03:04:05.678Z", "level": "info", "msg": text, "task": text, "last": "end"}


@pytest.mark.parametrize("form", FORMATS)
def test_an_exception_is_on_the_same_line(log: Callable[[str, str], io.StringIO], form: Form) -> None:
    """With its traceback."""
    stream = log("info", form)
    try:
        int("two\nlines")
    except ValueError:
        logging.getLogger("exporter.test").exception("internal error", extra={"fields": {"task": "a b"}})
    (line,) = stream.getvalue().splitlines()
    read = json.loads(line) if form == "json" else parsed(line)
    assert read["exception"].startswith("Traceback (most recent call last):\n  File ")
    assert read["exception"].endswith("ValueError: invalid literal for int() with base 10: 'two\\nlines'")
    assert (read["level"], read["msg"], read["task"]) == ("error", "internal error", "a b")


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (logging.DEBUG, "debug"),
        (5, "debug"),
        (logging.INFO, "info"),
        (logging.WARNING, "warn"),
        (25, "warn"),
        (logging.ERROR, "error"),
        (logging.CRITICAL, "error"),
    ],
)
def test_every_level_is_one_of_four(number: int, name: str) -> None:
    """The libraries' own levels as well."""
    assert parsed(LogfmtFormatter().format(record("x", level=number)))["level"] == name


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["debug", "info", "warn", "error"]),
        ("info", ["info", "warn", "error"]),
        ("warn", ["warn", "error"]),
        ("error", ["error"]),
    ],
)
@pytest.mark.parametrize("form", FORMATS)
def test_only_events_of_the_level_and_above_are_shown(
    log: Callable[[str, str], io.StringIO], level: str, shown: list[str], form: Form
) -> None:
    """`--log.level`."""
    stream = log(level, form)
    for number in LEVELS.values():
        event(logging.getLogger("exporter.test"), number, "x")
    lines = stream.getvalue().splitlines()
    assert [(json.loads(line) if form == "json" else parsed(line))["level"] for line in lines] == shown


@pytest.mark.parametrize(("level", "shown"), [("info", 0), ("warn", 0), ("debug", 1)])
def test_what_strangers_send_fills_no_log(log: Callable[[str, str], io.StringIO], level: str, shown: int) -> None:
    """Uvicorn warns of each request that is no HTTP; its errors are shown."""
    stream = log(level, "logfmt")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    assert len(stream.getvalue().splitlines()) == shown
    logging.getLogger("uvicorn.error").error("Exception in ASGI application")
    assert len(stream.getvalue().splitlines()) == shown + 1


@pytest.mark.parametrize("name", ["uvicorn", "asyncio", "httpx", "aiohttp"])
def test_the_libraries_own_chatter_is_not_shown(log: Callable[[str, str], io.StringIO], name: str) -> None:
    """It is not about the user's tasks; their warnings are."""
    stream = log("info", "logfmt")
    logging.getLogger(name).info("HTTP Request: GET /")
    logging.getLogger(name).warning("careful %s", "now")
    (line,) = stream.getvalue().splitlines()
    assert parsed(line)["msg"] == "careful now"


def test_a_reader_that_does_not_read_is_not_waited_for(log: Callable[[str, str], io.StringIO]) -> None:
    """What a full pipe does not take is lost; lines of any length after that are whole, and say how many there were."""
    log("info", "logfmt")
    reader, writer = os.pipe()
    with open(reader, "rb") as read, open(writer, "w") as stream:  # noqa: PTH123 - descriptors have no path
        configure("info", "logfmt", stream)
        for number in range(100):
            event(logging.getLogger("exporter.test"), logging.INFO, "hello", number=number, text="x" * 5000)
        before = os.read(read.fileno(), 1024 * 1024).decode().splitlines()
        event(logging.getLogger("exporter.test"), logging.INFO, "again")
        after = os.read(read.fileno(), 1024 * 1024).decode().splitlines()
    # The last one may be torn where the pipe was full.
    assert [parsed(line)["number"] for line in before[:-1]] == [str(number) for number in range(len(before) - 1)]
    told = [parsed(line) for line in after if line]
    assert [line["msg"] for line in told] == ["lines of the log were lost", "again"]
    assert int(told[0]["lines"]) in (100 - len(before), 100 - len(before) + 1)


def test_the_log_goes_to_standard_error(
    log: Callable[[str, str], io.StringIO], capsys: pytest.CaptureFixture[str]
) -> None:
    """Standard output is for what was asked for."""
    log("info", "logfmt")
    configure("info", "logfmt")
    event(logging.getLogger("exporter.test"), logging.INFO, "hello", answer=42)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(" level=info msg=hello answer=42\n")
    assert err.count("\n") == 1


def test_configuring_anew_replaces_what_was_configured(log: Callable[[str, str], io.StringIO]) -> None:
    """Every event stays one line."""
    first = log("info", "logfmt")
    second = log("debug", "json")
    event(logging.getLogger("exporter.test"), logging.DEBUG, "hello")
    assert first.getvalue() == ""
    assert json.loads(second.getvalue())["msg"] == "hello"


def test_moments_are_utc_to_the_millisecond() -> None:
    """Whatever zone this machine is in."""
    early = logging.makeLogRecord({"created": 0.0, "levelno": logging.INFO, "msg": "x"})
    assert LogfmtFormatter().format(early) == "ts=1970-01-01T00:00:00.000Z level=info msg=x"
