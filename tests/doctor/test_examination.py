"""The examination as a whole, against the sandbox."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from exporter.config import Config, ConfigError, DiscoverySettings, Fault, Task
from exporter.demo import demo_config
from exporter.doctor.examination import check_clock, examine
from exporter.doctor.report import Finding, Level
from exporter.ninedata import TaskRef
from exporter.sandbox import InjectedFault, Sandbox, fleet
from exporter.scraping.shard import Shard

pytestmark = pytest.mark.anyio

WELL: dict[str, Level] = {
    **dict.fromkeys(("configuration", "name", "connection", "query", "clock", "task"), "ok"),
    "discovery": "skipped",
}
AUTH = InjectedFault(kind="auth")


async def examined(
    sandbox: Sandbox, *, shard: Shard | None = None, request_timeout: float = 20, **changes: object
) -> list[Finding]:
    """The findings on a configuration that names the sandbox's tasks, changed for a test."""
    findings: list[Finding] = []
    tasks = tuple(Task(TaskRef(task.kind, task.task_id, task.precheck_task_id), task.name) for task in sandbox.tasks)
    async with sandbox.serve() as base_url:
        config = demo_config(base_url)
        api = replace(config.api, request_timeout=request_timeout)
        own: dict[str, Any] = {"api": api, "tasks": tasks, "discovery": (), "task_status": False}
        config = replace(config, **(own | changes))
        await examine(lambda: config, None, "config.yaml", shard or Shard(), findings)
    return findings


def levels(findings: list[Finding]) -> dict[str, Level]:
    """The worst level of each check."""
    order = get_args(Level)
    return {
        found.check: min((each.level for each in findings if each.check == found.check), key=order.index)
        for found in findings
    }


def of(findings: list[Finding], check: str) -> list[Finding]:
    return [found for found in findings if found.check == check]


@pytest.mark.parametrize(
    ("faults", "skew", "changes", "different"),
    [
        ({}, 0, {}, {}),
        ({"cd-fleet-00001": AUTH}, 0, {}, {"task": "fault"}),
        ({"": InjectedFault(kind="not_found")}, 0, {}, {"task": "fault"}),
        ({"replication/list": AUTH}, 0, {"discovery": (DiscoverySettings("replication"),)}, {"discovery": "fault"}),
        (
            {},
            0,
            {"tasks": (), "task_files": ("missing/*.yaml",)},
            {"configuration": "warning", "query": "skipped", "clock": "skipped", "task": "skipped"},
        ),
        ({}, 3600, {}, {"query": "skipped", "clock": "fault", "task": "skipped"}),
    ],
    ids=["well", "one task", "no such precheck", "discovery", "no task", "clock"],
)
async def test_a_fault_is_found_where_it_is(
    faults: dict[str, InjectedFault], skew: float, changes: dict[str, object], different: dict[str, Level]
) -> None:
    """One answer shows that the API accepts the key; with a wrong clock it cannot, and the key cannot be judged."""
    sandbox = Sandbox(fleet(2))
    sandbox.faults |= faults
    sandbox.skew_seconds = skew
    assert levels(await examined(sandbox, **changes)) == WELL | different


async def test_a_failed_precheck_is_no_fault() -> None:
    """The query of it works."""
    findings = await examined(Sandbox())
    (failed,) = [found for found in of(findings, "task") if found.subject.startswith("inventory-prod")]
    assert failed.level == "ok"
    assert failed.what.startswith("data_compare, Failed, 12 check items, 3 failed: targetDataSourceCheck, ")


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (InjectedFault(kind="auth"), "auth: "),
        (InjectedFault(kind="rate_limited", retry_after=7), "rate_limited: "),
        (InjectedFault(kind="http_error", status=500), "http_error: HTTP 500"),
        (InjectedFault(kind="hang"), "timeout: "),
    ],
    ids=["auth", "rate_limited", "http_error", "hang"],
)
async def test_a_fault_of_the_api_is_reported_once_with_advice(fault: InjectedFault, what: str) -> None:
    """Not again for every task."""
    sandbox = Sandbox(fleet(2))
    sandbox.faults[""] = fault
    findings = await examined(sandbox, request_timeout=1 if fault.kind == "hang" else 20)
    (query,) = of(findings, "query")
    assert (query.level, query.what.startswith(what), bool(query.advice)) == ("fault", True, True)
    assert (levels(findings)["discovery"], levels(findings)["task"]) == ("skipped", "skipped")


@pytest.mark.parametrize(
    ("skew", "level", "what"),
    [
        (None, "skipped", "no answer had a Date header to compare with"),
        (0.4, "ok", "this machine's clock agrees with the server's"),
        (-299.0, "ok", "this machine's clock is 299 s ahead of the server's"),
        (301.0, "warning", "this machine's clock is 301 s behind the server's; the API rejects more than 600 s"),
        (601.0, "fault", "this machine's clock is 601 s behind the server's; the API rejects more than 600 s"),
    ],
    ids=["unknown", "right", "ahead", "half of the limit", "beyond the limit"],
)
def test_the_clock(skew: float | None, level: Level, what: str) -> None:
    found = check_clock(skew)
    assert (found.level, found.what) == (level, what)


async def test_discovery_and_its_tasks_are_examined() -> None:
    discovery = (DiscoverySettings("replication", names=("fleet-0000*",)),)
    findings = await examined(Sandbox(fleet(20, "replication")), tasks=(), discovery=discovery)
    assert of(findings, "discovery")[0].what.startswith("9 tasks discovered in ")
    assert len(of(findings, "task")) == 9
    assert of(findings, "query")[0].what.endswith("; a scrape sends up to 10 requests")


async def test_a_shard_examines_its_tasks_only() -> None:
    """And sums up no others."""
    counts = []
    for shard in (Shard(0, 2), Shard(1, 2)):
        findings = await examined(Sandbox(fleet(10)), shard=shard)
        counts.append(len(of(findings, "task")))
        summary = rf"watches {counts[-1]} tasks of shard {shard} at .*; a scrape sends up to {counts[-1]} requests"
        assert re.fullmatch(summary, of(findings, "configuration")[0].what)
    assert (sum(counts), min(counts) > 1) == (10, True)


async def test_without_a_connection_nothing_is_queried() -> None:
    findings: list[Finding] = []
    await examine(lambda: demo_config("http://127.0.0.1:1"), None, "config.yaml", Shard(), findings)
    skipped = dict.fromkeys(("query", "clock", "discovery", "task"), "skipped")
    assert levels(findings) == WELL | {"connection": "fault"} | skipped


async def test_faults_of_the_configuration_are_listed_and_nothing_else_is_examined(tmp_path: Path) -> None:
    """Those of a web configuration too."""
    web_config = tmp_path / "web.yaml"
    web_config.write_text("nonsense: 1\n")

    def load() -> Config:
        raise ConfigError([Fault("config.yaml", 3, "api.concurrency", "must be at least 1")])

    findings: list[Finding] = []
    await examine(load, web_config, "config.yaml", Shard(), findings)
    faults = [f"{found.subject}: {found.what}" for found in findings if found.level == "fault"]
    assert faults[0] == "config.yaml:3: api.concurrency: must be at least 1"
    assert faults[1].startswith(f"{web_config}:1: nonsense: ")
    assert set(levels(findings).values()) == {"fault", "skipped"}
