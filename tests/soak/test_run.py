"""A tiny soak, from the start of the exporter to the verdict."""

import re

import pytest

from soak.__main__ import main
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
    assert [line for line in measured if "tasks up" in line] == []
