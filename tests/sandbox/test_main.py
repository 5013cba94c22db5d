"""`python -m exporter.sandbox` serves until a signal, and prints a configuration."""

import signal
import subprocess
import sys

import httpx
import pytest
import yaml

from exporter.sandbox.__main__ import main

DEMO = [
    {"task_id": "cd-tg3isu1xgs", "precheck_task_id": "pcte-tg3isu1xgs", "name": "orders-prod", "kind": "data_compare"},
    {
        "task_id": "cc-th6j3fs58y",
        "precheck_task_id": "pcte-th6j3fs58y",
        "name": "orders-schema",
        "kind": "schema_compare",
    },
    {"task_id": "rp-div0qqpbffio", "name": "orders-standby", "kind": "replication"},
]
FLEET = [{"task_id": "rp-fleet-00001", "name": "fleet-00001", "kind": "replication"}]


@pytest.mark.parametrize(
    ("flags", "tasks"),
    [([], DEMO), (["--fleet", "5", "--kind", "replication", "--latency-seconds", "0.01"], FLEET)],
    ids=["demo", "fleet"],
)
def test_it_prints_a_configuration_and_serves_until_sigterm(flags: list[str], tasks: list[dict[str, str]]) -> None:
    """The configuration can be pasted as it is; it has the first task of each kind."""
    command = [sys.executable, "-m", "exporter.sandbox", "--listen-address", "127.0.0.1:0", *flags]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        assert process.stderr
        lines = list(iter(process.stderr.readline, "tasks:\n"))
        text = "".join(lines[lines.index("api:\n") :]) + "tasks:\n" + "".join(iter(process.stderr.readline, "\n"))
        config = yaml.safe_load(text)
        assert httpx.get(f"{config['api']['base_url']}/sandbox/tasks", trust_env=False).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0
    assert config["tasks"] == tasks
    assert config["api"]["access_key_id"] == "ak-sandbox-demo"


def test_only_loopback_is_served(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--listen-address", "10.0.0.1:0"]) == 1
    assert capsys.readouterr().err == "sandbox: the sandbox listens on loopback only, not on 10.0.0.1\n"
