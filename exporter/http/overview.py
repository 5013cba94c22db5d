"""Which tasks the overview shows, by its address, and which failures many of them share."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from exporter.http.views import TaskView, summary_of

if TYPE_CHECKING:
    from multidict import MultiMapping
    from yarl import URL

MAX_TASKS = 500
"""Tasks on one page, so that a browser can show it; the filter finds the others."""
_MAX_LABELS = 200
_MIN_SHARED = 3


@dataclass(frozen=True, slots=True)
class Filter:
    """`status` (any of them), `text` and `label` (all of them) of a query string; upper and lower case are the same."""

    statuses: tuple[str, ...]
    text: str
    labels: tuple[str, ...]
    """`NAME=VALUE`, or `NAME` for every value."""

    @classmethod
    def from_query(cls, query: "MultiMapping[str]") -> "Filter":
        """The filter of an address. Empty values are what a form sends for fields that are not filled in."""
        text = query.get("text", "").strip()
        statuses, labels = (
            tuple(filter(None, (value.strip() for value in query.getall(name, ())))) for name in ("status", "label")
        )
        return cls(statuses, text, labels)

    def matches(self, view: TaskView) -> bool:
        """Whether the task has all of it."""
        return self.has_status(view.word) and self.matches_but_status(view)

    def has_status(self, word: str) -> bool:
        """Whether tasks with this status are shown."""
        return not self.statuses or word.casefold() in {status.casefold() for status in self.statuses}

    def matches_but_status(self, view: TaskView) -> bool:
        """Whether the task has the text and the labels."""
        wanted = self.text.casefold()
        return all(_has_label(view, label) for label in self.labels) and (
            not wanted or any(wanted in text.casefold() for text in _texts(view))
        )

    def toggled(self, word: str) -> list[str]:
        """The statuses with this one, or without it if it is among them."""
        others = [status for status in self.statuses if status.casefold() != word.casefold()]
        return others if len(others) < len(self.statuses) else [*others, word]


@dataclass(slots=True)
class SharedFailure:
    """The same failure of several tasks."""

    number: int
    word: str
    title: str
    message: str
    advice: str = ""
    views: list[TaskView] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Overview:
    """The watched tasks that match a filter."""

    filter: Filter
    views: Sequence[TaskView]
    """Those that are shown, the urgent ones first."""
    matching: int
    watched: int
    summary: list[tuple[str, int]]
    """By status, of the tasks that match but for their status: what choosing another status would show."""
    labels: list[str]
    """For the form to offer."""
    shared: dict[Hashable, SharedFailure]
    queried: bool
    """False before the first scrape."""

    def has_own_failure(self, view: TaskView) -> bool:
        """Whether a failure of the task is not among the shared ones."""
        keys = [*view.attention, *([view.failure_key] if view.failure else [])]
        return any(key not in self.shared for key in keys)


def overview_of(views: Sequence[TaskView], wanted: Filter) -> Overview:
    """What the page shows of these tasks."""
    candidates = [view for view in views if wanted.matches_but_status(view)]
    matching = sorted((view for view in candidates if wanted.has_status(view.word)), key=lambda view: view.urgency)
    labels = {f"{name}={value}": None for view in views for name, value in view.task.labels.items()}
    return Overview(
        wanted,
        matching[:MAX_TASKS],
        len(matching),
        len(views),
        summary_of(candidates),
        sorted(islice(labels, _MAX_LABELS)),
        _shared(matching),
        queried=any(view.history for view in views),
    )


def link(url: "URL", name: str, *values: object) -> str:
    """A link to the same page with these values of one parameter, all other parameters as they are."""
    kept = [(key, value) for key, value in url.query.items() if key != name]
    return f"?{url.with_query([*kept, *((name, str(value)) for value in values)]).raw_query_string}"


def refresh_seconds(query: "MultiMapping[str]") -> int:
    """The parameter `refresh`, from 5 s to an hour; 0 if there is none that is a number."""
    text = query.get("refresh", "")
    return min(max(int(text[:9]), 5), 3600) if text.isascii() and text.isdigit() else 0


def _has_label(view: TaskView, label: str) -> bool:
    name, equals, value = label.partition("=")
    found = view.task.labels.get(name.strip(), "")
    return found.casefold() == value.strip().casefold() if equals else bool(found)


def _texts(view: TaskView) -> Iterator[str]:
    """What the text of a filter may stand in: names, ids, and why something failed."""
    yield from (view.task.name, view.task.task_id, view.task.ref.precheck_task_id, view.task.ref.kind)
    if view.failure:
        yield from (view.failure.reason.value, view.failure.message)
    for item in view.attention:
        yield from (item.item, item.name, item.message)


def _shared(views: Iterable[TaskView]) -> dict[Hashable, SharedFailure]:
    """The failures that at least three tasks share, by what makes them the same; the most frequent first."""
    found: dict[Hashable, SharedFailure] = {}
    for view in views:
        if view.failure:
            title = f"The query fails: {view.failure.reason.value}"
            failure = SharedFailure(0, view.word, title, view.failure.message, view.advice)
            found.setdefault(view.failure_key, failure).views.append(view)
        for item in {item: None for item in view.attention if item.message}:
            failure = SharedFailure(0, item.status.value, item.name or item.item, item.message)
            found.setdefault(item, failure).views.append(view)
    shared = [(key, failure) for key, failure in found.items() if len(failure.views) >= _MIN_SHARED]
    shared.sort(key=lambda pair: -len(pair[1].views))
    for number, (_, failure) in enumerate(shared, 1):
        failure.number = number
    return dict(shared)
