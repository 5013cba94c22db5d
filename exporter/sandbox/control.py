"""The sandbox's own paths, which change how it behaves. They need no signature. docs/rehearsal.md describes them."""

import json
import math
from typing import TYPE_CHECKING

from aiohttp import web

from exporter.sandbox.check_items import CHECKS
from exporter.sandbox.injected_faults import Handler, read_fault
from exporter.sandbox.scripts import Script, ScriptStatus, script_run

if TYPE_CHECKING:
    from exporter.sandbox.sandbox import Sandbox


def precheck_script(kind: str, value: dict[str, object]) -> Script:
    """What a precheck is to show from now on, as in `{"failed": {"targetDataExistCheck": "Create the table."}}`.

    Raises ValueError that says what is wrong.
    """
    if unknown := value.keys() - {"status", "failed", "warning"}:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known are status, failed and warning")
    known = [check.item for check in CHECKS[kind]]
    ends: dict[str, tuple[ScriptStatus, str]] = {}
    for key, outcome in (("failed", ScriptStatus.FAILED), ("warning", ScriptStatus.WARNING)):
        reasons = value.get(key, {})
        if not isinstance(reasons, dict) or not all(isinstance(reason, str) for reason in reasons.values()):
            raise ValueError(f"{key} must be an object of check items and their reasons")
        if wrong := reasons.keys() - set(known):
            raise ValueError(f"{kind} has no check item {', '.join(sorted(wrong))}; it has {', '.join(known)}")
        ends |= {item: (outcome, reason) for item, reason in reasons.items()}
    # What takes for ever stays as it is.
    times = {None: {}, "Unstarted": {"queued_seconds": math.inf}, "Running": {"seconds": math.inf}}
    status = value.get("status")
    if not (status is None or isinstance(status, str)) or status not in times:
        raise ValueError("status must be Unstarted or Running; without it the precheck has ended")
    return Script((script_run(CHECKS[kind], ends, **times[status]),))


class ControlPaths:
    """What each path does. Unknown tasks raise KeyError, wrong bodies ValueError; the middleware answers them."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox

    def routes(self) -> list[web.RouteDef]:
        """All paths below /sandbox/."""
        return [
            web.get("/sandbox/tasks", self._tasks),
            web.put("/sandbox/prechecks/{name}", self._set_precheck),
            web.delete("/sandbox/prechecks/{name}", self._reset_precheck),
            web.post("/sandbox/start/{name}", self._start),
            *(web.put(path, self._set_fault) for path in ("/sandbox/faults", "/sandbox/faults/{name:.+}")),
            *(web.delete(path, self._clear_faults) for path in ("/sandbox/faults", "/sandbox/faults/{name:.+}")),
            web.put("/sandbox/clock", self._set_clock),
            web.post("/sandbox/reset", self._reset),
        ]

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The answer of one of these paths."""
        try:
            return await handler(request)
        except KeyError:
            return web.json_response({"error": f"no precheck of a task {_name(request)}"}, status=404)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)

    async def _tasks(self, _request: web.Request) -> web.Response:
        tasks = [
            {
                "task_id": task.task_id,
                "precheck_task_id": self._sandbox.api.precheck_ids[task.task_id],
                "name": task.name,
                "kind": task.kind,
                "items": [check.item for check in CHECKS[task.kind]],
                "requests": self._sandbox.requests[task.task_id],
            }
            for task in self._sandbox.tasks
        ]
        return web.json_response(tasks)

    async def _set_precheck(self, request: web.Request) -> web.Response:
        task = self._sandbox.api.tasks[_name(request)]
        self._sandbox.api.play(task.task_id, precheck_script(task.kind, await _json(request)))
        return web.json_response({})

    async def _reset_precheck(self, request: web.Request) -> web.Response:
        self._sandbox.api.play(_name(request), None)
        return web.json_response({})

    async def _start(self, request: web.Request) -> web.Response:
        return web.json_response({"precheck_task_id": self._sandbox.api.start_again(_name(request))})

    async def _set_fault(self, request: web.Request) -> web.Response:
        self._sandbox.faults[_name(request)] = read_fault(await _json(request))
        return web.json_response({})

    async def _clear_faults(self, request: web.Request) -> web.Response:
        if _name(request):
            self._sandbox.faults.pop(_name(request), None)
        else:
            self._sandbox.faults.clear()
        return web.json_response({})

    async def _set_clock(self, request: web.Request) -> web.Response:
        skew = (await _json(request)).get("skew_seconds")
        if not isinstance(skew, int | float) or not math.isfinite(skew):
            raise ValueError("skew_seconds must be a number")
        self._sandbox.skew_seconds = skew
        return web.json_response({})

    async def _reset(self, _request: web.Request) -> web.Response:
        self._sandbox.reset()
        return web.json_response({})


def _name(request: web.Request) -> str:
    return request.match_info.get("name", "")


async def _json(request: web.Request) -> dict[str, object]:
    value = json.loads(await request.read())
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004 - as any wrong body
    return value
