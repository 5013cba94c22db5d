"""Prechecks as immutable values, the same for every kind of task."""

import enum
import re
from dataclasses import dataclass

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
"""What an id of a task or a precheck can be; the documented ones look like cd-tg3isu1xgs."""


class Status(enum.StrEnum):
    """The status of a precheck or of one of its check items."""

    UNSTARTED = "Unstarted"
    RUNNING = "Running"
    SUCCESS = "Success"
    WARNING = "Warning"
    FAILED = "Failed"
    UNKNOWN = "Unknown"

    @classmethod
    def of_word(cls, word: str) -> "Status":
        """The status that a documented word of any kind means, in any case; `UNKNOWN` for every other word."""
        return _STATUS_OF_WORD.get(word.strip().casefold(), cls.UNKNOWN)

    @property
    def needs_attention(self) -> bool:
        """Whether a check item in this status carries a reason and a remediation."""
        return self in _NEEDING_ATTENTION


_NEEDING_ATTENTION = (Status.FAILED, Status.WARNING)
_STATUS_OF_WORD = {status.casefold(): status for status in Status} | {"failure": Status.FAILED}


@dataclass(frozen=True, slots=True)
class TaskRef:
    """What the API needs to find a task and its precheck."""

    kind: str
    task_id: str
    precheck_task_id: str
    """Empty if only the task itself is watched, and for a kind whose prechecks have no id of their own."""


@dataclass(frozen=True, slots=True)
class CheckItem:
    """One check of a precheck. Its texts are clean: printable, bounded, credentials masked."""

    item: str
    """The API's stable identifier, unique within its precheck."""
    name: str
    description: str
    status: Status
    message: str
    """The reason of a failure and its remedy; empty if the API gives none."""


@dataclass(frozen=True, slots=True)
class Precheck:
    """One answer about a precheck."""

    status: Status
    items: tuple[CheckItem, ...]
    status_word: str = ""
    """The API's own word for `status`: tells people more if the status is unknown."""
    request_id: str = ""
