"""Follows a precheck to its end, and shows how far it is."""

import asyncio
import os

from exporter.ninedata import Precheck, QueryError, Reason, Status
from exporter.ninedata.client import NineDataClient
from exporter.precheck_command.outcome import ENDED, Outcome
from exporter.streams import write_stderr


class ProgressDisplay:
    """On a terminal a line that is drawn anew, with a bar; in a log one line for each change."""

    def __init__(self) -> None:
        self._terminal = os.isatty(2)
        self._shown = ""

    def show(self, precheck: Precheck) -> None:
        """Show an answer."""
        items = precheck.items
        done = sum(item.status not in (Status.UNSTARTED, Status.RUNNING) for item in items)
        running = next((f": {item.name}" for item in items if item.status is Status.RUNNING), "")
        filled = 20 * done // len(items) if items else 0
        bar = f"[{'#' * filled}{'-' * (20 - filled)}] "
        self.show_line(f"{precheck.status}, {done} of {len(items)} check items{running}", bar)

    def show_line(self, line: str, bar: str = "") -> None:
        """Show a line, unless it is there already."""
        if line != self._shown:
            self._shown = line
            # A terminal must not wrap the line: only its last row would be drawn anew.
            write_stderr(f"\r\x1b[K\x1b[?7l{bar}{line}\x1b[?7h" if self._terminal else f"{line}\n")

    def end(self) -> None:
        """Leave the terminal's line, if it is in use."""
        if self._terminal and self._shown:
            write_stderr("\n")


async def follow(client: NineDataClient, outcome: Outcome, display: ProgressDisplay) -> None:
    """Query until the precheck has ended; `outcome` has the latest. Raises QueryError for what will not pass."""
    while True:
        try:
            outcome.precheck, outcome.error = await client.query_precheck(outcome.task.ref), ""
            display.show(outcome.precheck)
            if outcome.precheck.status in ENDED:
                return
        except QueryError as error:
            # These may be over at the next query.
            if error.reason not in (Reason.TIMEOUT, Reason.CONNECT, Reason.HTTP_ERROR, Reason.RATE_LIMITED):
                raise
            outcome.error = str(error)
            display.show_line(f"ninedata-precheck: {error}; trying again")
        await asyncio.sleep(max(2.0, client.rate_limit.held_seconds))
