"""The sandbox's own paths, which change how it behaves. They need no signature. docs/rehearsal.md describes them."""

import json
import math
from typing import TYPE_CHECKING

from aiohttp import web

from exporter.ninedata import LISTS
from exporter.sandbox.check_items import CHECKS
from exporter.sandbox.injected_faults import read_fault
from exporter.sandbox.scripts import Script, ScriptStatus, script_run
from exporter.sandbox.task_scripts import ComparisonScript, Execution, ReplicationScript, Stage, TaskScript

if TYPE_CHECKING:
    from exporter.sandbox.sandbox import Sandbox


def precheck_script(kind: str, value: object) -> Script:
    """What a precheck is to show from now on, as in `{"failed": {"targetDataExistCheck": "Create the table."}}`.

    Raises ValueError that says what is wrong.
    """
    if not isinstance(value, dict) or not value.keys() <= {"status", "failed", "warning", "seconds"}:
        raise ValueError("a precheck is an object with status, failed, warning or seconds")
    known = [check.item for check in CHECKS[kind]]
    ends: dict[str, tuple[ScriptStatus, str]] = {}
    for key, outcome in (("failed", ScriptStatus.FAILED), ("warning", ScriptStatus.WARNING)):
        reasons = value.get(key, {})
        if not isinstance(reasons, dict) or not all(isinstance(reason, str) for reason in reasons.values()):
            raise ValueError(f"{key} must be an object of check items and their reasons")
        if wrong := reasons.keys() - set(known):
            raise ValueError(f"{kind} has no check item {', '.join(sorted(wrong))}; it has {', '.join(known)}")
        ends |= {item: (outcome, reason) for item, reason in reasons.items()}
    seconds = value.get("seconds", 0)
    if not _is_number(seconds):
        raise ValueError("seconds must be a number, 0 or more")
    # What takes for ever stays as it is.
    times = {
        None: {"seconds": float(seconds)},
        "Unstarted": {"queued_seconds": math.inf},
        "Running": {"seconds": math.inf},
    }
    status = value.get("status")
    if not (status is None or isinstance(status, str)) or status not in times:
        raise ValueError("status must be Unstarted or Running; without it the precheck has ended")
    return Script((script_run(CHECKS[kind], ends, **times[status]),))


def task_script(kind: str, value: object) -> TaskScript:
    """What a task is to show from now on, as in `{"status": "failed", "error": "The disk is full."}`.

    Raises ValueError that says what is wrong.
    """
    statuses, numbers = _STATUSES[kind], _NUMBERS[kind]
    fields = ("status", *numbers) if kind == "replication" else ("status", *numbers, "error")
    if not isinstance(value, dict) or not value.keys() <= set(fields):
        raise ValueError(f"a task of kind {kind} is an object with {', '.join(fields)}")
    status, error = value.get("status", statuses[0]), value.get("error", "")
    if status not in statuses or not isinstance(error, str):
        raise ValueError(f"status must be one of {', '.join(statuses)}, and error a text")
    if wrong := [name for name in numbers if not _is_number(value.get(name, 0))]:
        raise ValueError(f"{wrong[0]} must be a number, 0 or more")
    if kind == "replication":
        # Before its start a replication is at its first subtask.
        subtask = "inc_writer" if status in ("running", "failed", "suspended", "abnormal", "stopped") else "schema"
        return ReplicationScript((Stage(status, delay_seconds=value.get("delay_seconds", 0), subtask=subtask),))
    if status in ("starting", "notStarted", "prechecking"):
        return ComparisonScript(waiting=status)
    only_source, only_target, different, skipped = (int(value.get(name, 0)) for name in _NUMBERS["data_compare"])
    seconds = math.inf if status == "running" else 0.0
    return ComparisonScript((Execution(seconds, status, error, (only_source, only_target, different), skipped),))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < math.inf


_COMPARISON_STATUSES = ("success", "failed", "running", "stopped", "starting", "notStarted", "prechecking")
_STATUSES = {
    "data_compare": _COMPARISON_STATUSES,
    "schema_compare": _COMPARISON_STATUSES,
    "replication": ("running", *(status for status in LISTS["replication"].statuses if status != "running")),
}
"""The first is what a task shows if none is given."""
_NUMBERS: dict[str, tuple[str, ...]] = {
    "data_compare": ("only_source", "only_target", "different", "skipped_tables"),
    "schema_compare": (),
    "replication": ("delay_seconds",),
}


class ControlPaths:
    """What each path does; the middleware `answer` turns it into JSON."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        self._paths = {
            ("GET", "tasks"): self._tasks,
            ("PUT", "tasks"): self._set_task,
            ("DELETE", "tasks"): self._reset_task,
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
                "status": self._sandbox.api.tasks.status(task.task_id),
                "items": [check.item for check in CHECKS[task.kind]],
                "requests": self._sandbox.requests[task.task_id],
            }
            for task in self._sandbox.tasks
        ]

    def _set_precheck(self, name: str, body: object) -> object:
        task = self._sandbox.api.known[name]
        self._sandbox.api.prechecks.play(name, precheck_script(task.kind, body))
        return body

    def _reset_precheck(self, name: str, _body: object) -> object:
        self._sandbox.api.prechecks.play(name, None)
        return {}

    def _set_task(self, name: str, body: object) -> object:
        task = self._sandbox.api.known[name]
        self._sandbox.api.tasks.play(name, task_script(task.kind, body))
        return body

    def _reset_task(self, name: str, _body: object) -> object:
        self._sandbox.api.tasks.play(name, None)
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
