"""The sandbox's own paths, which change how it behaves. They need no signature. docs/rehearsal.md describes them."""

import json
import math
from typing import TYPE_CHECKING

from aiohttp import web

from exporter.sandbox.check_items import CHECKS
from exporter.sandbox.injected_faults import read_fault
from exporter.sandbox.scripts import Script, ScriptStatus, script_run

if TYPE_CHECKING:
    from exporter.sandbox.sandbox import Sandbox


def precheck_script(kind: str, value: object) -> Script:
    """What a precheck is to show from now on, as in `{"failed": {"targetDataExistCheck": "Create the table."}}`.

    Raises ValueError that says what is wrong.
    """
    if not isinstance(value, dict) or not value.keys() <= {"status", "failed", "warning"}:
        raise ValueError("a precheck is an object with status, failed or warning")
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
    """What each path does; the middleware `answer` turns it into JSON."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        self._paths = {
            ("GET", "tasks"): self._tasks,
            ("PUT", "prechecks"): self._set_precheck,
            ("DELETE", "prechecks"): self._reset_precheck,
            ("PUT", "faults"): self._set_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("PUT", "clock"): self._set_clock,
            ("POST", "reset"): self._reset,
        }

    async def answer(self, request: web.Request) -> web.Response:
        """The answer of the path `/sandbox/NOUN` or `/sandbox/NOUN/NAME`."""
        noun, _, name = request.path.removeprefix("/sandbox/").partition("/")
        action = self._paths.get((request.method, noun))
        status = 404
        answer: object = {"error": f"there is no {request.method} {request.path}"}
        if action:
            try:
                status, answer = 200, action(name, json.loads(await request.read() or b"{}"))
            except KeyError:
                answer = {"error": f"there is no task {name}"}
            except ValueError as error:
                status, answer = 400, {"error": str(error)}
        return web.Response(text=json.dumps(answer) + "\n", status=status, content_type="application/json")

    def _tasks(self, _name: str, _body: object) -> object:
        return [
            {
                "task_id": task.task_id,
                "precheck_task_id": task.precheck_task_id,
                "name": task.name,
                "kind": task.kind,
                "items": [check.item for check in CHECKS[task.kind]],
                "requests": self._sandbox.requests[task.task_id],
            }
            for task in self._sandbox.tasks
        ]

    def _set_precheck(self, name: str, body: object) -> object:
        task = self._sandbox.api.tasks[name]
        self._sandbox.api.play(name, precheck_script(task.kind, body))
        return body

    def _reset_precheck(self, name: str, _body: object) -> object:
        self._sandbox.api.play(name, None)
        return {}

    def _set_fault(self, name: str, body: object) -> object:
        self._sandbox.faults[name] = read_fault(body)
        return body

    def _clear_faults(self, name: str, _body: object) -> object:
        for each in [name] if name else list(self._sandbox.faults):
            self._sandbox.faults.pop(each, None)
        return {}

    def _set_clock(self, _name: str, body: object) -> object:
        skew = body.get("skew_seconds") if isinstance(body, dict) else None
        if not isinstance(skew, int | float) or not math.isfinite(skew):
            raise ValueError("skew_seconds must be a number")
        self._sandbox.skew_seconds = skew
        return body

    def _reset(self, _name: str, _body: object) -> object:
        self._sandbox.reset()
        return {}
