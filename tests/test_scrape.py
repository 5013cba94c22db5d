"""A scrape of the watched tasks, with a client that does what the test says."""

import asyncio
import logging

import pytest

from exporter.last_known import LastKnown
from exporter.ninedata import Precheck, QueryError, Reason, TaskRef
from exporter.scrape import MAX_RUNS, Scraper, Targets
from exporter.snapshot import Discovered, QueryFailure, Snapshot, TaskResult
from tests.fake_client import (
    GOOD,
    NOON,
    FakeClient,
    after,
    hung,
    in_time,
    left_over,
    outcomes,
    raising,
    settled,
    very_soon,
    watched,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def known() -> LastKnown:
    return LastKnown()


@pytest.fixture
def scraper(client: FakeClient, known: LastKnown) -> Scraper:
    return Scraper(client, concurrency=3, known=known, wall_clock=lambda: NOON)


async def test_every_task_is_queried_once(scraper: Scraper, client: FakeClient) -> None:
    """And its result is what the client said."""
    tasks = watched(*(f"cd-{number}" for number in range(20)))
    snapshot = await scraper.scrape(Targets(tasks), in_time())
    assert sorted(client.asked) == sorted(task.task_id for task in tasks)
    assert all(result.outcome is GOOD and result.up and result.asked for result in snapshot.results)
    assert {result.at for result in snapshot.results} == {NOON}


async def test_results_come_in_the_order_of_watching(scraper: Scraper, client: FakeClient) -> None:
    """Whichever was answered first."""
    event = asyncio.Event()
    client.answers["a"] = after(event)
    tasks = watched("a", "b", "c")
    scrape = asyncio.create_task(scraper.scrape(Targets(tasks), in_time()))
    await settled()
    event.set()
    assert [result.task for result in (await scrape).results] == list(tasks)


async def test_every_scrape_queries_anew(scraper: Scraper, client: FakeClient) -> None:
    """No answer is kept from one scrape to the next."""
    tasks = watched("a", "b")
    await scraper.scrape(Targets(tasks), in_time())
    client.answers["a"] = raising(QueryError(Reason.NOT_FOUND, "gone"))
    assert outcomes(await scraper.scrape(Targets(tasks), in_time())) == {"a": Reason.NOT_FOUND, "b": GOOD}
    assert client.asked == ["a", "b", "a", "b"]


async def test_without_tasks_there_is_nothing_to_do(scraper: Scraper, client: FakeClient) -> None:
    """An empty snapshot is a good one."""
    assert await scraper.scrape(Targets(()), in_time()) == Snapshot(())
    assert client.asked == []


async def test_a_failed_query_is_its_tasks_own(scraper: Scraper, client: FakeClient) -> None:
    """It becomes a failure with its reason, words and request id; the others are answered."""
    client.answers["b"] = raising(QueryError(Reason.API_ERROR, "the API refused the query", request_id="r-1"))
    snapshot = await scraper.scrape(Targets(watched("a", "b", "c")), in_time())
    assert outcomes(snapshot) == {"a": GOOD, "b": Reason.API_ERROR, "c": GOOD}
    assert snapshot.results[1].outcome == QueryFailure(Reason.API_ERROR, "the API refused the query", "r-1")
    assert not snapshot.results[1].up


async def test_a_fault_of_the_exporter_is_its_tasks_own(
    scraper: Scraper, client: FakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected exception is `internal`: the log has all of it, the failure's text only what it is called."""
    client.answers["b"] = raising(KeyError("something of the inside"))
    snapshot = await scraper.scrape(Targets(watched("a", "b", "c")), in_time())
    assert outcomes(snapshot) == {"a": GOOD, "b": Reason.INTERNAL, "c": GOOD}
    failure = snapshot.results[1].outcome
    assert isinstance(failure, QueryFailure)
    assert "KeyError" in failure.message
    assert "something of the inside" not in failure.message
    (record,) = (record for record in caplog.records if record.levelno >= logging.ERROR)
    assert record.exc_info
    assert vars(record)["fields"] == {"task": "b", "task_id": "b"}


async def test_a_fault_in_writing_a_result_is_its_tasks_own(scraper: Scraper, caplog: pytest.LogCaptureFixture) -> None:
    """As in asking: the others are whole."""

    def heard(result: TaskResult) -> None:
        if result.task.task_id == "b":
            raise KeyError("something of the inside")

    snapshot = await scraper.scrape(Targets(watched("a", "b", "c"), heard=heard), in_time())
    assert outcomes(snapshot) == {"a": GOOD, "b": Reason.INTERNAL, "c": GOOD}
    assert [vars(record)["fields"] for record in caplog.records if record.levelno >= logging.ERROR] == [
        {"task": "b", "task_id": "b"}
    ]
    known = scraper.known.get("b")
    assert known is not None
    assert not known.last.up


async def test_a_fault_in_remembering_a_result_is_its_tasks_own(client: FakeClient) -> None:
    """As in asking: the others are whole."""

    class Forgetful(LastKnown):
        def record(self, result: TaskResult, scrape: int) -> None:
            if result.task.task_id == "b":
                raise KeyError("something of the inside")
            super().record(result, scrape)

    snapshot = await Scraper(client, concurrency=3, known=Forgetful()).scrape(
        Targets(watched("a", "b", "c")), in_time()
    )
    assert outcomes(snapshot) == {"a": GOOD, "b": Reason.INTERNAL, "c": GOOD}


async def test_a_fault_in_discovering_costs_no_task(scraper: Scraper, caplog: pytest.LogCaptureFixture) -> None:
    """Those that are known are queried, and the discovery is `internal`."""

    async def discover(_deadline: float) -> Discovered:
        await asyncio.sleep(0)
        raise KeyError("something of the inside")

    snapshot = await scraper.scrape(Targets(watched("a"), watched("b"), discover), in_time())
    assert outcomes(snapshot) == {"a": GOOD, "b": GOOD}
    assert snapshot.discovered is not None
    assert snapshot.discovered.failure is not None
    assert snapshot.discovered.failure.reason is Reason.INTERNAL
    assert [vars(record)["fields"] for record in caplog.records if record.levelno >= logging.ERROR] == [
        {"discovery": "replication"}
    ]


async def test_no_more_than_the_permitted_number_at_once(scraper: Scraper, client: FakeClient) -> None:
    """And that many, where there are as many tasks."""
    event = asyncio.Event()
    tasks = watched(*(f"cd-{number}" for number in range(10)))
    client.answers = {task.task_id: after(event) for task in tasks}
    scrape = asyncio.create_task(scraper.scrape(Targets(tasks), in_time()))
    await settled()
    assert client.running == 3
    event.set()
    await scrape
    assert client.most_running == 3
    assert len(client.asked) == 10


async def test_one_slow_task_does_not_hold_up_the_others(scraper: Scraper, client: FakeClient) -> None:
    """The places of those that were answered are taken at once."""
    event = asyncio.Event()
    client.answers["a"] = after(event)
    scrape = asyncio.create_task(scraper.scrape(Targets(watched(*"abcdefgh")), in_time()))
    await settled()
    assert client.running == 1
    assert len(client.asked) == 8
    event.set()
    assert all(result.up for result in (await scrape).results)


async def test_every_query_has_the_scrapes_deadline(scraper: Scraper, client: FakeClient) -> None:
    """The deadline goes down to the client as it came."""
    deadline = in_time()
    await scraper.scrape(Targets(watched(*"abcdef")), deadline)
    assert set(client.deadlines) == {deadline}


async def test_the_answer_leaves_at_the_deadline(scraper: Scraper, client: FakeClient) -> None:
    """Whoever has not answered by then is a failure `deadline`; all the others are there."""
    client.answers = {"b": hung, "d": hung}
    deadline = very_soon()
    snapshot = await scraper.scrape(Targets(watched(*"abcde")), deadline)
    assert outcomes(snapshot) == {"a": GOOD, "b": Reason.DEADLINE, "c": GOOD, "d": Reason.DEADLINE, "e": GOOD}
    assert asyncio.get_running_loop().time() >= deadline


async def test_the_duration_is_the_tasks_own(client: FakeClient, known: LastKnown) -> None:
    """It counts the time spent on the task, not the time it waited for its turn."""
    clock = asyncio.get_running_loop().time
    spent: dict[str, float] = {}

    async def measured(task: TaskRef, _deadline: float) -> Precheck:
        began = clock()
        await asyncio.sleep(0.02)
        spent[task.task_id] = clock() - began
        return GOOD

    client.answers = {"a": measured, "b": measured}
    began = clock()
    first, second = (
        await Scraper(client, concurrency=1, known=known).scrape(Targets(watched("a", "b")), in_time())
    ).results
    total = clock() - began
    assert spent["a"] <= first.seconds <= total - spent["b"]
    assert spent["b"] <= second.seconds <= total - spent["a"] + 1e-6


async def test_identical_scrapes_share_one_run(scraper: Scraper, client: FakeClient) -> None:
    """Each task is asked once for all the scrapers that wait at the same time."""
    tasks, deadline = watched(*"abcdef"), in_time()
    same = tuple(watched(*"abcdef"))
    scrapes = (
        scraper.scrape(Targets(tasks), deadline),
        scraper.scrape(Targets(same), deadline),
        scraper.scrape(Targets(tasks), deadline + 1),
    )
    first, second, third = await asyncio.gather(*scrapes)
    assert first is second is third
    assert sorted(client.asked) == list("abcdef")


async def test_no_run_is_joined_that_may_end_too_late(scraper: Scraper, client: FakeClient) -> None:
    """A scraper with less patience gets its answer in its own time."""
    client.answers["a"] = hung
    tasks = watched("a", "b")
    patient = asyncio.create_task(scraper.scrape(Targets(tasks), in_time()))
    await settled()
    hasty = await scraper.scrape(Targets(tasks), very_soon())
    assert outcomes(hasty) == {"a": Reason.DEADLINE, "b": GOOD}
    assert not patient.done()
    assert len(client.asked) == 4
    patient.cancel()


async def test_no_run_of_other_tasks_is_joined(scraper: Scraper, client: FakeClient) -> None:
    """Only the same tasks are the same scrape."""
    deadline = in_time()
    one, other = await asyncio.gather(
        scraper.scrape(Targets(watched("a", "b")), deadline), scraper.scrape(Targets(watched("a")), deadline)
    )
    assert (len(one.results), len(other.results)) == (2, 1)
    assert sorted(client.asked) == ["a", "a", "b"]


async def test_only_so_many_runs_of_the_same_tasks(scraper: Scraper, client: FakeClient) -> None:
    """A scrape beyond that has what the run with the most time has found by then, and the rest is `deadline`."""
    release = asyncio.Event()
    client.answers["b"] = after(release)
    loop = asyncio.get_running_loop()
    targets = Targets(watched("a", "b"))
    first = [asyncio.create_task(scraper.scrape(targets, in_time() - n)) for n in range(MAX_RUNS)]
    await settled()
    hasty = [asyncio.create_task(scraper.scrape(targets, loop.time() + 0.1 - n / 1000)) for n in range(10)]
    for snapshot in await asyncio.gather(*hasty):
        assert outcomes(snapshot) == {"a": GOOD, "b": Reason.DEADLINE}
        assert snapshot.results[1].seconds < 5
    assert client.asked.count("a") == MAX_RUNS
    release.set()
    for snapshot in await asyncio.gather(*first):
        assert outcomes(snapshot) == {"a": GOOD, "b": GOOD}


async def test_a_hasty_scraper_takes_nothing_from_a_patient_one(scraper: Scraper, client: FakeClient) -> None:
    """A run that will be over long before its deadline is not shared."""
    release = asyncio.Event()
    client.answers["b"] = after(release, or_hung=True)
    targets = Targets(watched("a", "b"))
    hasty = asyncio.create_task(scraper.scrape(targets, very_soon()))
    await settled()
    release.set()
    patient = asyncio.create_task(scraper.scrape(targets, in_time()))
    assert outcomes(await hasty) == {"a": GOOD, "b": Reason.DEADLINE}
    assert outcomes(await patient) == {"a": GOOD, "b": GOOD}


async def test_a_crowd_of_hasty_scrapers_takes_nothing_from_a_patient_one(scraper: Scraper, client: FakeClient) -> None:
    """Where there are as many runs as may be, it waits for the end of one, and then has its own."""
    release = asyncio.Event()
    client.answers["b"] = after(release, or_hung=True)
    targets, soon = Targets(watched("a", "b")), very_soon()
    hasty = [asyncio.create_task(scraper.scrape(targets, soon - n / 1000)) for n in range(MAX_RUNS)]
    await settled()
    patient = asyncio.create_task(scraper.scrape(targets, in_time()))
    await settled()
    assert client.asked.count("a") == MAX_RUNS
    await asyncio.gather(*hasty)
    release.set()
    assert outcomes(await patient) == {"a": GOOD, "b": GOOD}
    assert client.asked.count("a") == MAX_RUNS + 1


async def test_a_scrape_whose_time_is_up_already(scraper: Scraper, client: FakeClient) -> None:
    """Ends at once, after one attempt."""
    client.answers["a"] = hung
    async with asyncio.timeout(10):
        snapshot = await scraper.scrape(Targets(watched("a")), asyncio.get_running_loop().time() - 1)
    assert outcomes(snapshot) == {"a": Reason.DEADLINE}
    assert client.asked == ["a"]


async def test_who_only_discovers_queries_nothing_and_shares(scraper: Scraper, client: FakeClient) -> None:
    """However many come at once."""
    found, asked = Discovered(watched("a", "b"), None, 0.1), []

    async def discover(_deadline: float) -> Discovered:
        asked.append(1)
        await asyncio.sleep(0)
        return found

    targets, deadline = Targets(watched("c"), watched("a"), discover, query=False), in_time()
    snapshots = await asyncio.gather(*(scraper.scrape(targets, deadline) for _ in range(20)))
    assert all((snapshot.results, snapshot.discovered) == ((), found) for snapshot in snapshots)
    assert (len(asked), client.asked) == (1, [])


async def test_a_run_whose_hasty_waiter_is_the_last_ends(scraper: Scraper, client: FakeClient) -> None:
    """Nothing is left of it."""
    client.answers["a"] = hung
    targets = Targets(watched("a"))
    patient = [asyncio.create_task(scraper.scrape(targets, in_time() - n)) for n in range(MAX_RUNS)]
    await settled()
    hasty = asyncio.create_task(scraper.scrape(targets, very_soon()))
    await settled()
    for task in patient:
        task.cancel()
    assert outcomes(await hasty) == {"a": Reason.DEADLINE}
    await settled()
    assert client.running == 0


async def test_a_discovery_that_is_not_over_is_told(scraper: Scraper) -> None:
    """To a scrape that shares a run which goes on: its known tasks are there, and that the discovery is late."""
    found = Discovered(watched("a", "b"), None, 0.1)
    release = asyncio.Event()

    async def discover(_deadline: float) -> Discovered:
        await release.wait()
        return found

    targets = Targets((), watched("a"), discover)
    patient = [asyncio.create_task(scraper.scrape(targets, in_time() - n)) for n in range(MAX_RUNS)]
    await settled()
    snapshot = await scraper.scrape(targets, very_soon())
    assert outcomes(snapshot) == {"a": GOOD}
    assert snapshot.discovered is not None
    assert snapshot.discovered.failure is not None
    assert snapshot.discovered.failure.reason is Reason.DEADLINE
    release.set()
    for whole in await asyncio.gather(*patient):
        assert (outcomes(whole), whole.discovered) == ({"a": GOOD, "b": GOOD}, found)


async def test_who_goes_away_does_not_end_the_run_of_the_others(scraper: Scraper, client: FakeClient) -> None:
    """Not even the one whose scrape began it."""
    event = asyncio.Event()
    client.answers["a"] = after(event)
    tasks, deadline = watched("a", "b"), in_time()
    first = asyncio.create_task(scraper.scrape(Targets(tasks), deadline))
    await settled()
    second = asyncio.create_task(scraper.scrape(Targets(tasks), deadline))
    await settled()
    first.cancel()
    await settled()
    assert first.cancelled()
    third = asyncio.create_task(scraper.scrape(Targets(tasks), deadline))
    await settled()
    event.set()
    assert await second is await third
    assert client.cancelled == []
    assert client.asked == ["a", "b"]


async def test_the_last_one_that_goes_away_ends_the_run(scraper: Scraper, client: FakeClient) -> None:
    """Nothing goes on for nobody, and whoever comes next gets a run of its own."""
    before = asyncio.all_tasks()
    client.answers = dict.fromkeys("ab", hung)
    tasks, deadline = watched("a", "b"), in_time()
    waiting = [asyncio.create_task(scraper.scrape(Targets(tasks), deadline)) for _ in range(3)]
    await settled()
    for scrape in waiting:
        scrape.cancel()
    await asyncio.wait(waiting)
    await settled()
    assert sorted(client.cancelled) == ["a", "b"]
    assert client.running == 0
    assert asyncio.all_tasks() == before
    client.answers.clear()
    assert outcomes(await scraper.scrape(Targets(tasks), deadline)) == {"a": GOOD, "b": GOOD}


async def test_a_scrape_right_after_one_that_was_given_up(scraper: Scraper, client: FakeClient) -> None:
    """It does not join what is being ended."""
    client.answers["a"] = hung
    tasks, deadline = watched("a"), in_time()
    given_up = asyncio.create_task(scraper.scrape(Targets(tasks), deadline))
    await settled()
    client.answers.clear()
    given_up.cancel()
    await asyncio.wait([given_up])
    assert outcomes(await scraper.scrape(Targets(tasks), deadline)) == {"a": GOOD}


async def test_nothing_outlives_the_scrape(scraper: Scraper, client: FakeClient) -> None:
    """When the answer is there no task of the loop is left, whatever became of the queries."""
    before = asyncio.all_tasks()
    client.answers = {"a": hung, "b": raising(ValueError()), "c": left_over()}
    await scraper.scrape(Targets(watched(*"abcdefgh")), very_soon())
    await settled()
    assert asyncio.all_tasks() == before
    assert client.running == 0


async def test_what_was_found_is_remembered_for_the_pages(
    scraper: Scraper, client: FakeClient, known: LastKnown
) -> None:
    """Failures as well as answers, as soon as each is there and not only at the end of the scrape."""
    event = asyncio.Event()
    client.answers = {"a": raising(QueryError(Reason.TLS, "untrusted")), "c": after(event)}
    tasks = watched(*"abc")
    scrape = asyncio.create_task(scraper.scrape(Targets(tasks), in_time()))
    await settled()
    assert [known.get(task_id) is not None for task_id in "abc"] == [True, True, False]
    event.set()
    snapshot = await scrape
    for result in snapshot.results:
        knowledge = known.get(result.task.task_id)
        assert knowledge is not None
        assert knowledge.last is result


async def test_who_was_left_over_goes_first_and_who_hung_goes_last(client: FakeClient, known: LastKnown) -> None:
    """So that a task whose turn did not come gets it, and one that hangs holds up nobody."""
    scraper = Scraper(client, concurrency=1, known=known)
    tasks = watched(*"abcd")
    client.answers = {
        "a": raising(QueryError(Reason.TIMEOUT, "no answer")),
        "c": left_over(),
        "d": raising(QueryError(Reason.RATE_LIMITED, "nothing was sent", sent=False)),
    }
    await scraper.scrape(Targets(tasks), in_time())
    assert client.asked == ["a", "b", "c", "d"]
    client.asked.clear()
    client.answers.clear()
    await scraper.scrape(Targets(tasks), in_time())
    assert client.asked == ["c", "d", "b", "a"]
    client.asked.clear()
    await scraper.scrape(Targets(tasks), in_time())
    assert client.asked == ["a", "b", "c", "d"]


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in (Reason.TIMEOUT, Reason.DEADLINE)])
async def test_a_quick_failure_costs_no_turn(client: FakeClient, known: LastKnown, reason: Reason) -> None:
    """Only a task that hung goes last."""
    scraper = Scraper(client, concurrency=1, known=known)
    client.answers["a"] = raising(QueryError(reason, "refused"))
    await scraper.scrape(Targets(watched("a", "b")), in_time())
    await scraper.scrape(Targets(watched("a", "b")), in_time())
    assert client.asked == ["a", "b", "a", "b"]


async def test_where_time_never_suffices_everyone_gets_a_turn(client: FakeClient, known: LastKnown) -> None:
    """With time for two of seven per scrape, nobody is left out of four scrapes in a row."""
    scraper = Scraper(client, concurrency=1, known=known)
    tasks = watched(*"abcdefg")
    last_turn = {task.task_id: 0 for task in tasks}
    for scrape in range(1, 20):
        left = 2

        async def query(task: TaskRef, deadline: float, scrape: int = scrape) -> Precheck:
            nonlocal left
            if left == 0:
                return await left_over()(task, deadline)
            left -= 1
            last_turn[task.task_id] = scrape
            return GOOD

        client.answers = {task.task_id: query for task in tasks}
        await scraper.scrape(Targets(tasks), in_time())
        assert all(scrape - turn < 4 for turn in last_turn.values())
