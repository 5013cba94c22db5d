"""Log lines for people and machines: one line per event, in logfmt or JSON, on standard error."""

import json
import logging
import re
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
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else LogfmtFormatter())
    logging.basicConfig(level=LEVELS[level], handlers=[handler], force=True)
    # The libraries' own chatter at info is not about the user's tasks.
    for name in ("uvicorn", "asyncio", "httpx", "aiohttp"):
        logging.getLogger(name).setLevel(max(LEVELS[level], logging.WARNING))
    # It warns of every request that is no HTTP: whoever reaches the port could fill the log.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING if level == "debug" else logging.ERROR)


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
