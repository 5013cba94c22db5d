"""The sandbox's own paths, which change how it behaves. They need no signature. docs/rehearsal.md describes them."""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiohttp import web

from exporter.ninedata import LISTS
from exporter.sandbox.catalogue import Activity
from exporter.sandbox.check_items import CHECKS, ended
from exporter.sandbox.injected_faults import InjectedFault
from exporter.sandbox.scripts import Execution, PrecheckRun, Script, Stage
from exporter.sandbox.served_task import ServedTask

if TYPE_CHECKING:
    from exporter.sandbox.sandbox import Sandbox

_Field = tuple[str, Callable[[Any], bool]]
"""What a value in the body of a request must be, in words and as a test."""


def _one_of(words: tuple[str, ...]) -> _Field:
    return f"one of {', '.join(words)}", lambda value: value in words


def _number(least: float, most: float) -> _Field:
    words = f"a number from {least:g} to {most:g}"
    return words, lambda value: isinstance(value, int | float) and least <= value <= most


_TEXT: _Field = ("a text", lambda value: isinstance(value, str))
_SECONDS = _number(0, 1e6)
_FAULTS: Mapping[str, Mapping[str, _Field]] = {
    "http_error": {"status": _number(400, 599)},
    "api_error": {"message": _TEXT},
    "auth": {},
    "rate_limited": {"retry_after": _SECONDS},
    "not_found": {},
    "slow": {"seconds": _SECONDS},
    "hang": {},
    "away": {},
}


async def control(sandbox: "Sandbox", request: web.Request) -> web.Response:
    """Do what a request to `/sandbox/NOUN` or `/sandbox/NOUN/NAME` says; answer what was set, or what is wrong."""
    noun, _, name = request.match_info["path"].partition("/")
    try:
        body = json.loads(await request.read() or b"{}")
        status, answer = 200, _obey(sandbox, f"{request.method} {noun}", name, body)
    except LookupError:
        status, answer = 404, {"error": f"no such path or task: {request.method} {request.path}"}
    except ValueError as error:
        what = "the body is not JSON: " if isinstance(error, json.JSONDecodeError) else ""
        status, answer = 400, {"error": f"{what}{error}"}
    return web.Response(text=json.dumps(answer) + "\n", status=status, content_type="application/json")


def _obey(sandbox: "Sandbox", command: str, name: str, body: object) -> object:
    match command:
        case "GET tasks":
            return [_listed(task, sandbox.requests[task_id]) for task_id, task in sandbox.served.items()]
        case "PUT tasks" | "DELETE tasks":
            task = sandbox.served[name]
            task.play(_read_activity(task.kind.name, body) if command.startswith("PUT") else None)
        case "PUT prechecks" | "DELETE prechecks":
            task = sandbox.served[name]
            task.play_precheck(_read_precheck(task.kind.name, body) if command.startswith("PUT") else None)
        case "PUT faults":
            lists = "|".join(listing.path.split("/")[3] for listing in LISTS.values())
            pattern = rf"|({lists})/list(/\d+)?|(?P<task_id>[^/]+)(/(precheck|start|status|execution))?"
            if not (found := re.fullmatch(pattern, name)) or found["task_id"] not in (None, *sandbox.served):
                raise LookupError
            sandbox.faults[name] = _read_fault(body)
        case "DELETE faults":
            sandbox.faults = {each: fault for each, fault in sandbox.faults.items() if name not in ("", each)}
        case "PUT clock":
            sandbox.skew_seconds = _checked(body, {"skew_seconds": _number(-1e9, 1e9)}).get("skew_seconds", 0.0)
        case "POST reset":
            sandbox.reset()
        case _:
            raise LookupError
    return body


def _listed(served: ServedTask, requests: int) -> dict[str, object]:
    return {
        "task_id": served.task.task_id,
        "precheck_task_id": served.task.precheck_task_id,
        "name": served.task.name,
        "kind": served.task.kind,
        "status": served.status,
        "items": [check.item for check in CHECKS[served.task.kind]],
        "requests": requests,
    }


def _checked(body: object, fields: Mapping[str, _Field]) -> dict[str, Any]:
    """The body of a request. Raises ValueError that says what is wrong with it."""
    if not isinstance(body, dict) or not body.keys() <= fields.keys():
        raise ValueError(f"the body must be an object with any of {', '.join(fields)}")
    for key, value in body.items():
        words, fits = fields[key]
        if not fits(value):
            raise ValueError(f"{key} must be {words}")
    return body


def _read_precheck(kind: str, body: object) -> Script[PrecheckRun]:
    """What a precheck is to show from now on, as in `{"failed": {"targetDataExistCheck": "Create the table."}}`."""
    items = [check.item for check in CHECKS[kind]]
    reasons: _Field = (
        f"an object of check items and their reasons; the items are {', '.join(items)}",
        lambda value: isinstance(value, dict) and value.keys() <= set(items),
    )
    status = _one_of(("Unstarted", "Running"))
    value = _checked(body, {"status": status, "failed": reasons, "warning": reasons, "seconds": _SECONDS})
    # A precheck that queues or works for ever keeps this status.
    queued_seconds = math.inf if value.get("status") == "Unstarted" else 0.0
    item_seconds = math.inf if value.get("status") == "Running" else value.get("seconds", 0.0)
    items_at_end = ended(kind, value.get("failed", {}), value.get("warning", {}))
    return Script(PrecheckRun(items_at_end, queued_seconds, item_seconds))


def _read_activity(kind: str, body: object) -> Activity:
    """What a task itself is to show from now on, as in `{"status": "failed", "error": "The disk is full."}`."""
    if kind == "replication":
        statuses = LISTS[kind].statuses
        stage = Stage(**_checked(body, {"status": _one_of(statuses), "delay_seconds": _SECONDS}))
        has_run = statuses.index(stage.status) >= statuses.index("running")
        return Script(replace(stage, subtask="inc_writer" if has_run else "schema"))
    fields = {"status": _one_of(LISTS["schema_compare"].statuses), "error": _TEXT}
    if kind == "data_compare":
        fields |= dict.fromkeys(("only_source", "only_target", "different", "skipped_tables"), _number(0, 1e12))
    return Script(Execution(**_checked(body, fields)))


def _read_fault(body: object) -> InjectedFault:
    """What is to happen to requests, as in `{"kind": "http_error", "status": 502}`."""
    kind = body.get("kind") if isinstance(body, dict) else None
    if not isinstance(kind, str) or kind not in _FAULTS:
        raise ValueError(f"kind must be one of {', '.join(_FAULTS)}")
    return InjectedFault(**_checked(body, {"kind": _TEXT, **_FAULTS[kind]}))
