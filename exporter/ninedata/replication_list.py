"""The replication tasks that a key can see: the list, which comes in pages, read to its end.

Documented are the parameters `current` (from 1), `pageSize` and `status`, an array `data`, and `total` beside it. How
many entries a server grants on a page is not.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from exporter.ninedata.answers import type_of
from exporter.ninedata.failures import QueryError, Reason
from exporter.ninedata.kinds import Parameters
from exporter.ninedata.model import ID
from exporter.ninedata.text import clean_name, text_of

PAGE_SIZE = 100
"""Asked for; a server may grant less."""
MAX_TASKS = 10_000
"""The most tasks that are read: a list that never ends must not be read for ever."""

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
    """A replication task on the list; its texts are clean."""

    task_id: str
    name: str
    status: str
    """The API's own word, one of TASK_STATUSES or another."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list."""

    entries: tuple[Replication, ...]
    size: int
    """How many entries it has, with those that cannot be used."""
    granted: int
    """How many entries a full page has."""
    total: int
    """How many tasks the server says there are; 0 if it does not say."""


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
        raise QueryError(Reason.INVALID_RESPONSE, f"the list's data is {type_of(data)}, not an array")
    if len(data) > MAX_TASKS:
        raise _too_many()
    entries = tuple(entry for entry in map(_read_entry, data) if ID.fullmatch(entry.task_id))
    if data and not entries:
        raise QueryError(Reason.INVALID_RESPONSE, "no entry of the list has a usable replicationId")
    return Page(entries, len(data), _number(envelope.get("pageSize")) or PAGE_SIZE, total or 0)


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
        total, count = pages[0].total, len(found) + _unusable(pages)
        if count >= total or _ends_early(pages):
            return
    message = f"the list says that it has {total} replication tasks, but only {count} came"
    raise QueryError(Reason.INVALID_RESPONSE, message)


async def _read_pages(
    get_page: Callable[[int], Awaitable[Page]], found: dict[str, Replication], at_once: int
) -> list[Page]:
    """Read page after page until one has nothing new or no more tasks are expected."""
    pages: list[Page] = []
    seen: set[str] = set()
    number = 1
    while number:
        first, before = len(pages) + 1, len(seen)
        came = await asyncio.gather(*map(get_page, range(first, first + number)), return_exceptions=True)
        pages += [page for page in came if isinstance(page, Page)]
        found.update({entry.task_id: entry for page in pages[first - 1 :] for entry in page.entries})
        for error in came:
            if isinstance(error, BaseException):
                raise error
        if len(found) > MAX_TASKS:
            raise _too_many()
        seen.update(entry.task_id for page in pages[first - 1 :] for entry in page.entries)
        missing = max(page.total for page in pages) - len(seen) - _unusable(pages)
        if len(seen) == before:
            number = 0
        elif missing > 0:
            # The size of the first page is known; the size that was asked for, or is said to be granted, may be wrong.
            number = min(math.ceil(missing / pages[0].size), at_once)
        else:
            # The total may be missing, outdated, or that of the page.
            number = int(missing < 0 or pages[-1].size >= pages[-1].granted)
    return pages


def _ends_early(pages: list[Page]) -> bool:
    """Whether the total is wrong: it never changes, no page in between is empty, and the last one is not full."""
    filled = [page for page in pages if page.size]
    return (
        bool(filled)
        and len({page.total for page in pages}) == 1
        and pages[: len(filled)] == filled
        and filled[-1].size < filled[-1].granted
    )


def _unusable(pages: list[Page]) -> int:
    return sum(page.size - len(page.entries) for page in pages)


def _read_entry(entry: object) -> Replication:
    fields = entry if isinstance(entry, dict) else {}
    task_id = text_of(fields.get("replicationId")).strip()
    return Replication(task_id, clean_name(fields.get("name")) or task_id, clean_name(fields.get("status")))


def _number(value: object) -> int | None:
    text = text_of(value).strip()
    return int(text[:12]) if text.isascii() and text.isdigit() else None


def _too_many() -> QueryError:
    return QueryError(Reason.TOO_LARGE, f"the list has more than {MAX_TASKS} replication tasks; no more are read")
