"""The state of a task itself, as immutable values: status, a comparison's latest execution, a replication's subtasks.

Tuples, because thousands of them are made in each scrape: a frozen dataclass takes several times as long.
"""

import enum
from collections.abc import Container
from datetime import datetime
from typing import NamedTuple


class TaskStatus(enum.StrEnum):
    """The status of a task, of a comparison's execution, or of a replication's subtask."""

    CREATED = "Created"
    NOT_STARTED = "NotStarted"
    PRECHECKING = "Prechecking"
    PRECHECK_SUCCESS = "PrecheckSuccess"
    PRECHECK_FAILED = "PrecheckFailed"
    STARTING = "Starting"
    RUNNING = "Running"
    SUCCESS = "Success"
    FAILED = "Failed"
    STOPPED = "Stopped"
    SUSPENDED = "Suspended"
    ABNORMAL = "Abnormal"
    LOCKED = "Locked"
    UNKNOWN = "Unknown"

    @classmethod
    def of_word(cls, word: str, among: Container["TaskStatus"]) -> "TaskStatus":
        """The status that a documented word means, in any case; `UNKNOWN` if it is not one of `among`."""
        status = _STATUS_OF_WORD.get(word.strip().casefold(), cls.UNKNOWN)
        return status if status in among else cls.UNKNOWN

    @property
    def needs_attention(self) -> bool:
        """Whether somebody must do something about it."""
        return self in (TaskStatus.FAILED, TaskStatus.ABNORMAL, TaskStatus.PRECHECK_FAILED)


_STATUS_OF_WORD = {status.casefold(): status for status in TaskStatus} | {"createsuccess": TaskStatus.CREATED}

REPLICATION_STATUSES = tuple(TaskStatus)
COMPARISON_STATUSES = (
    TaskStatus.NOT_STARTED,
    TaskStatus.PRECHECKING,
    TaskStatus.STARTING,
    TaskStatus.RUNNING,
    TaskStatus.SUCCESS,
    TaskStatus.FAILED,
    TaskStatus.STOPPED,
    TaskStatus.UNKNOWN,
)


class Execution(NamedTuple):
    """The latest execution of a comparison. A field that the answer lacks is None; its text is clean."""

    status: TaskStatus
    only_source: float | None = None
    """Rows that only the source has; a comparison of schemas counts none."""
    only_target: float | None = None
    different: float | None = None
    """Rows that both have, with different values."""
    skipped_tables: float | None = None
    started_at: datetime | None = None
    updated_at: datetime | None = None
    error: str = ""


class Subtask(NamedTuple):
    """A part of a replication, such as its full copy. A field that the answer lacks is None."""

    name: str
    """Unique within the task."""
    status: TaskStatus
    progress: float | None = None
    """0 to 1."""
    delay_seconds: float | None = None


class TaskState(NamedTuple):
    """One answer about a task itself. Its texts are clean."""

    status: TaskStatus
    status_word: str = ""
    """The API's own word for `status`."""
    error: str = ""
    """The API's text about what went wrong; empty if there is none."""
    execution_id: str = ""
    """Of the latest execution of a comparison; empty before the first."""
    execution: Execution | None = None
    subtasks: tuple[Subtask, ...] = ()
    request_id: str = ""
