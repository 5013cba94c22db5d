"""What a scrape promises: every task anew, in time, once."""

import http.client
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from exporter.sandbox import Handle, fleet, run_in_thread
from exporter.sandbox.faults import CloseAfter, Delay, Hang, HttpStatus, Patch, RateLimited
from tests.program.process import Launcher, canary_sandbox, until
from tests.program.scrape import Scrape

Serve = Callable[..., Handle]


def test_one_hanging_task_costs_the_others_nothing(launch: Launcher, serve: Serve) -> None:
    """Of 200 tasks one never answers: 199 are up, and the answer leaves before the scraper's timeout."""
    sandbox = serve(*fleet(200))
    exporter = launch(sandbox)
    sandbox.set_fault(Hang(), "cd-fleet-00042")
    began = time.monotonic()
    scrape = exporter.scrape(timeout=3)
    assert time.monotonic() - began < 3
    assert sum(scrape.up.values()) == 199
    assert scrape.reasons == {"cd-fleet-00042": "deadline"}


def test_more_hanging_tasks_than_requests_at_once(launch: Launcher, serve: Serve) -> None:
    """Tasks whose turn never came are `deadline` too, and have theirs in the next scrape."""
    sandbox = serve(*fleet(12))
    exporter = launch(sandbox, api={"concurrency": 4})
    for task in sandbox.tasks[:4]:
        sandbox.set_fault(Hang(), task.task_id)
    assert set(exporter.scrape(timeout=1).reasons.values()) == {"deadline"}
    assert exporter.scrape(timeout=3).reasons == {task.task_id: "deadline" for task in sandbox.tasks[:4]}


def test_the_timeout_of_the_configuration_holds_where_the_scraper_names_none(launch: Launcher, serve: Serve) -> None:
    """A browser sends no timeout; `scrape.timeout` is there for it."""
    sandbox = serve(*fleet(1))
    exporter = launch(sandbox, scrape={"timeout": "1s"})
    sandbox.set_fault(Hang())
    assert exporter.scrape().reasons == {"cd-fleet-00001": "deadline"}


def test_the_offset_is_kept_back_from_the_timeout(launch: Launcher, serve: Serve) -> None:
    """With `--scrape.timeout-offset` the answer leaves that much earlier."""
    sandbox = serve(*fleet(1))
    exporter = launch(sandbox, "--scrape.timeout-offset=2")
    sandbox.set_fault(Hang())
    scrape = exporter.scrape(timeout=4)
    assert scrape.reasons == {"cd-fleet-00001": "deadline"}
    assert 1.9 < scrape.value("ninedata_precheck_query_duration_seconds") < 3.4


def test_scrapes_at_the_same_time_share_their_queries(launch: Launcher, serve: Serve) -> None:
    """Ten scrapers at once: the API is asked about each task a single time, and all ten get its answer."""
    sandbox = serve(*fleet(20))
    exporter = launch(sandbox)
    sandbox.set_fault(Delay(delay_seconds=1.5))
    with ThreadPoolExecutor(10) as pool:
        scrapes = list(pool.map(lambda _: exporter.scrape(timeout=30), range(10)))
    assert [sum(scrape.up.values()) for scrape in scrapes] == [20] * 10
    assert sandbox.requests().per_task == {task.task_id: 1 for task in sandbox.tasks}


def test_every_scrape_queries_every_task_anew(launch: Launcher, serve: Serve) -> None:
    """Nothing outlives a scrape: the next one asks again and tells what is so now."""
    sandbox = serve(*fleet(5))
    exporter = launch(sandbox)
    assert set(exporter.scrape().statuses.values()) == {"Success"}
    sandbox.set_fault(Patch(data={"status": "Failed"}))
    assert set(exporter.scrape().statuses.values()) == {"Failed"}
    sandbox.set_fault(HttpStatus(status=500))
    assert exporter.scrape().statuses == {}
    assert sandbox.requests().per_task == {task.task_id: 3 for task in sandbox.tasks}


def test_only_so_many_requests_are_under_way(launch: Launcher, serve: Serve) -> None:
    """`api.concurrency` bounds what the API has to bear at once."""
    sandbox = serve(*fleet(30), latency_seconds=0.05)
    exporter = launch(sandbox, api={"concurrency": 3})
    assert exporter.scrape().down == set()
    assert sandbox.requests().max_in_flight == 3


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


def test_queries_go_on_after_retry_after(launch: Launcher, serve: Serve) -> None:
    """The pause that a 429 asks for ends by itself."""
    sandbox = serve(*fleet(3))
    exporter = launch(sandbox)
    sandbox.set_fault(RateLimited(retry_after=1, times=3))
    assert set(exporter.scrape().reasons.values()) == {"rate_limited"}
    until(lambda: not exporter.scrape().down, 10, "all tasks are up again")


@pytest.mark.parametrize("ahead", [1, -1], ids=["ahead", "behind"])
def test_a_skewed_clock_is_told(launch: Launcher, serve: Serve, ahead: int) -> None:
    """The API rejects what is signed by a wrong clock; the page, the log and a metric say that it is the clock."""
    sandbox = serve(*fleet(2))
    exporter = launch(sandbox)
    sandbox.set_skew(ahead * 3600)
    scrape = exporter.scrape()
    assert scrape.reasons == {task.task_id: "auth" for task in sandbox.tasks}
    assert scrape.value("ninedata_api_clock_skew_seconds") == pytest.approx(ahead * 3600, abs=10)
    told = f"this machine&#39;s clock is 60 minutes {'behind' if ahead > 0 else 'ahead of'} the API&#39;s"
    assert told in exporter.page("/")
    assert all("clock is 60 minutes" in line["error"] for line in exporter.logged("query fails"))
    sandbox.set_skew(0)
    assert exporter.scrape().down == set()


def test_a_slightly_skewed_clock_is_only_measured(launch: Launcher, serve: Serve) -> None:
    """Within what the API allows, all is up, and the skew is there to be alerted upon."""
    sandbox = serve(*fleet(1))
    exporter = launch(sandbox)
    sandbox.set_skew(300)
    assert exporter.scrape().value("ninedata_api_clock_skew_seconds") == pytest.approx(300, abs=10)


def test_connections_closed_between_scrapes_cost_nothing(launch: Launcher, serve: Serve) -> None:
    """A server that closes kept connections without a word is normal."""
    sandbox = serve(*fleet(20))
    exporter = launch(sandbox)
    sandbox.set_fault(CloseAfter())
    for _ in range(5):
        scrape = exporter.scrape()
        assert scrape.down == set()
    failures = scrape.samples("ninedata_api_request_failures_total")
    assert failures
    assert sum(sample.value for sample in failures) == 0


def test_a_server_that_was_started_again_costs_nothing(launch: Launcher) -> None:
    """All kept connections are gone between two scrapes, and the second is as whole as the first."""
    tasks = fleet(20)
    with run_in_thread(canary_sandbox(tasks)) as sandbox:
        exporter = launch(sandbox)
        assert exporter.scrape().down == set()
        port = int(sandbox.base_url.rpartition(":")[2])
    assert set(exporter.scrape().reasons.values()) == {"connect"}
    with run_in_thread(canary_sandbox(tasks), port=port):
        assert exporter.scrape().down == set()


def test_kept_connections_are_used_again(launch: Launcher, serve: Serve) -> None:
    """Later scrapes open no further connections."""
    sandbox = serve(*fleet(20), latency_seconds=0.2)
    exporter = launch(sandbox)
    for _ in range(4):
        exporter.scrape()
    assert sandbox.requests().connections == 20


def test_a_scraper_that_goes_away_leaves_nothing_running(launch: Launcher, serve: Serve) -> None:
    """Its requests are given up with it, and the next scrape is whole."""
    sandbox = serve(*fleet(20))
    exporter = launch(sandbox, api={"request_timeout": "60s"})
    before = exporter.descriptors()
    sandbox.set_fault(Hang())
    with exporter.begin_scrape(timeout=60):
        until(lambda: sandbox.requests().in_flight == 20, 10, "all tasks are being asked about")
    until(lambda: sandbox.requests().in_flight == 0, 10, "no request is left")
    until(lambda: exporter.descriptors() <= before, 10, "no connection is left")
    sandbox.clear()
    assert exporter.scrape().down == set()


def test_a_scraper_that_goes_away_does_not_take_others_with_it(launch: Launcher, serve: Serve) -> None:
    """Two share their queries; the first gives up, the second gets them."""
    sandbox = serve(*fleet(5))
    exporter = launch(sandbox)
    sandbox.set_fault(Delay(delay_seconds=1))
    with exporter.begin_scrape(timeout=20) as first:
        until(lambda: sandbox.requests().in_flight == 5, 10, "all tasks are being asked about")
        open_before = exporter.descriptors()
        with exporter.begin_scrape(timeout=30) as second:
            until(lambda: exporter.descriptors() > open_before, 10, "the second scraper is heard")
            first.close()
            response = http.client.HTTPResponse(second)
            response.begin()
            assert set(Scrape.of_text(response.read().decode()).up.values()) == {1}
