"""The log: what changes is told once, however often it is scraped."""

import json
import socket
from collections.abc import Callable
from datetime import datetime

import pytest

from exporter.ninedata import ADVICE, Reason
from exporter.sandbox import Handle, fleet
from exporter.sandbox.faults import HttpStatus, Patch
from tests.program.process import Launcher, config_of, until

Serve = Callable[..., Handle]
TASK = "cd-fleet-00001"


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_each_change_is_told_once(launch: Launcher, serve: Serve, form: str) -> None:
    """First sight, a change of status, a failing query, its recovery: one line each, three scrapes long."""
    sandbox = serve(*fleet(1, items=2))
    exporter = launch(sandbox, f"--log.format={form}")
    began = len(exporter.log)
    failed = [{"precheckItem": "srcDataSourceCheck", "status": "Failed", "errorMessage": "no route"}]

    def told(times: int = 3) -> list[dict[str, object]]:
        before = len(exporter.log)
        for _ in range(times):
            exporter.scrape()
        return [
            {key: value for key, value in line.items() if key not in ("ts", "request_id", "failed_for_seconds")}
            for line in exporter.log[before:]
        ]

    of_task = {"task": "fleet-00001", "task_id": TASK}
    assert told() == [{"level": "info", "msg": "precheck status first seen", **of_task, "status": "Success"}]

    sandbox.set_fault(Patch(data={"status": "Failed", "precheckItems": failed}))
    changed = {"level": "warn", "msg": "precheck status changed", **of_task, "status": "Failed", "before": "Success"}
    assert told() == [changed | {"failing_items": "srcDataSourceCheck"}]

    sandbox.set_fault(HttpStatus(status=500, body="empty"))
    failing = {"level": "warn", "msg": "query fails", **of_task, "reason": "http_error", "error": "HTTP 500"}
    assert told() == [failing | {"advice": ADVICE[Reason.HTTP_ERROR]}]

    sandbox.set_fault(HttpStatus(status=401, body="empty"))
    assert told() == [failing | {"reason": "auth", "error": "HTTP 401", "advice": ADVICE[Reason.AUTH]}]

    sandbox.clear()
    back = {"level": "info", "msg": "precheck status changed", **of_task, "status": "Success", "before": "Failed"}
    assert told() == [{"level": "info", "msg": "query works again", **of_task}, back]
    assert len(exporter.log) == began + 6


def test_a_status_that_lasts_through_a_failure_is_no_change(launch: Launcher, serve: Serve) -> None:
    """After a failing query only its recovery is told, if the status is the one known before."""
    sandbox = serve(*fleet(1))
    exporter = launch(sandbox)
    exporter.scrape()
    sandbox.set_fault(HttpStatus(status=500), TASK)
    exporter.scrape()
    sandbox.clear()
    exporter.scrape()
    assert len(exporter.logged("query works again")) == 1
    assert exporter.logged("precheck status changed") == []


def test_json_lines_are_json(launch: Launcher, sandbox: Handle) -> None:
    """With `--log.format=json` every line is an object with the time, the level and the message."""
    exporter = launch(sandbox, "--log.format=json", "--log.level=debug")
    exporter.scrape()
    exporter.stop()
    lines = [json.loads(line) for line in exporter.stderr.splitlines()]
    assert len(lines) > len(sandbox.tasks)
    for line in lines:
        assert list(line)[:3] == ["ts", "level", "msg"]
        assert datetime.fromisoformat(line["ts"]).utcoffset() is not None
        assert line["level"] in ("debug", "info", "warn", "error")
        assert line["msg"]


def test_the_level_holds(launch: Launcher, sandbox: Handle) -> None:
    """At `warn` neither the start nor good prechecks are told, only what wants attention."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = launch.config(config_of(sandbox))
    exporter = launch.begin(f"--config.file={config}", "--log.level=warn", f"--web.listen-address=127.0.0.1:{port}")
    exporter.port = port
    until(exporter.answers, 30, "an answer")
    assert exporter.log == []
    down = exporter.scrape().down
    assert {line["level"] for line in exporter.log} == {"warn"}
    assert {line["task_id"] for line in exporter.logged("query fails")} == down
    assert "cd-tg3isu1xgs" not in exporter.stderr


def test_a_scrape_by_itself_is_no_event(launch: Launcher, serve: Serve) -> None:
    """Many scrapes without a change leave nothing in the log, not even at level debug."""
    exporter = launch(serve(*fleet(3)), "--log.level=debug")
    exporter.scrape()
    before = exporter.stderr
    for _ in range(10):
        exporter.scrape()
        exporter.page("/")
    assert exporter.stderr == before
