"""Starts a precheck and follows it to its end."""

import asyncio
import sys
from collections.abc import Callable

import httpx

from exporter import __version__
from exporter.config.settings import Api
from exporter.ninedata import Precheck, QueryError, Reason, Status, TaskRef
from exporter.ninedata.client import ApiSettings
from exporter.ninedata.starting_client import StartingClient
from exporter.ninedata.transport import open_transport
from exporter.precheck_command.outcome import ENDED

_PASSING = (Reason.TIMEOUT, Reason.CONNECT, Reason.HTTP_ERROR, Reason.RATE_LIMITED)
"""Failures that may be over at the next query; every other one ends the wait."""


class NobodyObserves:
    """An observer for a command, which has no metrics."""

    def request_sent(self, kind: str) -> None:
        """Nothing."""

    def request_ended(self, kind: str, seconds: float, failure: Reason | None) -> None:
        """Nothing."""

    def clock_skew(self, seconds: float) -> None:
        """Nothing."""


def open_client(api: Api) -> tuple[StartingClient, httpx.AsyncBaseTransport]:
    """A client for the configuration's API, and its connections, which the caller closes."""
    proxy = httpx.Proxy(api.proxy_url.reveal()) if api.proxy_url else None
    transport = open_transport(api.tls.context, proxy, api.tls.server_name)
    settings = ApiSettings(
        base_url=api.base_url, user_agent=f"ninedata-precheck/{__version__}", request_timeout=api.request_timeout
    )
    client = StartingClient(
        settings,
        access_key_id=api.access_key_id,
        secret_key=api.secret_key,
        transport=transport,
        observer=NobodyObserves(),
    )
    return client, transport


async def follow(client: StartingClient, ref: TaskRef, on_answer: Callable[[Precheck], None]) -> None:
    """Query until the precheck has ended. Raises QueryError for a failure that will not pass by itself."""
    while True:
        try:
            precheck = await client.query(ref)
        except QueryError as error:
            if error.reason not in _PASSING:
                raise
            sys.stderr.write(f"ninedata-precheck: {error}; trying again\n")
        else:
            on_answer(precheck)
            if precheck.status in ENDED:
                return
        await asyncio.sleep(2)


class ProgressDisplay:
    """On a terminal a bar that is drawn anew, in a log one line for each change."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._shown = ""

    def show(self, precheck: Precheck) -> None:
        """Show an answer."""
        items = precheck.items
        done = sum(item.status not in (Status.UNSTARTED, Status.RUNNING) for item in items)
        running = next((f": {item.name}" for item in items if item.status is Status.RUNNING), "")
        line = f"{precheck.status}, {done} of {len(items)} check items{running}"
        if line == self._shown:
            return
        self._shown = line
        filled = 20 * done // len(items) if items else 0
        text = f"\r\x1b[K[{'#' * filled}{'-' * (20 - filled)}] {line[:76]}" if self._terminal else f"{line}\n"
        sys.stderr.write(text)
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the terminal's line."""
        if self._terminal and self._shown:
            sys.stderr.write("\n")
