"""A list of tasks that is told page by page."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from exporter.sandbox.envelopes import success
from exporter.sandbox.messages import Answer
from exporter.sandbox.tasks import Task


@dataclass(frozen=True, slots=True)
class Listing:
    """All tasks that a request for a list has found, and the page that it wants; pages count from 1."""

    tasks: tuple[Task, ...]
    entry: Callable[[Task], Mapping[str, object]]
    """What the list tells of a task."""
    current: int
    page_size: int

    @property
    def start(self) -> int:
        """How many tasks are on the pages before."""
        return (self.current - 1) * self.page_size

    @property
    def page(self) -> tuple[Task, ...]:
        """The tasks of this page; none after the last one."""
        return self.tasks[self.start : self.start + self.page_size]

    def answer(self) -> "PageAnswer":
        """The page as it is."""
        return self.told(self.page)

    def told(self, tasks: Iterable[Task], *, total: int | None = None, page_size: int | None = None) -> "PageAnswer":
        """An answer with these tasks, and with such numbers in place of the true ones."""
        plain = success(
            data=[self.entry(task) for task in tasks],
            current=self.current,
            pageSize=self.page_size if page_size is None else page_size,
            total=len(self.tasks) if total is None else total,
        )
        return PageAnswer(plain.body, listing=self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAnswer(Answer):
    """The answer to a request for a list, with what it was made of, so that a fault can make it otherwise."""

    listing: Listing
