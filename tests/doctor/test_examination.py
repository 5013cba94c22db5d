"""The examination as a whole: what bounds it."""

import asyncio
import time
from dataclasses import replace

import pytest

from exporter.check import Checked
from exporter.demo import demo_config
from exporter.doctor import examination
from exporter.doctor.examination import examine
from exporter.doctor.finding import Check, Finding, Level
from exporter.sandbox import Sandbox, demo_tasks
from exporter.sandbox.faults import Hang
from exporter.shard import Shard

pytestmark = pytest.mark.anyio


async def test_it_ends_in_time_whatever_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks that had no turn by then are told as such."""
    monkeypatch.setattr(examination, "MAX_SECONDS", 1.0)
    sandbox = Sandbox(demo_tasks())
    async with sandbox.serve() as running:
        config = demo_config(running.base_url)
        for task in config.tasks[2:]:
            sandbox.faults.set(Hang(), task.task_id)
        api = replace(config.api, request_timeout=60.0, concurrency=2)
        findings: list[Finding] = []
        began = time.monotonic()
        checked = Checked(replace(config, api=api), config.tasks, (), ())
        await asyncio.wait_for(examine(checked, "config.yaml", Shard(), findings), 10)
    assert time.monotonic() - began < 3
    tasks = [found for found in findings if found.check is Check.TASK]
    assert len(tasks) == len(demo_tasks())
    assert {found.level for found in tasks} == {Level.OK, Level.FAULT, Level.SKIPPED}
