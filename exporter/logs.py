"""The log: one line per event on standard error, in logfmt or JSON. Logging never waits for the reader of the log."""

import json
import logging
import queue
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from logging.handlers import QueueHandler

from exporter.streams import write_stderr

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
FORMATS = ("logfmt", "json")

_BARE = re.compile(r"[^\s\"=\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_NOT_ESCAPED_BY_JSON = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def event(logger: logging.Logger, level: int, message: str, /, **fields: object) -> None:
    """Log one event: a constant message, with its variable parts as fields. Fields that are None are left out."""
    logger.log(level, message, extra={"fields": fields})


@contextmanager
def logging_to(
    descriptor: int = 2, *, level: str = "info", form: str = "logfmt", lines: int = 10_000
) -> Iterator[None]:
    """Write the log of the whole process to a file descriptor, standard error by default, in a thread.

    At most `lines` lines wait for the reader, and at the end the reader has half a second to take them.
    """
    waiting: queue.Queue[logging.LogRecord | None] = queue.Queue(lines)
    handler = _BoundedQueueHandler(waiting)
    handler.setFormatter(LineFormatter(form))
    logging.basicConfig(level=LEVELS[level], handlers=[handler], force=True)
    for library in ("asyncio", "httpx", "aiohttp"):
        logging.getLogger(library).setLevel(max(LEVELS[level], logging.WARNING))
    writer = threading.Thread(target=_write_lines, args=(waiting, descriptor), daemon=True)
    writer.start()
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        with suppress(queue.Full):
            waiting.put(None, timeout=0.25)
            writer.join(timeout=0.25)


def _write_lines(waiting: "queue.Queue[logging.LogRecord | None]", descriptor: int) -> None:
    while record := waiting.get():
        write_stderr(f"{record.msg}\n", descriptor)


class _BoundedQueueHandler(QueueHandler):
    """Drops and counts lines while the queue is full, and logs the count when there is room again."""

    _dropped = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        """Add the record, formatted by the base class, without waiting."""
        try:
            if self._dropped:
                message = "log lines dropped because standard error was not read"
                fields = {"levelno": logging.WARNING, "msg": message, "fields": {"lines": self._dropped}}
                self.queue.put_nowait(self.prepare(logging.makeLogRecord(fields)))
                self._dropped = 0
            self.queue.put_nowait(record)
        except queue.Full:
            self._dropped += 1


class LineFormatter(logging.Formatter):
    """`ts=2026-01-02T03:04:05.678Z level=info msg="..." task=orders-prod`, or the same keys as a JSON object."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        """The record on one line, whatever its texts contain."""
        moment = datetime.fromtimestamp(record.created, UTC)
        fields: dict[str, object] = {
            "ts": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": next((name for name, number in LEVELS.items() if record.levelno <= number), "error"),
            "msg": record.getMessage(),
        }
        fields |= {key: value for key, value in getattr(record, "fields", {}).items() if value is not None}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        if self._form == "json":
            return json.dumps(fields, default=str)
        return " ".join(f"{key}={_quoted(value)}" for key, value in fields.items())


def _quoted(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    if _BARE.fullmatch(text):
        return text
    # Readers of logfmt know JSON's escapes.
    quoted = json.dumps(text, ensure_ascii=False)
    return _NOT_ESCAPED_BY_JSON.sub(lambda match: f"\\u{ord(match.group()):04x}", quoted)
