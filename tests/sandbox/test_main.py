"""`python -m exporter.sandbox` serves until a signal, and says how to use it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import yaml

from exporter.sandbox.__main__ import main

Process = subprocess.Popen[str]


@contextmanager
def serving(*flags: str) -> Iterator[Process]:
    command = [sys.executable, "-m", "exporter.sandbox", "--listen-address", "127.0.0.1:0", *flags]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def started() -> Iterator[Process]:
    with serving("--fleet", "5") as process:
        yield process


def read_config(process: Process) -> dict[str, object]:
    """The configuration that is printed, which ends with an empty line."""
    assert process.stderr
    lines = iter(process.stderr.readline, "")
    for line in lines:
        if line == "api:\n":
            break
    return yaml.safe_load("api:\n" + "".join(iter(process.stderr.readline, "\n")))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_a_configuration_and_serves_until_a_signal(started: Process, number: int) -> None:
    """The configuration can be pasted as it is; the end is at once, with exit status 0."""
    config = read_config(started)
    assert config["tasks"] == [
        {"task_id": "cd-fleet-00001", "precheck_task_id": "pcte-fleet-00001", "name": "fleet-00001"}
    ]
    assert config["api"]["access_key_id"] == "ak-sandbox-demo"
    with httpx.Client(base_url=config["api"]["base_url"], trust_env=False) as client:
        assert client.get("/sandbox/requests").status_code == 200
        started.send_signal(number)
        assert started.wait(timeout=5) == 0


def test_the_configuration_has_a_task_of_each_kind() -> None:
    """A kind is named where it is not the usual one, and a precheck's id where there is one."""
    with serving() as process:
        config = read_config(process)
    assert config["tasks"] == [
        {"task_id": "cd-tg3isu1xgs", "precheck_task_id": "pcte-dj02vti9tabd", "name": "orders-prod"},
        {
            "task_id": "cc-th6j3fs58y",
            "precheck_task_id": "pcte-dji009w2k499",
            "name": "orders-schema",
            "kind": "schema_compare",
        },
        {"task_id": "rp-div0qqpbffio", "name": "orders-standby", "kind": "replication"},
    ]


def test_a_fleet_can_be_of_any_kind() -> None:
    """By its flag."""
    with serving("--fleet", "5", "--kind", "replication") as process:
        config = read_config(process)
    assert config["tasks"] == [{"task_id": "rp-fleet-00001", "name": "fleet-00001", "kind": "replication"}]


def test_an_address_that_is_not_loopback_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1 with the reason."""
    assert main(["--listen-address", "10.0.0.1:0"]) == 1
    assert capsys.readouterr().err == "sandbox: the sandbox listens on loopback only, not on 10.0.0.1\n"


@pytest.mark.parametrize(
    "flag",
    [
        ["--listen-address", "x"],
        ["--listen-address", "127.0.0.1:99999"],
        ["--fleet", "-1"],
        ["--items", "x"],
        ["--kind", "x"],
        ["--latency-seconds", "inf"],
    ],
)
def test_a_wrong_flag_is_refused(flag: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2 with the flag's name, as of every command."""
    with pytest.raises(SystemExit, match="2"):
        main(flag)
    assert f"argument {flag[0]}: " in capsys.readouterr().err
