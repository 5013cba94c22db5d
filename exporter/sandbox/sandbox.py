"""The sandbox: the API, the faults injected into it, and the paths that control both, on loopback."""

import asyncio
import ipaddress
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from email.utils import formatdate

from aiohttp import web

from exporter.sandbox.catalogue import ACCESS_KEY_ID, SECRET_KEY, SandboxTask, demo_tasks
from exporter.sandbox.control import ControlPaths
from exporter.sandbox.injected_faults import Handler, InjectedFault
from exporter.sandbox.openapi import OpenApi


class Sandbox:
    """A NineData server that obeys its caller. `latency_seconds` is the time that every answer takes."""

    def __init__(
        self,
        tasks: Iterable[SandboxTask] | None = None,
        *,
        access_key_id: str = ACCESS_KEY_ID,
        secret_key: str = SECRET_KEY,
        latency_seconds: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.tasks = demo_tasks() if tasks is None else tuple(tasks)
        self.access_key_id = access_key_id
        self.secret_key = secret_key
        self.faults: dict[str, InjectedFault] = {}
        """By task id, by `TASK_ID/precheck`, `/start`, `/status` or `/execution` for one of its endpoints, by
        `replication/list` or `compareschema/list`, or with `/2` for its second page; "" is for all requests.
        """
        self.skew_seconds = 0.0
        """How far the server's clock is ahead."""
        self.api = OpenApi(self.tasks, access_key_id, secret_key, lambda: clock() + self.skew_seconds)
        self.requests: Counter[str] = Counter()
        """The number of requests so far, by task id or list."""
        self._control = ControlPaths(self)
        self._latency_seconds = latency_seconds
        self._clock = clock

    def reset(self) -> None:
        """As at the start: no faults, no skew, and all prechecks begin again."""
        self.faults.clear()
        self.skew_seconds = 0.0
        self.requests.clear()
        self.api.reset()

    @asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve while the context lasts; gives the base URL. Port 0 takes a free port.

        Raises ValueError if `host` is not an address of loopback, OSError if the port is in use.
        """
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the sandbox listens on loopback only, not on {host}")
        app = web.Application(middlewares=[self._answer])
        app.add_routes(self.api.routes())
        # A hanging request ends when its client closes the connection.
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.01)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port, backlog=1024).start()
            address, bound = runner.addresses[0][:2]
            yield f"http://[{address}]:{bound}" if ":" in address else f"http://{address}:{bound}"
        finally:
            await runner.cleanup()

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/sandbox/"):
            return await self._control.answer(request)
        names = await self.api.names(request)
        self.requests[names[-1]] += 1
        await asyncio.sleep(self._latency_seconds)
        fault = next((self.faults[name] for name in (*names, "") if name in self.faults), None)
        response: web.StreamResponse | None = self.api.refusal(request)
        if response is None:
            response = await (fault.answer(request, handler) if fault else handler(request))
        response.headers["Date"] = formatdate(self._clock() + self.skew_seconds, usegmt=True)
        return response
