"""The replication tasks that a key can see: `GET /openapi/v1/replication/list`, documented by the vendor.

The list comes in pages. Documented are the parameters `current` (from 1), `pageSize` and `status`, an array `data`, and
`current`, `pageSize` and `total` beside it; not documented is the largest page that a server grants.
"""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from exporter.ninedata.calls import Call, T
from exporter.ninedata.failures import QueryError, Reason
from exporter.ninedata.model import ID
from exporter.ninedata.payloads import kind_of
from exporter.ninedata.text import clean_name, text_of

NAME = "replication_list"
"""The value of `kind` in the books of requests."""
PATH = "/openapi/v1/replication/list"
PAGE_SIZE = 100
"""Asked for; a server may grant less."""
MAX_TASKS = 10_000
"""The most tasks that are read, and the most pages: a list that goes on for ever must end."""
PASSES = 2
"""A list that changes while it is read moves entries between pages, so one that came out short is read once more."""

TASK_STATUSES = (
    "createSuccess",
    "preChecking",
    "preCheckSuccess",
    "preCheckFailed",
    "notStarted",
    "starting",
    "running",
    "success",
    "failed",
    "suspended",
    "abnormal",
    "stopped",
    "locked",
)
"""The documented words for the status of a replication task."""


@dataclass(frozen=True, slots=True)
class Replication:
    """A replication task as the list has it; texts are clean."""

    task_id: str
    name: str
    status: str
    """The API's own word, one of TASK_STATUSES or another."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list."""

    entries: tuple[Replication, ...]
    size: int
    """How many entries the page had, those that could not be used included."""
    granted: int | None
    """The page size that the server says it used; None where it says none."""
    total: int | None
    """How many tasks there are in all, as the server says; None where it says nothing."""


class Fetcher(Protocol):
    """Asks the API; returns or raises QueryError by the deadline."""

    async def fetch(self, call: Call[T], deadline: float) -> T:
        """The answer to a call."""
        ...


def page_call(number: int, status: str | None = None) -> Call[Page]:
    """Asks for a page, from 1; of the tasks in one status only, where it is given."""
    parameters = {"current": str(number), "pageSize": str(PAGE_SIZE)}
    if status is not None:
        parameters["status"] = status
    return Call(NAME, PATH, parameters, parse)


def parse(envelope: Mapping[str, object]) -> Page:
    """The page in a successful answer. Raises QueryError where there is none.

    An entry without an id that could be one is left out: nothing can be asked about it.
    """
    data = envelope.get("data")
    if data is None:
        data = []
    if not isinstance(data, list):
        raise QueryError(Reason.INVALID_RESPONSE, f"the list's data is {kind_of(data)}, not an array")
    if len(data) > MAX_TASKS:
        raise _too_long()
    entries = (_read_entry(entry) for entry in data)
    return Page(
        entries=tuple(entry for entry in entries if ID.fullmatch(entry.task_id)),
        size=len(data),
        granted=_count(envelope.get("pageSize")),
        total=_count(envelope.get("total")),
    )


async def list_replications(
    fetcher: Fetcher, deadline: float, found: dict[str, Replication], *, status: str | None = None
) -> None:
    """Put every task of the list into `found`, by its id, as the pages come.

    Raises QueryError where a page could not be had; `found` then has what the others had.
    """
    for _ in range(PASSES):
        total = await _Pass(fetcher, deadline, found, status).run()
        if len(found) >= total:
            return


class _Pass:
    """One reading of all pages, most of them at once."""

    def __init__(self, fetcher: Fetcher, deadline: float, found: dict[str, Replication], status: str | None) -> None:
        self._fetcher = fetcher
        self._deadline = deadline
        self._found = found
        self._status = status
        self._total = 0

    async def run(self) -> int:
        """Read the list; the number of tasks that it was said to have at the most."""
        seen: set[str] = set()
        page = await self._page(1, seen)
        # What came is what counts; what was asked for or is said to be granted is only a guess at it.
        size = page.size or page.granted or PAGE_SIZE
        number = min(math.ceil(self._total / size), MAX_TASKS)
        if number > 1:
            pages = await asyncio.gather(*(self._page(n, seen) for n in range(2, number + 1)), return_exceptions=True)
            for found in pages:
                if isinstance(found, BaseException):
                    raise found
                page = found
        # The total may be missing, wrong or outdated: then the list ends where a page brings nothing new.
        number = max(number, 1)
        while page.size and (len(seen) < self._total or not self._total or page.size >= (page.granted or PAGE_SIZE)):
            before = len(seen)
            number += 1
            page = await self._page(number, seen)
            if len(seen) == before:
                break
        return self._total

    async def _page(self, number: int, seen: set[str]) -> Page:
        page = await self._fetcher.fetch(page_call(number, self._status), self._deadline)
        self._total = max(self._total, page.total or 0)
        seen.update(entry.task_id for entry in page.entries)
        self._found.update({entry.task_id: entry for entry in page.entries})
        if len(self._found) > MAX_TASKS or number > MAX_TASKS:
            raise _too_long()
        return page


def _too_long() -> QueryError:
    return QueryError(
        Reason.TOO_LARGE,
        f"the list has more than {MAX_TASKS} replication tasks; only so many are read. "
        "Choose fewer with discovery.replication.statuses",
    )


def _read_entry(entry: object) -> Replication:
    fields = entry if isinstance(entry, dict) else {}
    task_id = text_of(fields.get("replicationId")).strip()
    return Replication(task_id, clean_name(fields.get("name")) or task_id, clean_name(fields.get("status")))


def _count(value: object) -> int | None:
    """A number of things, also as text; None for everything else."""
    text = text_of(value).strip()
    return int(text[:12]) if text.isascii() and text.isdigit() else None
