"""Faults of a list: each page may be well by itself, and they do not fit together. Other answers stay as they are."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace

from exporter.sandbox.families.replication import FAMILY
from exporter.sandbox.faults.fault import Fault
from exporter.sandbox.messages import Answer
from exporter.sandbox.paging import Listing, PageAnswer
from exporter.sandbox.tasks import Task


@dataclass(frozen=True, kw_only=True)
class ListFault(Fault, ABC):
    """What these kinds share: they make another page of the list."""

    def altered(self, answer: Answer, now: float) -> Answer:
        """Another page, where the answer is a page."""
        del now
        return self.paged(answer.listing) if isinstance(answer, PageAnswer) else answer

    @abstractmethod
    def paged(self, listing: Listing) -> Answer:
        """The page that is told of a list."""


@dataclass(frozen=True, kw_only=True)
class Repeated(ListFault):
    """Each page but the first begins with the last `entries` of those before it, on top of its own."""

    kind = "repeated"
    entries: int

    def paged(self, listing: Listing) -> Answer:
        """More than fits on the page, up to the list's end."""
        before = listing.tasks[: listing.start][-self.entries :] if listing.page else ()
        return listing.told((*before, *listing.page))


@dataclass(frozen=True, kw_only=True)
class StuckPage(ListFault):
    """Every page has the entries of the first one, as if nobody read which one is wanted."""

    kind = "stuck_page"

    def paged(self, listing: Listing) -> Answer:
        """A page that never ends the list."""
        return listing.told(replace(listing, current=1).page)


@dataclass(frozen=True, kw_only=True)
class Drifting(ListFault):
    """From one page to the next the list changes at its head: so many entries come in, so many go.

    What comes in shows entries twice, what goes leaves some out. The n-th page finds it changed n - 1 times.
    """

    kind = "drifting"
    inserted: int = 0
    removed: int = 0

    def paged(self, listing: Listing) -> Answer:
        """The page of the list as it has become; entries that came in have no precheck."""
        times = listing.current - 1
        came = reversed(_made_up("inserted", range(1, times * self.inserted + 1)))
        return replace(listing, tasks=(*came, *listing.tasks[times * self.removed :])).answer()


@dataclass(frozen=True, kw_only=True)
class PageSize(ListFault):
    """Pages of `entries`, whatever size is asked for. The answer repeats what was asked, unless it is `honest`."""

    kind = "page_size"
    entries: int
    honest: bool = False

    def paged(self, listing: Listing) -> Answer:
        """The page by its own size."""
        told = self.entries if self.honest else listing.page_size
        return listing.told(replace(listing, page_size=self.entries).page, page_size=told)


@dataclass(frozen=True, kw_only=True)
class EndlessList(ListFault):
    """Every page is full of entries that no other page has, and the total says that there is one more."""

    kind = "endless_list"

    def paged(self, listing: Listing) -> Answer:
        """Entries without prechecks."""
        numbers = range(listing.start + 1, listing.start + listing.page_size + 1)
        return listing.told(_made_up("endless", numbers), total=listing.start + 2 * listing.page_size)


@dataclass(frozen=True, kw_only=True)
class EmptyPage(ListFault):
    """No entries, although the total says that there are some."""

    kind = "empty_page"

    def paged(self, listing: Listing) -> Answer:
        """Nothing."""
        return listing.told(())


def _made_up(word: str, numbers: Iterable[int]) -> tuple[Task, ...]:
    names = (f"{word}-{number:05}" for number in numbers)
    return tuple(Task(f"{FAMILY.id_prefix}{name}", "", name, kind=FAMILY.kind) for name in names)
