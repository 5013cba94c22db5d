"""`--doctor`: everything between the configuration and the last task is examined, and trouble is named."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest

from exporter.sandbox import Handle, Sandbox, demo_tasks, fleet, run_in_thread
from exporter.sandbox.faults import ApiError, Body, Delay, Garbage, Hang, HttpStatus, Patch, RateLimited, Redirect
from tests.program.doctor import CHECKS, Doctor
from tests.program.process import ROOT, Launcher, config_of, until
from tests.secrecy import ACCESS_KEY_ID, SECRET_KEY

Serve = Callable[..., Handle]

LOGIN = Body(content=b"<!doctype html><title>Log in</title>", content_type="text/html")
AFTER_KEY = ["discovery", "task", "time"]
QUICK = {"request_timeout": "700ms"}


@pytest.fixture
def doctor(launch: Launcher) -> Doctor:
    return Doctor(launch)


@pytest.fixture
def serve_with() -> Iterator[Serve]:
    """Serves tasks by a sandbox with further options, as long as the test lives."""
    with ExitStack() as stack:
        yield lambda tasks, **options: stack.enter_context(
            run_in_thread(Sandbox(tasks, access_key_id=ACCESS_KEY_ID, secret_key=SECRET_KEY, **options))
        )


@pytest.fixture
def small(serve: Serve) -> Handle:
    """Serves two tasks that have passed."""
    return serve(*fleet(2, items=3))


def test_all_is_well(doctor: Doctor, small: Handle) -> None:
    """Every check has a finding, none is more than skipped, and the exit status is 0."""
    diagnosis = doctor.examine(config_of(small))
    assert (diagnosis.status, diagnosis.faults, diagnosis.warnings) == (0, [], [])
    assert list(dict.fromkeys(found.check for found in diagnosis.findings)) == CHECKS
    assert [(found.check, found.what) for found in diagnosis.findings if found.check in diagnosis.skipped] == [
        ("discovery", "is not configured")
    ]
    assert [(found.subject, found.what) for found in diagnosis.of("task")] == [
        (f"fleet-0000{number} (cd-fleet-0000{number})", "data_compare, Success, 3 check items") for number in (1, 2)
    ]


def test_a_broken_web_configuration(doctor: Doctor, small: Handle, tmp_path: Path) -> None:
    """It belongs to the configuration: its faults are told with their places, beside those of the rest."""
    web = tmp_path / "web.yaml"
    web.write_text("tls_server_config: {cert_file: missing.crt}\n")
    diagnosis = doctor.examine(config_of(small), f"--web.config.file={web}")
    assert diagnosis.status == 1
    assert {found.check for found in diagnosis.findings if found.level == "fault"} == {"configuration"}
    told = [f"{found.subject} {found.what}" for found in diagnosis.of("configuration")]
    assert any(f"{web}:1" in line and "tls_server_config.cert_file" in line for line in told), told


def test_failed_prechecks_are_no_trouble_of_the_doctor(doctor: Doctor, sandbox: Handle) -> None:
    """What fails is told, item by item; the queries are healthy, so the exit status is 0."""
    answered = [task for task in sandbox.tasks if task.script is not None]
    diagnosis = doctor.examine(config_of(sandbox, answered))
    assert (diagnosis.status, diagnosis.warnings) == (0, [])
    told = {found.subject.partition(" ")[0]: found.what for found in diagnosis.of("task")}
    assert told["inventory-prod"] == (
        "data_compare, Failed, 12 check items, 3 failed: "
        "targetDataSourceCheck, compareTargetPermissionCheck, targetDataExistCheck"
    )
    assert told["inventory-schema"].startswith("schema_compare, Failed, 8 check items, 1 failed: ")
    assert told["customers-dwh"] == "replication, Success, 8 check items"


def test_every_fault_of_the_configuration(doctor: Doctor, small: Handle) -> None:
    """Each with its line; nothing else can be examined."""
    config = config_of(small, api={"request_timeout": SECRET_KEY, "concurrency": 0})
    diagnosis = doctor.examine(config | {"taks": []})
    assert diagnosis.status == 1
    assert [(found.check, found.level) for found in diagnosis.of("configuration")] == [("configuration", "fault")] * 3
    assert [found.what.partition(":")[0] for found in diagnosis.faults] == [
        "api.concurrency",
        "api.request_timeout",
        "taks",
    ]
    assert all(found.subject.rpartition(":")[2].isdigit() for found in diagnosis.faults)
    assert diagnosis.skipped == [*CHECKS[1:-1]]


def test_a_missing_configuration(doctor: Doctor, tmp_path: Path) -> None:
    """The file is named."""
    diagnosis = doctor.examine(tmp_path / "none.yaml")
    (fault,) = diagnosis.faults
    assert (fault.subject, fault.what) == (f"{tmp_path}/none.yaml", "cannot be read: No such file or directory")


def test_a_missing_secret(doctor: Doctor, small: Handle) -> None:
    """The three places where it could be are named."""
    diagnosis = doctor.examine(config_of(small, api={"secret_key": None}))
    (fault,) = diagnosis.faults
    assert fault.what.startswith("api.secret_key: is missing: give secret_key, secret_key_file or the environment")


def test_secrets_of_the_environment(doctor: Doctor, small: Handle) -> None:
    """They are used as in a run."""
    config = config_of(small, api={"access_key_id": None, "secret_key": None})
    env = {"NINEDATA_ACCESS_KEY_ID": ACCESS_KEY_ID, "NINEDATA_SECRET_KEY": SECRET_KEY}
    assert doctor.examine(config, env=env).status == 0


def test_a_broken_task_file(doctor: Doctor, serve: Serve, tmp_path: Path) -> None:
    """Its faults are told with file and line, and what the other files have is examined all the same."""
    sandbox = serve(*fleet(3))
    folder = tmp_path / "tasks.d"
    folder.mkdir()
    (folder / "bad.yaml").write_text("- {task_id: cd-fleet-00002}\n")
    (folder / "good.yaml").write_text("- {task_id: cd-fleet-00003, precheck_task_id: pcte-fleet-00003}\n")
    diagnosis = doctor.examine(config_of(sandbox, sandbox.tasks[:1], task_files=[f"{folder}/*.yaml"]))
    (fault,) = diagnosis.faults
    assert (fault.check, fault.subject) == ("configuration", f"{folder}/bad.yaml:1")
    assert "precheck_task_id" in fault.what
    assert [found.subject for found in diagnosis.of("task")] == ["fleet-00001 (cd-fleet-00001)", "cd-fleet-00003"]


@pytest.mark.parametrize(
    ("seconds", "level", "words"),
    [
        (3600, "fault", "this machine's clock is 3600 s behind the server's"),
        (-700, "fault", "this machine's clock is 700 s ahead of the server's"),
        (420, "warning", "this machine's clock is 420 s behind the server's"),
    ],
)
def test_the_clock(doctor: Doctor, small: Handle, seconds: float, level: str, words: str) -> None:
    """More than ten minutes off no key can be judged; more than five is a warning."""
    small.set_skew(seconds)
    diagnosis = doctor.examine(config_of(small))
    clock = diagnosis.one("clock")
    assert clock.level == level
    # The header has whole seconds.
    assert clock.what.partition(";")[0] in {
        words,
        *(words.replace(str(abs(seconds)), str(abs(seconds) + d)) for d in (-1, 1)),
    }
    if level == "fault":
        assert (diagnosis.status, diagnosis.faults) == (1, [clock])
        assert diagnosis.skipped == ["key", *AFTER_KEY]
    else:
        assert (diagnosis.status, diagnosis.warnings) == (0, [clock])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"access_key_id": f"{ACCESS_KEY_ID}-of-another"}, "unknown access key"),
        ({"secret_key": f"{SECRET_KEY}-of-another"}, "wrong signature"),
    ],
)
def test_a_wrong_key(doctor: Doctor, small: Handle, change: dict[str, str], words: str) -> None:
    """The API's own words tell which half is wrong; the tasks are not blamed for it."""
    diagnosis = doctor.examine(config_of(small, api=change))
    assert diagnosis.status == 1
    (fault,) = diagnosis.faults
    assert fault.check == "key"
    assert words in fault.what
    assert "access key id and the secret key belong together" in fault.advice
    assert diagnosis.one("answer").level == diagnosis.one("clock").level == "ok"
    assert diagnosis.skipped == AFTER_KEY


def test_a_refusal_without_a_word_may_be_a_gateways(doctor: Doctor, small: Handle) -> None:
    """A bare 403 is also what a list of allowed addresses answers."""
    small.set_fault(HttpStatus(status=403, body="html"))
    diagnosis = doctor.examine(config_of(small))
    assert diagnosis.status == 1
    assert [found.check for found in diagnosis.faults] == ["key"]
    (warning,) = diagnosis.warnings
    assert (warning.check, "a list of allowed addresses" in warning.what) == ("answer", True)


def test_a_task_that_is_not_there(doctor: Doctor, sandbox: Handle) -> None:
    """It is named with the API's words and its request id; all others are examined."""
    diagnosis = doctor.examine(config_of(sandbox))
    assert diagnosis.status == 1
    (fault,) = diagnosis.faults
    assert (fault.check, fault.subject) == ("task", "legacy-erp (cd-o0g6l3wt5s)")
    assert "not_found: the API refused the query: PRECHECK_TASK_NOT_FOUND" in fault.what
    assert "(request id " in fault.what
    assert "precheck_task_id" in fault.advice
    assert len(diagnosis.of("task")) == len(sandbox.tasks)


def test_the_only_task_is_not_there(doctor: Doctor, serve: Serve) -> None:
    """That tells of the task, and nothing against the key."""
    sandbox = serve(*demo_tasks())
    diagnosis = doctor.examine(config_of(sandbox, [task for task in sandbox.tasks if task.script is None]))
    assert [found.check for found in diagnosis.faults] == ["task"]
    assert diagnosis.one("key").level == "ok"


def test_a_server_that_lacks_a_kind_of_task(doctor: Doctor, serve_with: Serve) -> None:
    """The tasks of that kind are told with the part that is missing: the server is too old."""
    sandbox = serve_with(demo_tasks(), families=["data_compare", "replication"])
    tasks = [task for task in sandbox.tasks if task.script is not None]
    diagnosis = doctor.examine(config_of(sandbox, tasks))
    assert diagnosis.status == 1
    assert {found.subject.partition(" ")[0] for found in diagnosis.faults} == {"orders-schema", "inventory-schema"}
    for fault in diagnosis.faults:
        assert fault.what.startswith("schema_compare, unsupported: HTTP 404")
        assert "/openapi/v1/compareschema/precheck/status" in fault.advice
        assert "the server is too old" in fault.advice


@pytest.mark.parametrize(
    ("fault", "words", "advice"),
    [
        (
            RateLimited(retry_after=7),
            "rate_limited: HTTP 429: the API wants fewer requests; none for 7 s",
            "rate_limit",
        ),
        (
            Redirect(location="https://login.example.com/sso?x=1"),
            "redirected to https://login.example.com/sso",
            "proxy",
        ),
        (LOGIN, "unsupported: a web page came instead of JSON", "login page"),
        (Garbage(), "invalid_response: the answer is not HTTP", "proxy or a login page"),
        (HttpStatus(status=502, body="html"), "http_error: HTTP 502", "a proxy before it"),
        (Hang(), "timeout: no complete answer within 0.7 s", "api.request_timeout"),
        (Delay(delay_seconds=2), "timeout: no complete answer within 0.7 s", "api.request_timeout"),
    ],
    ids=["rate limit", "redirect", "login page", "no HTTP", "bad gateway", "silence", "too slow"],
)
def test_an_answer_that_is_not_the_apis(doctor: Doctor, small: Handle, fault: object, words: str, advice: str) -> None:
    """It is told once, for the server; of key and tasks nothing can be said."""
    small.set_fault(fault)  # type: ignore[arg-type]  # of pytest's tables nothing is known
    diagnosis = doctor.examine(config_of(small, api=QUICK))
    assert diagnosis.status == 1
    (found,) = diagnosis.faults
    assert (found.check, found.subject) == ("answer", small.base_url)
    assert words in found.what
    assert advice in found.advice
    assert diagnosis.skipped == [*(["clock"] if isinstance(fault, Hang | Delay | Garbage) else []), "key", *AFTER_KEY]


@pytest.mark.parametrize("given", ["", "/nd/other", "/openapi"])
def test_a_wrong_path_prefix(doctor: Doctor, serve_with: Serve, given: str) -> None:
    """A reverse proxy knows the console under a prefix that `api.base_url` lacks or has wrong."""
    sandbox = serve_with(fleet(1), path_prefix="/ninedata")
    base_url = sandbox.base_url.removesuffix("/ninedata") + given
    diagnosis = doctor.examine(config_of(sandbox, api={"base_url": base_url}))
    (fault,) = diagnosis.faults
    assert (fault.check, fault.subject) == ("answer", base_url)
    assert "path prefix" in fault.advice
    right = doctor.examine(config_of(sandbox))
    assert (right.status, right.one("answer").subject) == (0, sandbox.base_url)


def test_one_task_in_trouble_blames_no_other(doctor: Doctor, serve: Serve) -> None:
    """Each is told with its own reason, also when it is the first one."""
    sandbox = serve(*fleet(6))
    troubles = [Hang(), HttpStatus(status=500, body="html"), ApiError(error_code="PERMISSION_DENY"), Garbage()]
    reasons = ["timeout", "http_error", "auth", "invalid_response"]
    for task, trouble in zip(sandbox.tasks, troubles, strict=False):
        sandbox.set_fault(trouble, task.task_id)
    diagnosis = doctor.examine(config_of(sandbox, api=QUICK))
    assert diagnosis.status == 1
    assert [found.what.split()[1].rstrip(":") for found in diagnosis.faults] == reasons
    assert [found.level for found in diagnosis.of("task")] == ["fault"] * 4 + ["ok"] * 2
    assert diagnosis.one("key").level == "ok"


def test_slow_answers(doctor: Doctor, small: Handle) -> None:
    """What a scrape has no time for is a warning, and so is an answer that is nearly too late."""
    small.set_fault(Delay(delay_seconds=1.6))
    config = config_of(small, api={"request_timeout": "3s", "concurrency": 1}, scrape={"timeout": "2s"})
    diagnosis = doctor.examine(config)
    assert (diagnosis.status, [found.check for found in diagnosis.warnings]) == (0, ["time", "time"])
    whole, slowest = diagnosis.of("time")
    assert re.match(r"2 queries took [3-5]\.", whole.what)
    assert "api.concurrency" in whole.advice
    assert re.match(r"the slowest answer took [12]\.", slowest.what)


def test_discovery(doctor: Doctor, serve: Serve) -> None:
    """How many tasks are listed, in how many requests, how many of them are watched; each is examined."""
    sandbox = serve(*fleet(120, kind="replication"))
    discovery = {"replication": {"enabled": True, "names": ["fleet-0000*"]}}
    diagnosis = doctor.examine(config_of(sandbox, [], discovery=discovery))
    assert diagnosis.status == 0
    assert diagnosis.one("discovery").what.startswith("120 tasks listed with 2 requests in ")
    assert ", 9 of them watched" in diagnosis.one("discovery").what
    assert len(diagnosis.of("task")) == 9


def test_discovery_that_fails(doctor: Doctor, sandbox: Handle) -> None:
    """It is a fault of its own, and the named tasks are examined."""
    sandbox.set_fault(ApiError(message="no permission for this list"), "replication/list")
    config = config_of(sandbox, sandbox.tasks[:1], discovery={"replication": {"enabled": True}})
    diagnosis = doctor.examine(config)
    (fault,) = diagnosis.faults
    assert (fault.check, fault.subject) == ("discovery", "replication")
    assert fault.what.startswith("auth: the API refused the query: no permission for this list")
    assert [found.level for found in diagnosis.of("task")] == ["ok"]


def test_nothing_to_watch(doctor: Doctor, small: Handle) -> None:
    """The key can be judged all the same, for the list needs no task; that none is watched is a warning."""
    diagnosis = doctor.examine(config_of(small, []))
    assert (diagnosis.status, diagnosis.one("key").level) == (0, "ok")
    assert [(found.check, found.what) for found in diagnosis.warnings] == [("task", "no task is watched")]


def test_a_word_that_is_not_known(doctor: Doctor, small: Handle) -> None:
    """It is a warning, for somebody should report it."""
    small.set_fault(Patch(data={"status": "Paused"}), "cd-fleet-00002")
    diagnosis = doctor.examine(config_of(small))
    (warning,) = diagnosis.warnings
    assert (diagnosis.status, warning.subject) == (0, "fleet-00002 (cd-fleet-00002)")
    assert "Unknown" in warning.what
    assert "'Paused'" in warning.what
    assumed = {found.subject: found for found in diagnosis.of("assumption")}
    assert assumed["the words for a precheck's status are known"].level == "warning"


def test_a_replication_task_that_was_never_prechecked(doctor: Doctor, serve: Serve) -> None:
    """It may have no status at all, which is nothing to report."""
    sandbox = serve(*fleet(1, kind="replication"))
    sandbox.set_fault(Patch(data={"precheckStatus": None, "items": []}))
    diagnosis = doctor.examine(config_of(sandbox))
    assert (diagnosis.status, diagnosis.warnings) == (0, [])
    assert diagnosis.one("task").what == "replication, Unknown, 0 check items; the API gave no status"


def test_a_shard(doctor: Doctor, serve: Serve) -> None:
    """Only its share of the tasks is examined; together the shards have all."""
    sandbox = serve(*fleet(10))
    config = doctor.launch.config(config_of(sandbox))
    shares = [doctor.examine(config, f"--shard={shard}/2").of("task") for shard in (0, 1)]
    examined = sorted(found.subject for share in shares for found in share)
    assert examined == [f"{task.name} ({task.task_id})" for task in sandbox.tasks]
    assert all(shares)


def test_the_demonstration(doctor: Doctor) -> None:
    """It has tasks of all kinds, by name and by discovery, and one that is not there: something to look at."""
    diagnosis = doctor.run("--demo")
    assert [found.subject for found in diagnosis.faults] == ["legacy-erp (cd-o0g6l3wt5s)"]
    assert len(diagnosis.of("task")) == len(demo_tasks())
    assert diagnosis.one("discovery").what.startswith("3 tasks listed with 1 request")


def test_what_an_account_confirms(doctor: Doctor, sandbox: Handle) -> None:
    """What is assumed of the API and was seen is told with what shows it; the rest is said not to have been seen."""
    told = {found.subject: found for found in doctor.examine(config_of(sandbox)).of("assumption")}
    assert told["the console's host serves the API"].what == f"{sandbox.base_url}/openapi/... answered"
    confirmed = {subject for subject, found in told.items() if found.level == "ok"}
    assert confirmed > {"check items can end in Warning", "a precheck that is not there is recognised"}
    assert told["too many requests are recognised"].level == "skipped"


def test_the_table(doctor: Doctor, sandbox: Handle) -> None:
    """What is wrong comes first among its kind, each piece of advice once, the outcome at the end."""
    status, table = doctor.table(f"--config.file={doctor.launch.config(config_of(sandbox))}")
    assert status == 1
    lines = table.splitlines()
    assert max(map(len, lines)) <= 100
    tasks = [line for line in lines if line[9:].startswith("task ")]
    assert tasks[0].startswith("fault    task           legacy-erp (cd-o0g6l3wt5s): data_compare, not_found: ")
    assert len(tasks) == len(sandbox.tasks)
    assert "  1. legacy-erp (cd-o0g6l3wt5s): See whether task_id and precheck_task_id are right" in table
    assert lines[-1].startswith("Not good: 1 fault, ")


def test_many_tasks(doctor: Doctor, serve: Serve) -> None:
    """Good ones are listed up to a number and then counted; the JSON has all."""
    sandbox = serve(*fleet(300, items=1))
    path = doctor.launch.config(config_of(sandbox))
    status, table = doctor.table(f"--config.file={path}")
    assert status == 0
    assert len([line for line in table.splitlines() if line.startswith("ok       task  ")]) == 51
    assert "ok       task           ... and 250 more\n" in table
    assert len(doctor.examine(path).of("task")) == 300


@pytest.mark.parametrize("form", ["table", "json"])
def test_an_interrupt_ends_it_at_once(launch: Launcher, small: Handle, form: str) -> None:
    """With what was found until then, a word about it, and no success."""
    small.set_fault(Hang())
    path = launch.config(config_of(small, api={"request_timeout": "60s"}))
    process = launch.begin("--doctor", f"--doctor.format={form}", f"--config.file={path}")
    until(lambda: sum(small.requests().per_task.values()) > 0, 30, "a request under way")
    began = time.monotonic()
    assert process.stop(signal.SIGINT) == 1
    assert time.monotonic() - began < 3
    assert process.stderr == ""
    if form == "json":
        document = json.loads(process.stdout)
        assert (document["complete"], document["good"]) == (False, False)
        assert [found["check"] for found in document["findings"]] == ["configuration", "name", "tcp", "tls"]
    else:
        assert process.stdout.startswith("ninedata-exporter ")
        assert process.stdout.endswith("\nInterrupted; until then: 4 ok.\n")


@pytest.mark.parametrize("size", [1, 1000])
def test_a_reader_that_goes_away_is_no_trouble(launch: Launcher, small: Handle, size: int) -> None:
    """As with `| head`: it ends without a word, however long its report is."""
    tasks = [{"task_id": f"cd {number}"} for number in range(size)]
    path = launch.config(config_of(small) | {"tasks": tasks})
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        assert _written_to(pipe, path) == (1, "")


def test_a_report_that_cannot_be_written_is_told(launch: Launcher, small: Handle) -> None:
    """On standard error, with the exit status of a fault."""
    with Path("/dev/full").open("wb") as full:
        done = _written_to(full, launch.config(config_of(small)))
    assert done == (1, "ninedata-exporter: cannot write the report: No space left on device\n")


def _written_to(file: IO[bytes], config: Path) -> tuple[int, str]:
    """The exit status and standard error of the doctor whose standard output is a file."""
    command = [sys.executable, "-m", "exporter", "--doctor", f"--config.file={config}"]
    done = subprocess.run(command, cwd=ROOT, stdout=file, stderr=subprocess.PIPE, check=False, timeout=60)  # noqa: S603 - the project itself
    return done.returncode, done.stderr.decode()


def test_a_terminal_without_the_characters_of_a_name_is_no_trouble(launch: Launcher, small: Handle) -> None:
    """They are shown as their numbers."""
    config = config_of(small)
    config["tasks"][0]["name"] = "\u8ba2\u5355"  # type: ignore[index]  # a document's shape is not declared
    process = launch.begin("--doctor", f"--config.file={launch.config(config)}", env={"PYTHONIOENCODING": "ascii"})
    assert (process.wait(), process.stderr) == (0, "")
    assert "\\u8ba2\\u5355 (cd-fleet-00001)" in process.stdout
