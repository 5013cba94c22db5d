"""The documented paths of the NineData API, and who may use them."""

import asyncio
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from exporter.ninedata import KINDS, Kind
from exporter.ninedata.kinds import TaskList
from exporter.ninedata.signing import signature
from exporter.sandbox.injected_faults import ApiError

if TYPE_CHECKING:
    from exporter.sandbox.sandbox import Sandbox


class OpenApi:
    """The API for the tasks of a sandbox, and for the one account that may see them."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        self._task_ids = {str(number): task_id for number, task_id in enumerate(sandbox.served, 1)}
        """By the digits with which the ids of a task's executions begin."""

    def routes(self) -> Iterator[web.RouteDef]:
        """The documented paths, each with the noun that names it for injected faults."""
        for kind in KINDS.values():
            paths = {
                "precheck": kind.path,
                "start": kind.path.removesuffix("status") + "start",
                "status": kind.state_path,
                "execution": kind.execution_path,
                "list": kind.list.path if kind.list else "",
            }
            for noun, path in paths.items():
                if path:
                    yield web.route("POST" if noun == "start" else "GET", path, partial(self._handle, kind, noun))

    async def _handle(self, kind: Kind, noun: str, request: web.Request) -> web.Response:
        sandbox = self._sandbox
        parameters = dict(await request.json() if request.method == "POST" else request.query)
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
            envelope |= {"success": True, **self._answer(kind, noun, parameters)}
        except ApiError as error:
            envelope |= {"success": False, "message": str(error)}
            status, headers = error.status, headers | error.headers
        return web.json_response(envelope, status=status, headers=headers)

    def _names(self, kind: Kind, noun: str, parameters: Mapping[str, str]) -> tuple[str, ...]:
        """What a request is about, for injected faults: the narrowest name first."""
        if noun == "list":
            name = f"{kind.path.split('/')[3]}/list"  # such as replication/list
            page = parameters.get("current") or parameters.get("pageNumber", "1")
            return f"{name}/{page}", name
        task_id = self._task_id(kind, parameters)
        return f"{task_id}/{noun}", task_id

    def _task_id(self, kind: Kind, parameters: Mapping[str, str]) -> str:
        """The task of a request: the id of an execution tells it as well. Empty if there is none."""
        return parameters.get(kind.task_key) or self._task_ids.get(parameters.get("execId", "")[:-5], "")

    def _check_signature(self, request: web.Request) -> None:
        """Raise ApiError if the request is not signed as documented."""
        timestamp = request.headers.get("timestamp", "")
        if request.headers.get("access-key-id") != self._sandbox.access_key_id:
            raise ApiError("unknown access key", 401)
        try:
            sent = datetime.strptime(f"{timestamp}+0000", "%Y-%m-%dT%H:%M:%SZ%z").timestamp()
        except ValueError:
            raise ApiError("timestamp is not of the form 2024-05-31T09:15:33Z", 401) from None
        if abs(sent - self._sandbox.now()) > 600:  # noqa: PLR2004 - seconds, as documented
            raise ApiError("timestamp is more than 10 minutes from the server's clock", 401)
        if request.headers.get("signature") != signature(request.path, self._sandbox.secret_key, timestamp):
            raise ApiError("wrong signature", 401)

    def _answer(self, kind: Kind, noun: str, parameters: Mapping[str, str]) -> dict[str, object]:
        """The fields of a successful answer."""
        if kind.list and noun == "list":
            return self._list(kind.list, kind, parameters)
        task = self._sandbox.served.get(self._task_id(kind, parameters))
        if task is None or task.kind is not kind:
            raise ApiError("task not found")
        match noun:
            case "precheck":
                return {"data": task.precheck(parameters.get(kind.precheck_key, ""))}
            case "status":
                return {"data": task.state()}
            case "execution":
                return {"data": task.execution(parameters.get("execId", ""))}
            case _:  # start
                precheck_id = task.start_precheck()
                return {"data": {"taskId": task.task.task_id, "precheckTaskId": precheck_id}} if precheck_id else {}

    def _list(self, listed: TaskList, kind: Kind, parameters: Mapping[str, str]) -> dict[str, object]:
        """A page of the tasks with a `status`; its numbers stand beside the entries."""
        number, size = int(parameters.get(listed.page_key, 1)), min(int(parameters.get("pageSize", 10)), 100)
        tasks = [task for task in self._sandbox.served.values() if task.kind is kind]
        if "status" in parameters:
            tasks = [task for task in tasks if task.status == parameters["status"]]
        entries = [
            {listed.task_key: task.task.task_id, listed.name_key: task.task.name, "status": task.status}
            for task in tasks[(number - 1) * size : number * size]
        ]
        numbers = {listed.page_key: number, "pageSize": size, "total": len(tasks)}
        if listed.entries_key:
            return {"data": {listed.entries_key: entries, **numbers}}
        return {"data": entries, **numbers}
