"""What the NineData API answers: requests and answers as data, no sockets.

Paths, parameters and the shape of successful answers are the documented ones; each family has its own.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial

from exporter.sandbox.access import Access, RefusedError
from exporter.sandbox.clock import Clock
from exporter.sandbox.envelopes import failure, success
from exporter.sandbox.families import FAMILIES, KINDS, family_of
from exporter.sandbox.messages import Answer, Request, html_answer
from exporter.sandbox.served import Served
from exporter.sandbox.tasks import Task

NOW = "/openapi/now"


class Api:
    """The prechecks of some tasks, and the account that may see them.

    Raises:
        ValueError: a task, or one of `families`, is of a kind that there is not.
    """

    def __init__(  # noqa: PLR0913 - each has a default that suits most
        self,
        tasks: Iterable[Task],
        access: Access,
        clock: Clock,
        *,
        families: Iterable[str] = KINDS,
        auth_failure_status: int = 401,
        max_page_size: int = 100,
    ) -> None:
        self._access = access
        self._clock = clock
        self._auth_failure_status = auth_failure_status
        tasks = tuple(tasks)
        self._kinds = {task.task_id: family_of(task.kind).kind for task in tasks}
        self._served = {
            family.kind: Served(
                (task for task in tasks if task.kind == family.kind),
                clock,
                family.data,
                has_precheck_ids=family.has_precheck_ids,
                max_page_size=max_page_size,
            )
            for family in FAMILIES
        }
        self._routes: dict[str, tuple[str, Callable[[Request], Answer]]] = {NOW: ("GET", self._now)}
        for family in map(family_of, families):
            for path, route in family.routes.items():
                self._routes[path] = route.method, partial(route.answer, self._served[family.kind])

    def reset(self) -> None:
        """All prechecks begin again as at the sandbox's start."""
        for served in self._served.values():
            served.reset()

    def answer(self, request: Request) -> Answer:
        """The well-behaved answer."""
        if request.path not in self._routes:
            return html_answer("404 Not Found", 404)
        method, answer = self._routes[request.path]
        if request.method != method:
            return failure("METHOD_NOT_ALLOWED", f"method {request.method} is not allowed", 405)
        try:
            self._access.check(request, self._clock.server())
        except RefusedError as refused:
            return failure(refused.code, refused.message, self._auth_failure_status)
        return answer(request)

    def start_again(self, task_id: str) -> str:
        """See `Served.start_again`."""
        return self._served[self._kinds[task_id]].start_again(task_id)

    def _now(self, _request: Request) -> Answer:
        """The shape of this answer is undocumented; this one is a guess."""
        return success(data=datetime.fromtimestamp(self._clock.server(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
