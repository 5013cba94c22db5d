"""What the answers tell of what is assumed about the API beyond its documentation. Pure.

Somebody with an account can report this; docs/operations.md lists all that is assumed.
"""

import re
import urllib.parse
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from exporter.doctor.contact import Asked
from exporter.doctor.finding import Check, Finding, Level
from exporter.ninedata import KINDS, TASK_STATUSES, CheckItem, Precheck, Reason, Replication, Status
from exporter.snapshot import QueryFailure, TaskResult

MAX_WORDS = 20
"""More words of the API that are not known are not told."""

_NUMBERED = re.compile(r".+#\d+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was heard."""

    base_url: str
    asked: Sequence[Asked]
    """The first requests."""
    results: Sequence[TaskResult] = ()
    listed: Collection[Replication] = ()
    """All replication tasks of the list."""

    def prechecks(self, kind: str | None = None) -> list[Precheck]:
        """Those that were answered."""
        found = [each for each in self.results if kind in (None, each.task.ref.kind)]
        return [each.outcome for each in found if isinstance(each.outcome, Precheck)]

    def items(self, kind: str | None = None) -> list[CheckItem]:
        """The check items of those prechecks."""
        return [item for found in self.prechecks(kind) for item in found.items]

    def failures(self, reason: Reason) -> list[QueryFailure]:
        """The queries that failed for a reason, as far as something was sent."""
        outcomes = [*(each.failure for each in self.asked), *(each.outcome for each in self.results)]
        failures = [each for each in outcomes if isinstance(each, QueryFailure)]
        return [each for each in failures if each.reason is reason and each.asked]


Verdict = tuple[Level, str]
"""`OK` where it is confirmed, `WARNING` where it is wrong, `SKIPPED` where nothing tells; and what tells it."""

_NOT_SEEN: Verdict = Level.SKIPPED, "not seen"


def assumptions(evidence: Evidence) -> list[Finding]:
    """A finding for each assumption of which a look at the API can tell."""
    advice = "An assumption about the API is wrong: please report it with this line."
    verdicts = ((claim, *judge(evidence)) for claim, judge in _CLAIMS)
    return [
        Finding(Check.ASSUMPTION, claim, level, what, advice if level is Level.WARNING else "")
        for claim, level, what in verdicts
    ]


def _host(evidence: Evidence) -> Verdict:
    by_api = any(each.by_api for each in evidence.asked)
    return (Level.OK, f"{evidence.base_url}/openapi/... answered") if by_api else _NOT_SEEN


def _signature(evidence: Evidence) -> Verdict:
    if not any(each.accepted for each in evidence.asked):
        return _NOT_SEEN
    prefix = urllib.parse.urlsplit(evidence.base_url).path
    return Level.OK, f"accepted behind the path prefix {prefix}" if prefix else "accepted, without a path prefix"


def _identity(evidence: Evidence) -> Verdict:
    others = [each for each in evidence.failures(Reason.INVALID_RESPONSE) if "is about" in each.message]
    if others:
        return Level.WARNING, others[0].message
    count = len(evidence.prechecks())
    return (Level.OK, f"{count} prechecks answered, none as another one") if count else _NOT_SEEN


def _unique_items(evidence: Evidence) -> Verdict:
    items = evidence.items()
    repeated = [item.item for item in items if _NUMBERED.fullmatch(item.item)]
    if repeated:
        return Level.WARNING, f"there is {repeated[0]}"
    return (Level.OK, f"{len(items)} check items, none repeated") if items else _NOT_SEEN


def _status_words(evidence: Evidence) -> Verdict:
    """Of prechecks; an item's own word is not kept."""
    found = evidence.prechecks()
    unknown = {each.status_word for each in found if each.status is Status.UNKNOWN and each.status_word}
    if unknown:
        return Level.WARNING, f"there is {_some_of(unknown)}"
    known = {each.status_word for each in found if each.status_word}
    return (Level.OK, f"seen: {_some_of(known)}") if known else _NOT_SEEN


def _warnings(evidence: Evidence) -> Verdict:
    warned = [item.item for item in evidence.items() if item.status is Status.WARNING]
    return (Level.OK, f"{warned[0]} does") if warned else _NOT_SEEN


def _sized(evidence: Evidence) -> Verdict:
    too_large = evidence.failures(Reason.TOO_LARGE)
    if too_large:
        return Level.WARNING, too_large[0].message
    found = evidence.prechecks()
    return (Level.OK, f"no more than {max(len(each.items) for each in found)} check items seen") if found else _NOT_SEEN


def _failing(reason: Reason) -> Callable[[Evidence], Verdict]:
    def judge(evidence: Evidence) -> Verdict:
        found = evidence.failures(reason)
        return (Level.OK, found[0].message) if found else _NOT_SEEN

    return judge


def _shaped(kind: str) -> Callable[[Evidence], Verdict]:
    def judge(evidence: Evidence) -> Verdict:
        items = evidence.items(kind)
        return (Level.OK, f"{len(items)} check items read") if items else _NOT_SEEN

    return judge


def _listed(evidence: Evidence) -> Verdict:
    count = len(evidence.listed)
    return (Level.OK, f"{count} tasks; compare with the number in the console") if count else _NOT_SEEN


def _task_statuses(evidence: Evidence) -> Verdict:
    known = {word.casefold() for word in TASK_STATUSES}
    words = {each.status for each in evidence.listed}
    unknown = {word for word in words if word.casefold() not in known}
    if unknown:
        return Level.WARNING, f"there is {_some_of(unknown)}"
    return (Level.OK, f"seen: {_some_of(words)}") if words else _NOT_SEEN


def _some_of(words: Collection[str]) -> str:
    shown = ", ".join(sorted(words)[:MAX_WORDS])
    return f"{shown} and {len(words) - MAX_WORDS} more" if len(words) > MAX_WORDS else shown


_SIZES = (
    "a precheck has at most 1000 check items and 400,000 characters of text, "
    "an answer at most 1 MiB, 30,000 brackets and 100,000 commas"
)
_CLAIMS: tuple[tuple[str, Callable[[Evidence], Verdict]], ...] = (
    ("the console's host serves the API", _host),
    ("the signature is made of the /openapi path alone", _signature),
    ("an answer is about the precheck that was asked for", _identity),
    ("a check item's identifier is unique in its precheck", _unique_items),
    ("the words for a precheck's status are known", _status_words),
    ("check items can end in Warning", _warnings),
    (_SIZES, _sized),
    *((f"prechecks of {kind.title} have the documented shape", _shaped(kind.name)) for kind in KINDS.values()),
    ("the list of replication tasks is read to its end", _listed),
    ("the words for a replication task's status are known", _task_statuses),
    ("a refused key is recognised", _failing(Reason.AUTH)),
    ("a precheck that is not there is recognised", _failing(Reason.NOT_FOUND)),
    ("too many requests are recognised", _failing(Reason.RATE_LIMITED)),
    ("a path that an old server does not know is recognised", _failing(Reason.UNSUPPORTED)),
)
