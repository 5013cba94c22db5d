"""Follows a precheck to its end, and shows how far it is."""

import asyncio
import os
from collections.abc import AsyncIterator

from exporter.ninedata import Precheck, QueryError, Reason, Status, TaskRef
from exporter.ninedata.client import NineDataClient
from exporter.precheck_command.outcome import ENDED
from exporter.streams import complain

_PASSING = (Reason.TIMEOUT, Reason.CONNECT, Reason.HTTP_ERROR, Reason.RATE_LIMITED)
"""Failures that may be over at the next query; every other one ends the wait."""


class ProgressDisplay:
    """On a terminal a bar that is drawn anew, in a log one line for each change."""

    def __init__(self) -> None:
        self._terminal = os.isatty(2)
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
        complain(f"\r\x1b[K[{'#' * filled}{'-' * (20 - filled)}] {line[:76]}" if self._terminal else f"{line}\n")

    def end(self) -> None:
        """Leave the terminal's line, if it is in use."""
        if self._terminal and self._shown:
            self._shown = ""
            complain("\n")


async def answers(client: NineDataClient, ref: TaskRef, display: ProgressDisplay) -> AsyncIterator[Precheck]:
    """Query until the precheck has ended, showing how far it is. Raises QueryError for a failure that will not pass."""
    while True:
        try:
            precheck = await client.query(ref)
        except QueryError as error:
            if error.reason not in _PASSING:
                raise
            display.end()
            complain(f"ninedata-precheck: {error}; trying again\n")
        else:
            display.show(precheck)
            yield precheck
            if precheck.status in ENDED:
                return
        await asyncio.sleep(2)
