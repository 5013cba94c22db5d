"""`python -m exporter.sandbox` serves until a signal, and prints a configuration."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from exporter.config import load
from exporter.sandbox.__main__ import main


@pytest.mark.parametrize(
    ("flags", "task_ids"),
    [
        ([], ["cd-tg3isu1xgs", "cc-th6j3fs58y", "rp-div0qqpbffio"]),
        (["--fleet", "5", "--kind", "replication", "--latency-seconds", "0.01"], ["rp-fleet-00001"]),
    ],
    ids=["demo", "fleet"],
)
def test_it_serves_until_sigterm(flags: list[str], task_ids: list[str], tmp_path: Path) -> None:
    """It prints a configuration that can be pasted as it is, with the first task of each kind."""
    command = [sys.executable, "-m", "exporter.sandbox", "--listen-address", "127.0.0.1:0", *flags]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        assert process.stderr
        assert "listens on http://127.0.0.1:" in "".join(iter(process.stderr.readline, "\n"))
        (tmp_path / "config.yaml").write_text("".join(iter(process.stderr.readline, "\n")))
        config = load(tmp_path / "config.yaml", {})
        assert httpx.get(f"{config.api.base_url}/sandbox/tasks", trust_env=False).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0
    assert [task.ref.task_id for task in config.tasks] == task_ids


def test_only_loopback_is_served(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--listen-address", "10.0.0.1:0"]) == 1
    assert capsys.readouterr().err == "sandbox: the sandbox listens on loopback only, not on 10.0.0.1\n"
