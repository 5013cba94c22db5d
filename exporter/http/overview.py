"""Which tasks the overview shows, by its address, and which problems many of them share."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from exporter.http.views import STATUSES, Problem, TaskView

if TYPE_CHECKING:
    from multidict import MultiMapping
    from yarl import URL

_STATUS_IN_ANY_CASE = {status.casefold(): status for status in STATUSES}


@dataclass(frozen=True, slots=True)
class Filter:
    """The filter in a query string. A task matches if every part of it does; values are compared without case."""

    statuses: Mapping[str, tuple[str, ...]]
    """Words by parameter: `status` is about the precheck, `task_status` about the task itself. One word must match."""
    text: str
    labels: tuple[str, ...]
    """`NAME=VALUE`, or `NAME` for every value. All must match."""

    @classmethod
    def from_query(cls, query: "MultiMapping[str]") -> "Filter":
        """The filter of an address. Empty values are what a form sends for fields that are not filled in."""
        statuses = {
            name: tuple(_STATUS_IN_ANY_CASE.get(word.casefold(), word) for word in _values(query, name))
            for name in ("status", "task_status")
        }
        return cls(statuses, query.get("text", "").strip(), _values(query, "label"))

    def matches(self, view: TaskView, *, ignoring: str = "") -> bool:
        """Whether a task matches; `ignoring` is a parameter of `statuses` that does not count."""
        words = _words(view)
        return (
            all(name == ignoring or not wanted or words.get(name) in wanted for name, wanted in self.statuses.items())
            and all(_has_label(view, label) for label in self.labels)
            and (not self.text or any(self.text.casefold() in text.casefold() for text in _texts(view)))
        )

    def toggled(self, parameter: str, word: str) -> list[str]:
        """The statuses with this one, or without it if it is among them."""
        words = self.statuses[parameter]
        return [other for other in words if other != word] if word in words else [*words, word]


class Shared(NamedTuple):
    """The tasks that have the same problem."""

    number: int
    """Its place on the page."""
    views: list[TaskView]


def overview_of(views: Sequence[TaskView], wanted: Filter) -> dict[str, object]:
    """What the page shows of these tasks: the values for its template."""
    matching = [view for view in views if wanted.matches(view)]
    labels = {f"{name}={value}": None for view in views for name, value in view.task.labels.items()}
    return {
        "filter": wanted,
        "views": matching[:500],  # a browser cannot show many more; the filter finds the others
        "matching": len(matching),
        "watched": len(views),
        "summaries": {
            parameter: _summary((view for view in views if wanted.matches(view, ignoring=parameter)), parameter)
            for parameter in wanted.statuses
        },
        "labels": sorted(islice(labels, 200)),
        "shared": _shared(matching),
        "queried": any(query.last_query for view in views for query in (view.precheck, view.state) if query),
    }


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


def _words(view: TaskView) -> dict[str, str]:
    """The status of a task by the parameter that asks for it."""
    queries = {"status": view.precheck, "task_status": view.state}
    return {name: query.word for name, query in queries.items() if query}


def _has_label(view: TaskView, label: str) -> bool:
    name, equals, value = label.partition("=")
    found = view.task.labels.get(name.strip(), "")
    return found.casefold() == value.strip().casefold() if equals else bool(found)


def _texts(view: TaskView) -> list[str]:
    """Where the text of a filter is looked for: names, ids, and what is wrong."""
    problems = [text for found in view.problems for text in (found.title, found.item, found.message)]
    return [view.task.name, view.task.task_id, view.task.ref.precheck_task_id, view.task.ref.kind, *problems]


def _summary(views: Iterable[TaskView], parameter: str) -> list[tuple[str, int]]:
    """How many of the tasks have each status."""
    counts = Counter(_words(view).get(parameter) for view in views)
    return [(status, counts[status]) for status in STATUSES if counts[status]]


def _shared(views: Iterable[TaskView]) -> dict[Problem, Shared]:
    """The problems that at least three tasks have, the most frequent first."""
    found: dict[Problem, list[TaskView]] = {}
    for view in views:
        for problem in view.problems:
            found.setdefault(problem, []).append(view)
    frequent = sorted((problem for problem in found if len(found[problem]) > 2), key=lambda each: -len(found[each]))  # noqa: PLR2004 - three
    return {problem: Shared(number, found[problem]) for number, problem in enumerate(frequent, 1)}
