"""The sandbox: the API, the faults injected into it, and the paths that control both, on loopback."""

import ipaddress
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from exporter.sandbox.catalogue import SandboxTask
from exporter.sandbox.control import control
from exporter.sandbox.demonstration import DEMO_TASKS
from exporter.sandbox.openapi import OpenApi
from exporter.sandbox.served_task import ServedTask

if TYPE_CHECKING:
    from exporter.sandbox.injected_faults import InjectedFault

ACCESS_KEY_ID = "ak-sandbox-demo"
SECRET_KEY = "sk-sandbox-demo-not-a-secret"  # noqa: S105 - opens nothing but the sandbox


class Sandbox:
    """A NineData server that obeys its caller. `latency_seconds` is the time that every answer takes."""

    def __init__(
        self,
        tasks: Iterable[SandboxTask] = DEMO_TASKS,
        *,
        latency_seconds: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.tasks = tuple(tasks)
        self.access_key_id = ACCESS_KEY_ID
        self.secret_key = SECRET_KEY
        self.latency_seconds = latency_seconds
        self.skew_seconds = 0.0
        """How far the server's clock is ahead."""
        self.faults: dict[str, InjectedFault] = {}
        """By task id, by `TASK_ID/precheck`, `/start`, `/status` or `/execution` for one of its endpoints, by
        `replication/list` or `compareschema/list`, or with `/2` for its second page; "" is for all requests.
        """
        self.requests: Counter[str] = Counter()
        """The number of requests so far, by task id or list."""
        self._clock = clock
        self.served = {task.task_id: ServedTask(task, number, self.now) for number, task in enumerate(self.tasks, 1)}

    def now(self) -> float:
        """The server's clock."""
        return self._clock() + self.skew_seconds

    def reset(self) -> None:
        """As at the start: no faults, no skew, and all scripts begin again."""
        self.faults.clear()
        self.skew_seconds = 0.0
        self.requests.clear()
        for task in self.served.values():
            task.reset()

    @asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve while the context lasts; gives the base URL. Port 0 takes a free port.

        Raises ValueError if `host` is not an address of loopback, OSError if the port is in use.
        """
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the sandbox listens on loopback only, not on {host}")
        app = web.Application()
        app.add_routes(OpenApi(self).routes())
        app.router.add_route("*", "/sandbox/{path:.*}", partial(control, self))
        # A hanging request ends when its client closes the connection.
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.01)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port, backlog=1024).start()
            address, bound = runner.addresses[0][:2]
            yield f"http://[{address}]:{bound}" if ":" in address else f"http://{address}:{bound}"
        finally:
            await runner.cleanup()
