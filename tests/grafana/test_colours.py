"""The colours of states can be told apart, with whatever eyes."""

from itertools import combinations

import pytest

from grafana.states import STATES

Vector = tuple[float, ...]

# How dichromats see, on linear RGB: Machado, Oliveira and Fernandes, 2009, at severity 1.
VISION = {
    "trichromat": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanope": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deuteranope": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "tritanope": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}

DISTANCE = 15
"""In CIELAB, where 2.3 is just noticeable."""


@pytest.mark.parametrize("eyes", VISION)
def test_every_two_states_look_different(eyes: str) -> None:
    for one, other in combinations(STATES, 2):
        a, b = _seen(one.color, eyes), _seen(other.color, eyes)
        distance = sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5
        assert distance > DISTANCE, (one.word, other.word)


def _seen(color: str, eyes: str) -> Vector:
    linear = tuple(_linear(int(color[start : start + 2], 16) / 255) for start in (1, 3, 5))
    return _lab(tuple(sum(w * c for w, c in zip(row, linear, strict=True)) for row in VISION[eyes]))


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _lab(linear: Vector) -> Vector:
    r, g, b = (min(max(value, 0.0), 1.0) for value in linear)
    x, y, z = (
        _root((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505),
        _root(0.2126 * r + 0.7152 * g + 0.0722 * b),
        _root((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.0891),
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _root(value: float) -> float:
    return float(value ** (1 / 3)) if value > 0.008856 else 7.787 * value + 16 / 116
