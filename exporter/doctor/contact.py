"""The first signed requests: whether it is the API that answers, whether the clock is right, and the key accepted."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exporter.config import Task
from exporter.doctor.finding import Check, Finding, Level
from exporter.ninedata import ADVICE, Call, Reason, advice_on
from exporter.ninedata.calls import T, precheck_call
from exporter.ninedata.client import MAX_CLOCK_SKEW_SECONDS, NineDataClient
from exporter.ninedata.replication_list import page_call
from exporter.scrape import outcome_of
from exporter.snapshot import QueryFailure

OF_EACH_KIND = 2
"""So many tasks of each kind are asked about first: one alone may be in trouble of its own."""
WARN_CLOCK_SKEW_SECONDS = 300.0

# A refusal that came without a word of the API: of a gateway, or of a list of allowed addresses, as likely.
_WORDLESS = re.compile(r"HTTP \d+")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to the API, and why it was not answered; None where it was."""

    kind: str
    failure: QueryFailure | None

    @property
    def refused(self) -> bool:
        """Whether the key was refused."""
        return self.failure is not None and self.failure.reason is Reason.AUTH

    @property
    def accepted(self) -> bool:
        """Whether the answer is one that only an accepted key gets."""
        return self.failure is None or self.failure.reason is Reason.NOT_FOUND

    @property
    def by_api(self) -> bool:
        """Whether it was the API that answered, whatever it said."""
        if self.failure is None or self.failure.reason in (Reason.NOT_FOUND, Reason.API_ERROR):
            return True
        return self.refused and not _WORDLESS.fullmatch(self.failure.message)


async def make_contact(client: NineDataClient, tasks: Sequence[Task], deadline: float) -> list[Asked]:
    """Ask about some tasks of each kind, and for the list of replication tasks, which needs none to be known.

    Gives what was answered until the key was accepted, or all.
    """

    async def ask(call: Call[T]) -> Asked:
        outcome = await outcome_of(client.fetch(call, deadline), asked=call.name)
        return Asked(call.name, outcome if isinstance(outcome, QueryFailure) else None)

    first = [task for of_kind in _by_kind(tasks) for task in of_kind[:OF_EACH_KIND]]
    questions = [*(ask(precheck_call(task.ref)) for task in first), ask(page_call(1))]
    asking = [asyncio.ensure_future(question) for question in questions]
    try:
        for answered in asyncio.as_completed(asking):
            if (await answered).accepted:
                break
    finally:
        for each in asking:
            each.cancel()
    await asyncio.wait(asking)
    return [each.result() for each in asking if not each.cancelled()]


def check_answer(asked: Sequence[Asked], base_url: str) -> Finding:
    """Whether it is the API that answers."""
    if any(each.by_api for each in asked):
        return Finding(Check.ANSWER, base_url, Level.OK, "the API answers")
    failure = _first_failure(asked)
    if failure.reason is Reason.AUTH:
        return Finding(
            Check.ANSWER,
            base_url,
            Level.WARNING,
            f"{failure.message} without a word of the API: a gateway or a list of allowed addresses may refuse as well",
            "See whether this machine's address may reach the API.",
        )
    advice = ADVICE[failure.reason]
    if failure.reason is Reason.UNSUPPORTED:
        advice = (
            "See whether api.base_url is the address of the NineData console itself, with the path prefix of a reverse "
            "proxy where there is one, and whether a login page stands before it. If it is right, the server is too "
            "old for the OpenAPI."
        )
    return Finding(Check.ANSWER, base_url, Level.FAULT, f"{failure.reason}: {failure.message}", advice)


def check_clock(skew: float | None) -> Finding:
    """Whether this machine's clock is near enough to the server's; `skew` is the server's minus ours, in seconds."""
    if skew is None:
        return Finding(Check.CLOCK, "", Level.SKIPPED, "no answer had a Date header to compare with")
    direction = "behind" if skew > 0 else "ahead of"
    apart = f"is {abs(skew):.0f} s {direction}" if abs(skew) >= 1 else "agrees with"
    what = f"this machine's clock {apart} the server's"
    if abs(skew) <= WARN_CLOCK_SKEW_SECONDS:
        return Finding(Check.CLOCK, "", Level.OK, what)
    level = Level.FAULT if abs(skew) > MAX_CLOCK_SKEW_SECONDS else Level.WARNING
    limit = f"more than {MAX_CLOCK_SKEW_SECONDS:.0f} s are rejected"
    return Finding(Check.CLOCK, "", level, f"{what}; {limit}", "Set this machine's clock, for example with NTP.")


def check_key(asked: Sequence[Asked], clock: Finding) -> Finding:
    """Whether the access key and the signature are accepted; `clock` is what was found of the clock."""
    if any(each.accepted for each in asked):
        return Finding(Check.KEY, "", Level.OK, "the access key and the signature are accepted")
    refusals = [each for each in asked if each.refused]
    if not refusals:
        return Finding(Check.KEY, "", Level.SKIPPED, "no answer tells whether the key is accepted")
    failure = _first_failure(refusals)
    if clock.level is Level.FAULT:
        return Finding(Check.KEY, "", Level.SKIPPED, "cannot be told before the clock is right")
    return Finding(Check.KEY, "", Level.FAULT, failure.message, advice_on(Reason.AUTH, refusals[0].kind))


def _first_failure(asked: Iterable[Asked]) -> QueryFailure:
    return next(each.failure for each in asked if each.failure is not None)


def _by_kind(tasks: Iterable[Task]) -> Iterable[list[Task]]:
    kinds: dict[str, list[Task]] = {}
    for task in tasks:
        kinds.setdefault(task.ref.kind, []).append(task)
    return kinds.values()
