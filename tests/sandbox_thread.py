"""A sandbox of the API in a thread, for tests of programs. Its faults may be set from the test's own thread."""

from collections.abc import Iterator
from contextlib import contextmanager

from anyio.from_thread import start_blocking_portal

from exporter.sandbox import Sandbox


@contextmanager
def run_in_thread(sandbox: Sandbox, port: int = 0) -> Iterator[str]:
    """The base URL of the sandbox, which serves until the context ends."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(sandbox.serve(port=port)) as base_url:
        yield base_url
