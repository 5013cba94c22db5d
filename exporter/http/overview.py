"""Which tasks the overview shows, by its address, and which failures many of them share."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
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
    """What a query string asks for; upper and lower case of values are the same. A task matches if it has all of it."""

    statuses: Mapping[str, tuple[str, ...]]
    """Of `status`, the precheck's, and of `task_status`, the task's own: any of them."""
    text: str
    labels: tuple[str, ...]
    """`NAME=VALUE`, or `NAME` for every value: all of them."""

    @classmethod
    def from_query(cls, query: "MultiMapping[str]") -> "Filter":
        """The filter of an address. Empty values are what a form sends for fields that are not filled in."""
        text = query.get("text", "").strip()
        statuses, labels = {name: _values(query, name) for name in ("status", "task_status")}, _values(query, "label")
        return cls(statuses, text, labels)

    @property
    def chosen(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.text or self.labels or any(self.statuses.values()))

    def matches(self, view: TaskView, *, but: str = "") -> bool:
        """Whether the task has all of it, but for the parameter `but`."""
        return (
            all(
                name == but or not words or self.chooses(name, _word(view, name))
                for name, words in self.statuses.items()
            )
            and all(_has_label(view, label) for label in self.labels)
            and (not self.text or any(self.text.casefold() in text.casefold() for text in _texts(view)))
        )

    def chooses(self, parameter: str, word: str) -> bool:
        """Whether this status is among those that are asked for."""
        return word.casefold() in map(str.casefold, self.statuses[parameter])

    def toggled(self, parameter: str, word: str) -> list[str]:
        """The statuses with this one, or without it if it is among them."""
        others = [status for status in self.statuses[parameter] if status.casefold() != word.casefold()]
        return others if self.chooses(parameter, word) else [*others, word]


@dataclass(slots=True)
class SharedFailure:
    """The same failure of several tasks."""

    word: str
    title: str
    message: str
    advice: str = ""
    views: list[TaskView] = field(default_factory=list)
    number: int = 0
    """Its place on the page."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The watched tasks that match a filter."""

    filter: Filter
    views: Sequence[TaskView]
    """Those that are shown, the urgent ones first."""
    matching: int
    watched: int
    summaries: list[tuple[str, str, list[tuple[str, int]]]]
    """Of prechecks and of tasks: a title, the parameter of the filter, and how many tasks each status would show."""
    labels: list[str]
    """For the form to offer."""
    shared: dict[Hashable, SharedFailure]
    queried: bool
    """False before the first scrape."""

    def has_own_failure(self, view: TaskView) -> bool:
        """Whether a failure of the task is not among the shared ones."""
        untold = any(not item.message for item in view.attention)
        return untold or any(key not in self.shared for key, _ in _failures(view))


def overview_of(views: Sequence[TaskView], wanted: Filter) -> Overview:
    """What the page shows of these tasks."""
    matching = sorted((view for view in views if wanted.matches(view)), key=lambda view: view.urgency)
    prechecks = [view for view in views if view.task.has_precheck and wanted.matches(view, but="status")]
    states = [view for view in views if view.shows_state and wanted.matches(view, but="task_status")]
    labels = {f"{name}={value}": None for view in views for name, value in view.task.labels.items()}
    return Overview(
        wanted,
        matching[:MAX_TASKS],
        len(matching),
        len(views),
        [
            ("Prechecks", "status", summary_of(view.precheck_query for view in prechecks)),
            ("Tasks", "task_status", summary_of(view.state_query for view in states)),
        ],
        sorted(islice(labels, _MAX_LABELS)),
        _shared(matching),
        queried=any(view.precheck_query.history or view.state_query.history for view in views),
    )


def link(url: "URL", name: str, *values: object) -> str:
    """A link to the same page with these values of one parameter, all other parameters as they are."""
    kept = [(key, value) for key, value in url.query.items() if key != name]
    return f"?{url.with_query([*kept, *((name, str(value)) for value in values)]).raw_query_string}"


def refresh_seconds(query: "MultiMapping[str]") -> int:
    """The parameter `refresh`, from 5 s to an hour; 0 if there is none that is a number."""
    text = query.get("refresh", "")
    return min(max(int(text[:9]), 5), 3600) if text.isascii() and text.isdigit() else 0


def _values(query: "MultiMapping[str]", name: str) -> tuple[str, ...]:
    values = dict.fromkeys(value.strip() for value in query.getall(name, ()))
    return tuple(filter(None, values))[:20]  # more cost CPU for each task


def _word(view: TaskView, parameter: str) -> str:
    if parameter == "status":
        return view.precheck_query.word if view.task.has_precheck else ""
    return view.state_query.word if view.shows_state else ""


def _has_label(view: TaskView, label: str) -> bool:
    name, equals, value = label.partition("=")
    found = view.task.labels.get(name.strip(), "")
    return found.casefold() == value.strip().casefold() if equals else bool(found)


def _texts(view: TaskView) -> Iterator[str]:
    """What the text of a filter may stand in: names, ids, and why something failed."""
    yield from (view.task.name, view.task.task_id, view.task.ref.precheck_task_id, view.task.ref.kind)
    if view.state:
        yield view.state.error
    for query in view.failing:
        if query.failure:
            yield from (query.failure.reason.value, query.failure.message)
    for item in view.attention:
        yield from (item.item, item.name, item.message)


def _failures(view: TaskView) -> Iterator[tuple[Hashable, SharedFailure]]:
    """The failures of a task, each with what makes it the same as another task's."""
    for query in view.failing:
        if query.failure:
            itself = " of the task itself" if query is view.state_query and view.task.has_precheck else ""
            title = f"The query{itself} fails: {query.failure.reason.value}"
            yield query.failure_key, SharedFailure(query.word, title, query.failure.message, query.advice)
    if view.state and view.state.error:
        yield view.error_key, SharedFailure(view.state.status.value, "The task itself", view.state.error)
    for item in view.attention:
        if item.message:
            yield item, SharedFailure(item.status.value, item.name or item.item, item.message)


def _shared(views: Iterable[TaskView]) -> dict[Hashable, SharedFailure]:
    """The failures that at least three tasks share, the most frequent first."""
    found: dict[Hashable, SharedFailure] = {}
    for view in views:
        for key, failure in _failures(view):
            found.setdefault(key, failure).views.append(view)
    shared = [(key, failure) for key, failure in found.items() if len(failure.views) >= _MIN_SHARED]
    shared.sort(key=lambda pair: -len(pair[1].views))
    for number, (_, failure) in enumerate(shared, 1):
        failure.number = number
    return dict(shared)
