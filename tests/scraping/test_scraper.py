"""A scrape, with a client that answers what a test says."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from exporter.config import DiscoverySettings, Task
from exporter.ninedata import ListedTask, QueryError, Reason, TaskRef, TaskState, TaskStatus
from exporter.ninedata.client import QueryProgress
from exporter.scraping.discovery import Discovery
from exporter.scraping.history import History
from exporter.scraping.scraper import Scraper, Targets
from exporter.scraping.shard import Shard
from exporter.scraping.snapshot import QueryFailure, Snapshot
from exporter.scraping.watch_list import WatchList
from tests.scraping.fakes import (
    GOOD,
    NOON,
    RUNNING,
    FakeClient,
    after,
    config_of,
    deadline_in,
    empty_watch_list,
    hangs,
    outcomes,
    raises,
    settle,
    tasks,
    waits_for_rate_limit,
)

pytestmark = pytest.mark.anyio

REPLICATIONS = [ListedTask("rp-1", "one", "running"), ListedTask("rp-2", "two", "failed")]


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def history() -> History:
    return History()


@pytest.fixture
def watch_list() -> WatchList:
    return empty_watch_list(Discovery(DiscoverySettings("replication")))


@pytest.fixture
def scraper(client: FakeClient, watch_list: WatchList, history: History) -> Scraper:
    return Scraper(client, config_of(), watch_list, history, wall_clock=lambda: NOON)


async def test_queries_every_task_once_with_bounded_concurrency(scraper: Scraper, client: FakeClient) -> None:
    watched = tasks(*(f"cd-{number}" for number in range(20)))
    snapshot = await scraper.scrape(Targets(watched), deadline_in(60))
    assert [result.task for result in snapshot.results] == list(watched)
    assert all(result.outcome is GOOD and result.at == NOON for result in snapshot.results)
    assert sorted(client.queried) == sorted(task.task_id for task in watched)
    assert client.most_running == 3


async def test_each_scrape_queries_again(scraper: Scraper, client: FakeClient) -> None:
    await scraper.scrape(Targets(tasks("a")), deadline_in(60))
    client.answers["a"] = raises(QueryError(Reason.NOT_FOUND, "gone"))
    assert outcomes(await scraper.scrape(Targets(tasks("a")), deadline_in(60))) == {"a": Reason.NOT_FOUND}


async def test_a_failed_query_costs_only_its_own_task(scraper: Scraper, client: FakeClient) -> None:
    client.answers["b"] = raises(QueryError(Reason.API_ERROR, "refused", request_id="r-1"))
    snapshot = await scraper.scrape(Targets(tasks("a", "b", "c")), deadline_in(60))
    assert outcomes(snapshot) == {"a": GOOD, "b": Reason.API_ERROR, "c": GOOD}
    assert snapshot.results[1].outcome == QueryFailure(Reason.API_ERROR, "refused", "r-1")


async def test_a_bug_met_in_one_task_is_its_internal_failure(
    scraper: Scraper, client: FakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.answers["b"] = raises(KeyError("details for the log only"))
    snapshot = await scraper.scrape(Targets(tasks("a", "b", "c")), deadline_in(60))
    assert outcomes(snapshot) == {"a": GOOD, "b": Reason.INTERNAL, "c": GOOD}
    assert "details" not in str(snapshot.results[1].outcome)
    (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert record.exc_info


async def test_at_the_deadline_every_task_without_an_answer_has_the_reason(
    scraper: Scraper, client: FakeClient
) -> None:
    """Sent and not answered: `deadline`. Not sent: `deadline` too, and marked as not sent."""
    client.answers |= {"a": hangs, "b": hangs, "c": hangs}
    snapshot = await scraper.scrape(Targets(tasks("x", "a", "b", "c", "d")), deadline_in(0.05))
    assert outcomes(snapshot) == {"x": GOOD} | dict.fromkeys("abcd", Reason.DEADLINE)
    assert [result.failure.sent for result in snapshot.results if result.failure] == [True, True, True, False]
    await settle()
    assert sorted(client.cancelled) == ["a", "b", "c"]


async def test_what_the_rate_limit_leaves_no_time_for_is_rate_limited(scraper: Scraper, client: FakeClient) -> None:
    client.answers = dict.fromkeys("abcd", waits_for_rate_limit)
    snapshot = await scraper.scrape(Targets(tasks(*"abcd")), deadline_in(0.05))
    assert outcomes(snapshot) == dict.fromkeys("abcd", Reason.RATE_LIMITED)
    assert not any(result.failure.sent for result in snapshot.results if result.failure)


async def test_skipped_tasks_come_first_and_tasks_that_timed_out_last(scraper: Scraper, client: FakeClient) -> None:
    client.answers = dict.fromkeys("abc", hangs)
    await scraper.scrape(Targets(tasks(*"abcde")), deadline_in(0.05))
    client.answers, client.queried = {}, []
    await scraper.scrape(Targets(tasks(*"abcde")), deadline_in(60))
    assert client.queried == ["d", "e", "a", "b", "c"]


async def test_scrapes_at_the_same_time_share_one_run(scraper: Scraper, client: FakeClient) -> None:
    scrapes = [scraper.scrape(Targets(tasks("a", "b")), deadline_in(60)) for _ in range(200)]
    snapshots = await asyncio.gather(*scrapes)
    assert sorted(client.queried) == ["a", "b"]
    assert all(outcomes(snapshot) == {"a": GOOD, "b": GOOD} for snapshot in snapshots)


async def test_scrapes_that_run_out_of_time_together_share_the_answer(scraper: Scraper, client: FakeClient) -> None:
    """Otherwise each would be rendered by itself, and all would be late."""
    client.answers["b"] = hangs
    deadline = deadline_in(0.05)
    snapshots = await asyncio.gather(*(scraper.scrape(Targets(tasks("a", "b")), deadline) for _ in range(50)))
    assert outcomes(snapshots[0]) == {"a": GOOD, "b": Reason.DEADLINE}
    assert len({id(snapshot) for snapshot in snapshots}) <= 2


async def test_a_patient_scraper_gets_what_a_hasty_one_beside_it_does_not(
    scraper: Scraper, client: FakeClient, history: History
) -> None:
    """The hasty one leaves with what has come; only the patient one's results are recorded."""
    event = asyncio.Event()
    client.answers["b"] = after(event)
    hasty = asyncio.create_task(scraper.scrape(Targets(tasks("a", "b")), deadline_in(0.05)))
    await settle()
    patient = asyncio.create_task(scraper.scrape(Targets(tasks("a", "b")), deadline_in(60)))
    assert outcomes(await hasty) == {"a": GOOD, "b": Reason.DEADLINE}
    assert history.prechecks.of(*tasks("b")) is None
    event.set()
    assert outcomes(await patient) == {"a": GOOD, "b": GOOD}
    assert client.queried == ["a", "b"]
    task = history.prechecks.of(*tasks("b"))
    assert task is not None
    assert task.failing_since is None


async def test_a_run_accepts_no_scrape_after_the_deadline_of_its_first(scraper: Scraper, client: FakeClient) -> None:
    """Otherwise scrapes that overlap all the time would share results that grow old."""
    client.answers["b"] = hangs
    first = asyncio.create_task(scraper.scrape(Targets(tasks("a", "b")), deadline_in(0.05)))
    await settle()
    second = asyncio.create_task(scraper.scrape(Targets(tasks("a", "b")), deadline_in(0.1)))
    await first
    await scraper.scrape(Targets(tasks("a", "b")), deadline_in(0.05))
    await second
    assert client.queried == ["a", "b", "a", "b"]


async def test_a_run_is_cancelled_with_its_last_scraper(scraper: Scraper, client: FakeClient, history: History) -> None:
    """The answers until then are recorded; what was under way is no failure of the API."""
    client.answers["b"] = hangs
    scrapes = [asyncio.create_task(scraper.scrape(Targets(tasks("a", "b")), deadline_in(60))) for _ in range(2)]
    await settle()
    scrapes[0].cancel()
    await settle()
    assert client.cancelled == []
    scrapes[1].cancel()
    await settle()
    assert client.cancelled == ["b"]
    assert history.prechecks.of(*tasks("a")) is not None
    assert history.prechecks.of(*tasks("b")) is None


async def test_a_probe_of_an_unwatched_task_leaves_no_history(scraper: Scraper, history: History) -> None:
    snapshot = await scraper.scrape(Targets(tasks("a"), record=False), deadline_in(60))
    assert outcomes(snapshot) == {"a": GOOD}
    assert history.prechecks.of(*tasks("a")) is None


async def test_discovered_tasks_are_queried_in_the_same_scrape(
    scraper: Scraper, client: FakeClient, watch_list: WatchList
) -> None:
    client.listed = REPLICATIONS
    snapshot = await scraper.scrape(Targets(tasks("a"), discover=True), deadline_in(60))
    assert outcomes(snapshot) == {"a": GOOD, "rp-1": GOOD, "rp-2": GOOD}
    (discovery,) = snapshot.discoveries
    assert discovery.failure is None
    assert discovery.tasks == watch_list.discovered
    assert client.queried[:2] == ["a", "list"]


async def test_tasks_that_the_list_no_longer_has_are_left_out(
    scraper: Scraper, client: FakeClient, watch_list: WatchList, history: History
) -> None:
    """Their queries failed because they are gone: that is not recorded as a failure."""
    client.listed = REPLICATIONS
    await scraper.scrape(Targets((), discover=True), deadline_in(60))
    _, gone = watch_list.discovered
    client.listed = REPLICATIONS[:1]
    client.answers["rp-2"] = raises(QueryError(Reason.NOT_FOUND, "gone"))
    snapshot = await scraper.scrape(Targets((), watch_list.discovered, discover=True), deadline_in(60))
    assert outcomes(snapshot) == {"rp-1": GOOD}
    task = history.prechecks.of(gone)
    assert task is not None
    assert task.failing_since is None


async def test_while_discovery_fails_the_known_tasks_stay(
    scraper: Scraper, client: FakeClient, watch_list: WatchList
) -> None:
    client.listed = REPLICATIONS
    await scraper.scrape(Targets((), discover=True), deadline_in(60))
    client.listed, client.list_error = [], QueryError(Reason.CONNECT, "refused")
    snapshot = await scraper.scrape(Targets((), watch_list.discovered, discover=True), deadline_in(60))
    assert outcomes(snapshot) == {"rp-1": GOOD, "rp-2": GOOD}
    (discovery,) = snapshot.discoveries
    assert discovery.failure == QueryFailure(Reason.CONNECT, "refused")


async def test_discovery_that_hangs_costs_the_other_tasks_nothing(
    scraper: Scraper, client: FakeClient, watch_list: WatchList
) -> None:
    """Pages that were read until then count, and next time it comes after everything else."""
    client.listed, client.list_hangs = REPLICATIONS, True
    snapshot = await scraper.scrape(Targets(tasks("a"), discover=True), deadline_in(0.05))
    assert outcomes(snapshot)["a"] is GOOD
    (discovery,) = snapshot.discoveries
    assert discovery.failure is not None
    assert discovery.failure.reason is Reason.DEADLINE
    assert {task.task_id for task in watch_list.discovered} == {"rp-1", "rp-2"}
    client.queried = []
    await scraper.scrape(Targets(tasks("a"), watch_list.discovered, discover=True), deadline_in(0.05))
    assert client.queried[-1] == "list"


async def test_a_discovery_that_had_no_time_comes_first_next_time(scraper: Scraper, client: FakeClient) -> None:
    client.answers = dict.fromkeys("abc", hangs)
    snapshot = await scraper.scrape(Targets(tasks(*"abc"), discover=True), deadline_in(0.05))
    (discovery,) = snapshot.discoveries
    assert discovery.failure is not None
    assert not discovery.failure.sent
    assert not discovery.complete
    client.answers, client.queried = {}, []
    await scraper.scrape(Targets(tasks(*"abc"), discover=True), deadline_in(60))
    assert client.queried[0] == "list"


async def test_discovery_alone_queries_no_task(scraper: Scraper, client: FakeClient) -> None:
    client.listed = REPLICATIONS
    snapshot = await scraper.scrape(Targets((), discover=True, query=False), deadline_in(60))
    assert snapshot.results == ()
    (discovery,) = snapshot.discoveries
    assert len(discovery.tasks) == 2
    assert client.queried == ["list"]


async def test_without_tasks_the_snapshot_is_empty(scraper: Scraper) -> None:
    assert await scraper.scrape(Targets(()), deadline_in(60)) == Snapshot(())


async def test_a_shard_queries_only_its_share_of_the_discovered_tasks(client: FakeClient) -> None:
    client.listed = [ListedTask(f"rp-{number}", "", "running") for number in range(50)]
    queried = []
    for index in range(2):
        watch_list = empty_watch_list(Discovery(DiscoverySettings("replication")), shard=Shard(index, 2))
        scraper = Scraper(client, config_of(), watch_list, History())
        snapshot = await scraper.scrape(Targets((), discover=True), deadline_in(60))
        queried += list(outcomes(snapshot))
    assert sorted(queried) == sorted(entry.task_id for entry in client.listed)


# The tasks themselves


@pytest.fixture
def both(client: FakeClient, watch_list: WatchList, history: History) -> Scraper:
    """A scraper that queries every task itself as well as its precheck."""
    return Scraper(client, replace(config_of(), task_status=True), watch_list, history, wall_clock=lambda: NOON)


def states(snapshot: Snapshot) -> dict[str, TaskState | Reason]:
    return {
        state.task.task_id: state.outcome.reason if isinstance(state.outcome, QueryFailure) else state.outcome
        for state in snapshot.states
    }


async def test_a_task_without_a_precheck_is_queried_itself(scraper: Scraper, client: FakeClient) -> None:
    """And only that; a task with a precheck is not."""
    watched = (*tasks("cd-1"), Task(TaskRef("data_compare", "cd-2", ""), "cd-2"))
    snapshot = await scraper.scrape(Targets(watched), deadline_in(60))
    assert client.queried == ["cd-1", "cd-2 itself"]
    assert (outcomes(snapshot), states(snapshot)) == ({"cd-1": GOOD}, {"cd-2": RUNNING})


async def test_a_query_that_fails_costs_the_other_of_the_same_task_nothing(both: Scraper, client: FakeClient) -> None:
    client.answers["a"] = client.states["b"] = raises(QueryError(Reason.API_ERROR, "refused"))
    snapshot = await both.scrape(Targets(tasks("a", "b")), deadline_in(60))
    assert outcomes(snapshot) == {"a": Reason.API_ERROR, "b": GOOD}
    assert states(snapshot) == {"a": RUNNING, "b": Reason.API_ERROR}


async def test_what_a_failed_query_learnt_before_is_kept(
    both: Scraper, client: FakeClient, history: History, lines: Callable[[], list[dict[str, object]]]
) -> None:
    """A comparison's status, if only the query of its results fails or has no time."""

    async def fails(progress: QueryProgress) -> TaskState:
        progress.state = RUNNING
        raise QueryError(Reason.HTTP_ERROR, "HTTP 500")

    async def stays_out(progress: QueryProgress) -> TaskState:
        progress.state, progress.sent = RUNNING, True
        return await hangs(progress)

    client.states |= {"a": fails, "b": stays_out, "c": hangs}
    snapshot = await both.scrape(Targets(tasks(*"abc")), deadline_in(0.5))
    assert states(snapshot) == {"a": Reason.HTTP_ERROR, "b": Reason.DEADLINE, "c": Reason.DEADLINE}
    assert [state.answer for state in snapshot.states] == [RUNNING, RUNNING, None]
    kept = history.states.of(*tasks("a"))
    assert kept is not None
    assert (kept.answer, kept.failing_since) == (RUNNING, NOON)
    assert [line["msg"] for line in lines() if line["task_id"] == "a"] == [
        "precheck status",
        "task status",
        "task query failed",
    ]


async def test_both_queries_take_their_turns_by_how_they_went_last_time(both: Scraper, client: FakeClient) -> None:
    """Skipped ones first, those that timed out last, whatever they ask for."""
    client.answers, client.states = {"a": hangs}, {"a": hangs, "b": hangs}
    await both.scrape(Targets(tasks(*"abc")), deadline_in(0.5))
    client.answers, client.states, client.queried = {}, {}, []
    await both.scrape(Targets(tasks(*"abc")), deadline_in(60))
    assert client.queried == ["c", "c itself", "b", "a", "a itself", "b itself"]


async def test_a_discovered_task_has_its_status_from_the_list(
    scraper: Scraper, client: FakeClient, watch_list: WatchList, history: History
) -> None:
    """Without a query. While the list fails, it is unknown, and that is no failure of each task."""
    client.listed = REPLICATIONS
    snapshot = await scraper.scrape(Targets((), discover=True), deadline_in(60))
    assert client.queried == ["list", "rp-1", "rp-2"]
    assert states(snapshot) == {
        "rp-1": TaskState(TaskStatus.RUNNING, "running"),
        "rp-2": TaskState(TaskStatus.FAILED, "failed"),
    }
    client.listed, client.list_error = REPLICATIONS[:1], QueryError(Reason.CONNECT, "refused")
    snapshot = await scraper.scrape(Targets((), watch_list.discovered, discover=True), deadline_in(60))
    assert states(snapshot) == {"rp-1": TaskState(TaskStatus.RUNNING, "running"), "rp-2": Reason.CONNECT}
    kept = history.states.of(watch_list.tasks[1])
    assert kept is not None
    assert kept.failing_since is None


async def test_a_named_task_that_is_on_the_list_has_its_status_too(scraper: Scraper, client: FakeClient) -> None:
    """One that is not on the list has none, and that is no failure."""
    named = tuple(Task(TaskRef("replication", task_id, ""), task_id) for task_id in ("rp-1", "rp-9"))
    client.listed = REPLICATIONS[:1]
    snapshot = await scraper.scrape(Targets(named, discover=True), deadline_in(60))
    assert (client.queried.count("rp-1"), outcomes(snapshot).keys()) == (1, {"rp-1", "rp-9"})
    assert states(snapshot) == {"rp-1": TaskState(TaskStatus.RUNNING, "running")}
    client.listed, client.list_error = [], QueryError(Reason.CONNECT, "refused")
    snapshot = await scraper.scrape(Targets(named, discover=True), deadline_in(60))
    assert states(snapshot) == {"rp-1": Reason.CONNECT}


async def test_both_kinds_of_task_are_discovered_at_once(client: FakeClient, history: History) -> None:
    """Schema comparisons have no precheck that could be found; a probe queries such a task itself."""
    watch_list = empty_watch_list(*(Discovery(DiscoverySettings(kind)) for kind in ("replication", "schema_compare")))
    scraper = Scraper(client, config_of(), watch_list, history)
    client.listed = [*REPLICATIONS, ListedTask("cc-1", "schema", "stopped")]
    snapshot = await scraper.scrape(Targets((), discover=True), deadline_in(60))
    assert [(found.kind, len(found.tasks)) for found in snapshot.discoveries] == [
        ("replication", 2),
        ("schema_compare", 1),
    ]
    assert (outcomes(snapshot).keys(), states(snapshot)["cc-1"]) == (
        {"rp-1", "rp-2"},
        TaskState(TaskStatus.STOPPED, "stopped"),
    )
    assert watch_list.most_requests() == 4
    client.queried = []
    snapshot = await scraper.scrape(Targets(watch_list.discovered[2:]), deadline_in(60))
    assert (client.queried, states(snapshot)) == (["cc-1 itself"], {"cc-1": RUNNING})


async def test_a_discovered_task_is_queried_itself_as_well_if_all_are(both: Scraper, client: FakeClient) -> None:
    """The list shows no delay and no progress."""
    client.listed = REPLICATIONS[:1]
    snapshot = await both.scrape(Targets((), discover=True), deadline_in(60))
    assert client.queried == ["list", "rp-1", "rp-1 itself"]
    assert states(snapshot) == {"rp-1": RUNNING}
