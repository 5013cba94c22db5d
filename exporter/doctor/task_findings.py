"""What discovery and the watched tasks gave, as findings. Pure."""

from collections.abc import Sequence

from exporter.doctor.report import Check, Finding, Level, counted
from exporter.ninedata import DISCOVERED_KIND, LIST_NAME, Status, advice_on
from exporter.scraping.snapshot import DiscoveryResult, QueryFailure, TaskResult


def check_discovery(result: DiscoveryResult | None) -> Finding:
    """The finding on discovery; `result` is None if it is off."""
    if result is None:
        return Finding(Check.DISCOVERY, "", Level.SKIPPED, "is not configured")
    if result.failure:
        advice = advice_on(result.failure.reason, LIST_NAME)
        return Finding(Check.DISCOVERY, DISCOVERED_KIND, Level.FAULT, words_of(result.failure), advice)
    what = f"{counted(len(result.tasks), 'task')} discovered in {result.seconds:.2f} s"
    return Finding(Check.DISCOVERY, DISCOVERED_KIND, Level.OK, what)


def check_tasks(results: Sequence[TaskResult], *, discovers: bool) -> list[Finding]:
    """One finding per task. A failed precheck is no fault: the query of it works."""
    if results:
        return [_check_task(result) for result in results]
    level = Level.SKIPPED if discovers else Level.WARNING
    advice = "Name tasks under tasks or in task files, or turn discovery on."
    return [Finding(Check.TASK, "", level, "no task is watched", advice)]


def words_of(failure: QueryFailure) -> str:
    """Reason, message and request id of a failed query."""
    request_id = f" (request id {failure.request_id})" if failure.request_id else ""
    return f"{failure.reason}: {failure.message}{request_id}"


def _check_task(result: TaskResult) -> Finding:
    task, kind, outcome = result.task, result.task.ref.kind, result.outcome
    subject = task.name if task.name == task.task_id else f"{task.name} ({task.task_id})"
    if isinstance(outcome, QueryFailure):
        advice = advice_on(outcome.reason, kind)
        return Finding(Check.TASK, subject, Level.FAULT, f"{kind}, {words_of(outcome)}", advice)
    failed = [item.item for item in outcome.items if item.status is Status.FAILED]
    what = f"{kind}, {outcome.status}, {counted(len(outcome.items), 'check item')}"
    if failed:
        what += f", {len(failed)} failed: {', '.join(failed[:10])}{' ...' if failed[10:] else ''}"
    if outcome.status is Status.UNKNOWN and outcome.status_word:
        advice = "Please report this word: the exporter does not know it."
        return Finding(Check.TASK, subject, Level.WARNING, f"{what}; the API says {outcome.status_word!r}", advice)
    return Finding(Check.TASK, subject, Level.OK, what)
