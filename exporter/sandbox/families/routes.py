"""What a family answers at one path, and the two routes that families have in common."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exporter.sandbox.envelopes import failure, missing, success
from exporter.sandbox.messages import JSON, Answer, Request
from exporter.sandbox.served import Served


@dataclass(frozen=True, slots=True)
class Route:
    """The one method of a path, its answer to a request, and the names that the request goes by.

    Faults are set for such names, and the journal counts by the last of them. Most requests have one, the id of the
    task that they are about; where there are several, the first is the most special.
    """

    method: str
    answer: Callable[[Served, Request], Answer]
    names: Callable[[Request], tuple[str, ...]]


def status_route(*parameters: str, unknown: str) -> Route:
    """A GET whose parameters, all required, are the ids of a task and of its precheck, if it has one.

    `unknown` is the message about a precheck that is not there; it may hold the task's id as `{}`.
    """

    def answer(served: Served, request: Request) -> Answer:
        ids = []
        for parameter in parameters:
            value = request.query.get(parameter)
            if not value:
                return missing(parameter)
            ids.append(value)
        return served.status(*ids) or failure("PRECHECK_TASK_NOT_FOUND", unknown.format(ids[0]))

    return Route("GET", answer, lambda request: _names(request.query.get(parameters[0])))


def start_route(parameter: str, done: Callable[[str, str], Mapping[str, object]], unknown: str) -> Route:
    """A POST whose JSON body names the task of which to start a precheck; `done` has the answer's further fields."""

    def answer(served: Served, request: Request) -> Answer:
        if not request.headers.get("content-type", "").startswith(JSON):
            return failure("CONTENT_TYPE_UNSUPPORTED", f"Content-Type must be {JSON}", 415)
        task_id = _text_in_body(request, parameter)
        if not task_id:
            return missing(parameter)
        try:
            precheck_id = served.start_again(task_id)
        except KeyError:
            return failure("TASK_NOT_FOUND", unknown.format(task_id))
        return success(**done(task_id, precheck_id))

    return Route("POST", answer, lambda request: _names(_text_in_body(request, parameter)))


def _names(task_id: str | None) -> tuple[str, ...]:
    return (task_id,) if task_id else ()


def _text_in_body(request: Request, key: str) -> str | None:
    """A value of a JSON body; None where there is none or it is no text."""
    try:
        body = json.loads(request.body)
    except ValueError:
        return None
    value = body.get(key) if isinstance(body, dict) else None
    return value if isinstance(value, str) else None
