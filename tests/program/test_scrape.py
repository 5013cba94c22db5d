"""What a scrape promises: every task anew, once, in time, and one task's failure stays its own."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.sandbox import DEMO_TASKS, InjectedFault, Sandbox, fleet
from tests.faulty_api import Behaviour, endless, garbage, half_answer, redirect, reset, serving, web_page
from tests.program.conftest import IDS, Shared
from tests.program.launcher import Api, Launcher
from tests.program.process import GRACE_SECONDS, until
from tests.program.scrape import Scrape
from tests.sandbox_thread import run_in_thread
from tests.secrecy import ACCESS_KEY_ID, SECRET_KEY

GOLDEN = Path(__file__).parent / "scrape.txt"
HANG = InjectedFault(kind="hang")


def normalised(text: str) -> str:
    """Without what differs from run to run: times, the platform's own metrics, the version."""
    text = re.sub(r"^(?:# (?:HELP|TYPE) )?(?:python|process)_.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r'version="[^"]*"', 'version="..."', text)
    timed = r"^((?!ninedata_replication_delay)\w+_(?:seconds|seconds_bucket|seconds_sum)(?:\{.*\})?) [-+\w.]+$"
    return re.sub(timed, r"\1 ...", text, flags=re.MULTILINE)


def test_a_whole_scrape(launch: Launcher) -> None:
    """Tasks of each kind and their prechecks: passed, failed, late; one without a precheck, one discovered.

    The API does not know the precheck of one, nor the execution of another: the rest of both is exported.
    """
    names = ("orders-prod", "inventory-schema", "legacy-erp", "ledger-eu", "customers-us", "billing-dwh")
    *compared, replication = (next(task for task in DEMO_TASKS if task.name == name) for name in names)
    api = launch.serve(*compared, replication)
    api.sandbox.faults[f"{compared[-1].task_id}/execution"] = InjectedFault(kind="not_found")
    watched = [replace(task, precheck_task_id="") if task.name == "ledger-eu" else task for task in compared]
    discovery = {"replication": {"enabled": True, "labels": {"env": "dr"}}}
    exporter = launch.watch(api, tasks=watched, discovery=discovery, task_status=True)
    assert normalised(exporter.get("/metrics").text) == GOLDEN.read_text("utf-8")


def test_the_exporter_only_reads(launch: Launcher) -> None:
    """Whatever it is asked for, and although a request fails and is sent again."""
    api = launch.serve(*DEMO_TASKS)
    task_id = DEMO_TASKS[0].task_id
    api.sandbox.faults[task_id] = InjectedFault(kind="away")
    discovery = {kind: {"enabled": True} for kind in ("replication", "schema_compare")}
    exporter = launch.watch(api, discovery=discovery, task_status=True)
    for path in ("/metrics", f"/probe?task_id={task_id}", "/sd", "/", f"/tasks/{task_id}", "/-/ready"):
        exporter.get(path)
    assert api.sandbox.requests[task_id] == 8
    assert all(len(task.prechecks) <= 1 for task in api.sandbox.served.values()), "a precheck was started"


def test_every_scrape_asks_anew(shared: Shared) -> None:
    """Nothing that was known is told again."""
    assert shared.exporter.scrape().statuses == dict.fromkeys(IDS, "Success")
    shared.api.sandbox.faults[""] = InjectedFault(kind="http_error", status=500)
    scrape = shared.exporter.scrape()
    assert (scrape.statuses, scrape.reasons) == ({}, dict.fromkeys(IDS, "http_error"))
    assert shared.api.sandbox.requests == dict.fromkeys(IDS, 2)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (InjectedFault(kind="http_error", status=404), "not_found"),
        (InjectedFault(kind="http_error", status=502), "http_error"),
        (InjectedFault(kind="api_error", message="quota exceeded"), "api_error"),
        (InjectedFault(kind="auth"), "auth"),
        (InjectedFault(kind="not_found"), "not_found"),
        (InjectedFault(kind="away"), "connect"),
        (InjectedFault(kind="hang"), "deadline"),
    ],
    ids=lambda value: value.kind if isinstance(value, InjectedFault) else value,
)
def test_the_failure_of_one_task_is_its_own(shared: Shared, fault: InjectedFault, reason: str) -> None:
    shared.api.sandbox.faults[IDS[5]] = fault
    scrape = shared.exporter.scrape(timeout=3)
    assert scrape.reasons == {IDS[5]: reason}
    assert scrape.statuses == dict.fromkeys(set(IDS) - {IDS[5]}, "Success")


def test_one_hanging_task_costs_199_others_nothing(launch: Launcher) -> None:
    api = launch.serve(*fleet(200))
    exporter = launch.watch(api)
    api.sandbox.faults["cd-fleet-00042"] = HANG
    assert exporter.scrape(timeout=3).reasons == {"cd-fleet-00042": "deadline"}


def test_tasks_that_were_left_out_come_first_in_the_next_scrape(shared: Shared) -> None:
    """As many tasks hang as there may be requests at once."""
    for task_id in IDS[:4]:
        shared.api.sandbox.faults[task_id] = HANG
    assert shared.exporter.scrape(timeout=1).reasons == dict.fromkeys(IDS, "deadline")
    assert shared.exporter.scrape(timeout=1).reasons == dict.fromkeys(IDS[:4], "deadline")


def test_the_configured_timeout_holds_for_a_client_that_sends_none(launch: Launcher) -> None:
    api = launch.serve(*fleet(1))
    exporter = launch.watch(
        api, "--scrape.timeout-offset=0.2", scrape={"timeout": "1s"}, api={"request_timeout": "60s"}
    )
    api.sandbox.faults[""] = HANG
    began = time.monotonic()
    assert exporter.scrape().reasons == {"cd-fleet-00001": "deadline"}
    assert time.monotonic() - began < 1 + GRACE_SECONDS


def test_the_api_goes_away_and_comes_back(launch: Launcher) -> None:
    """The first scrape after its return is whole, although all kept connections are gone."""
    sandbox = Sandbox(fleet(20), access_key_id=ACCESS_KEY_ID, secret_key=SECRET_KEY)
    with run_in_thread(sandbox) as base_url:
        exporter = launch.watch(Api(sandbox, base_url))
        assert set(exporter.scrape().up.values()) == {1}
    assert set(exporter.scrape().reasons.values()) == {"connect"}
    launch.serve(*fleet(20), port=int(base_url.rpartition(":")[2]))
    assert set(exporter.scrape().up.values()) == {1}


def test_a_wrong_key_is_told_as_such(launch: Launcher) -> None:
    api = launch.serve(*fleet(2))
    exporter = launch.watch(api, api={"access_key_id": "ak-other"})
    assert set(exporter.scrape().reasons.values()) == {"auth"}
    assert "unknown access key" in exporter.logged("query failed")[0]["error"]


def test_a_wrong_clock_is_told_as_such(shared: Shared) -> None:
    """By a metric, and in the log beside the failure that it causes."""
    shared.api.sandbox.skew_seconds = 3600
    scrape = shared.exporter.scrape()
    assert set(scrape.reasons.values()) == {"auth"}
    assert scrape.value("ninedata_api_clock_skew_seconds") == pytest.approx(3600, abs=30)
    assert "clock is 60 minutes behind" in shared.exporter.logged("query failed")[-1]["error"]


def test_after_a_429_nothing_is_sent_until_retry_after(shared: Shared) -> None:
    """The tasks left over are `rate_limited`, also in the next scrape; then all is well by itself."""
    shared.api.sandbox.faults[""] = InjectedFault(kind="rate_limited", retry_after=3)
    assert shared.exporter.scrape().reasons == dict.fromkeys(IDS, "rate_limited")
    sent = shared.api.sandbox.requests.total()
    assert sent <= 4
    shared.api.sandbox.faults.clear()
    assert shared.exporter.scrape(timeout=1).reasons == dict.fromkeys(IDS, "rate_limited")
    assert shared.api.sandbox.requests.total() == sent
    until(lambda: not shared.exporter.scrape().reasons, 10, "all tasks are up")


def test_200_scrapes_at_once_ask_once_a_task(shared: Shared) -> None:
    shared.api.sandbox.faults[IDS[0]] = InjectedFault(kind="slow", seconds=3)
    headers = {"X-Prometheus-Scrape-Timeout-Seconds": "20"}
    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(lambda _: shared.exporter.get("/metrics", headers), range(200)))
    up = {tuple(line for line in answer.text.splitlines() if "precheck_up{" in line) for answer in answers}
    assert len(up) == 1
    assert Scrape(answers[0].text).up == dict.fromkeys(IDS, 1)
    assert shared.api.sandbox.requests == dict.fromkeys(IDS, 1)


def test_the_queries_of_a_scraper_that_goes_away_end(shared: Shared) -> None:
    shared.api.sandbox.faults[""] = InjectedFault(kind="slow", seconds=0.3)
    with shared.exporter.begin_scrape(timeout=60):
        until(lambda: shared.api.sandbox.requests.total() == 4, 10, "the first tasks are asked for")
    time.sleep(0.5)
    assert shared.api.sandbox.requests.total() == 4


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (half_answer, "connect"),
        (garbage, "invalid_response"),
        (reset, "connect"),
        (endless, "too_large"),
        (web_page, "unsupported"),
        (redirect, "http_error"),
    ],
    ids=lambda value: value.__name__ if callable(value) else value,
)
def test_broken_http_is_a_failure_like_any_other(launch: Launcher, behaviour: Behaviour, reason: str) -> None:
    with serving(behaviour) as base_url:
        api = launch.serve(*fleet(3))
        exporter = launch.watch(api, api={"base_url": base_url})
        assert set(exporter.scrape(timeout=5).reasons.values()) == {reason}
