"""The shipped configuration of the alerts, as the tests run it: waits shortened, addresses replaced, no more."""

import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
RULES = ROOT / "prometheus" / "ninedata.rules.yaml"
PROMETHEUS = ROOT / "prometheus" / "prometheus.example.yaml"
ALERTMANAGER = ROOT / "alertmanager" / "alertmanager.example.yaml"
TEMPLATES = ROOT / "alertmanager" / "ninedata.tmpl"

_WAITING = r"\b(?:for|keep_firing_for|group_wait|group_interval|repeat_interval|scrape_interval|evaluation_interval): "
_DURATION = re.compile(rf"(?m)({_WAITING}|\[)(\d+(?:ms|[smhdw]))(?=\]|$)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def faster(text: str, times: float) -> str:
    """The text with every waiting time, `for: 2m`, and every window, `[5m]`, so many times as short."""
    return _DURATION.sub(lambda found: f"{found[1]}{milliseconds(found[2]) / times:.0f}ms", text)


def timeless(text: str) -> str:
    """The text without these times: what must be the same in what is shipped and in what is run."""
    return _DURATION.sub(r"\1", text)


def replaced(text: str, replacements: Mapping[str, str]) -> str:
    """The text with some of its words replaced, each of which must be there once."""
    for word, replacement in replacements.items():
        assert text.count(word) == 1, word
        text = text.replace(word, replacement)
    return text


def milliseconds(duration: str) -> float:
    """A duration of one unit."""
    unit = duration.lstrip("0123456789")
    return float(duration.removesuffix(unit)) * _SECONDS[unit] * 1000
