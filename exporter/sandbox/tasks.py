"""The tasks that the sandbox serves, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from exporter.sandbox.prechecks import Script


class Unfinished(StrEnum):
    """What is shown of a precheck that waits or runs, where the API documents nothing for it."""

    DONE_ITEMS = "done_items"
    """No status, and the items that are done."""
    NOTHING = "nothing"
    """No status and no items."""
    WORDS = "words"
    """All items, with the words of the families that document some: Unstarted, Running."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task to watch, and what its precheck does; without a script the sandbox does not know the precheck.

    `precheck_task_id` is empty where the prechecks of the task's kind have no ids. The last three tell of replication
    tasks alone: the list's `status` and `type`, which nothing changes, and how a precheck looks before its end.
    """

    task_id: str
    precheck_task_id: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    script: Script | None = None
    started_seconds_ago: float = 0.0
    request_id: str | None = None
    kind: str = "data_compare"
    task_status: str = "running"
    type: str = "default"
    unfinished: Unfinished = Unfinished.DONE_ITEMS
