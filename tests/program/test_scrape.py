"""What a scrape promises: every task anew, once, in time, and one task's failure stays its own."""

import re
from dataclasses import replace
from pathlib import Path

from exporter.sandbox import DEMO_TASKS, InjectedFault, fleet
from tests.program.launcher import Launcher

GOLDEN = Path(__file__).parent / "scrape.txt"
FLEET = fleet(12)
FAULTS = {
    "not_found": InjectedFault(kind="http_error", status=404),
    "http_error": InjectedFault(kind="http_error", status=502),
    "api_error": InjectedFault(kind="api_error", message="quota exceeded"),
    "auth": InjectedFault(kind="auth"),
    "connect": InjectedFault(kind="away"),
    "deadline": InjectedFault(kind="hang"),
}
"""By the reason that they cause."""


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
    flags = ("--web.external-url=https://example.com/ninedata", "--web.route-prefix=/")
    exporter = launch.start(*flags, config=api.config(watched, discovery=discovery, task_status=True))
    assert normalised(exporter.get("/metrics").text) == GOLDEN.read_text("utf-8")


def test_the_exporter_only_reads(launch: Launcher) -> None:
    """Whatever it is asked for, and although a request fails and is sent again. Of other tasks it logs nothing."""
    api = launch.serve(*DEMO_TASKS)
    task_id = DEMO_TASKS[0].task_id
    api.sandbox.faults[task_id] = InjectedFault(kind="away")
    discovery = {kind: {"enabled": True} for kind in ("replication", "schema_compare")}
    probe = {"allow_unlisted": True}
    exporter = launch.start(config=api.config(discovery=discovery, task_status=True, probe=probe))
    probes = (f"/probe?task_id={task_id}", "/probe?task_id=cd-9")
    for path in ("/metrics", "/metrics?collect[]=exporter", *probes, "/sd", "/", f"/tasks/{task_id}", "/-/ready"):
        exporter.get(path)
    assert (api.sandbox.requests[task_id], api.sandbox.requests["replication/list"]) == (8, 1)
    assert (api.sandbox.requests["cd-9"], "cd-9" in exporter.output) == (1, False)
    assert all(len(task.prechecks) <= 1 for task in api.sandbox.served.values()), "a precheck was started"


def test_the_failure_of_one_task_is_its_own_and_ends_with_its_cause(launch: Launcher) -> None:
    """Each of some tasks fails in its own way, one of them at the configured deadline; the others do not notice."""
    api = launch.serve(*FLEET)
    failing = {task.task_id: reason for task, reason in zip(FLEET, FAULTS, strict=False)}
    exporter = launch.start(config=api.config(scrape={"timeout": "2s"}))
    api.sandbox.faults |= {task_id: FAULTS[reason] for task_id, reason in failing.items()}
    scrape = exporter.scrape()
    assert scrape.reasons == failing
    assert scrape.statuses == {task.task_id: "Success" for task in FLEET if task.task_id not in failing}
    api.sandbox.faults.clear()
    scrape = exporter.scrape(timeout=2)
    assert (scrape.reasons, set(scrape.statuses.values())) == ({}, {"Success"})


def test_shards_watch_every_task_once(launch: Launcher) -> None:
    """Listed tasks as well as discovered ones."""
    api = launch.serve(*fleet(10, "replication"), *FLEET)
    config = api.config(FLEET, discovery={"replication": {"enabled": True}})
    shares = [launch.start(f"--shard={index}/2", config=config).scrape().up for index in range(2)]
    assert all(len(share) > 4 for share in shares)
    assert sorted([*shares[0], *shares[1]]) == sorted(task.task_id for task in api.sandbox.tasks)
