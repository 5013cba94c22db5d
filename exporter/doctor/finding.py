"""What an examination finds."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Check(enum.StrEnum):
    """What is examined, in this order: each needs the ones before it."""

    CONFIGURATION = "configuration"
    NAME = "name"
    TCP = "tcp"
    TLS = "tls"
    ANSWER = "answer"
    CLOCK = "clock"
    KEY = "key"
    DISCOVERY = "discovery"
    TASK = "task"
    TIME = "time"
    ASSUMPTION = "assumption"
    """Not a fault of anybody's: what the answers tell of the API's undocumented sides."""


class Level(enum.StrEnum):
    """How bad it is."""

    FAULT = "fault"
    WARNING = "warning"
    SKIPPED = "skipped"
    """Not examined, as something before it is at fault, or there is nothing to examine."""
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a check, in sentences for people without a full stop."""

    check: Check
    subject: str
    """What it is about: a host, a task; empty where the check says it."""
    level: Level
    what: str
    advice: str = ""
    """What to do about it."""


def skipped(checks: Iterable[Check], why: str) -> list[Finding]:
    """For each check that it was left out."""
    return [Finding(check, "", Level.SKIPPED, why) for check in checks]
