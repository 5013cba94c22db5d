"""Log lines for people and machines: one line per event, in logfmt or JSON, on standard error."""

import io
import json
import logging
import os
import re
import select
import sys
from datetime import UTC, datetime
from typing import TextIO

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
FORMATS = ("logfmt", "json")

_BARE = re.compile(r"[^\s\"=\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def event(logger: logging.Logger, level: int, message: str, /, **fields: object) -> None:
    """Log one event: a constant message, and its particulars as fields. A field that is None is left out."""
    if logger.isEnabledFor(level):
        logger.log(level, message, extra={"fields": fields})


def configure(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send the log of the whole process to `stream` (standard error), one line per event."""
    handler = _UnawaitedHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else LogfmtFormatter())
    logging.basicConfig(level=LEVELS[level], handlers=[handler], force=True)
    # The libraries' own chatter at info is not about the user's tasks.
    for name in ("uvicorn", "asyncio", "httpx", "aiohttp"):
        logging.getLogger(name).setLevel(max(LEVELS[level], logging.WARNING))
    # It warns of every request that is no HTTP: whoever reaches the port could fill the log.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING if level == "debug" else logging.ERROR)


class _UnawaitedHandler(logging.StreamHandler[TextIO]):
    """Waits for no reader: what a pipe or a terminal does not take at once is lost, and told once it takes more."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lost = 0
        self._torn = False
        try:
            self._descriptor: int | None = stream.fileno()
        except io.UnsupportedOperation:
            self._descriptor = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, or count it as lost."""
        if self._descriptor is None:
            super().emit(record)
            return
        try:
            told = self._written(_lost_lines(self._lost), self._descriptor) if self._lost else True
            if told:
                self._lost = 0
            if not (told and self._written(record, self._descriptor)):
                self._lost += 1
        except OSError:
            self.handleError(record)

    def _written(self, record: logging.LogRecord, descriptor: int) -> bool:
        start = self.terminator if self._torn else ""
        line = f"{start}{self.format(record)}{self.terminator}".encode("utf-8", "backslashreplace")
        for at in range(0, len(line), select.PIPE_BUF):
            if not _takes_more(descriptor):
                self._torn = self._torn or at > 0
                return False
            os.write(descriptor, line[at : at + select.PIPE_BUF])
        self._torn = False
        return True


def _takes_more(descriptor: int) -> bool:
    """Whether PIPE_BUF bytes can be written without waiting; a reader that is gone is no reason to wait either."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))


def _lost_lines(count: int) -> logging.LogRecord:
    record = logging.LogRecord(__name__, logging.WARNING, __file__, 0, "lines of the log were lost", None, None)
    record.fields = {"lines": count}
    return record


class LogfmtFormatter(logging.Formatter):
    """`ts=2026-01-02T03:04:05.678Z level=info msg="..." task=orders-prod`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record on one line, whatever its texts contain."""
        return " ".join(f"{key}={_quoted(value)}" for key, value in _fields_of(record, self).items())


class JsonFormatter(logging.Formatter):
    """One JSON object per line, with the keys of the logfmt form."""

    def format(self, record: logging.LogRecord) -> str:
        """The record on one line, whatever its texts contain."""
        return json.dumps(_fields_of(record, self), default=str)


def _fields_of(record: logging.LogRecord, formatter: logging.Formatter) -> dict[str, object]:
    moment = datetime.fromtimestamp(record.created, UTC)
    level = next((name for name, number in LEVELS.items() if record.levelno <= number), "error")
    fields: dict[str, object] = {
        "ts": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": level,
        "msg": record.getMessage(),
    }
    fields.update({k: v for k, v in getattr(record, "fields", {}).items() if v is not None})
    if record.exc_info:
        fields["exception"] = formatter.formatException(record.exc_info)
    return fields


def _quoted(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    # JSON's escapes are the ones that readers of logfmt know, and they are ASCII for all that could end a line.
    return text if _BARE.fullmatch(text) else _escape_separators(json.dumps(text, ensure_ascii=False))


def _escape_separators(quoted: str) -> str:
    return re.sub("[\x7f-\x9f\u2028\u2029\ud800-\udfff]", lambda match: f"\\u{ord(match.group()):04x}", quoted)
