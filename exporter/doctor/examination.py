"""The examination: one check after the other, each only if those before it allow it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from exporter.check import Checked, check_config, check_web_config
from exporter.config import Config, ConfigError, Task
from exporter.doctor.connection import check_connection
from exporter.doctor.report import Check, Finding, Level, counted, skipped
from exporter.exporter import Exporter, open_exporter
from exporter.metrics import OwnMetrics, families
from exporter.ninedata import KINDS, Precheck, Reason, Status, TaskState
from exporter.ninedata.text import cut_middle
from exporter.scraping.shard import Shard
from exporter.scraping.snapshot import DiscoveryResult, QueryFailure, QueryResult, Snapshot

_AFTER_CONNECTION = (Check.QUERY, Check.CLOCK, Check.DISCOVERY, Check.TASK)


async def examine(
    load: Callable[[], Config], web_config: Path | None, place: str, shard: Shard, findings: list[Finding]
) -> None:
    """Append to `findings` as they are found; `place` names the configuration."""
    try:
        config = load()
    except ConfigError as error:
        findings += check_files(Checked(faults=tuple(map(str, error.faults))), web_config, place)
        findings += skipped((Check.NAME, Check.CONNECTION, *_AFTER_CONNECTION), "the configuration has faults")
        return
    findings += check_files(check_config(lambda: config), web_config, place)
    connection = await check_connection(config.api)
    findings += connection
    if any(found.level is Level.FAULT for found in connection):
        findings += skipped(_AFTER_CONNECTION, "there is no connection to the API")
        return
    exporter = open_exporter(config, OwnMetrics(shard))
    try:
        exporter.refresh_files()
        await _examine_api(exporter, findings)
    finally:
        await exporter.close()


def check_files(checked: Checked, web_config: Path | None, place: str) -> list[Finding]:
    """Every fault of the configuration, its task files and the web configuration, or a summary."""
    faults = checked.faults + (check_web_config(web_config).faults if web_config else ())
    if not faults:
        return [Finding(Check.CONFIGURATION, place, Level.OK, checked.summary)]
    advice = "Correct it there; config.example.yaml explains every key. --config.file names another file."
    parts = (fault.partition(": ") for fault in faults)
    return [Finding(Check.CONFIGURATION, where, Level.FAULT, what, advice) for where, _, what in parts]


async def _examine_api(exporter: Exporter, findings: list[Finding]) -> None:
    """One scrape, as Prometheus would have it, shows whether the API answers and accepts the key, and its clock."""
    deadline = asyncio.get_running_loop().time() + exporter.config.scrape_timeout
    snapshot = await exporter.scrape(deadline)
    clock = check_clock(_clock_skew(exporter))
    query = check_query(snapshot, exporter.config.api.base_url, clock)
    findings += [query, clock]
    if Level.FAULT in (query.level, clock.level):
        findings += skipped((Check.DISCOVERY, Check.TASK), "needs a query that works")
    else:
        findings += check_discovery(snapshot.discoveries)
        findings += check_tasks(snapshot)


def _clock_skew(exporter: Exporter) -> float | None:
    samples = (sample for metric in exporter.own_metrics().collect() for sample in metric.samples)
    return next((sample.value for sample in samples if sample.name == families.API_CLOCK_SKEW.name), None)


def check_query(snapshot: Snapshot, base_url: str, clock: Finding) -> Finding:
    """Whether the API answers and accepts the key. One answer that needs an accepted key is enough."""
    outcomes = [
        *((result.task.ref.kind, result.failure) for result in snapshot.results),
        *((KINDS[state.task.ref.kind].state_request, state.failure) for state in snapshot.states),
        *((KINDS[discovery.kind].list_request, discovery.failure) for discovery in snapshot.discoveries),
    ]
    failures = [(request, failure) for request, failure in outcomes if failure]
    refused = [each for each in failures if each[1].reason not in (Reason.NOT_FOUND, Reason.API_ERROR)]
    if len(refused) < len(outcomes):
        return Finding(Check.QUERY, base_url, Level.OK, "the API answers and accepts the access key and the signature")
    if not refused:
        return Finding(Check.QUERY, base_url, Level.SKIPPED, "there is no task to query")
    request, failure = next((each for each in refused if each[1].reason is Reason.AUTH), refused[0])
    if failure.reason is Reason.AUTH and clock.level is Level.FAULT:
        return Finding(Check.QUERY, base_url, Level.SKIPPED, "the key cannot be judged before the clock is right")
    return Finding(Check.QUERY, base_url, Level.FAULT, words_of(failure), failure.advice(request))


def check_clock(skew: float | None) -> Finding:
    """Whether this machine's clock agrees with the server's; `skew` is the server's minus ours."""
    if skew is None:
        return Finding(Check.CLOCK, "", Level.SKIPPED, "no answer had a Date header to compare with")
    difference = f"is {abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'}" if abs(skew) >= 1 else "agrees with"
    what = f"this machine's clock {difference} the server's"
    if abs(skew) <= 300:  # noqa: PLR2004 - half of what the API accepts
        return Finding(Check.CLOCK, "", Level.OK, what)
    level = Level.FAULT if abs(skew) > 600 else Level.WARNING  # noqa: PLR2004 - ten minutes
    advice = "Set this machine's clock, for example with NTP."
    return Finding(Check.CLOCK, "", level, f"{what}; the API rejects more than 600 s", advice)


def check_discovery(results: Sequence[DiscoveryResult]) -> list[Finding]:
    """One finding per kind that is discovered."""
    if not results:
        return [Finding(Check.DISCOVERY, "", Level.SKIPPED, "is not configured")]
    return [_check_discovery(result) for result in results]


def _check_discovery(result: DiscoveryResult) -> Finding:
    if result.failure:
        advice = result.failure.advice(KINDS[result.kind].list_request)
        return Finding(Check.DISCOVERY, result.kind, Level.FAULT, words_of(result.failure), advice)
    what = f"{counted(len(result.tasks), 'task')} discovered in {result.seconds:.2f} s"
    return Finding(Check.DISCOVERY, result.kind, Level.OK, what)


def check_tasks(snapshot: Snapshot) -> list[Finding]:
    """One finding per query. A failed precheck is no fault: the query of it works."""
    # A list is the finding of discovery; but a task that only it shows must not be missing here.
    states = [state for state in snapshot.states if state.seconds is not None or not state.task.has_precheck]
    findings = [*map(_check_precheck, snapshot.results), *map(_check_state, states)]
    if findings:
        return findings
    level = Level.SKIPPED if snapshot.discoveries else Level.WARNING
    advice = "Name tasks under tasks or in task files, or turn discovery on."
    return [Finding(Check.TASK, "", level, "no task is watched", advice)]


def words_of(failure: QueryFailure) -> str:
    """Reason, message and request id of a failed query."""
    request_id = f" (request id {failure.request_id})" if failure.request_id else ""
    return f"{failure.reason}: {failure.message}{request_id}"


def _subject(task: Task) -> str:
    return task.name if task.name == task.task_id else f"{task.name} ({task.task_id})"


def _check_precheck(result: QueryResult[Precheck]) -> Finding:
    subject, kind, outcome = _subject(result.task), result.task.ref.kind, result.outcome
    if isinstance(outcome, QueryFailure):
        advice = outcome.advice(kind)
        return Finding(Check.TASK, subject, Level.FAULT, f"{kind}, {words_of(outcome)}", advice)
    failed = [item.item for item in outcome.items if item.status is Status.FAILED]
    what = f"{kind}, {outcome.status}, {counted(len(outcome.items), 'check item')}"
    if failed:
        what += f", {len(failed)} failed: {', '.join(failed[:10])}{' ...' if failed[10:] else ''}"
    return _unknown_word(Finding(Check.TASK, subject, Level.OK, what), outcome)


def _check_state(result: QueryResult[TaskState]) -> Finding:
    subject, kind, outcome = _subject(result.task), result.task.ref.kind, result.outcome
    if isinstance(outcome, QueryFailure):
        advice = outcome.advice(KINDS[kind].state_request)
        known = f", {result.partial.status}, but its results" if result.partial else ""
        return Finding(Check.TASK, subject, Level.FAULT, f"{kind} itself{known}, {words_of(outcome)}", advice)
    error = f": {cut_middle(outcome.error, 200)}" if outcome.error else ""
    return _unknown_word(Finding(Check.TASK, subject, Level.OK, f"{kind} itself, {outcome.status}{error}"), outcome)


def _unknown_word(found: Finding, answer: Precheck | TaskState) -> Finding:
    if answer.status.value == "Unknown" and answer.status_word:
        advice = "Please report this word: the exporter does not know it."
        what = f"{found.what}; the API says {answer.status_word!r}"
        return replace(found, level=Level.WARNING, what=what, advice=advice)
    return found
