"""The API's answers about tasks themselves, and about the latest executions of comparisons."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from exporter.ninedata.answers import data_of, entries_of, is_true
from exporter.ninedata.failures import QueryError, Reason
from exporter.ninedata.kinds import Kind
from exporter.ninedata.precheck import TaskRef
from exporter.ninedata.task_state import Execution, Subtask, TaskState, TaskStatus
from exporter.ninedata.text import clean, clean_name, text_of, unique_names


def read_state(envelope: Mapping[str, object], kind: Kind, task: TaskRef) -> TaskState:
    """The task in an envelope, without its latest execution. Raises QueryError if there is none, or another one."""
    if not isinstance(envelope.get("data"), dict) and kind.state_task_key in envelope:
        envelope = {**envelope, "data": envelope}  # as an older page of the documentation has it
    data = data_of(envelope, ((kind.state_task_key, task.task_id),))
    request_id = clean_name(envelope.get("requestId"))
    if is_true(data.get("isDeleted")):
        advice = "Take the task out of the configuration, or out of its task file."
        raise QueryError(Reason.NOT_FOUND, "the task is deleted in NineData", request_id=request_id, advice=advice)
    word, execution_id = text_of(data.get("status")), clean_name(data.get("lastExecId"))
    return TaskState(
        TaskStatus.of_word(word, kind.statuses),
        status_word=clean_name(word),
        error=clean(data.get("errMsg")),
        execution_id=execution_id if kind.execution_path and execution_id != "0" else "",  # 0 may stand for null
        subtasks=_read_subtasks(data.get("subTaskList"), kind),
        request_id=request_id,
    )


def read_execution(envelope: Mapping[str, object], kind: Kind, task: TaskRef) -> Execution:
    """The execution in an envelope. Raises QueryError if there is none, or another task's."""
    data = data_of(envelope, (("taskId", task.task_id),))
    return Execution(
        TaskStatus.of_word(text_of(data.get("status")), kind.statuses),
        only_source=number_of(data.get("onlySourceRows")),
        only_target=number_of(data.get("onlyTargetRows")),
        different=number_of(data.get("differenceRows")),
        skipped_tables=number_of(data.get("skipTableCount")),
        started_at=_moment_of(data.get("createTime")),
        updated_at=_moment_of(data.get("updateTime")),
        error=clean(data.get("errorMessage")),
    )


def _read_subtasks(found: object, kind: Kind) -> tuple[Subtask, ...]:
    entries = entries_of(found, "subtasks")
    names = unique_names([clean_name(entry.get("subTaskType")) for entry in entries], "subtask")
    return tuple(_read_subtask(name, entry, kind) for name, entry in zip(names, entries, strict=True))


def _read_subtask(name: str, entry: Mapping[str, Any], kind: Kind) -> Subtask:
    percent, milliseconds = number_of(entry.get("percent")), number_of(entry.get("delay"))
    return Subtask(
        name,
        TaskStatus.of_word(text_of(entry.get("status")), kind.statuses),
        progress=None if percent is None else min(percent / 100, 1.0),
        delay_seconds=None if milliseconds is None else milliseconds / 1000,
    )


def number_of(value: object) -> float | None:
    """A number of at least 0, as a number or as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _moment_of(value: object) -> datetime | None:
    """`2025-03-19 09:12:40Z`, in UTC with or without the Z; None for anything else."""
    try:
        moment = datetime.fromisoformat(text_of(value))
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the latter for an offset at the end of the calendar
        return None
    return moment if moment.year >= 2000 else None  # noqa: PLR2004 - before NineData: milliseconds can look like a date
