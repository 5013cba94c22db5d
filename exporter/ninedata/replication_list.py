"""The list of the replication tasks that a key can see: it comes in pages, whose size the server decides."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from exporter.ninedata.failures import QueryError, Reason
from exporter.ninedata.kinds import Parameters
from exporter.ninedata.precheck import ID
from exporter.ninedata.text import clean_name, text_of

PAGE_SIZE = 100
"""Asked for; a server may grant less."""
MAX_TASKS = 10_000
"""The most tasks that are read: a list that never ends must not be read for ever."""

_BEFORE_RUNNING = ("createSuccess", "preChecking", "preCheckSuccess", "preCheckFailed", "notStarted", "starting")
TASK_STATUSES = (*_BEFORE_RUNNING, "running", "success", "failed", "suspended", "abnormal", "stopped", "locked")
"""The documented words for the status of a replication task."""


@dataclass(frozen=True, slots=True)
class Replication:
    """A replication task on the list; its texts are clean."""

    task_id: str
    name: str
    status: str
    """The API's own word, one of TASK_STATUSES or another."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list."""

    entries: tuple[Replication, ...]
    unusable: int
    """Entries that were left out."""
    granted: int
    """Entries on a full page."""
    total: int
    """Tasks on all pages; 0 if the server does not say."""

    @property
    def size(self) -> int:
        """How many entries it has, with the unusable ones."""
        return len(self.entries) + self.unusable

    @property
    def is_full(self) -> bool:
        """Whether another page may follow."""
        return self.size >= self.granted


def page_parameters(number: int, status: str | None) -> Parameters:
    """The query string for a page, from 1; only of the tasks in one status if it is given."""
    parameters = (("current", str(number)), ("pageSize", str(PAGE_SIZE)))
    return parameters if status is None else (*parameters, ("status", status))


def read_page(envelope: Mapping[str, object]) -> Page:
    """The page in an envelope. Raises QueryError if there is none.

    An entry without a usable id is left out. A page on which no entry has one is not understood.
    """
    data, total = envelope.get("data"), _number(envelope.get("total"))
    if data is None and total is not None:
        data = []
    if not isinstance(data, list):
        raise QueryError(Reason.INVALID_RESPONSE, "the list's data is not an array")
    if len(data) > MAX_TASKS:
        raise _too_many()
    entries = tuple(entry for entry in map(_read_entry, data) if ID.fullmatch(entry.task_id))
    if data and not entries:
        raise QueryError(Reason.INVALID_RESPONSE, "no entry of the list has a usable replicationId")
    return Page(entries, len(data) - len(entries), _number(envelope.get("pageSize")) or PAGE_SIZE, total or 0)


async def read_list(
    get_page: Callable[[int], Awaitable[Page]], found: dict[str, Replication], *, at_once: int = 1
) -> None:
    """Put every task into `found`, by its id, as the pages come; at most `at_once` pages are queried at once.

    Raises QueryError if a page fails or tasks are missing; `found` then has those that came.
    """
    total = count = 0
    # Entries move between pages if the list changes while it is read, so a list with gaps is read once more.
    for _ in range(2):
        pages = await _read_pages(get_page, found, at_once)
        total, count = pages[0].total, len(found) + sum(page.unusable for page in pages)
        if count >= total or _is_total_wrong(pages):
            return
    message = f"the list says that it has {total} replication tasks, but only {count} came"
    raise QueryError(Reason.INVALID_RESPONSE, message)


async def _read_pages(
    get_page: Callable[[int], Awaitable[Page]], found: dict[str, Replication], at_once: int
) -> list[Page]:
    """Read page after page until one has nothing new or no more tasks are expected."""
    pages: list[Page] = []
    seen: set[str] = set()
    expected = 1
    while expected:
        numbers = range(len(pages) + 1, len(pages) + 1 + expected)
        came = await asyncio.gather(*map(get_page, numbers), return_exceptions=True)
        new = [entry for page in came if isinstance(page, Page) for entry in page.entries]
        found.update({entry.task_id: entry for entry in new})
        for page in came:
            if isinstance(page, BaseException):
                raise page
            pages.append(page)
        if len(found) > MAX_TASKS:
            raise _too_many()
        if seen.issuperset(entry.task_id for entry in new):
            break
        seen.update(entry.task_id for entry in new)
        missing = max(page.total for page in pages) - len(seen) - sum(page.unusable for page in pages)
        if missing > 0:
            # The first page's size is known; the size that was asked for, or that the server names, may be wrong.
            expected = min(math.ceil(missing / pages[0].size), at_once)
        else:
            # The total may be missing, outdated, or that of the page.
            expected = int(missing < 0 or pages[-1].is_full)
    return pages


def _is_total_wrong(pages: list[Page]) -> bool:
    """Whether the list ends before its total, but like a list that ends: with a page that is not full, and no gap."""
    filled = [page for page in pages if page.size]
    steady = len({page.total for page in pages}) == 1
    return steady and bool(filled) and pages[: len(filled)] == filled and not filled[-1].is_full


def _read_entry(entry: object) -> Replication:
    fields = entry if isinstance(entry, dict) else {}
    task_id = text_of(fields.get("replicationId")).strip()
    return Replication(task_id, clean_name(fields.get("name")) or task_id, clean_name(fields.get("status")))


def _number(value: object) -> int | None:
    text = text_of(value).strip()
    return int(text[:12]) if text.isascii() and text.isdigit() else None


def _too_many() -> QueryError:
    return QueryError(Reason.TOO_LARGE, f"the list has more than {MAX_TASKS} replication tasks; no more are read")
