"""Threads for calls that may hang: looking up a name, looking at a file."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class UnawaitedThreads(ThreadPoolExecutor):
    """Runs each call in a thread of its own, for which neither other calls nor the end of the process wait.

    Python's own pool has few threads, which hung calls use up, and joins them at the end. How many calls there are
    at once is the callers' to bound. A subclass, for asyncio takes nothing else as its default executor.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start the call."""
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - it is the caller's, as in any executor
                future.set_exception(error)
            else:
                future.set_result(result)

        Thread(target=run, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - the base class's
        """Leave calls under way to themselves."""
