"""The states of a task: one number, word and colour each, the same in every panel.

The colours stay apart with any kind of colour vision, which a test measures. The word always stands beside the colour.
"""

from dataclasses import dataclass
from itertools import cycle

from grafana_foundation_sdk.models import dashboard


@dataclass(frozen=True, slots=True)
class State:
    """The greater the code, the worse: where several states compete, `max` shows the worst."""

    code: int
    word: str
    color: str


NOT_WATCHED = State(0, "Not watched", "#606060")
SUCCESS = State(1, "Success", "#009E73")
RUNNING = State(2, "Running", "#56B4E9")
UNSTARTED = State(3, "Unstarted", "#BBBBBB")
WARNING = State(4, "Warning", "#F0E442")
UNKNOWN = State(5, "Unknown", "#3C5AF2")
NOT_QUERIED = State(6, "Query failing", "#AA4499")
FAILED = State(7, "Failed", "#D55E00")
EXPORTER_DOWN = State(8, "Exporter down", "#606060")
NO_EXPORTER = State(9, "No exporter", "#606060")

WORST_FIRST = (FAILED, NOT_QUERIED, UNKNOWN, WARNING, UNSTARTED, RUNNING, SUCCESS)
"""The states of tasks that are watched by an exporter that is up."""

STATUSES = tuple(state for state in WORST_FIRST if state is not NOT_QUERIED)
"""The values of the label `status`."""

NONE_KNOWN = (NOT_WATCHED, EXPORTER_DOWN, NO_EXPORTER)
"""Why nothing is known of any task."""

NOT_KNOWN = -1
"""Instead of a count that is not known: 0 would say that all is well."""

TRANSPARENT = "transparent"

# Without the colour of a success.
_COLORS = cycle(("#AA4499", "#0072B2", "#D55E00", "#F0E442", "#56B4E9", "#BBBBBB", "#882255"))
_REASONS = "timeout deadline connect tls auth rate_limited not_found unsupported http_error api_error"
REASON_COLORS = dict(zip(f"{_REASONS} invalid_response too_large internal".split(), _COLORS, strict=False))
"""Of each reason of a failed query."""


def words() -> dashboard.ValueMap:
    """From the codes of states to words and colours."""
    return mapping({str(state.code): (state.word, state.color) for state in (*WORST_FIRST, *NONE_KNOWN)})


def mapping(results: dict[str, tuple[str, str]]) -> dashboard.ValueMap:
    """From values to words and colours."""
    shown = enumerate(results.items())
    return dashboard.ValueMap(
        {
            value: dashboard.ValueMappingResult(text=text, color=color, index=index)
            for index, (value, (text, color)) in shown
        }
    )
