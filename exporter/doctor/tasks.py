"""What came of discovery and of every watched task, as findings. Pure."""

from collections.abc import Sequence

from exporter.config import Config
from exporter.doctor.finding import Check, Finding, Level
from exporter.ninedata import DISCOVERED_KIND, LIST_NAME, Precheck, Status, advice_on
from exporter.snapshot import Discovered, QueryFailure, TaskResult

MAX_ITEMS_NAMED = 10
"""More failed check items of one task are counted."""


def check_discovery(found: Discovered, listed: int, requests: int) -> Finding:
    """`listed` tasks came in `requests` pages."""
    subject = DISCOVERED_KIND
    if found.failure:
        advice = advice_on(found.failure.reason, LIST_NAME)
        return Finding(Check.DISCOVERY, subject, Level.FAULT, _words_of(found.failure), advice)
    what = (
        f"{_count(listed, 'task')} listed with {_count(requests, 'request')} in {found.seconds:.2f} s, "
        f"{len(found.tasks)} of them watched beside those that are named"
    )
    return Finding(Check.DISCOVERY, subject, Level.OK, what)


def check_tasks(results: Sequence[TaskResult]) -> list[Finding]:
    """One finding for each task. That a precheck failed is no fault: the query of it is healthy."""
    return [_of_task(result) for result in results]


def no_tasks(*, discovers: bool) -> Finding:
    """There is nothing to watch, which may be so where tasks are discovered."""
    what, advice = "no task is watched", "Name some under tasks or in task files, or have replication tasks discovered."
    return (
        Finding(Check.TASK, "", Level.SKIPPED, what)
        if discovers
        else Finding(Check.TASK, "", Level.WARNING, what, advice)
    )


def check_time(results: Sequence[TaskResult], seconds: float, config: Config) -> list[Finding]:
    """Whether a scrape has the time that all tasks needed together, and a request the time that an answer needed."""
    needed = f"{_count(len(results), 'query', 'queries')} took {seconds:.2f} s, and a scrape may take "
    needed += f"{config.scrape_timeout:g} s unless the scraper says otherwise"
    advice = (
        "Raise scrape_timeout in Prometheus (and scrape.timeout, which counts where a scraper names none) or "
        "api.concurrency, or share the tasks between exporters with --shard."
    )
    late = seconds >= config.scrape_timeout
    found = [Finding(Check.TIME, "", Level.WARNING if late else Level.OK, needed, advice if late else "")]
    slowest = max((result.seconds for result in results if result.up), default=0.0)
    # With a rate limit the time is that of waiting for a turn, too.
    if slowest > config.api.request_timeout / 2 and not config.api.rate_limit:
        what = f"the slowest answer took {slowest:.1f} s; api.request_timeout is {config.api.request_timeout:g} s"
        advice = "See whether the API is slow from elsewhere, too; raise api.request_timeout if it always is."
        found.append(Finding(Check.TIME, "", Level.WARNING, what, advice))
    return found


def _of_task(result: TaskResult) -> Finding:
    task, outcome = result.task, result.outcome
    subject = task.name if task.name == task.task_id else f"{task.name} ({task.task_id})"
    if isinstance(outcome, Precheck):
        return _of_precheck(subject, task.ref.kind, outcome)
    level = Level.FAULT if outcome.asked else Level.SKIPPED
    what = f"{task.ref.kind}, {_words_of(outcome)}"
    return Finding(Check.TASK, subject, level, what, advice_on(outcome.reason, task.ref.kind))


def _of_precheck(subject: str, kind: str, found: Precheck) -> Finding:
    failed = [item.item for item in found.items if item.status is Status.FAILED]
    what = f"{kind}, {found.status}, {_count(len(found.items), 'check item')}"
    if failed:
        more = f" and {len(failed) - MAX_ITEMS_NAMED} more" if len(failed) > MAX_ITEMS_NAMED else ""
        what += f", {len(failed)} failed: {', '.join(failed[:MAX_ITEMS_NAMED])}{more}"
    if found.status is Status.UNKNOWN and found.status_word:
        advice = "Please report the word: the exporter does not know this status."
        return Finding(Check.TASK, subject, Level.WARNING, f"{what}; the API's word is {found.status_word!r}", advice)
    if found.status is Status.UNKNOWN:
        what += "; the API gave no status"
    return Finding(Check.TASK, subject, Level.OK, what)


def _words_of(failure: QueryFailure) -> str:
    told = f" (request id {failure.request_id})" if failure.request_id else ""
    return f"{failure.reason}: {failure.message}{told}"


def _count(number: int, thing: str, things: str | None = None) -> str:
    return f"{number} {thing if number == 1 else things or f'{thing}s'}"
