"""A tiny soak, from the start of the exporter to the verdict."""

import re

import pytest

from soak.__main__ import main
from tests.secrecy import Watch


def test_a_tiny_run(capsys: pytest.CaptureFixture[str], secrecy: Watch) -> None:
    """It measures, and its last line is the verdict, which its exit status tells too."""
    status = main(["--scrapes=24", "--tasks=5", "--every=4", "--rounds=0", "--seed=3"])
    *measured, verdict = capsys.readouterr().out.splitlines()
    secrecy.look("soak", "\n".join([*measured, verdict]))
    assert [line.split()[0] for line in measured if "descriptors" in line] == ["4", "8", "12", "16", "20", "24"]
    assert re.match(r"(flat|NOT flat: .*): memory [+-][\d.]+ bytes per scrape \(", verdict)
    assert re.search(r"; \d+ scrapes had faults, seed 3$", verdict)
    assert status == (0 if verdict.startswith("flat: ") else 1)
    assert [line for line in measured if "tasks up" in line] == []
