"""A sandbox of the API in a thread, for tests of programs. Its faults may be set from the test's own thread."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from exporter.sandbox import Sandbox


@contextmanager
def run_in_thread(sandbox: Sandbox, port: int = 0) -> Iterator[str]:
    """The base URL of the sandbox, which serves until the context ends."""
    started: SimpleQueue[tuple[str, asyncio.AbstractEventLoop, asyncio.Event] | BaseException] = SimpleQueue()

    async def serve() -> None:
        stop = asyncio.Event()
        async with sandbox.serve(port=port) as base_url:
            started.put((base_url, asyncio.get_running_loop(), stop))
            await stop.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            started.put(error)
            raise

    thread = threading.Thread(target=run, name="sandbox", daemon=True)
    thread.start()
    outcome = started.get(timeout=30)
    if isinstance(outcome, BaseException):
        raise outcome
    base_url, loop, stop = outcome
    try:
        yield base_url
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
