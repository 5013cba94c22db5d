"""A scripted precheck is a function of the seconds since its start."""

import math

import pytest

from exporter.sandbox.prechecks import Item, Run, Script, State, Status

PASSING = Item("a", "A", "checks a", seconds=10)
FAILING = Item("b", "B", "checks b", seconds=5, outcome=Status.FAILED, error_message="B is broken. Mend it.")
WARNING = Item("c", "C", "checks c", outcome=Status.WARNING, error_message="C is odd. Look at it.")

ONCE = Script((Run((PASSING, FAILING), queued_seconds=3),))
MENDED = Script((Run((PASSING, FAILING), queued_seconds=3), Run((PASSING,), queued_seconds=3)), rest_seconds=20)


def words(state: State) -> list[str]:
    return [state.status, *(status for _, status in state.items)]


@pytest.mark.parametrize(
    ("elapsed", "expected", "until"),
    [
        (-1, ["Unstarted", "Unstarted", "Unstarted"], 3),
        (0, ["Unstarted", "Unstarted", "Unstarted"], 3),
        (2.9, ["Unstarted", "Unstarted", "Unstarted"], 3),
        (3, ["Running", "Running", "Unstarted"], 13),
        (13, ["Running", "Success", "Running"], 18),
        (18, ["Failed", "Success", "Failed"], math.inf),
        (1e9, ["Failed", "Success", "Failed"], math.inf),
    ],
)
def test_a_precheck_waits_then_runs_item_by_item_then_ends(elapsed: float, expected: list[str], until: float) -> None:
    """Each moment has one state, and the state says how long it lasts."""
    state = ONCE.state_at(elapsed)
    assert words(state) == expected
    assert state.until == until


def test_a_precheck_without_a_failed_item_succeeds_whatever_warns() -> None:
    """The documented words of a task know no warning."""
    assert words(Script((Run((PASSING, WARNING)),)).state_at(10)) == ["Success", "Success", "Warning"]


def test_a_precheck_without_items_and_queue_is_over_at_once() -> None:
    """An empty list of items is an answer too."""
    assert words(Script((Run(()),)).state_at(0)) == ["Success"]


@pytest.mark.parametrize(
    ("elapsed", "expected", "until"),
    [
        (18, ["Failed", "Success", "Failed"], 38),
        (38, ["Unstarted", "Unstarted"], 41),
        (41, ["Running", "Running"], 51),
        (51, ["Success", "Success"], 71),
        (71, ["Unstarted", "Unstarted", "Unstarted"], 74),
        (71_000_018, ["Failed", "Success", "Failed"], 71_000_038),
    ],
)
def test_with_a_rest_the_runs_follow_each_other_for_ever(elapsed: float, expected: list[str], until: float) -> None:
    """A result stands for the rest; after the last run comes the first one again."""
    state = MENDED.state_at(elapsed)
    assert words(state) == expected
    assert state.until == pytest.approx(until)


def test_variation_makes_runs_shorter_and_their_rests_longer() -> None:
    """Each run takes another time, the same at every playing, and starts as if it took its nominal time."""
    script = Script((Run((PASSING,)),), rest_seconds=2, variation=0.5)
    lengths = [script.state_at(start).until - start for start in range(0, 1200, 12)]
    assert len({round(length, 6) for length in lengths}) > 90
    assert min(lengths) >= 5
    assert max(lengths) <= 10
    assert lengths == [script.state_at(start).until - start for start in range(0, 1200, 12)]
    assert words(script.state_at(23.9)) == ["Success", "Success"]
    assert words(script.state_at(24)) == ["Running", "Running"]


def test_a_superseded_precheck_shows_how_its_run_ends() -> None:
    """At once, for good, and of the run that was on at that moment."""
    assert words(MENDED.finished(4).state_at(0)) == ["Failed", "Success", "Failed"]
    assert words(MENDED.finished(42).state_at(0)) == ["Success", "Success"]
    assert MENDED.finished(42).state_at(0).until == math.inf


def test_a_new_precheck_plays_the_next_run_first() -> None:
    """What failed and was mended passes when it is started again."""
    assert words(MENDED.following(4).state_at(13)) == ["Success", "Success"]
    assert MENDED.following(42) == MENDED
    assert ONCE.following(4) == ONCE


@pytest.mark.parametrize(
    ("runs", "options", "message"),
    [
        ((), {}, "a script needs a run"),
        ((Run((PASSING,)),), {"variation": 1.1}, "variation is from 0 to 1, not 1.1"),
        ((Run(()),), {"rest_seconds": 0}, "a script that repeats must take time"),
    ],
)
def test_what_cannot_be_played_is_refused(runs: tuple[Run, ...], options: dict[str, float], message: str) -> None:
    """A fault of a script shows where it is written, not where it is played."""
    with pytest.raises(ValueError, match=message):
        Script(runs, **options)
