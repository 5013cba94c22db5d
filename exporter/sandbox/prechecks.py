"""What the API answers about prechecks."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from exporter.sandbox.catalogue import SandboxTask
from exporter.sandbox.check_items import CHECKS
from exporter.sandbox.injected_faults import failure, success
from exporter.sandbox.scripts import Script, ScriptState, ScriptStatus, script_run

_REPLICATION_WORDS = {ScriptStatus.SUCCESS: "success", ScriptStatus.WARNING: "warning", ScriptStatus.FAILED: "failure"}
"""The words of items that have ended; no others are documented."""


@dataclass(frozen=True, slots=True)
class ServedPrecheck:
    """A precheck that plays its script since a moment of the sandbox's clock."""

    script: Script
    started: float
    request_id: str | None = None


class Prechecks:
    """The prechecks of some tasks, by task id and precheck id. `clock` is the server's."""

    def __init__(self, tasks: Mapping[str, SandboxTask], clock: Callable[[], float]) -> None:
        self._tasks = tasks
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """All prechecks begin again as at the start; those that were started since are gone."""
        self._served: dict[str, dict[str, ServedPrecheck]] = {task_id: {} for task_id in self._tasks}
        for task_id in self._tasks:
            self.play(task_id, None)

    def play(self, task_id: str, script: Script | None) -> None:
        """Let a task's prechecks play a script from now on, or its own again. Raises KeyError for an unknown task."""
        task, served = self._tasks[task_id], self._served[task_id]
        for precheck_id in {task.precheck_task_id, *served}:
            if script is not None:
                served[precheck_id] = ServedPrecheck(script, self._clock())
            elif task.script is not None:
                started = self._clock() - task.started_seconds_ago
                served[precheck_id] = ServedPrecheck(task.script, started, task.request_id)
            else:
                served.pop(precheck_id, None)

    def start(self, kind: str, parameters: Mapping[str, str]) -> web.Response:
        """Start another precheck, which plays the last one's script. That of a comparison has a new id."""
        task = self._tasks.get(parameters.get("taskId") or parameters.get("replicationId", ""))
        if task is None or task.kind != kind:
            return failure("TASK_NOT_FOUND", "task not found")
        served = self._served[task.task_id]
        last = list(served.values())[-1:]
        script = last[0].script if last else Script((script_run(CHECKS[kind]),))
        precheck_id = f"pcte-{secrets.token_hex(6)}" if kind != "replication" else ""
        served[precheck_id] = ServedPrecheck(script, self._clock())
        if kind == "replication":
            return success()
        return success(data={"taskId": task.task_id, "precheckTaskId": precheck_id})

    def comparison(self, kind: str, parameters: Mapping[str, str]) -> web.Response:
        """The status of a comparison's precheck."""
        task_id, precheck_id = parameters["taskId"], parameters["precheckTaskId"]
        precheck = self._precheck(kind, task_id, precheck_id)
        if precheck is None:
            return failure("PRECHECK_TASK_NOT_FOUND", "precheck task not found")
        data = {"taskId": task_id, "precheckTaskId": precheck_id} | _comparison_data(self._state(precheck))
        return success(precheck.request_id, data=data)

    def replication(self, kind: str, parameters: Mapping[str, str]) -> web.Response:
        """The status of a replication's precheck."""
        task_id = parameters["replicationId"]
        precheck = self._precheck(kind, task_id, "")
        if precheck is None:
            return failure("REPLICATION_NOT_FOUND", f"replication {task_id} not found")
        return success(precheck.request_id, data={"replicationId": task_id} | _replication_data(self._state(precheck)))

    def _precheck(self, kind: str, task_id: str, precheck_id: str) -> ServedPrecheck | None:
        task = self._tasks.get(task_id)
        return self._served[task_id].get(precheck_id) if task and task.kind == kind else None

    def _state(self, precheck: ServedPrecheck) -> ScriptState:
        return precheck.script.state_at(self._clock() - precheck.started)


def _comparison_data(state: ScriptState) -> dict[str, object]:
    items = []
    for item, status in state.items:
        shown = {"precheckItem": item.item, "itemName": item.name, "itemDescription": item.description}
        message = {"errorMessage": item.error_message} if status in _REPLICATION_WORDS and item.error_message else {}
        items.append(shown | {"status": status.value} | message)
    return {"status": state.status.value, "precheckItems": items}


def _replication_data(state: ScriptState) -> dict[str, object]:
    """Nothing is documented before the end of a precheck: there is no status then, only the items that are done."""
    items = [
        {
            "itemId": item.item,
            "itemName": item.name,
            "itemDescription": item.description,
            "status": _REPLICATION_WORDS[status],
            "message": item.error_message,
        }
        for item, status in state.items
        if status in _REPLICATION_WORDS
    ]
    word = _REPLICATION_WORDS.get(state.status)
    if word == "success" and any(item["status"] == "warning" for item in items):
        word = "warning"
    return {"precheckStatus": word, "items": items}
