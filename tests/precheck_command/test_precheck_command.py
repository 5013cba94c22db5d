"""`ninedata-precheck` against the sandbox, over real sockets."""

import asyncio
import errno
import glob
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import AsyncMock, Mock
from xml.etree import ElementTree as ET

import httpx
import pytest
import yaml

from exporter.config import Task, load_task_file
from exporter.ninedata import CheckItem, Precheck, QueryError, Reason, Status, TaskRef
from exporter.ninedata.precheck_start import start_precheck
from exporter.precheck_command import following
from exporter.precheck_command.command_line import main
from exporter.precheck_command.following import ProgressDisplay, follow
from exporter.precheck_command.outcome import Outcome, junit_of_outcome
from exporter.precheck_command.task_file_writer import write_task_file
from exporter.sandbox import ACCESS_KEY_ID, SECRET_KEY, InjectedFault, Sandbox
from tests.sandbox_thread import run_in_thread

TASK = "cd-b7k2m9qx4e"
REF = TaskRef("data_compare", "cd-1", "p")
ORDERS = Task(REF, "orders")
REASON = "Table x is missing.\nCreate it."


@dataclass
class Pipeline:
    """A job with a configuration."""

    sandbox: Sandbox
    url: str
    config: Path
    task_file: Path

    def precheck(self, script: object, task_id: str = TASK) -> None:
        httpx.put(f"{self.url}/sandbox/prechecks/{task_id}", json=script, trust_env=False).raise_for_status()

    def run(self, *arguments: str) -> object:
        """Its exit status."""
        try:
            return main([*arguments, "--config.file", str(self.config)])
        except SystemExit as end:
            return end.code

    def start(self, *flags: str) -> object:
        """Hands the id over by the task file."""
        return self.run("start", TASK, "--task-file", str(self.task_file), *flags)

    def process(self, *flags: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "exporter.precheck_command", "start", TASK, "--config.file", str(self.config)]
        return subprocess.Popen([*command, *flags], stdout=stdout, stderr=subprocess.PIPE, text=True)  # noqa: S603 - our own


@pytest.fixture
def pipeline(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    sandbox = Sandbox()
    with run_in_thread(sandbox) as url:
        config = folder.parent / "config.yaml"
        api = {"base_url": url, "access_key_id": ACCESS_KEY_ID, "secret_key": SECRET_KEY}
        config.write_text(yaml.safe_dump({"api": api}))
        monkeypatch.setattr(signal, "signal", Mock())  # the handlers are those of a process of its own
        yield Pipeline(sandbox, url, config, folder / "orders.yaml")


def test_a_failed_precheck_is_told_with_its_reasons_and_handed_over(
    pipeline: Pipeline, capfd: pytest.CaptureFixture[str]
) -> None:
    pipeline.precheck({"failed": {"targetDataExistCheck": REASON}})
    assert pipeline.start("--wait", "--name", "billing", "--label", "team=dba") == 1
    out = capfd.readouterr().out
    shown = "Failed     Target object existence check (targetDataExistCheck)\n           Table x is missing.\n"
    assert out.partition("\n")[2].startswith(shown), "the worst first"
    assert out.endswith("\nbilling: the precheck's status is Failed\n")
    (task,) = load_task_file(pipeline.task_file)
    assert task.ref.precheck_task_id == out.splitlines()[0]
    assert (task.name, task.labels) == ("billing", {"team": "dba"})
    assert pipeline.task_file.stat().st_mode & 0o777 == 0o644
    assert SECRET_KEY not in out


def test_name_and_labels_stay_when_a_precheck_is_started_again(pipeline: Pipeline) -> None:
    assert pipeline.start("--label", "team=dba", "--name", "x") == 0
    (before,) = load_task_file(pipeline.task_file)
    assert pipeline.start() == 0
    (after,) = load_task_file(pipeline.task_file)
    assert (after.name, after.labels) == (before.name, before.labels)
    assert after.ref.precheck_task_id != before.ref.precheck_task_id


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--label=job=x", "{}: labels.job: is a reserved label name"),
        ("--task-file=gone/x.yaml", "gone/x.yaml: cannot be written: No such file or directory"),
        ("--format=junit", "--format=junit needs --wait"),
    ],
)
def test_what_would_fail_after_the_start_starts_nothing(
    pipeline: Pipeline, flag: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The report has the reason too: a file that takes standard output is never empty."""
    assert pipeline.run("start", TASK, "--task-file", str(pipeline.task_file), "--format=json", flag) == 2
    assert (dict(pipeline.sandbox.requests), [*pipeline.task_file.parent.iterdir()]) == ({}, [])
    out, err = capfd.readouterr()
    assert err == f"ninedata-precheck: {message.format(pipeline.task_file)}\n"
    assert message.format(pipeline.task_file) in out


def test_a_file_with_other_tasks_is_left_alone(pipeline: Pipeline) -> None:
    text = "- {task_id: cd-1, precheck_task_id: p}\n- {task_id: cd-2, precheck_task_id: p}\n"
    pipeline.task_file.write_text(text)
    assert (pipeline.start(), pipeline.task_file.read_text()) == (2, text)


def test_a_warning_can_be_a_failure(pipeline: Pipeline, capfd: pytest.CaptureFixture[str]) -> None:
    """Of a replication, whose precheck has no id to print or to hand over."""
    task_id, kind = "rp-h2s8c5yk1wza", ("--kind", "replication")
    pipeline.precheck({"warning": {"srcBinlogCheck": "Too short."}}, task_id)
    flags = ("--wait", "--fail-on", "warning", "--task-file", str(pipeline.task_file))
    assert pipeline.run("start", task_id, *kind, *flags) == 1
    assert capfd.readouterr().out.startswith("Warning    Source log check (srcBinlogCheck)\n           Too short.\n")
    assert [task.ref for task in load_task_file(pipeline.task_file)] == [TaskRef("replication", task_id, "")]
    assert pipeline.run("status", task_id, *kind) == 0


def test_the_status_of_a_precheck_that_exists(
    pipeline: Pipeline, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, or what is known at the end of the time for it."""
    pipeline.precheck({"failed": {"targetDataExistCheck": REASON}})
    assert pipeline.start() == 0
    precheck_id = capfd.readouterr().out.strip()
    assert pipeline.run("status", TASK, precheck_id, "--format", "json", "--name", "x") == 1
    told = json.loads(capfd.readouterr().out)
    assert told | {"name": "x", "precheck_task_id": precheck_id, "status": "Failed", "exit_status": 1} == told
    assert [item["reason"] for item in told["items"] if item["status"] == "Failed"] == [REASON]
    monkeypatch.setattr(following, "asyncio", Mock(sleep=AsyncMock(side_effect=TimeoutError)))  # after one query
    pipeline.precheck({"status": "Running"})
    assert pipeline.run("status", TASK, precheck_id, "--wait") == 2
    assert capfd.readouterr().out.endswith("the precheck's status is Running; no end within 900 s\n")
    pipeline.sandbox.faults[""] = InjectedFault(kind="http_error", status=500)
    assert pipeline.run("status", TASK, precheck_id, "--wait", "--format", "junit") == 2
    assert "no end within 900 s; the last query failed: HTTP 500" in capfd.readouterr().out
    pipeline.sandbox.faults[""] = InjectedFault(kind="hang")
    assert pipeline.run("status", TASK, precheck_id, "--wait", "--timeout", "100ms") == 2
    assert capfd.readouterr().out.endswith("the precheck's status is Unknown; no end within 0.1 s\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((TASK,), "a precheck of kind data_compare needs its id"),
        (("rp-1", "p", "--kind", "replication"), "a precheck of kind replication has no id"),
        (("a/b", "p"), "TASK_ID: has characters that an id must not have"),
        ((TASK, "p", "--timeout", "0s"), "--timeout: must be a duration such as 30s"),
    ],
)
def test_wrong_arguments_are_told(
    pipeline: Pipeline, capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert pipeline.run("status", *arguments) == 2
    assert message in capfd.readouterr().err


def test_a_refused_key_could_not_be_told_and_a_start_is_sent_once(
    pipeline: Pipeline, capfd: pytest.CaptureFixture[str]
) -> None:
    pipeline.sandbox.faults[""] = InjectedFault(kind="http_error", status=503)
    assert pipeline.run("start", TASK, "--wait", "--format", "json") == 2
    assert pipeline.sandbox.requests == {TASK: 1}
    captured = capfd.readouterr()
    assert "HTTP 503" in json.loads(captured.out)["error"]
    assert SECRET_KEY not in captured.out + captured.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_what_is_known(pipeline: Pipeline, number: int) -> None:
    pipeline.precheck({"status": "Running"})
    with pipeline.process("--wait") as process:
        assert process.stderr
        assert process.stderr.readline().startswith("Running, 0 of 12")
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, "Traceback" in err) == (2, False)
    assert "interrupted" in out.splitlines()[-1]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_closed_pipe_loses_the_answer_and_not_the_task_file(pipeline: Pipeline, form: str) -> None:
    read, write = os.pipe()
    os.close(read)
    with pipeline.process("--format", form, "--task-file", str(pipeline.task_file), stdout=write) as process:
        os.close(write)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert err.endswith("ninedata-precheck: cannot write to standard output: Broken pipe\n")
    assert load_task_file(pipeline.task_file)


def test_a_task_file_that_cannot_be_written_loses_no_id(
    pipeline: Pipeline, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.replace", Mock(side_effect=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
    assert pipeline.start("--format", "json") == 2
    out, err = capfd.readouterr()
    document = json.loads(out)
    assert document["error"] == f"{pipeline.task_file}: cannot be written: No space left on device"
    assert err.startswith(f"ninedata-precheck: precheck {document['precheck_task_id']} has started\n")
    assert list(pipeline.task_file.parent.iterdir()) == []


def test_no_pattern_matches_the_file_before_it_is_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[list[str]] = []
    monkeypatch.setattr(os, "replace", lambda *_: found.append(glob.glob(str(folder / "*"))))  # noqa: PTH207 - as it looks
    write_task_file(folder / "orders.yaml", ORDERS)
    assert found == [[]]


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), signal.SIGTERM)", "1 / 0"])
def test_a_signal_or_a_bug_is_no_result_of_the_precheck(end: str) -> None:
    """Nor if the bug's traceback cannot be written."""
    replaced = f"program.reserve_closed_streams = lambda: {end}"
    code = f"import os, signal; from exporter.precheck_command import __main__ as program; {replaced}; program.main()"
    with Path("/dev/full").open("w") as full:
        assert subprocess.run([sys.executable, "-c", code], check=False, stderr=full).returncode == 2  # noqa: S603 - our own


def test_junit_has_a_case_for_each_item_and_no_character_that_xml_lacks() -> None:
    items = (
        CheckItem("a", "First", "", Status.FAILED, "bad \x01 <&\nfix it"),
        CheckItem("b", "", "", Status.SUCCESS, ""),
        CheckItem("c", "Third", "", Status.UNSTARTED, ""),
    )
    outcome = Outcome(ORDERS, Precheck(Status.RUNNING, items), "no end within 1 s")
    suite = ET.fromstring(junit_of_outcome(outcome, fail_on_warning=False).encode())[0]  # noqa: S314 - our own
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["4", "1", "1", "1"]
    assert [case.attrib for case in suite[:2]] == [
        {"classname": "ninedata.orders", "name": "First (a)", "time": "0"},
        {"classname": "ninedata.orders", "name": "b", "time": "0"},
    ]
    failure, error = suite[0][0], suite[3][0]
    assert (failure.get("message"), failure.text) == ("bad ? <&", "bad ? <&\nfix it")
    assert (error.get("message"), error.text) == ("no end within 1 s", "no end within 1 s")
    assert 'tests="1"' in junit_of_outcome(Outcome(ORDERS, Precheck(Status.SUCCESS, ())), fail_on_warning=False)


@pytest.mark.parametrize(
    ("status", "item", "error", "codes"),
    [
        (Status.SUCCESS, Status.SUCCESS, "", (0, 0)),
        (Status.SUCCESS, Status.WARNING, "", (0, 1)),
        (Status.WARNING, Status.SUCCESS, "", (0, 1)),
        (Status.FAILED, Status.SUCCESS, "", (1, 1)),
        (Status.RUNNING, Status.WARNING, "", (2, 2)),
        (Status.SUCCESS, Status.SUCCESS, "interrupted", (2, 2)),
    ],
)
def test_exit_status_and_junit_say_the_same(status: Status, item: Status, error: str, codes: tuple[int, int]) -> None:
    """By default, and with `--fail-on warning`: a report without a failure would be a green one."""
    outcome = Outcome(ORDERS, Precheck(status, (CheckItem("a", "First", "", item, ""),)), error)
    for strict, code in zip((False, True), codes, strict=True):
        assert outcome.exit_status(fail_on_warning=strict) == code
        suite = ET.fromstring(junit_of_outcome(outcome, fail_on_warning=strict).encode())[0]  # noqa: S314 - our own
        found = [len(suite.findall(f"testcase/{tag}")) for tag in ("failure", "error", "system-out")]
        warns = item is Status.WARNING
        assert found == [code == 1 or (warns and strict), code == 2, warns and not strict]


@pytest.mark.anyio
async def test_a_wait_outlasts_failures(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Those that may pass; each is told once."""
    monkeypatch.setattr(asyncio, "sleep", sleep := AsyncMock())
    passed = set()
    for reason in Reason:
        outcome, failure = Outcome(ORDERS), QueryError(reason, "x")
        query = AsyncMock(side_effect=[failure, failure, Precheck(Status.SUCCESS, ())])
        with suppress(QueryError):
            await follow(Mock(query_precheck=query, **{"rate_limit.held_seconds": 0.0}), outcome, ProgressDisplay())
            passed.add(str(reason))
            assert capfd.readouterr().err == "ninedata-precheck: x; trying again\nSuccess, 0 of 0 check items\n"
    assert passed == {"timeout", "connect", "http_error", "rate_limited"}
    assert {call.args for call in sleep.await_args_list} == {(2,)}


@pytest.mark.parametrize(
    ("terminal", "shown"), [(False, "{}\n"), (True, "\r\x1b[K\x1b[?7l[##########----------] {}\x1b[?7h\n")]
)
def test_progress_is_a_bar_or_a_line_for_each_change(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *, terminal: bool, shown: str
) -> None:
    """On a terminal, which wraps no line and is left at the end, or in a log."""
    monkeypatch.setattr(os, "isatty", lambda _: terminal)
    items = (CheckItem("a", "A", "", Status.SUCCESS, ""), CheckItem("b", "B" * 80, "", Status.RUNNING, ""))
    ProgressDisplay().end()  # has no line to leave
    display = ProgressDisplay()
    for _ in range(2):
        display.show(Precheck(Status.RUNNING, items))
    display.end()
    assert capfd.readouterr().err == shown.format(f"Running, 1 of 2 check items: {'B' * 80}")


@pytest.mark.anyio
async def test_the_id_of_another_tasks_precheck_is_refused() -> None:
    answer = {"data": {"taskId": "cd-2", "precheckTaskId": "p"}}
    client = Mock(send=AsyncMock(side_effect=lambda request, _: request.read(answer)))
    with pytest.raises(QueryError, match="the answer is about taskId 'cd-2', not about 'cd-1'"):
        await start_precheck(client, REF)


def test_the_exporter_itself_cannot_start_anything() -> None:
    """No module of the program that serves has the client that writes."""
    code = "import sys, exporter.app, exporter.demo, exporter.doctor, exporter.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert not [name for name in done.stdout.split() if "precheck_start" in name or "precheck_command" in name]
