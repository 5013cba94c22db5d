"""What every misbehaviour of the sandbox is: data that is checked, and how it shows."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, TypeGuard

from exporter.sandbox.connection import Connection
from exporter.sandbox.messages import Answer


class FaultError(ValueError):
    """A fault that cannot be; the message names the kind and the field."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What all kinds share: a delay before the fault shows, and for how many requests it holds (None: all).

    A kind either alters the well-behaved answer, which is then sent as it should be, or overrides how it is shown.

    Raises:
        FaultError: a field has a value that it cannot have.
    """

    kind: ClassVar[str]

    delay_seconds: float = 0.0
    times: int | None = None

    def __post_init__(self) -> None:
        for each in fields(self):
            wanted, accepts = _RULES[each.name]
            if not accepts(getattr(self, each.name)):
                raise FaultError(f"{self.kind}: {each.name} must be {wanted}")

    def altered(self, answer: Answer, now: float) -> Answer:  # noqa: ARG002 - for kinds that tell a time
        """The answer as the fault has it; `now` is the server's time."""
        return answer

    async def show(self, answer: Answer, connection: Connection) -> None:
        """Send the fault's answer, or do what it does instead.

        Raises:
            GoneError: the fault ended the connection, or the client did.
        """
        await connection.send(self.altered(answer, connection.now()))


def is_number(value: object) -> TypeGuard[float]:
    """A finite number; bool, which Python takes for one, is none here."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _whole(least: int, most: float = math.inf) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_seconds(value: object) -> bool:
    return is_number(value) and value >= 0


def _is_header(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable()


def _is_text_or_none(value: object) -> bool:
    return value is None or isinstance(value, str)


_Rule = tuple[str, Callable[[object], bool]]

_SECONDS: _Rule = "a number of seconds, 0 or more", _is_seconds
_TEXT: _Rule = "text or null", _is_text_or_none
_SIZE: _Rule = "a whole number of bytes, 1 or more", _whole(1)
_COUNT: _Rule = "a whole number, 0 or more", _whole(0)
_FLAG: _Rule = "true or false", lambda value: isinstance(value, bool)
_HEADER: _Rule = "printable ASCII text", _is_header

# A field's name means the same in every kind that has it.
_RULES: Mapping[str, _Rule] = {
    "as_date": _FLAG,
    "body": ("json, html or empty", lambda value: value in {"json", "html", "empty"}),
    "content": ("bytes", lambda value: isinstance(value, bytes)),
    "content_encoding": ("printable ASCII text or null", lambda value: value is None or _is_header(value)),
    "content_type": _HEADER,
    "data": ("an object", lambda value: isinstance(value, Mapping)),
    "delay_seconds": _SECONDS,
    "entries": ("a whole number, 1 or more", _whole(1)),
    "error_code": _TEXT,
    "fields": ("an object", lambda value: isinstance(value, Mapping)),
    "honest": _FLAG,
    "inserted": _COUNT,
    "location": _HEADER,
    "message": _TEXT,
    "omit": (
        "a list of keys",
        lambda value: isinstance(value, tuple) and all(isinstance(key, str) for key in value),
    ),
    "removed": _COUNT,
    "retry_after": (
        "a number, printable ASCII text or null",
        lambda value: value is None or is_number(value) or _is_header(value),
    ),
    "seconds": _SECONDS,
    "size": _SIZE,
    "status": ("an HTTP status from 200 to 599", _whole(200, 599)),
    "times": ("a whole number, 1 or more, or null", lambda value: value is None or _whole(1)(value)),
}
