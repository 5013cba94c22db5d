"""The arithmetic of the benchmark's report."""

import pytest

from bench.maths import Spread, fit, growth, ideal_seconds, spread


@pytest.mark.parametrize(
    ("tasks", "concurrency", "seconds"),
    [(1, 64, 0.05), (64, 64, 0.05), (65, 64, 0.1), (1000, 64, 0.8), (1000, 8, 6.25), (5000, 64, 3.95), (0, 64, 0.0)],
)
def test_the_ideal_is_as_many_rounds_as_are_needed(tasks: int, concurrency: int, seconds: float) -> None:
    """A round that is not full takes as long as one that is."""
    assert ideal_seconds(tasks, concurrency, 0.05) == pytest.approx(seconds)


def test_without_latency_there_is_no_ideal() -> None:
    """Only the machine's own speed counts then."""
    assert ideal_seconds(1000, 64, 0.0) == 0


def test_a_spread_has_the_median_and_both_ends() -> None:
    """One slow run among several moves only an end."""
    assert spread([3.0, 1.0, 100.0]) == Spread(3.0, 1.0, 100.0)
    assert spread([1.0, 2.0]) == Spread(1.5, 1.0, 2.0)
    assert spread([7.0]) == Spread(7.0, 7.0, 7.0)


def test_a_line_is_fitted_through_its_points() -> None:
    """Exactly, where they are on one, and between them where they are not."""
    line = fit([(1, 5), (2, 7), (4, 11)])
    assert (line.slope, line.intercept) == pytest.approx((2, 3))
    line = fit([(0, 0), (0, 2), (2, 2), (2, 4)])
    assert (line.slope, line.intercept) == pytest.approx((1, 1))


@pytest.mark.parametrize("power", [0.5, 1, 2])
def test_growth_is_the_power(power: float) -> None:
    """1 is linear, 2 quadratic."""
    assert growth([(x, 3 * x**power) for x in (10, 100, 1000)]) == pytest.approx(power)
