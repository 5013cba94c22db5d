"""The documented paths of the NineData API, and who may use them."""

import asyncio
import json
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from exporter.ninedata import KINDS, Kind
from exporter.ninedata.kinds import TaskList
from exporter.ninedata.signing import signature
from exporter.sandbox.failures import UNKNOWN_KEY, ApiError
from exporter.sandbox.served_task import ServedTask

if TYPE_CHECKING:
    from exporter.sandbox.sandbox import Sandbox


class Parameters(dict[str, str]):
    """Those of a request, in its query string or its JSON. One that is missing raises ApiError."""

    def __missing__(self, name: str) -> str:
        raise ApiError("PARAMETER_MISSING", f"parameter {name} is missing", 400)


Answer = Callable[[Kind, Parameters], dict[str, object]]
"""Gives the fields of a successful answer, beside `success` and `requestId`."""


class OpenApi:
    """The API for the tasks of a sandbox, and for the one account that may see them."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        self._task_ids = {str(number): task_id for number, task_id in enumerate(sandbox.served, 1)}

    def routes(self) -> Iterator[web.RouteDef]:
        """The documented paths, each with the noun that names it for injected faults."""
        for kind in KINDS.values():
            start = kind.path.removesuffix("status") + "start"
            yield web.route("GET", kind.path, partial(self._handle, kind, "precheck", self._precheck))
            yield web.route("POST", start, partial(self._handle, kind, "start", self._start))
            yield web.route("GET", kind.state_path, partial(self._handle, kind, "status", self._state))
            if kind.execution_path:
                yield web.route("GET", kind.execution_path, partial(self._handle, kind, "execution", self._execution))
            if kind.list:
                answer = partial(self._list, kind.list)
                yield web.route("GET", kind.list.path, partial(self._handle, kind, "list", answer))

    async def _handle(self, kind: Kind, noun: str, answer: Answer, request: web.Request) -> web.Response:
        sandbox = self._sandbox
        parameters = Parameters(await request.json() if request.method == "POST" else request.query)
        names = self._names(kind, noun, parameters)
        sandbox.requests[names[-1]] += 1
        await asyncio.sleep(sandbox.latency_seconds)
        envelope: dict[str, object] = {"requestId": secrets.token_urlsafe(24)}
        status, headers = 200, {"Date": formatdate(sandbox.now(), usegmt=True)}
        try:
            self._check_signature(request)
            fault = next((sandbox.faults[name] for name in (*names, "") if name in sandbox.faults), None)
            if fault:
                await fault.happen(request)
            envelope |= {"success": True, **answer(kind, parameters)}
        except ApiError as error:
            envelope |= {"success": False, "errorCode": error.code, "message": error.message}
            status, headers = error.status, headers | error.headers
        text = json.dumps(envelope, ensure_ascii=False)
        return web.json_response(text=text, status=status, headers=headers)

    def _names(self, kind: Kind, noun: str, parameters: Parameters) -> tuple[str, ...]:
        """What a request is about, for injected faults: the narrowest name first."""
        if noun == "list":
            room = kind.path.split("/")[3]
            page = parameters.get("current") or parameters.get("pageNumber", "1")
            return f"{room}/list/{page}", f"{room}/list"
        task_id = self._task_id(kind, parameters)
        return f"{task_id}/{noun}", task_id

    def _task_id(self, kind: Kind, parameters: Parameters) -> str:
        """The task of a request: the id of an execution tells it as well. Empty if there is none."""
        return parameters.get(kind.task_key) or self._task_ids.get(parameters.get("execId", "")[:-5], "")

    def _check_signature(self, request: web.Request) -> None:
        """Raise ApiError that says which header is missing or wrong."""
        given = {name: request.headers.get(name, "") for name in ("access-key-id", "timestamp", "signature")}
        for name, value in given.items():
            if not value:
                raise ApiError("HEADER_MISSING", f"header {name} is missing", 401)
        if given["access-key-id"] != self._sandbox.access_key_id:
            raise ApiError(*UNKNOWN_KEY)
        try:
            sent = datetime.strptime(f"{given['timestamp']}+0000", "%Y-%m-%dT%H:%M:%SZ%z").timestamp()
        except ValueError:
            message = "timestamp is not of the form 2024-05-31T09:15:33Z"
            raise ApiError("TIMESTAMP_INVALID", message, 401) from None
        if abs(sent - self._sandbox.now()) > 600:  # noqa: PLR2004 - seconds, as documented
            message = "timestamp is more than 10 minutes from the server's clock"
            raise ApiError("TIMESTAMP_EXPIRED", message, 401)
        if given["signature"] != signature(request.path, self._sandbox.secret_key, given["timestamp"]):
            raise ApiError("SIGNATURE_WRONG", "wrong signature", 401)

    def _find(self, kind: Kind, task_id: str) -> ServedTask:
        task = self._sandbox.served.get(task_id)
        if task is None or task.kind is not kind:
            raise ApiError("TASK_NOT_FOUND", "task not found")
        return task

    def _precheck(self, kind: Kind, parameters: Parameters) -> dict[str, object]:
        task_id = parameters[kind.task_key]
        precheck_id = parameters[kind.precheck_key] if kind.has_precheck_id else ""
        return {"data": self._find(kind, task_id).precheck(precheck_id)}

    def _start(self, kind: Kind, parameters: Parameters) -> dict[str, object]:
        task_id = parameters[kind.task_key]
        precheck_id = self._find(kind, task_id).start_precheck()
        return {"data": {"taskId": task_id, "precheckTaskId": precheck_id}} if precheck_id else {}

    def _state(self, kind: Kind, parameters: Parameters) -> dict[str, object]:
        return {"data": self._find(kind, parameters[kind.task_key]).state()}

    def _execution(self, kind: Kind, parameters: Parameters) -> dict[str, object]:
        task_id = self._task_id(kind, parameters) if kind.execution_is_unique else parameters[kind.task_key]
        return {"data": self._find(kind, task_id).execution(parameters["execId"])}

    def _list(self, listed: TaskList, kind: Kind, parameters: Parameters) -> dict[str, object]:
        """A page of the tasks with a `status`; its numbers stand beside the entries."""
        number, size = int(parameters.get(listed.page_key, 1)), min(int(parameters.get("pageSize", 10)), 100)
        wanted = parameters.get("status")
        tasks = [task for task in self._sandbox.served.values() if task.kind is kind]
        tasks = [task for task in tasks if wanted in (None, task.status)]
        entries = [
            {listed.task_key: task.task.task_id, listed.name_key: task.task.name, "status": task.status}
            for task in tasks[(number - 1) * size : number * size]
        ]
        numbers = {listed.page_key: number, "pageSize": size, "total": len(tasks)}
        if listed.entries_key:
            return {"data": {listed.entries_key: entries, **numbers}}
        return {"data": entries, **numbers}
