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
DISCOVERED_KIND = "replication"
"""The kind of the tasks that it lists."""
PAGE_SIZE = 100
"""Asked for; a server may grant less."""
MAX_TASKS = 10_000
"""The most tasks that are read: a list that goes on for ever must end."""
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

    @property
    def is_full(self) -> bool:
        """Whether another page may follow."""
        return self.size >= (self.granted or PAGE_SIZE)


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

    An entry without an id that could be one is left out: nothing can be asked about it. A page without any such id
    is none that is understood.
    """
    total = _count(envelope.get("total"))
    data = envelope.get("data")
    if data is None and total is not None:
        data = []
    if not isinstance(data, list):
        raise QueryError(Reason.INVALID_RESPONSE, f"the list's data is {kind_of(data)}, not an array")
    if len(data) > MAX_TASKS:
        raise _too_long()
    entries = tuple(entry for entry in map(_read_entry, data) if ID.fullmatch(entry.task_id))
    if data and not entries:
        raise QueryError(Reason.INVALID_RESPONSE, "no entry of the list has a replicationId that can be one")
    return Page(entries, len(data), _count(envelope.get("pageSize")), total)


async def list_replications(
    fetcher: Fetcher, deadline: float, found: dict[str, Replication], *, status: str | None = None, at_once: int = 1
) -> None:
    """Put every task of the list into `found`, by its id, as the pages come; at most so many requests at once.

    Raises QueryError where a page could not be had, or the list lacks tasks that it says it has; `found` then has what
    there was.
    """
    for _ in range(PASSES):
        reading = _Reading(fetcher, deadline, found, status, at_once)
        await reading.run()
        if reading.is_whole:
            return
    raise QueryError(
        Reason.INVALID_RESPONSE,
        f"the list says that it has {reading.total} replication tasks, and gives {reading.count}",
    )


class _Reading:
    """One reading of all pages."""

    def __init__(
        self, fetcher: Fetcher, deadline: float, found: dict[str, Replication], status: str | None, at_once: int
    ) -> None:
        self._fetcher = fetcher
        self._deadline = deadline
        self._found = found
        self._status = status
        self._at_once = at_once
        self._pages: list[Page] = []
        self._seen: set[str] = set()
        self._unusable = 0

    @property
    def total(self) -> int:
        """How many tasks the first page says that there are; 0 where it says nothing."""
        return self._pages[0].total or 0

    @property
    def count(self) -> int:
        """How many tasks there were, in this reading and those before it."""
        return len(self._found) + self._unusable

    @property
    def is_whole(self) -> bool:
        """Whether nothing seems to be missing.

        A total that is too high is not believed where the list ends before it, with a page that is not full. It is
        where a page is empty or a repetition, or where the total changes and entries may have moved between pages.
        """
        if self.count >= self.total:
            return True
        filled = [page for page in self._pages if page.size]
        steady = len({page.total for page in self._pages}) == 1
        return steady and bool(filled) and self._pages[: len(filled)] == filled and not filled[-1].is_full

    async def run(self) -> None:
        """Read page after page until one has nothing new, or there is nothing more to expect."""
        number = 1
        while number:
            before = len(self._seen)
            await self._read(number)
            number = self._still_expected() if len(self._seen) > before else 0

    def _still_expected(self) -> int:
        """How many pages to ask for next."""
        count, last = len(self._seen) + self._unusable, self._pages[-1]
        total = max(page.total or 0 for page in self._pages)
        if count < total:
            # What came is what counts; what was asked for or is said to be granted is only a guess at it.
            return min(math.ceil((total - count) / self._pages[0].size), self._at_once)
        # The total may be missing, wrong or outdated.
        return int(count != total or last.is_full)

    async def _read(self, count: int) -> None:
        """Read so many further pages. Raises QueryError where one cannot be had."""
        first = len(self._pages) + 1
        calls = (page_call(number, self._status) for number in range(first, first + count))
        pages = await asyncio.gather(
            *(self._fetcher.fetch(call, self._deadline) for call in calls), return_exceptions=True
        )
        for page in pages:
            if isinstance(page, Page):
                self._add(page)
        for page in pages:
            if isinstance(page, BaseException):
                raise page
        if len(self._found) > MAX_TASKS:
            raise _too_long()

    def _add(self, page: Page) -> None:
        self._pages.append(page)
        self._unusable += page.size - len(page.entries)
        self._seen.update(entry.task_id for entry in page.entries)
        self._found.update({entry.task_id: entry for entry in page.entries})


def _too_long() -> QueryError:
    return QueryError(Reason.TOO_LARGE, f"the list has more than {MAX_TASKS} replication tasks; no more are read")


def _read_entry(entry: object) -> Replication:
    fields = entry if isinstance(entry, dict) else {}
    task_id = text_of(fields.get("replicationId")).strip()
    return Replication(task_id, clean_name(fields.get("name")) or task_id, clean_name(fields.get("status")))


def _count(value: object) -> int | None:
    """A number of things, also as text; None for everything else."""
    text = text_of(value).strip()
    return int(text[:12]) if text.isascii() and text.isdigit() else None
