"""What a scrape promises: every task anew, in time, once."""

import http.client
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from exporter.sandbox import Handle, fleet, run_in_thread
from exporter.sandbox.faults import CloseAfter, Delay, Hang, HttpStatus, Patch, RateLimited
from tests.program.process import GRACE_SECONDS, Exporter, Launcher, canary_sandbox, until
from tests.program.scrape import Scrape

TASKS = 12
NARROW = 3

Serve = Callable[..., Handle]


@dataclass
class Ground:
    """A sandbox, and two exporters that watch it."""

    sandbox: Handle
    exporter: Exporter
    narrow: Exporter
    """Has few requests under way at once."""


@pytest.fixture(scope="module")
def shared(launch_for_module: Launcher) -> Iterator[Ground]:
    with run_in_thread(canary_sandbox(fleet(TASKS, items=3))) as sandbox:
        patient = launch_for_module(sandbox, api={"request_timeout": "60s"})
        yield Ground(sandbox, patient, launch_for_module(sandbox, api={"concurrency": NARROW}))


@pytest.fixture
def ground(shared: Ground) -> Ground:
    """With a sandbox as at its start, to which both exporters have kept connections."""
    shared.sandbox.reset()
    assert shared.exporter.scrape().down == set()
    assert shared.narrow.scrape().down == set()
    shared.sandbox.reset()
    return shared


def test_one_hanging_task_costs_the_others_nothing(launch: Launcher, serve: Serve) -> None:
    """Of 200 tasks one never answers: 199 are up, and the answer leaves before the scraper's timeout."""
    sandbox = serve(*fleet(200, items=2))
    exporter = launch(sandbox)
    sandbox.set_fault(Hang(), "cd-fleet-00042")
    began = time.monotonic()
    answer = exporter.get("/metrics", {"X-Prometheus-Scrape-Timeout-Seconds": "3"})
    assert time.monotonic() - began < 3 + GRACE_SECONDS
    scrape = Scrape.of_text(answer.text)
    assert sum(scrape.up.values()) == 199
    assert scrape.reasons == {"cd-fleet-00042": "deadline"}


def test_more_tasks_hang_than_requests_may_be_under_way(ground: Ground) -> None:
    """Tasks whose turn never came are `deadline` too, and have theirs in the next scrape."""
    hanging = [task.task_id for task in ground.sandbox.tasks[:NARROW]]
    for task_id in hanging:
        ground.sandbox.set_fault(Hang(), task_id)
    first = ground.narrow.scrape(timeout=1)
    assert first.reasons == dict.fromkeys(first.down, "deadline")
    assert first.down > set(hanging)
    assert ground.narrow.scrape(timeout=3).reasons == dict.fromkeys(hanging, "deadline")


def test_the_timeout_of_the_configuration_holds_where_the_scraper_names_none(launch: Launcher, serve: Serve) -> None:
    """A browser sends no timeout; `scrape.timeout` is there for it, less the offset."""
    sandbox = serve(*fleet(1))
    exporter = launch(sandbox, "--scrape.timeout-offset=2", scrape={"timeout": "4s"}, api={"request_timeout": "60s"})
    sandbox.set_fault(Hang())
    scrape = exporter.scrape()
    assert scrape.reasons == {"cd-fleet-00001": "deadline"}
    assert 1 < scrape.value("ninedata_precheck_query_duration_seconds") < 3.2


@pytest.mark.parametrize("header", ["0", "-1", "nan", "inf", "", "1s"])
def test_a_timeout_that_is_none_counts_as_none(ground: Ground, header: str) -> None:
    """Whatever the header says, the scrape is made."""
    answer = ground.exporter.get("/metrics", {"X-Prometheus-Scrape-Timeout-Seconds": header})
    assert Scrape.of_text(answer.text).down == set()


def test_scrapes_at_the_same_time_share_their_queries(ground: Ground) -> None:
    """Ten scrapers at once: the API is asked about each task a single time, and all ten get its answer."""
    ground.sandbox.set_fault(Delay(delay_seconds=1.5))
    with ThreadPoolExecutor(10) as pool:
        scrapes = list(pool.map(lambda _: ground.exporter.scrape(timeout=30), range(10)))
    assert [sum(scrape.up.values()) for scrape in scrapes] == [TASKS] * 10
    assert ground.sandbox.requests().per_task == {task.task_id: 1 for task in ground.sandbox.tasks}


def test_every_scrape_queries_every_task_anew(ground: Ground) -> None:
    """Nothing outlives a scrape: the next one asks again and tells what is so now."""
    assert set(ground.exporter.scrape().statuses.values()) == {"Success"}
    ground.sandbox.set_fault(Patch(data={"status": "Failed"}))
    assert set(ground.exporter.scrape().statuses.values()) == {"Failed"}
    ground.sandbox.set_fault(HttpStatus(status=500))
    assert ground.exporter.scrape().statuses == {}
    assert ground.sandbox.requests().per_task == {task.task_id: 3 for task in ground.sandbox.tasks}


def test_no_sample_has_a_timestamp(ground: Ground) -> None:
    """The scraper's clock is the one that counts."""
    families = ground.exporter.scrape().families.values()
    assert {sample.timestamp for family in families for sample in family.samples} == {None}


def test_only_so_many_requests_are_under_way(ground: Ground) -> None:
    """`api.concurrency` bounds what the API has to bear at once."""
    ground.sandbox.set_fault(Delay(delay_seconds=0.1))
    assert ground.narrow.scrape().down == set()
    assert ground.sandbox.requests().max_in_flight == NARROW


def test_too_many_requests_end_the_requests(launch: Launcher, serve: Serve) -> None:
    """After a 429 nothing more is sent until Retry-After: the tasks left over are `rate_limited`, here and later."""
    sandbox = serve(*fleet(10))
    exporter = launch(sandbox, api={"concurrency": 1})
    sandbox.set_fault(RateLimited(retry_after=60), "cd-fleet-00004")
    scrape = exporter.scrape()
    assert scrape.up == {task.task_id: float(task.task_id < "cd-fleet-00004") for task in sandbox.tasks}
    assert set(scrape.reasons.values()) == {"rate_limited"}
    sandbox.clear()
    assert exporter.scrape().reasons == {task.task_id: "rate_limited" for task in sandbox.tasks}
    assert sandbox.requests().total == 4


def test_queries_go_on_after_retry_after(ground: Ground) -> None:
    """The pause that a 429 asks for ends by itself."""
    ground.sandbox.set_fault(RateLimited(retry_after=1, times=TASKS))
    assert set(ground.exporter.scrape().reasons.values()) == {"rate_limited"}
    until(lambda: not ground.exporter.scrape().down, 10, "all tasks are up again")


@pytest.mark.parametrize("ahead", [1, -1], ids=["ahead", "behind"])
def test_a_skewed_clock_is_told(ground: Ground, ahead: int) -> None:
    """The API rejects what is signed by a wrong clock; the page, the log and a metric say that it is the clock."""
    ground.sandbox.set_skew(ahead * 3600)
    scrape = ground.exporter.scrape()
    assert scrape.reasons == {task.task_id: "auth" for task in ground.sandbox.tasks}
    assert scrape.value("ninedata_api_clock_skew_seconds") == pytest.approx(ahead * 3600, abs=10)
    direction = "behind" if ahead > 0 else "ahead of"
    assert f"this machine&#39;s clock is 60 minutes {direction} the API&#39;s" in ground.exporter.page("/")
    told = [line["error"] for line in ground.exporter.logged("query fails")[-TASKS:]]
    assert all(error.startswith(f"this machine's clock is 60 minutes {direction} the API's") for error in told)
    ground.sandbox.set_skew(0)
    assert ground.exporter.scrape().down == set()


def test_a_slightly_skewed_clock_is_only_measured(ground: Ground) -> None:
    """Within what the API allows, all is up, and the skew is there to be alerted upon."""
    ground.sandbox.set_skew(300)
    scrape = ground.exporter.scrape()
    assert scrape.down == set()
    assert scrape.value("ninedata_api_clock_skew_seconds") == pytest.approx(300, abs=10)


def test_connections_closed_between_scrapes_cost_nothing(ground: Ground) -> None:
    """A server that closes kept connections without a word is normal."""

    def failures(scrape: Scrape) -> float:
        found = scrape.samples("ninedata_api_request_failures_total")
        assert found
        return sum(sample.value for sample in found)

    before = failures(ground.exporter.scrape())
    ground.sandbox.set_fault(CloseAfter())
    for _ in range(5):
        scrape = ground.exporter.scrape()
        assert scrape.down == set()
    assert failures(scrape) == before


def test_a_server_that_was_started_again_costs_one_scrape(launch: Launcher) -> None:
    """Without a server all tasks are `connect`; with it, although all kept connections are gone, all are up."""
    tasks = fleet(20)
    with run_in_thread(canary_sandbox(tasks)) as sandbox:
        exporter = launch(sandbox)
        assert exporter.scrape().down == set()
        port = int(sandbox.base_url.rpartition(":")[2])
    assert exporter.scrape().reasons == {task.task_id: "connect" for task in tasks}
    with run_in_thread(canary_sandbox(tasks), port=port):
        assert exporter.scrape().down == set()


def test_kept_connections_are_used_again(ground: Ground) -> None:
    """Once there is one for each request that is under way, no more are opened."""
    ground.sandbox.set_fault(Delay(delay_seconds=0.3))
    ground.exporter.scrape()
    ground.sandbox.reset()
    for _ in range(5):
        ground.exporter.scrape()
    assert ground.sandbox.requests().connections == 0


def test_a_scraper_that_goes_away_leaves_nothing_running(ground: Ground) -> None:
    """Its requests are given up with it, and the next scrape is whole."""
    before = ground.exporter.descriptors()
    ground.sandbox.set_fault(Hang())
    with ground.exporter.begin_scrape(timeout=60):
        until(lambda: ground.sandbox.requests().in_flight == TASKS, 10, "all tasks are being asked about")
    until(lambda: ground.sandbox.requests().in_flight == 0, 10, "no request is left")
    until(lambda: ground.exporter.descriptors() <= before, 10, "no connection is left")
    ground.sandbox.clear()
    assert ground.exporter.scrape().down == set()


def test_a_scraper_that_goes_away_does_not_take_others_with_it(ground: Ground) -> None:
    """Two share their queries; the first gives up, the second gets them."""
    ground.sandbox.set_fault(Delay(delay_seconds=1))
    with ground.exporter.begin_scrape(timeout=20) as first:
        until(lambda: ground.sandbox.requests().in_flight == TASKS, 10, "all tasks are being asked about")
        open_before = ground.exporter.descriptors()
        with ground.exporter.begin_scrape(timeout=30) as second:
            until(lambda: ground.exporter.descriptors() > open_before, 10, "the second scraper is heard")
            first.close()
            response = http.client.HTTPResponse(second)
            response.begin()
            assert set(Scrape.of_text(response.read().decode()).up.values()) == {1}
