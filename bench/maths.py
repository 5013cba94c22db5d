"""The arithmetic of the report."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """What several measurements of the same gave."""

    median: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Line:
    """y = intercept + slope * x."""

    slope: float
    intercept: float


def ideal_seconds(tasks: int, concurrency: int, latency_seconds: float) -> float:
    """The least that so many requests can take: as many rounds as are needed, each of one latency."""
    return math.ceil(tasks / concurrency) * latency_seconds


def spread(values: Sequence[float]) -> Spread:
    """Of at least one value."""
    return Spread(statistics.median(values), min(values), max(values))


def fit(points: Sequence[tuple[float, float]]) -> Line:
    """The straight line with the least squares of errors."""
    slope, intercept = statistics.linear_regression(*zip(*points, strict=True))
    return Line(slope, intercept)


def growth(points: Sequence[tuple[float, float]]) -> float:
    """The power of x with which y grows: 1 is linear, 2 quadratic. From points whose coordinates exceed 0."""
    return fit([(math.log(x), math.log(y)) for x, y in points]).slope
