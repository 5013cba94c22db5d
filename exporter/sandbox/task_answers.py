"""What the API answers about the tasks themselves: status, executions, replication, the two lists."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from aiohttp import web

from exporter.sandbox.catalogue import SandboxTask
from exporter.sandbox.injected_faults import failure, success
from exporter.sandbox.task_scripts import ComparisonScript, ReplicationScript, TaskScript

S = TypeVar("S", ComparisonScript, ReplicationScript)

_CREATED = "2025-03-19 09:12:40Z"
"""All tasks were created at the one documented moment."""
_FIRST_EXECUTION = 285324
_EXECUTIONS_PER_TASK = 100_000
_SUBTASKS = ("schema", "full", "inc_writer", "trigger")


@dataclass(frozen=True, slots=True)
class ServedTask:
    """A task that plays its script since a moment of the sandbox's clock."""

    task: SandboxTask
    script: TaskScript
    started: float
    first_execution: int
    """The id of the script's first execution; each later one has the next."""


class Tasks:
    """The tasks as the API shows them. `clock` is the server's."""

    def __init__(self, tasks: Mapping[str, SandboxTask], clock: Callable[[], float]) -> None:
        self._tasks = tuple(tasks.values())
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """All tasks begin again as at the start."""
        now = self._clock()
        self._served = {
            task.task_id: ServedTask(task, task.task_script, now, _FIRST_EXECUTION + number * _EXECUTIONS_PER_TASK)
            for number, task in enumerate(self._tasks)
        }

    def play(self, task_id: str, script: TaskScript | None) -> None:
        """Let a task play a script from now on, or its own again. Raises KeyError for an unknown task."""
        before, now = self._served[task_id], self._clock()
        first = before.first_execution
        if isinstance(before.script, ComparisonScript):
            first += before.script.latest(now - before.started) + 1
        self._served[task_id] = ServedTask(before.task, script or before.task.task_script, now, first)

    def task_of_execution(self, execution_id: str) -> str:
        """The id of the task that an execution belongs to; empty if there is none."""
        if not execution_id.isdecimal() or int(execution_id[:15]) < _FIRST_EXECUTION:
            return ""
        number = (int(execution_id[:15]) - _FIRST_EXECUTION) // _EXECUTIONS_PER_TASK
        return self._tasks[number].task_id if number < len(self._tasks) else ""

    def status(self, task_id: str) -> str:
        """The task's status in the API's word."""
        served = self._served[task_id]
        return served.script.status(self._clock() - served.started)

    def comparison(self, kind: str, parameters: Mapping[str, str]) -> web.Response:
        """The status of a comparison. `errMsg` of a schema comparison is missing where there is no error."""
        task_id = parameters["taskId"]
        found = self._find(task_id, kind, ComparisonScript)
        if found is None:
            return failure("TASK_NOT_FOUND", "task not found")
        served, script = found
        task, elapsed = served.task, self._clock() - served.started
        error = "" if script.waiting else script.execution(script.latest(elapsed), elapsed).error
        data = {"lastExecId": self._last_execution(served), "status": self.status(task_id)}
        data |= {"name": task.name, "isDeleted": False}
        if kind == "data_compare":
            data |= {"id": task_id, "createTime": _CREATED, "errMsg": error}
        else:
            data |= {"taskId": task_id} | ({"errMsg": error} if error else {})
        return success(data=data)

    def execution(self, kind: str, parameters: Mapping[str, str]) -> web.Response:
        """An execution of a comparison, the latest or an earlier one."""
        execution_id = parameters["execId"]
        task_id = self.task_of_execution(execution_id)
        found = self._find(task_id, kind, ComparisonScript)
        number = elapsed = -1.0
        if found and parameters.get("taskId", task_id) == task_id:
            elapsed = self._clock() - found[0].started
            number = int(execution_id) - found[0].first_execution
        if found is None or found[1].waiting or not 0 <= number <= found[1].latest(elapsed):
            return failure("EXECUTION_NOT_FOUND", "task execution not found")
        served, script = found
        execution = script.execution(int(number), elapsed)
        data: dict[str, object] = {"taskId": task_id, "status": execution.outcome, "errorMessage": execution.error}
        if kind == "schema_compare":
            return success(data=data | {"execId": execution_id})
        began = script.start(int(number))
        updated = min(began + execution.seconds, elapsed)
        data |= {"id": execution_id if served.task.numbers_as_text else int(execution_id)}
        data |= {"createTime": _time(served.started + began), "updateTime": _time(served.started + updated)}
        data |= dict(zip(("onlySourceRows", "onlyTargetRows", "differenceRows"), execution.rows, strict=True))
        skipped = execution.skipped_tables
        return success(data=data | {"skipTableCount": str(skipped) if served.task.numbers_as_text else skipped})

    def replication(self, kind: str, parameters: Mapping[str, str]) -> web.Response:
        """The status of a replication and of its subtasks: those before the present one are done."""
        task_id = parameters["replicationId"]
        found = self._find(task_id, kind, ReplicationScript)
        if found is None:
            return failure("REPLICATION_NOT_FOUND", f"replication {task_id} not found")
        served, script = found
        state = script.state_at(self._clock() - served.started)
        subtasks: list[dict[str, object]] = []
        for name in _SUBTASKS:
            done = _SUBTASKS.index(name) < _SUBTASKS.index(state.subtask)
            subtask: dict[str, object] = {
                "subTaskType": name,
                "status": "success" if done else "notStarted",
                "percent": 100.0 * done,
            }
            if name == state.subtask:
                subtask |= {"status": state.status, "percent": state.percent}
                subtask |= {"delay": state.delay_milliseconds} if name == "inc_writer" else {}
            if served.task.numbers_as_text:
                subtask = {key: str(value) for key, value in subtask.items()}
            subtasks.append(subtask)
        data = {"replicationId": task_id, "status": state.status, "currentSubTaskType": state.subtask}
        return success(data=data | {"subTaskList": subtasks})

    def list_replications(self, kind: str, parameters: Mapping[str, str]) -> web.Response:
        """A page of the replications with a `status`; the numbers stand beside the data."""
        wanted = parameters.get("status", "")
        tasks = [task for task in self._of_kind(kind) if wanted in ("", self.status(task.task_id))]
        number, size, page = _page(tasks, parameters, "current", 10)
        entries = [
            {
                "replicationId": task.task_id,
                "name": task.name,
                "sourceDatasourceId": f"{task.task_id.replace('rp', 'ds', 1)}s",
                "targetDatasourceId": f"{task.task_id.replace('rp', 'ds', 1)}t",
                "type": "default",
                "status": self.status(task.task_id),
                "subTaskTypeList": ["schema", "full", "inc_writer"],
                "createTime": _CREATED,
            }
            for task in page
        ]
        return success(data=entries, current=number, pageSize=size, total=len(tasks))

    def list_schema_comparisons(self, kind: str, parameters: Mapping[str, str]) -> web.Response:
        """A page of the schema comparisons; the numbers stand within the data."""
        tasks = self._of_kind(kind)
        number, size, page = _page(tasks, parameters, "pageNumber", 30)
        entries = [
            {
                "taskId": task.task_id,
                "taskName": task.name,
                "status": self.status(task.task_id),
                "periodic": "ONETIME",
                "lastExecId": self._last_execution(self._served[task.task_id]),
                "createTime": _CREATED,
                "sourceDsId": f"{task.task_id.replace('cc', 'ds', 1)}s",
                "sourceDsName": f"{task.name}-source",
                "sourceDsType": "MySQL",
            }
            for task in page
        ]
        data = {"pageNumber": number, "pageSize": size, "total": len(tasks), "schemaComparisons": entries}
        return success(data=data)

    def _of_kind(self, kind: str) -> list[SandboxTask]:
        return [task for task in self._tasks if task.kind == kind]

    def _find(self, task_id: str, kind: str, script: type[S]) -> tuple[ServedTask, S] | None:
        served = self._served.get(task_id)
        if served is None or served.task.kind != kind or not isinstance(served.script, script):
            return None
        return served, served.script

    def _last_execution(self, served: ServedTask) -> int | str | None:
        """Its id; null before the first."""
        if not isinstance(served.script, ComparisonScript) or served.script.waiting:
            return None
        latest = served.first_execution + served.script.latest(self._clock() - served.started)
        return str(latest) if served.task.numbers_as_text else latest


def _page(
    found: Sequence[SandboxTask], parameters: Mapping[str, str], number_key: str, default_size: int
) -> tuple[int, int, Sequence[SandboxTask]]:
    """The number of the page, its size, of at most 100, and its part of what was found. Raises ValueError."""
    number, size = int(parameters.get(number_key) or 1), min(int(parameters.get("pageSize") or default_size), 100)
    if number < 1 or size < 1:
        raise ValueError(f"{number_key} and pageSize must be 1 or more")
    return number, size, found[(number - 1) * size : number * size]


def _time(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%SZ}"
