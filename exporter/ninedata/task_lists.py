"""The lists of the tasks that a key can see: they come in pages, whose size the server decides."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from exporter.ninedata.failures import QueryError, Reason
from exporter.ninedata.kinds import Parameters, TaskList
from exporter.ninedata.precheck import ID
from exporter.ninedata.text import clean_name, text_of

PAGE_SIZE = 100
"""Entries per page that are requested; a server may grant less."""
MAX_TASKS = 10_000
"""The most tasks that are read: a list that never ends must not be read for ever."""


@dataclass(frozen=True, slots=True)
class ListedTask:
    """A task on a list; its texts are clean."""

    task_id: str
    name: str
    status: str
    """The API's own word."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    entries: tuple[ListedTask, ...]
    size: int
    """Number of entries on the page, with those that were left out."""
    total: int
    """Tasks on all pages; 0 if the server does not say."""


def page_parameters(listed: TaskList, number: int, status: str | None) -> Parameters:
    """The query string for a page, from 1; only of the tasks in one status if it is given."""
    parameters = ((listed.page_key, str(number)), ("pageSize", str(PAGE_SIZE)))
    return parameters if status is None else (*parameters, ("status", status))


def read_page(envelope: Mapping[str, object], listed: TaskList) -> Page:
    """The page in an envelope. Raises QueryError if there is none.

    An entry without a usable id is left out. A page on which no entry has one is not understood.
    """
    data, fields = envelope.get("data"), envelope
    if listed.entries_key:
        fields = data if isinstance(data, dict) else {}
        data = fields.get(listed.entries_key)
    if data is None and "total" in fields:
        data = []
    if not isinstance(data, list):
        raise QueryError(Reason.INVALID_RESPONSE, f"the list's {listed.entries_key or 'data'} is not an array")
    entries = tuple(entry for entry in (_read_entry(each, listed) for each in data) if ID.fullmatch(entry.task_id))
    if data and not entries:
        raise QueryError(Reason.INVALID_RESPONSE, f"no entry of the list has a usable {listed.task_key}")
    total = text_of(fields.get("total")).strip()
    return Page(entries, len(data), int(total[:12]) if total.isdecimal() else 0)


async def read_list(get_page: Callable[[int], Awaitable[Page]], found: dict[str, ListedTask], *, at_once: int) -> None:
    """Put every task into `found`, by its id, as the pages come; at most `at_once` pages are queried at once.

    Raises QueryError if a page fails or tasks are missing; `found` then has those that came.
    """
    numbers = range(1, 2)
    total = size = left_out = 0
    while numbers:
        before = len(found)
        came = await asyncio.gather(*map(get_page, numbers), return_exceptions=True)
        pages = [page for page in came if isinstance(page, Page)]
        found.update({entry.task_id: entry for page in pages for entry in page.entries})
        left_out += sum(page.size - len(page.entries) for page in pages)
        for page in came:
            if isinstance(page, BaseException):
                raise page
        # The first page shows how many entries a page may have: a server may grant less than it is asked for.
        total, size = total or pages[0].total, size or pages[0].size
        if len(found) > MAX_TASKS:
            message = f"the list has more than {MAX_TASKS} tasks; no more are read"
            raise QueryError(Reason.TOO_LARGE, message)
        if len(found) == before:
            break  # the end of a list without a total, or of one whose pages repeat
        missing = math.ceil((total - len(found) - left_out) / size) if total else 1
        numbers = range(numbers.stop, numbers.stop + min(missing, at_once))
    if len(found) + left_out < total:
        message = f"the list says that it has {total} tasks, but only {len(found)} came"
        raise QueryError(Reason.INVALID_RESPONSE, message)


def _read_entry(entry: object, listed: TaskList) -> ListedTask:
    fields = entry if isinstance(entry, dict) else {}
    task_id = text_of(fields.get(listed.task_key)).strip()
    return ListedTask(task_id, clean_name(fields.get(listed.name_key)) or task_id, clean_name(fields.get("status")))
