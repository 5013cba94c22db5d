"""The sandbox's own paths, by which another process makes it misbehave and sees what it was asked.

PUT    /sandbox/faults[/TASK_ID]    sets a fault, given in its JSON form, for all requests or one task's
DELETE /sandbox/faults[/TASK_ID]    takes all faults away, or one task's
PUT    /sandbox/clock               {"skew_seconds": 700}: the API's clock runs ahead of the true time, or behind
GET    /sandbox/requests            counts, and of the latest request what is not secret
POST   /sandbox/start/TASK_ID       starts a precheck again, and answers its new id
POST   /sandbox/reset               all as at the start

For faults, the list of replication tasks has the id `replication/list`, and its second page `replication/list/2`, which
goes first. So a page can be late or cut off as any answer can. The counts have the list under `replication/list`.

They need no signature: whoever reaches loopback may use them.
"""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote

from exporter.sandbox.faults import read_fault
from exporter.sandbox.faults.fault import is_number
from exporter.sandbox.messages import Answer, Request, json_answer

if TYPE_CHECKING:  # the sandbox serves this module
    from exporter.sandbox.server import Sandbox

PREFIX = "/sandbox/"


def control(sandbox: "Sandbox", request: Request) -> Answer:
    """Do what a request to one of these paths wants; what is wrong with it is answered as `error`."""
    noun, _, task_id = request.path.removeprefix(PREFIX).partition("/")
    act = _ACTS.get((request.method, noun, bool(task_id)))
    if act is None:
        return json_answer({"error": f"no {request.method} {request.path}"}, 404)
    try:
        return json_answer(act(sandbox, request, unquote(task_id) or None))
    except KeyError:
        return json_answer({"error": f"no task {unquote(task_id)}"}, 404)
    except ValueError as error:
        return json_answer({"error": str(error)}, 400)


def _set_fault(sandbox: "Sandbox", request: Request, task_id: str | None) -> object:
    fault = read_fault(_json(request))
    sandbox.faults.set(fault, task_id)
    return {"task_id": task_id, "kind": fault.kind}


def _clear(sandbox: "Sandbox", _request: Request, task_id: str | None) -> object:
    sandbox.faults.clear(task_id)
    return {"task_id": task_id}


def _set_clock(sandbox: "Sandbox", request: Request, _task_id: str | None) -> object:
    value = _json(request)
    skew = value.get("skew_seconds") if isinstance(value, dict) else None
    if not is_number(skew):
        raise ValueError("skew_seconds must be a number")
    sandbox.clock.skew_seconds = skew
    return {"skew_seconds": skew}


def _requests(sandbox: "Sandbox", _request: Request, _task_id: str | None) -> object:
    requests = sandbox.journal.snapshot()
    counts = {
        "total": requests.total,
        "per_task": requests.per_task,
        "in_flight": requests.in_flight,
        "max_in_flight": requests.max_in_flight,
        "connections": requests.connections,
    }
    if not requests.latest:
        return {**counts, "last": None}
    last = requests.latest[-1]
    return {**counts, "last": {"method": last.method, "path": last.path, "header_names": last.header_names}}


def _start(sandbox: "Sandbox", _request: Request, task_id: str | None) -> object:
    return {"task_id": task_id, "precheck_task_id": sandbox.api.start_again(task_id or "")}


def _reset(sandbox: "Sandbox", _request: Request, _task_id: str | None) -> object:
    sandbox.reset()
    return {}


def _json(request: Request) -> object:
    try:
        value: object = json.loads(request.body)
    except ValueError as error:
        raise ValueError(f"the body is no JSON: {error}") from None
    return value


_Act = Callable[["Sandbox", Request, str | None], object]

_ACTS: Mapping[tuple[str, str, bool], _Act] = {
    ("PUT", "faults", False): _set_fault,
    ("PUT", "faults", True): _set_fault,
    ("DELETE", "faults", False): _clear,
    ("DELETE", "faults", True): _clear,
    ("PUT", "clock", False): _set_clock,
    ("GET", "requests", False): _requests,
    ("POST", "start", True): _start,
    ("POST", "reset", False): _reset,
}
"""Method, path and whether a task id follows."""
