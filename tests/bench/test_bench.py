"""The benchmark runs, at a size that measures nothing."""

from pathlib import Path

import pytest

from bench import __main__ as bench
from bench.__main__ import Figure, table


def test_every_figure_is_measured_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page keeps its text around the table."""
    page = tmp_path / "performance.md"
    page.write_text("before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n")
    monkeypatch.setattr(bench, "PAGE", page)
    monkeypatch.setattr("sys.argv", ["bench", "--write", "--tasks=3", "--rounds=1"])
    bench.main()
    printed = capsys.readouterr().out
    assert printed.count("\n|") == 2 + 10
    assert page.read_text() == (f"before\n<!-- figures -->\n\n{printed}\n<!-- end of figures -->\nafter\n")


@pytest.mark.parametrize(
    ("values", "row"), [((0.5, 0.9, 7.0), "| x | 1.0 | 0.9 (0.5 to 7.0) | yes |"), ((2.0,), "| x | 1.0 | 2.0 | NO |")]
)
def test_the_median_keeps_the_limit_or_not(values: tuple[float, ...], row: str) -> None:
    """One slow run among several does not decide."""
    assert table([Figure("x", "{:.1f}", 1.0, values)]).splitlines()[-1] == row
