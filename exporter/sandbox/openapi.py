"""The documented paths of the NineData API, and who may use them."""

import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from exporter.ninedata.signing import signature
from exporter.sandbox.catalogue import SandboxTask
from exporter.sandbox.injected_faults import failure
from exporter.sandbox.prechecks import Prechecks
from exporter.sandbox.task_answers import Tasks

_TIMESTAMP_WINDOW_SECONDS = 600
_KINDS = {"comparedata": "data_compare", "compareschema": "schema_compare", "replication": "replication"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path: what it needs, and what it answers for a kind of task and the parameters of a request."""

    noun: str
    """Names it for injected faults: `TASK_ID/noun`, or for a list `replication/list`."""
    required: tuple[str, ...]
    answer: Callable[[str, Mapping[str, str]], web.Response]
    method: str = "GET"


class OpenApi:
    """The API for some tasks, and the one account that may see them. `clock` is the server's."""

    def __init__(
        self, tasks: Iterable[SandboxTask], access_key_id: str, secret_key: str, clock: Callable[[], float]
    ) -> None:
        self.known = {task.task_id: task for task in tasks}
        self.prechecks = Prechecks(self.known, clock)
        self.tasks = Tasks(self.known, clock)
        self._access_key_id = access_key_id
        self._secret_key = secret_key
        self._clock = clock
        prechecks, tasks_themselves = self.prechecks, self.tasks
        comparison = {
            "precheck/status": Endpoint("precheck", ("taskId", "precheckTaskId"), prechecks.comparison),
            "precheck/start": Endpoint("start", ("taskId",), prechecks.start, "POST"),
            "queryTaskById": Endpoint("status", ("taskId",), tasks_themselves.comparison),
        }
        execution = tasks_themselves.execution
        self._endpoints: dict[str, dict[str, Endpoint]] = {
            "comparedata": comparison | {"queryTaskExecInfo": Endpoint("execution", ("execId",), execution)},
            "compareschema": comparison
            | {
                "queryTaskExecInfo": Endpoint("execution", ("taskId", "execId"), execution),
                "queryTaskList": Endpoint("list", (), tasks_themselves.list_schema_comparisons),
            },
            "replication": {
                "precheck/status": Endpoint("precheck", ("replicationId",), prechecks.replication),
                "precheck/start": Endpoint("start", ("replicationId",), prechecks.start, "POST"),
                "status": Endpoint("status", ("replicationId",), tasks_themselves.replication),
                "list": Endpoint("list", (), tasks_themselves.list_replications),
            },
        }

    def reset(self) -> None:
        """All prechecks and tasks begin again as at the start."""
        self.prechecks.reset()
        self.tasks.reset()

    def routes(self) -> list[web.RouteDef]:
        """The documented paths."""
        return [
            web.route(endpoint.method, f"/openapi/v1/{room}/{path}", self._answer)
            for room, endpoints in self._endpoints.items()
            for path, endpoint in endpoints.items()
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

    async def names(self, request: web.Request) -> tuple[str, ...]:
        """What a request is about, for injected faults: the narrowest name first."""
        room, endpoint = self._endpoint(request)
        if endpoint is None:
            return ("",)
        parameters = await _parameters(request)
        if endpoint.noun == "list":
            page = parameters.get("current") or parameters.get("pageNumber") or "1"
            return f"{room}/list/{page}", f"{room}/list"
        task_id = parameters.get("taskId") or parameters.get("replicationId") or ""
        task_id = task_id or self.tasks.task_of_execution(parameters.get("execId", ""))
        return f"{task_id}/{endpoint.noun}", task_id

    def _endpoint(self, request: web.Request) -> tuple[str, Endpoint | None]:
        room, _, path = request.path.removeprefix("/openapi/v1/").partition("/")
        return room, self._endpoints.get(room, {}).get(path)

    async def _answer(self, request: web.Request) -> web.Response:
        room, endpoint = self._endpoint(request)
        assert endpoint is not None  # noqa: S101 - only documented paths are routed here
        parameters = await _parameters(request)
        for name in endpoint.required:
            if not parameters.get(name):
                return failure("PARAMETER_MISSING", f"parameter {name} is missing", 400)
        try:
            return endpoint.answer(_KINDS[room], parameters)
        except ValueError as error:
            return failure("PARAMETER_INVALID", str(error), 400)


async def _parameters(request: web.Request) -> Mapping[str, str]:
    """Those of the query string; of a POST, those in its JSON, which must be called that."""
    if request.method != "POST":
        return request.query
    try:
        body = await request.json() if request.content_type == "application/json" else {}
    except ValueError:
        body = {}
    return {str(name): str(value) for name, value in body.items()} if isinstance(body, dict) else {}


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())
