"""A scrape, with a client that answers what a test says."""

import asyncio
import itertools
import logging
from dataclasses import replace

import pytest

from exporter.config import DiscoverySettings, Task
from exporter.ninedata import ListedTask, QueryError, Reason, TaskRef, TaskState, TaskStatus
from exporter.ninedata.client import QueryProgress
from exporter.scraping.discovery import Discovery
from exporter.scraping.history import History
from exporter.scraping.scraper import Scraper, Targets
from exporter.scraping.snapshot import QueryFailure, Snapshot
from exporter.scraping.watch_list import WatchList
from tests.conftest import Lines
from tests.ninedata.virtual_time import VirtualTimeLoop
from tests.scraping.fakes import (
    GOOD,
    NOON,
    RUNNING,
    FakeClient,
    after,
    config_of,
    hangs,
    history_of,
    outcomes,
    raises,
    settle,
    tasks,
    waits_for_rate_limit,
    watch_list_of,
)

pytestmark = pytest.mark.anyio

REPLICATIONS = [ListedTask("rp-1", "one", "running"), ListedTask("rp-2", "two", "failed")]
STATES = {"rp-1": TaskState(TaskStatus.RUNNING, "running"), "rp-2": TaskState(TaskStatus.FAILED, "failed")}
DISCOVERY = Targets((), discover=True)
REFUSED = QueryError(Reason.CONNECT, "refused")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, type[VirtualTimeLoop]]]:
    return "asyncio", {"loop_factory": VirtualTimeLoop}


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def history() -> History:
    return History()


@pytest.fixture
def watch_list() -> WatchList:
    return watch_list_of(Discovery(DiscoverySettings("replication")))


@pytest.fixture
def scraper(client: FakeClient, watch_list: WatchList, history: History) -> Scraper:
    return Scraper(client, config_of(), watch_list, history, wall_clock=lambda: NOON)


@pytest.fixture
def both(scraper: Scraper) -> Scraper:
    """A scraper that queries every task itself as well as its precheck."""
    return replace(scraper, config=replace(config_of(), task_status=True))


async def scrape(scraper: Scraper, targets: Targets, seconds: float = 60) -> Snapshot:
    return await scraper.scrape(targets, asyncio.get_running_loop().time() + seconds)


async def test_queries_every_task_once_with_bounded_concurrency(scraper: Scraper, client: FakeClient) -> None:
    watched = tasks(*(f"cd-{number}" for number in range(20)))
    snapshot = await scrape(scraper, Targets(watched))
    assert [result.task for result in snapshot.prechecks] == list(watched)
    assert all(result.outcome is GOOD and result.at == NOON for result in snapshot.prechecks)
    assert sorted(client.queried) == sorted(task.task_id for task in watched)
    assert client.most_running == 3


async def test_a_result_has_its_own_time(scraper: Scraper, client: FakeClient) -> None:
    """Of a task on a list, that of the list; without an answer, that of the deadline."""
    clock = (NOON.replace(month=month) for month in itertools.count(1))
    client.listed, client.answers["b"] = REPLICATIONS[:1], hangs
    scraper = replace(scraper, wall_clock=lambda: next(clock))
    snapshot = await scrape(scraper, replace(DISCOVERY, tasks=tasks("a", "b")), 0.05)
    assert [result.task.task_id for result in snapshot.prechecks] == ["a", "b", "rp-1"]
    assert [result.at.month for result in (*snapshot.prechecks, *snapshot.states)] == [1, 4, 3, 2]
    assert [result.seconds for result in snapshot.prechecks] == [0, pytest.approx(0.05), 0]


async def test_a_failed_query_costs_only_itself(both: Scraper, client: FakeClient) -> None:
    """Neither other tasks nor the other query of the same task."""
    client.answers["a"] = client.answers["b itself"] = raises(QueryError(Reason.API_ERROR, "no", request_id="r-1"))
    snapshot = await scrape(both, Targets(tasks("a", "b", "c")))
    assert outcomes(snapshot.prechecks) == {"a": Reason.API_ERROR, "b": GOOD, "c": GOOD}
    assert outcomes(snapshot.states) == {"a": RUNNING, "b": Reason.API_ERROR, "c": RUNNING}
    assert snapshot.prechecks[0].outcome == QueryFailure(Reason.API_ERROR, "no", "r-1")


async def test_a_bug_met_in_one_task_is_its_internal_failure(
    scraper: Scraper, client: FakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.answers["b"] = raises(KeyError("details for the log only"))
    snapshot = await scrape(scraper, Targets(tasks("a", "b", "c")))
    assert outcomes(snapshot.prechecks) == {"a": GOOD, "b": Reason.INTERNAL, "c": GOOD}
    assert "details" not in str(snapshot.prechecks[1].outcome)
    (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert record.exc_info


async def test_at_the_deadline_every_task_without_an_answer_has_the_reason(
    scraper: Scraper, client: FakeClient
) -> None:
    """Sent and not answered: `deadline`. Not sent: `deadline` too, and marked as not sent."""
    client.answers |= dict.fromkeys("abc", hangs)
    snapshot = await scrape(scraper, Targets(tasks("x", "a", "b", "c", "d")), 0.05)
    assert outcomes(snapshot.prechecks) == {"x": GOOD} | dict.fromkeys("abcd", Reason.DEADLINE)
    assert [result.failure.sent for result in snapshot.prechecks if result.failure] == [True, True, True, False]
    await settle()
    assert sorted(client.cancelled) == ["a", "b", "c"]


async def test_what_the_rate_limit_leaves_no_time_for_is_rate_limited(scraper: Scraper, client: FakeClient) -> None:
    client.answers |= dict.fromkeys("abcd", waits_for_rate_limit)
    snapshot = await scrape(scraper, Targets(tasks(*"abcd")), 0.05)
    assert outcomes(snapshot.prechecks) == dict.fromkeys("abcd", Reason.RATE_LIMITED)
    assert not any(result.failure.sent for result in snapshot.prechecks if result.failure)


async def test_skipped_queries_come_first_and_those_that_timed_out_last(both: Scraper, client: FakeClient) -> None:
    """Among those that ask for prechecks, and among those that ask for tasks themselves."""
    client.answers |= dict.fromkeys(("a", "a itself", "c"), hangs)
    await scrape(both, Targets(tasks(*"abcd")), 0.5)
    client.answers, client.queried = {}, []
    await scrape(both, Targets(tasks(*"abcd")))
    itself = ["b itself", "c itself", "d itself", "a itself"]
    assert sorted(client.queried, key=lambda query: query in itself) == ["d", "b", "a", "c", *itself]


@pytest.mark.parametrize("hung", ["", " itself"])
async def test_prechecks_that_hang_cost_no_task_its_status_nor_the_other_way_round(
    both: Scraper, client: FakeClient, hung: str
) -> None:
    """In the first scrape, and in the next ones, where skipped queries come first."""
    client.answers = dict.fromkeys((f"{task_id}{hung}" for task_id in "abcdefgh"), hangs)
    for _ in range(3):
        snapshot = await scrape(both, Targets(tasks(*"abcdefgh")), 0.05)
        assert all(result.up for result in (snapshot.prechecks if hung else snapshot.states))


async def test_a_single_worker_begins_with_tasks_themselves_in_every_second_scrape(
    both: Scraper, client: FakeClient
) -> None:
    client.answers = dict.fromkeys("ab", hangs)
    scraper = replace(both, config=replace(both.config, api=replace(both.config.api, concurrency=1)))
    snapshots = [await scrape(scraper, Targets(tasks(*"ab")), 0.05) for _ in range(4)]
    assert [state.up for snapshot in snapshots for state in snapshot.states] == [False, False, True, True] * 2


async def test_what_was_skipped_more_often_comes_first(scraper: Scraper, client: FakeClient) -> None:
    """Otherwise the last of many tasks would never be queried."""
    client.answers |= dict.fromkeys("abcdef", hangs)
    for _ in range(2):
        await scrape(scraper, Targets(tasks(*"abcdefg")), 0.05)
    client.answers, client.queried = {}, []
    await scrape(scraper, Targets(tasks(*"abcdefg")))
    assert client.queried == [*"gabcdef"]


async def test_scrapes_at_the_same_time_share_one_run(scraper: Scraper, client: FakeClient) -> None:
    """But not with a probe of one of the tasks."""
    targets = [Targets(tasks("a", "b"))] * 200 + [Targets(tasks("b"))]
    *snapshots, probed = await asyncio.gather(*(scrape(scraper, each) for each in targets))
    assert sorted(client.queried) == ["a", "b", "b"]
    assert all(outcomes(snapshot.prechecks) == {"a": GOOD, "b": GOOD} for snapshot in snapshots)
    assert outcomes(probed.prechecks) == {"b": GOOD}


async def test_scrapes_that_run_out_of_time_together_share_the_answer(scraper: Scraper, client: FakeClient) -> None:
    """Otherwise each would be rendered by itself, and all would be late."""
    client.answers["b"] = hangs
    snapshots = await asyncio.gather(*(scrape(scraper, Targets(tasks("a", "b")), 0.05) for _ in range(50)))
    assert outcomes(snapshots[0].prechecks) == {"a": GOOD, "b": Reason.DEADLINE}
    assert len({id(snapshot) for snapshot in snapshots}) <= 2


async def test_a_patient_scraper_gets_what_a_hasty_one_beside_it_does_not(
    scraper: Scraper, client: FakeClient, history: History
) -> None:
    """The hasty one leaves with what has come; only the patient one's results are recorded."""
    event, targets = asyncio.Event(), Targets(tasks("a", "b"))
    client.answers["b"] = after(event)
    hasty = asyncio.create_task(scrape(scraper, targets, 0.05))
    await settle()
    patient = asyncio.create_task(scrape(scraper, targets))
    assert outcomes((await hasty).prechecks) == {"a": GOOD, "b": Reason.DEADLINE}
    assert history.prechecks.of(targets.tasks[1]) is None
    event.set()
    assert outcomes((await patient).prechecks) == {"a": GOOD, "b": GOOD}
    assert client.queried == ["a", "b"]
    assert history_of(history.prechecks, targets.tasks[1]).failing_since is None


async def test_a_run_accepts_no_scrape_after_the_deadline_of_its_first(scraper: Scraper, client: FakeClient) -> None:
    """Otherwise scrapes that overlap all the time would share results that grow old."""
    client.answers["b"] = hangs
    first = asyncio.create_task(scrape(scraper, Targets(tasks("a", "b")), 0.05))
    await settle()
    second = asyncio.create_task(scrape(scraper, Targets(tasks("a", "b")), 0.1))
    await first
    await scrape(scraper, Targets(tasks("a", "b")), 0.05)
    await second
    assert client.queried == ["a", "b", "a", "b"]


async def test_a_run_is_cancelled_with_its_last_scraper(scraper: Scraper, client: FakeClient, history: History) -> None:
    """The answers until then are recorded; what was under way is no failure of the API."""
    client.answers["b"] = hangs
    answered, under_way = watched = tasks("a", "b")
    scrapes = [asyncio.create_task(scrape(scraper, Targets(watched))) for _ in range(2)]
    await settle()
    scrapes[0].cancel()
    await settle()
    assert client.cancelled == []
    scrapes[1].cancel()
    await settle()
    assert client.cancelled == ["b"]
    assert history.prechecks.of(answered)
    assert history.prechecks.of(under_way) is None


async def test_of_a_task_whose_query_was_under_way_nothing_is_recorded(
    both: Scraper, client: FakeClient, history: History
) -> None:
    """Not even the status on the list: the query itself may be failing all the time."""
    client.listed, client.answers["rp-1 itself"] = REPLICATIONS, hangs
    running = asyncio.create_task(scrape(both, DISCOVERY))
    await settle()
    running.cancel()
    await settle()
    under_way, answered = both.watch_list.discovered
    assert (history.states.of(under_way), history_of(history.states, answered).answer) == (None, RUNNING)


async def test_a_probe_of_an_unwatched_task_leaves_no_history(scraper: Scraper, history: History) -> None:
    assert outcomes((await scrape(scraper, Targets(tasks("a"), record=False))).prechecks) == {"a": GOOD}
    assert history.prechecks.of(*tasks("a")) is None


async def test_discovered_tasks_are_queried_in_the_same_scrape(
    scraper: Scraper, client: FakeClient, watch_list: WatchList
) -> None:
    client.listed = REPLICATIONS
    snapshot = await scrape(scraper, replace(DISCOVERY, tasks=tasks("a")))
    assert outcomes(snapshot.prechecks) == {"a": GOOD, "rp-1": GOOD, "rp-2": GOOD}
    (discovery,) = snapshot.discoveries
    assert (discovery.failure, discovery.tasks) == (None, watch_list.discovered)
    assert client.queried[:2] == ["a", "list"]


async def test_tasks_that_the_list_no_longer_has_are_left_out(
    scraper: Scraper, client: FakeClient, watch_list: WatchList, history: History
) -> None:
    """Their queries failed because they are gone: that is not recorded as a failure."""
    client.listed = REPLICATIONS
    await scrape(scraper, DISCOVERY)
    _, gone = discovered = watch_list.discovered
    client.listed = REPLICATIONS[:1]
    client.answers["rp-2"] = raises(QueryError(Reason.NOT_FOUND, "gone"))
    snapshot = await scrape(scraper, replace(DISCOVERY, discovered=discovered))
    assert outcomes(snapshot.prechecks) == {"rp-1": GOOD}
    assert history_of(history.prechecks, gone).failing_since is None


async def test_while_discovery_fails_the_known_tasks_stay(
    scraper: Scraper, client: FakeClient, watch_list: WatchList, history: History
) -> None:
    """With the status that the list showed before its failure. That it shows none is no failure of the task."""
    client.listed = REPLICATIONS
    await scrape(scraper, DISCOVERY)
    client.listed, client.answers["list"] = REPLICATIONS[:1], raises(REFUSED)
    snapshot = await scrape(scraper, replace(DISCOVERY, discovered=watch_list.discovered))
    assert outcomes(snapshot.prechecks) == {"rp-1": GOOD, "rp-2": GOOD}
    assert outcomes(snapshot.states) == {"rp-1": STATES["rp-1"], "rp-2": Reason.CONNECT}
    assert history_of(history.states, watch_list.discovered[1]).failing_since is None
    (discovery,) = snapshot.discoveries
    assert discovery.failure == QueryFailure(Reason.CONNECT, "refused")


async def test_discovery_that_hangs_costs_the_other_tasks_nothing(
    scraper: Scraper, client: FakeClient, watch_list: WatchList
) -> None:
    """Pages that were read until then count, and next time it comes after everything else."""
    client.listed, client.answers["list"] = REPLICATIONS, hangs
    snapshot = await scrape(scraper, replace(DISCOVERY, tasks=tasks("a")), 0.05)
    assert outcomes(snapshot.prechecks) == {"a": GOOD, "rp-1": Reason.DEADLINE, "rp-2": Reason.DEADLINE}
    (discovery,) = snapshot.discoveries
    assert (discovery.failure and discovery.failure.reason) is Reason.DEADLINE
    client.queried = []
    await scrape(scraper, Targets(tasks("a"), watch_list.discovered, discover=True), 0.05)
    assert client.queried == ["rp-1", "rp-2", "a", "list"]


async def test_a_discovery_that_had_no_time_comes_first_next_time(scraper: Scraper, client: FakeClient) -> None:
    client.answers |= dict.fromkeys("abc", hangs)
    targets = replace(DISCOVERY, tasks=tasks(*"abc"))
    (discovery,) = (await scrape(scraper, targets, 0.05)).discoveries
    assert discovery.failure
    assert (discovery.failure.sent, discovery.complete) == (False, False)
    client.answers, client.queried = {}, []
    await scrape(scraper, replace(targets, tasks=tasks(*"abcd")))
    assert client.queried[0] == "list"


async def test_discovery_alone_queries_no_task(scraper: Scraper, client: FakeClient) -> None:
    client.listed = REPLICATIONS
    snapshot = await scrape(scraper, replace(DISCOVERY, query=False))
    assert (snapshot.prechecks, snapshot.states) == ((), ())
    assert [len(discovery.tasks) for discovery in snapshot.discoveries] == [2]
    assert client.queried == ["list"]


async def test_a_task_without_a_precheck_id_is_queried_itself(scraper: Scraper, client: FakeClient) -> None:
    """A comparison only itself, a replication task as well as its precheck, which has no id."""
    alone = [
        Task(TaskRef(kind, task_id, ""), task_id) for kind, task_id in (("data_compare", "b"), ("replication", "c"))
    ]
    snapshot = await scrape(scraper, Targets((*tasks("a"), *alone)))
    assert sorted(client.queried) == ["a", "b itself", "c", "c itself"]
    assert (outcomes(snapshot.prechecks), outcomes(snapshot.states)) == (
        {"a": GOOD, "c": GOOD},
        {"b": RUNNING, "c": RUNNING},
    )


async def test_what_a_failed_query_learnt_before_is_kept(
    both: Scraper, client: FakeClient, history: History, lines: Lines
) -> None:
    """A comparison's status, if only the query of its results fails or has no time."""

    async def fails(progress: QueryProgress) -> TaskState:
        progress.state = RUNNING
        raise QueryError(Reason.NOT_FOUND, "gone")

    async def stays_out(progress: QueryProgress) -> TaskState:
        progress.state, progress.sent = RUNNING, True
        return await hangs(progress)

    client.answers |= {"a itself": fails, "b itself": stays_out, "c itself": hangs}
    snapshot = await scrape(both, Targets(tasks(*"abc")), 0.5)
    assert outcomes(snapshot.states) == {"a": Reason.NOT_FOUND, "b": Reason.DEADLINE, "c": Reason.DEADLINE}
    assert [state.answer for state in snapshot.states] == [RUNNING, RUNNING, None]
    kept = history_of(history.states, *tasks("a"))
    assert (kept.answer, kept.failing_since) == (RUNNING, NOON)
    *found, failed = [line for line in lines() if line["task_id"] == "a"]
    assert [line["msg"] for line in (*found, failed)] == ["precheck status", "task status", "task query failed"]
    assert "precheck" not in str(failed["advice"])


async def test_a_named_task_that_is_on_the_list_has_its_status_too(client: FakeClient, history: History) -> None:
    """One that is not on the list has none, and that is no failure."""
    watch_list = watch_list_of(Discovery(DiscoverySettings("schema_compare")))
    scraper = Scraper(client, config_of(), watch_list, history)
    named = tuple(Task(TaskRef("schema_compare", task_id, "pcte"), task_id) for task_id in ("cc-1", "cc-9"))
    client.listed = [ListedTask("cc-1", "one", "running")]
    snapshot = await scrape(scraper, replace(DISCOVERY, tasks=named))
    assert sorted(client.queried) == ["cc-1", "cc-9", "list"]
    assert outcomes(snapshot.states) == {"cc-1": STATES["rp-1"]}
    client.listed, client.answers["list"] = [], raises(REFUSED)
    snapshot = await scrape(scraper, replace(DISCOVERY, tasks=named))
    assert outcomes(snapshot.states) == {"cc-1": Reason.CONNECT}


async def test_both_kinds_of_task_are_discovered_at_once(client: FakeClient, history: History) -> None:
    """The list shows their status, not that of a named task; a schema comparison has no precheck that could be found.

    Without the list, a probe and `collect[]=tasks` query such a task itself; so does a scrape if all are queried.
    """
    named = Task(TaskRef("schema_compare", "cc-9", ""), "cc-9")
    discoveries = (Discovery(DiscoverySettings(kind)) for kind in ("replication", "schema_compare"))
    watch_list = watch_list_of(*discoveries, named=[named])
    scraper = Scraper(client, config_of(), watch_list, history)
    client.listed = [*REPLICATIONS, *(ListedTask(task_id, "schema", "suspended") for task_id in ("cc-1", "cc-9"))]
    snapshot = await scrape(scraper, replace(DISCOVERY, tasks=(named,)))
    found = [(discovery.kind, len(discovery.tasks)) for discovery in snapshot.discoveries]
    assert found == [("replication", 2), ("schema_compare", 1)]
    assert outcomes(snapshot.prechecks) == {"rp-1": GOOD, "rp-2": GOOD}
    own = STATES | {"cc-1": TaskState(TaskStatus.UNKNOWN, "suspended"), "cc-9": RUNNING}
    assert outcomes(snapshot.states) == own
    assert [state.task.task_id for state in snapshot.states if state.seconds is not None] == ["cc-9"]
    assert sorted(client.queried) == ["cc-9 itself", "list", "list", "rp-1", "rp-2"]
    assert watch_list.most_requests() == 6
    again = await scrape(scraper, replace(DISCOVERY, tasks=(named,), discovered=watch_list.discovered))
    assert (outcomes(again.states), len(again.prechecks)) == (own, 2)
    client.queried, discovered = [], watch_list.discovered[2:]
    for targets in (Targets(discovered), Targets((), discovered)):
        assert outcomes((await scrape(scraper, targets)).states) == {"cc-1": RUNNING}
    assert client.queried == ["cc-1 itself"] * 2
    snapshot = await scrape(replace(scraper, config=replace(config_of(), task_status=True)), DISCOVERY)
    assert outcomes(snapshot.states) == dict.fromkeys(("rp-1", "rp-2", "cc-1"), RUNNING)
