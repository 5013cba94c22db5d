"""A tiny soak, from the start of the exporter to the verdict."""

import re
from pathlib import Path

import pytest

from soak.__main__ import main
from tests.program.process import ROOT
from tests.secrecy import Watch


@pytest.mark.parametrize("flags", [["--scrapes=10"], ["--scrapes=49", "--every=25"], ["--every=0"], ["--every=-1"]])
def test_too_short_a_run_is_refused(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is started: two measurements are the least."""
    with pytest.raises(SystemExit) as ended:
        main(flags)
    assert ended.value.code == 2
    assert "--scrapes must be at least 2 times --every" in capsys.readouterr().err


def test_a_tiny_run(capsys: pytest.CaptureFixture[str], secrecy: Watch) -> None:
    """It measures, and its last line is the verdict, which its exit status tells too."""
    status = main(["--scrapes=24", "--tasks=5", "--every=4", "--rounds=0", "--seed=3"])
    *measured, verdict = capsys.readouterr().out.splitlines()
    secrecy.look("soak", "\n".join([*measured, verdict]))
    assert [line.split()[0] for line in measured if "descriptors" in line] == ["4", "8", "12", "16", "20", "24"]
    assert re.match(r"(flat|NOT flat: .*): memory [+-][\d.]+ bytes per scrape \(", verdict)
    assert re.search(r"; in them .*; seed 3; glibc gave free memory back at once$", verdict)
    assert status == (0 if verdict.startswith("flat: ") else 1)
    assert [line for line in measured if "tasks up" in line or "the log says" in line] == []


BROKEN = """
import exporter.metrics.tasks as tasks

written = tasks.TaskLines.write


def write(lines, result):
    if result.task.task_id == "cd-fleet-00002":
        raise ZeroDivisionError("planted")
    written(lines, result)


tasks.TaskLines.write = write
"""


def test_an_internal_error_is_found(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its line is told, though every scrape is answered in time."""
    (tmp_path / "sitecustomize.py").write_text(BROKEN)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    assert main(["--scrapes=4", "--tasks=5", "--every=2", "--rounds=0"]) == 1
    *lines, verdict = capsys.readouterr().out.splitlines()
    told = [line for line in lines if line.startswith("the log says: ")]
    assert any(' level=error msg="internal error" task=cd-fleet-00002 ' in line for line in told)
    assert all("internal error" in line and len(line) < 400 for line in told)
    assert verdict.startswith("NOT flat: ")
