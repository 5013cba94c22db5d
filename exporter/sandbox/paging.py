"""A list of tasks that is told page by page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exporter.sandbox.envelopes import success
from exporter.sandbox.messages import Answer
from exporter.sandbox.tasks import Task


@dataclass(frozen=True, slots=True)
class Listing:
    """All tasks that a request for a list has found, and the page that it wants; pages count from 1."""

    tasks: tuple[Task, ...]
    entry: Callable[[Task], Mapping[str, object]]
    current: int
    page_size: int

    def answer(self) -> Answer:
        """The page; one after the last is empty."""
        start = (self.current - 1) * self.page_size
        return success(
            data=[self.entry(task) for task in self.tasks[start : start + self.page_size]],
            current=self.current,
            pageSize=self.page_size,
            total=len(self.tasks),
        )
