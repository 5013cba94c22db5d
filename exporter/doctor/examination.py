"""The examination: one check after the other, each only if those before it allow it."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

from exporter.check import CheckResult, check_config, check_web_config, counted
from exporter.config import Config
from exporter.doctor.connection import check_connection
from exporter.doctor.report import Check, Finding, Level, is_good, skipped
from exporter.metrics import OwnMetrics
from exporter.ninedata import KINDS, Precheck, Reason, Status, TaskState
from exporter.ninedata.text import cut_middle
from exporter.running_config import RunningConfig, open_running_config
from exporter.scraping.shard import Shard
from exporter.scraping.snapshot import QueryFailure, QueryResult, Snapshot

_AFTER_CONNECTION: tuple[Check, ...] = ("query", "clock", "discovery", "task")


async def examine(
    load: Callable[[], Config], web_config: Path | None, place: str, shard: Shard, findings: list[Finding]
) -> None:
    """Append to `findings` as they are found; `place` names the configuration."""
    checked = check_config(load, shard)
    findings += _check_files(checked, web_config, place)
    if checked.config is None:
        findings += skipped(("name", "connection", *_AFTER_CONNECTION), "the configuration has faults")
        return
    connection = await check_connection(checked.config.api)
    findings += connection
    if not is_good(connection):
        findings += skipped(_AFTER_CONNECTION, "there is no connection to the API")
        return
    running = open_running_config(checked.config, OwnMetrics(shard))
    try:
        running.refresh_files()
        findings += await _examine_api(running)
    finally:
        await running.close()


def _check_files(checked: CheckResult, web_config: Path | None, place: str) -> list[Finding]:
    """Every fault of the configuration, its task files and the web configuration, or a summary; and warnings."""
    faults = checked.faults + (check_web_config(web_config).faults if web_config else ())
    warnings = [Finding("configuration", place, "warning", warning) for warning in checked.warnings]
    if not faults:
        return [Finding("configuration", place, "ok", checked.summary), *warnings]
    advice = "Correct the file; --config.example prints and explains every key. --config.file names another file."
    parts = (fault.partition(": ") for fault in faults)
    return [Finding("configuration", where, "fault", what, advice) for where, _, what in parts] + warnings


async def _examine_api(running: RunningConfig) -> list[Finding]:
    """Scrape once, as for Prometheus: shows whether the API answers and accepts the key, and compares the clocks."""
    deadline = asyncio.get_running_loop().time() + running.config.scrape_timeout
    snapshot = await running.scrape(deadline)
    clock = check_clock(running.own.skew_seconds)
    query = _check_query(running, snapshot, clock)
    if not is_good([query, clock]):
        return [query, clock, *skipped(("discovery", "task"), "needs a query that works")]
    return [query, clock, *_check_discovery(snapshot), *_check_tasks(snapshot)]


def _check_query(running: RunningConfig, snapshot: Snapshot, clock: Finding) -> Finding:
    """Whether the API answers and accepts the key. One answer that needs an accepted key is enough."""
    base_url, requests = running.config.api.base_url, counted(running.watch_list.most_requests(), "request")
    outcomes = [
        *((result.task.ref.kind, result.failure) for result in snapshot.prechecks),
        *((KINDS[state.task.ref.kind].state_request, state.failure) for state in snapshot.states),
        *((KINDS[discovery.kind].list_request, discovery.failure) for discovery in snapshot.discoveries),
    ]
    failures = [(request, failure) for request, failure in outcomes if failure]
    refused = [each for each in failures if each[1].reason not in (Reason.NOT_FOUND, Reason.API_ERROR)]
    if len(refused) < len(outcomes):
        what = f"the API answers and accepts the access key and the signature; a scrape sends up to {requests}"
        return Finding("query", base_url, "ok", what)
    if not refused:
        return Finding("query", base_url, "skipped", "there is no task to query")
    request, failure = next((each for each in refused if each[1].reason is Reason.AUTH), refused[0])
    if failure.reason is Reason.AUTH and clock.level == "fault":
        return Finding("query", base_url, "skipped", "the key cannot be judged before the clock is right")
    return Finding("query", base_url, "fault", _words_of(failure), failure.advice(request))


def check_clock(skew: float | None) -> Finding:
    """Whether this machine's clock agrees with the server's; `skew` is the server's minus ours."""
    if skew is None:
        return Finding("clock", "", "skipped", "no answer had a Date header to compare with")
    difference = f"is {abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'}" if abs(skew) >= 1 else "agrees with"
    what = f"this machine's clock {difference} the server's"
    if abs(skew) <= 300:  # noqa: PLR2004 - half of what the API accepts
        return Finding("clock", "", "ok", what)
    level: Level = "fault" if abs(skew) > 600 else "warning"  # noqa: PLR2004 - ten minutes
    advice = "Set this machine's clock, for example with NTP."
    return Finding("clock", "", level, f"{what}; the API rejects more than 600 s", advice)


def _check_discovery(snapshot: Snapshot) -> Iterator[Finding]:
    """One finding per kind that is discovered."""
    if not snapshot.discoveries:
        yield Finding("discovery", "", "skipped", "is not configured")
    for result in snapshot.discoveries:
        if result.failure:
            advice = result.failure.advice(KINDS[result.kind].list_request)
            yield Finding("discovery", result.kind, "fault", _words_of(result.failure), advice)
        else:
            what = f"{counted(len(result.tasks), 'task')} discovered in {result.seconds:.2f} s"
            yield Finding("discovery", result.kind, "ok", what)


def _check_tasks(snapshot: Snapshot) -> list[Finding]:
    """One finding per query. A failed precheck is no fault: the query of it works."""
    # A list has its finding under discovery. A task that is watched only by the list still needs one of its own.
    states = [state for state in snapshot.states if state.seconds is not None or not state.task.has_precheck]
    findings = [*map(_check_precheck, snapshot.prechecks), *map(_check_state, states)]
    return findings or skipped(["task"], "no task is watched")


def _check_precheck(result: QueryResult[Precheck]) -> Finding:
    kind = result.task.ref.kind
    items = result.answer.items if result.answer else ()
    failed = [item.item for item in items if item.status is Status.FAILED]
    details = f", {counted(len(items), 'check item')}"
    if failed:
        details += f", {len(failed)} failed: {', '.join(failed[:10])}{' ...' if failed[10:] else ''}"
    return _check_task(result, kind, details, request=kind)


def _check_state(result: QueryResult[TaskState]) -> Finding:
    kind = result.task.ref.kind
    about = f"{kind} itself, {result.partial.status}, but its results" if result.partial else f"{kind} itself"
    details = f": {cut_middle(result.answer.error, 200)}" if result.answer and result.answer.error else ""
    return _check_task(result, about, details, request=KINDS[kind].state_request)


def _check_task(
    result: QueryResult[Precheck] | QueryResult[TaskState], about: str, details: str, *, request: str
) -> Finding:
    """A finding on one query of a task. `details` follow the status."""
    task, outcome = result.task, result.outcome
    subject = task.name if task.name == task.task_id else f"{task.name} ({task.task_id})"
    if isinstance(outcome, QueryFailure):
        return Finding("task", subject, "fault", f"{about}, {_words_of(outcome)}", outcome.advice(request))
    what = f"{about}, {outcome.status}{details}"
    if outcome.status.value == "Unknown" and outcome.status_word:
        advice = "Please report this word: the exporter does not know it."
        return Finding("task", subject, "warning", f"{what}; the API says {outcome.status_word!r}", advice)
    return Finding("task", subject, "ok", what)


def _words_of(failure: QueryFailure) -> str:
    request_id = f" (request id {failure.request_id})" if failure.request_id else ""
    return f"{failure.reason}: {failure.message}{request_id}"
