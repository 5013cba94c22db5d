"""What the NineData API answers: paths, parameters and answers as documented, for scripted prechecks."""

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from exporter.ninedata.signing import signature
from exporter.sandbox.catalogue import SandboxTask
from exporter.sandbox.injected_faults import failure, success
from exporter.sandbox.scripts import Script, ScriptState, ScriptStatus

_TIMESTAMP_WINDOW_SECONDS = 600
_MAX_PAGE_SIZE = 100
_REPLICATION_WORDS = {ScriptStatus.SUCCESS: "success", ScriptStatus.WARNING: "warning", ScriptStatus.FAILED: "failure"}
"""The words of items that have ended; no others are documented."""


@dataclass(frozen=True, slots=True)
class ServedPrecheck:
    """A precheck that plays its script since a moment of the sandbox's clock."""

    script: Script
    started: float
    request_id: str | None = None


class OpenApi:
    """The prechecks of some tasks, and the one account that may see them. `clock` is the server's."""

    def __init__(
        self, tasks: Iterable[SandboxTask], access_key_id: str, secret_key: str, clock: Callable[[], float]
    ) -> None:
        self.tasks = {task.task_id: task for task in tasks}
        self._access_key_id = access_key_id
        self._secret_key = secret_key
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """All prechecks begin again as at the start."""
        self._prechecks: dict[tuple[str, str], ServedPrecheck] = {}
        for task_id in self.tasks:
            self.play(task_id, None)

    def play(self, task_id: str, script: Script | None) -> None:
        """Let a task's precheck play a script from now on, or its own again. Raises KeyError for an unknown task."""
        task = self.tasks[task_id]
        key = task_id, task.precheck_task_id
        if script is not None:
            self._prechecks[key] = ServedPrecheck(script, self._clock())
        elif task.script is not None:
            started = self._clock() - task.started_seconds_ago
            self._prechecks[key] = ServedPrecheck(task.script, started, task.request_id)
        else:
            self._prechecks.pop(key, None)

    def routes(self) -> list[web.RouteDef]:
        """The documented paths."""
        return [
            web.get("/openapi/v1/comparedata/precheck/status", self._comparison),
            web.get("/openapi/v1/compareschema/precheck/status", self._comparison),
            web.get("/openapi/v1/replication/precheck/status", self._replication),
            web.get("/openapi/v1/replication/list", self._list),
        ]

    def refusal(self, request: web.Request) -> web.Response | None:
        """The answer to a request that is not signed correctly: it says which header is missing or wrong."""
        given = {name: request.headers.get(name, "") for name in ("access-key-id", "timestamp", "signature")}
        for name, value in given.items():
            if not value:
                return failure("HEADER_MISSING", f"header {name} is missing", 401)
        if not _same(given["access-key-id"], self._access_key_id):
            return failure("ACCESS_KEY_UNKNOWN", "unknown access key", 401)
        try:
            sent = datetime.strptime(f"{given['timestamp']}+0000", "%Y-%m-%dT%H:%M:%SZ%z").timestamp()
        except ValueError:
            return failure("TIMESTAMP_INVALID", "timestamp is not of the form 2024-05-31T09:15:33Z", 401)
        if abs(sent - self._clock()) > _TIMESTAMP_WINDOW_SECONDS:
            return failure("TIMESTAMP_EXPIRED", "timestamp is more than 10 minutes from the server's clock", 401)
        if not _same(given["signature"], signature(request.path, self._secret_key, given["timestamp"])):
            return failure("SIGNATURE_WRONG", "wrong signature", 401)
        return None

    async def _comparison(self, request: web.Request) -> web.Response:
        task_id, precheck_id = request.query.get("taskId", ""), request.query.get("precheckTaskId", "")
        if not task_id or not precheck_id:
            return _missing("precheckTaskId" if task_id else "taskId")
        kind = "data_compare" if "/comparedata/" in request.path else "schema_compare"
        precheck = self._precheck(kind, task_id, precheck_id)
        if precheck is None:
            return failure("PRECHECK_TASK_NOT_FOUND", "precheck task not found")
        data = {"taskId": task_id, "precheckTaskId": precheck_id} | _comparison_data(self._state(precheck))
        return success(precheck.request_id, data=data)

    async def _replication(self, request: web.Request) -> web.Response:
        task_id = request.query.get("replicationId", "")
        if not task_id:
            return _missing("replicationId")
        precheck = self._precheck("replication", task_id, "")
        if precheck is None:
            return failure("REPLICATION_NOT_FOUND", f"replication {task_id} not found")
        return success(precheck.request_id, data={"replicationId": task_id} | _replication_data(self._state(precheck)))

    async def _list(self, request: web.Request) -> web.Response:
        """A page of the tasks with a `status`."""
        query = request.query
        numbers = query.get("current") or "1", query.get("pageSize") or "10"
        if not all(number.isdecimal() and len(number) < 10 and int(number) for number in numbers):  # noqa: PLR2004
            return failure("PARAMETER_INVALID", "current and pageSize must be whole numbers, 1 or more", 400)
        current, size = int(numbers[0]), min(int(numbers[1]), _MAX_PAGE_SIZE)
        found = [
            task
            for task in self.tasks.values()
            if task.kind == "replication" and query.get("status", "") in ("", task.task_status)
        ]
        page = [_list_entry(task) for task in found[(current - 1) * size : current * size]]
        return success(data=page, current=current, pageSize=size, total=len(found))

    def _precheck(self, kind: str, task_id: str, precheck_id: str) -> ServedPrecheck | None:
        task = self.tasks.get(task_id)
        return self._prechecks.get((task_id, precheck_id)) if task and task.kind == kind else None

    def _state(self, precheck: ServedPrecheck) -> ScriptState:
        return precheck.script.state_at(self._clock() - precheck.started)


def _missing(parameter: str) -> web.Response:
    return failure("PARAMETER_MISSING", f"parameter {parameter} is missing", 400)


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())


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


def _list_entry(task: SandboxTask) -> dict[str, object]:
    """All tasks were created at the one documented moment."""
    number = task.task_id.removeprefix("rp-")
    return {
        "replicationId": task.task_id,
        "name": task.name,
        "sourceDatasourceId": f"ds-{number}s",
        "targetDatasourceId": f"ds-{number}t",
        "type": "default",
        "status": task.task_status,
        "subTaskTypeList": ["schema", "full", "inc_writer"],
        "createTime": "2025-08-11 01:08:19Z",
    }
