"""What the NineData API answers: requests and answers as data, no sockets.

Paths, parameters and the shape of successful answers are the documented ones. Error codes, and the messages other than
"precheck task not found", are invented: the API documents none.
"""

import json
import math
import secrets
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from exporter.sandbox.access import Access, RefusedError
from exporter.sandbox.catalogue import Task
from exporter.sandbox.clock import Clock
from exporter.sandbox.messages import Answer, Request, html_answer, json_answer
from exporter.sandbox.prechecks import Item, Script, Status

DATA_COMPARE_STATUS = "/openapi/v1/comparedata/precheck/status"
DATA_COMPARE_START = "/openapi/v1/comparedata/precheck/start"
NOW = "/openapi/now"

_ID_ALPHABET = string.ascii_lowercase + string.digits


@dataclass(slots=True)
class _Precheck:
    """One precheck as served. Its data are rendered once for each state, as most queries find the state unchanged."""

    task: Task
    precheck_task_id: str
    script: Script
    started: float
    rendered: bytes = b""
    rendered_until: float = -math.inf

    def elapsed(self, now: float) -> float:
        return now - self.started

    def data(self, now: float) -> bytes:
        """The answer's `data` as JSON."""
        elapsed = self.elapsed(now)
        if elapsed >= self.rendered_until or not self.rendered:
            state = self.script.state_at(elapsed)
            data = {
                "taskId": self.task.task_id,
                "precheckTaskId": self.precheck_task_id,
                "status": state.status,
                "precheckItems": [_item(item, status) for item, status in state.items],
            }
            self.rendered = json.dumps(data, ensure_ascii=False).encode()
            self.rendered_until = state.until
        return self.rendered


class Api:
    """The prechecks of some tasks, and the account that may see them."""

    def __init__(self, tasks: Iterable[Task], access: Access, clock: Clock, auth_failure_status: int = 401) -> None:
        self._tasks = tuple(tasks)
        self._access = access
        self._clock = clock
        self._auth_failure_status = auth_failure_status
        # Families to come (schema comparison, replication) are further rows here.
        self._routes: dict[str, dict[str, Callable[[Request], Answer]]] = {
            DATA_COMPARE_STATUS: {"GET": self._data_compare_status},
            DATA_COMPARE_START: {"POST": self._data_compare_start},
            NOW: {"GET": self._now},
        }
        self.reset()

    def reset(self) -> None:
        """All prechecks begin again as at the sandbox's start."""
        now = self._clock.elapsing()
        self._prechecks: dict[tuple[str, str], _Precheck] = {}
        self._current: dict[str, _Precheck] = {}
        for task in self._tasks:
            if task.script:
                self._add(_Precheck(task, task.precheck_task_id, task.script, now - task.started_seconds_ago))

    def answer(self, request: Request) -> Answer:
        """The well-behaved answer."""
        methods = self._routes.get(request.path)
        if methods is None:
            return html_answer("404 Not Found", 404)
        if request.method not in methods:
            return _failure("METHOD_NOT_ALLOWED", f"method {request.method} is not allowed", 405)
        try:
            self._access.check(request, self._clock.server())
        except RefusedError as refused:
            return _failure(refused.code, refused.message, self._auth_failure_status)
        return methods[request.method](request)

    def start_again(self, task_id: str) -> str:
        """Start a task's precheck under a new id; the old id keeps showing how its run ends.

        Raises:
            KeyError: there is no such task, or it never had a precheck.
        """
        now = self._clock.elapsing()
        old = self._current[task_id]
        elapsed = old.elapsed(now)
        new_id = "pcte-" + "".join(secrets.choice(_ID_ALPHABET) for _ in range(12))
        self._add(_Precheck(old.task, new_id, old.script.following(elapsed), now))
        old.script, old.rendered = old.script.finished(elapsed), b""
        return new_id

    def _add(self, precheck: _Precheck) -> None:
        self._prechecks[precheck.task.task_id, precheck.precheck_task_id] = precheck
        self._current[precheck.task.task_id] = precheck

    def _data_compare_status(self, request: Request) -> Answer:
        task_id, precheck_id = request.query.get("taskId"), request.query.get("precheckTaskId")
        if not task_id:
            return _missing("taskId")
        if not precheck_id:
            return _missing("precheckTaskId")
        precheck = self._prechecks.get((task_id, precheck_id))
        if precheck is None:
            return _failure("PRECHECK_TASK_NOT_FOUND", "precheck task not found")
        data = precheck.data(self._clock.elapsing())
        request_id = new_request_id()
        if precheck_id == precheck.task.precheck_task_id:
            request_id = precheck.task.request_id or request_id
        return Answer(b'{"success": true, "requestId": "%b", "data": %b}' % (request_id.encode(), data))

    def _data_compare_start(self, request: Request) -> Answer:
        if not request.headers.get("content-type", "").startswith("application/json"):
            return _failure("CONTENT_TYPE_UNSUPPORTED", "Content-Type must be application/json", 415)
        task_id = body_task_id(request)
        if not task_id:
            return _missing("taskId")
        try:
            precheck_id = self.start_again(task_id)
        except KeyError:
            return _failure("TASK_NOT_FOUND", "task not found")
        return _success({"taskId": task_id, "precheckTaskId": precheck_id})

    def _now(self, _request: Request) -> Answer:
        """The shape of this answer is undocumented; this one is a guess."""
        return _success(datetime.fromtimestamp(self._clock.server(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def task_id_of(request: Request) -> str | None:
    """Which task a request is about, whatever its path."""
    return request.query.get("taskId") or body_task_id(request)


def body_task_id(request: Request) -> str | None:
    """`taskId` of a JSON body; None where there is none or it is no text."""
    if not request.body:
        return None
    try:
        value = json.loads(request.body)
    except ValueError:
        return None
    task_id = value.get("taskId") if isinstance(value, dict) else None
    return task_id if isinstance(task_id, str) else None


def new_request_id() -> str:
    """32 random characters, as in the documented example."""
    return secrets.token_urlsafe(24)


def error_envelope(error_code: str | None, message: str | None) -> dict[str, object]:
    """The API's failure; what is None is left out."""
    fields = {"errorCode": error_code, "message": message}
    given = {key: value for key, value in fields.items() if value is not None}
    return {"success": False, **given, "requestId": new_request_id()}


def _item(item: Item, status: Status) -> dict[str, str]:
    shown = {
        "precheckItem": item.item,
        "itemName": item.name,
        "itemDescription": item.description,
        "status": status,
    }
    if status is item.outcome and item.error_message:
        shown["errorMessage"] = item.error_message
    return shown


def _success(data: object) -> Answer:
    return json_answer({"success": True, "requestId": new_request_id(), "data": data})


def _failure(error_code: str, message: str, status: int = 200) -> Answer:
    return json_answer(error_envelope(error_code, message), status)


def _missing(parameter: str) -> Answer:
    return _failure("PARAMETER_MISSING", f"parameter {parameter} is missing", 400)
