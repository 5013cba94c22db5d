"""`--doctor` as a command: its report, its exit status, how it ends early."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import get_args
from unittest.mock import AsyncMock, Mock

import pytest

from exporter.doctor import command
from exporter.doctor.command import run_doctor
from exporter.doctor.report import Check
from exporter.scraping.shard import Shard


def test_the_demonstration_has_one_fault(capfd: pytest.CaptureFixture[str]) -> None:
    """Every check has a finding; each fault has advice."""
    assert run_doctor(None, {}, Shard(), "json") == 1
    document = json.loads(capfd.readouterr().out)
    assert {found["check"] for found in document["findings"]} == set(get_args(Check))
    (fault,) = [found for found in document["findings"] if found["level"] == "fault"]
    assert fault["subject"] == "legacy-erp (cd-o0g6l3wt5s)"
    assert fault["advice"]


def test_a_missing_configuration_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_doctor(tmp_path / "none.yaml", {}, Shard(), "table") == 1
    table = capfd.readouterr().out
    assert f"{tmp_path}/none.yaml" in "".join(table.split())
    assert table.endswith("\nNot good: fault 1, skipped 6.\n")


def test_a_signal_leaves_what_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async def examine(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(10)

    monkeypatch.setattr(command, "examine", examine)
    assert run_doctor(tmp_path / "config.yaml", {}, Shard(), "json") == 1
    assert json.loads(capfd.readouterr().out)["complete"] is False


def test_a_report_that_cannot_be_written_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "examine", AsyncMock())
    for shown, status in ((True, 0), (False, 1)):
        monkeypatch.setattr(command, "write_stdout", Mock(return_value=shown))
        assert run_doctor(tmp_path / "config.yaml", {}, Shard(), "json") == status
