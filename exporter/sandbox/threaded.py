"""The sandbox beside synchronous code: in a thread of its own, with a handle that any thread may use."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from threading import Thread
from typing import ParamSpec, TypeVar

from exporter.sandbox.faults import Fault
from exporter.sandbox.journal import Requests
from exporter.sandbox.server import Running, Sandbox
from exporter.sandbox.tasks import Task

P = ParamSpec("P")
T = TypeVar("T")


class Handle:
    """A sandbox in another thread. Each method returns after the sandbox has done it."""

    def __init__(self, running: Running, loop: asyncio.AbstractEventLoop) -> None:
        self.base_url = running.base_url
        self._sandbox = running.sandbox
        self._loop = loop

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What is served."""
        return self._sandbox.tasks

    @property
    def access_key_id(self) -> str:
        """The one key that is known."""
        return self._sandbox.access.access_key_id

    @property
    def secret_key(self) -> str:
        """Its secret."""
        return self._sandbox.access.secret_key

    def set_fault(self, fault: Fault, task_id: str | None = None) -> None:
        """See `Board.set`."""
        self._call(self._sandbox.faults.set, fault, task_id)

    def clear(self, task_id: str | None = None) -> None:
        """See `Board.clear`."""
        self._call(self._sandbox.faults.clear, task_id)

    def set_skew(self, seconds: float) -> None:
        """The API's clock runs so far ahead of the true time, or behind."""
        self._call(setattr, self._sandbox.clock, "skew_seconds", seconds)

    def start_again(self, task_id: str) -> str:
        """See `Api.start_again`."""
        return self._call(self._sandbox.api.start_again, task_id)

    def requests(self) -> Requests:
        """See `Journal.snapshot`."""
        return self._call(self._sandbox.journal.snapshot)

    def reset(self) -> None:
        """See `Sandbox.reset`."""
        self._call(self._sandbox.reset)

    def _call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async def called() -> T:
            return function(*args, **kwargs)

        return asyncio.run_coroutine_threadsafe(called(), self._loop).result()


@contextmanager
def run_in_thread(
    sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0, ssl_context: ssl.SSLContext | None = None
) -> Iterator[Handle]:
    """Serve in a thread while the context lasts. Raises what `Sandbox.serve` raises."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=_turn, args=(loop,), name="sandbox", daemon=True)
    thread.start()
    serving = AsyncExitStack()
    try:
        entered = serving.enter_async_context(sandbox.serve(host, port, ssl_context))
        running = asyncio.run_coroutine_threadsafe(entered, loop).result()
        yield Handle(running, loop)
    finally:
        asyncio.run_coroutine_threadsafe(serving.aclose(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    """Run the loop until it is stopped; the runner cancels what is left, such as handshakes, and closes the loop."""
    with asyncio.Runner(loop_factory=lambda: loop):
        loop.run_forever()
