"""The states of a task: one number, word and colour each, the same in every panel.

The colours stay apart with any kind of colour vision, which a test measures. The word always stands beside the colour.
"""

from dataclasses import dataclass
from itertools import cycle

from grafana_foundation_sdk.models import dashboard

from exporter.ninedata import Reason


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
STOPPED = State(4, "Stopped", "#8B5A2B")
WARNING = State(5, "Warning", "#F0E442")
UNKNOWN = State(6, "Unknown", "#3C5AF2")
NOT_QUERIED = State(7, "Query failing", "#AA4499")
FAILED = State(8, "Failed", "#D55E00")
EXPORTER_DOWN = State(9, "Exporter down", "#606060")
NO_EXPORTER = State(10, "No exporter", "#606060")

WORST_FIRST = (FAILED, NOT_QUERIED, UNKNOWN, WARNING, STOPPED, UNSTARTED, RUNNING, SUCCESS)
"""The states of tasks that are watched by an exporter that is up."""

STATUSES = (FAILED, UNKNOWN, WARNING, UNSTARTED, RUNNING, SUCCESS)
"""The statuses of a precheck and of a check item."""

OWN_STATUSES = {
    FAILED: ("Failed", "Abnormal", "PrecheckFailed"),
    UNKNOWN: ("Unknown",),
    STOPPED: ("Stopped", "Suspended", "Locked"),
    UNSTARTED: ("NotStarted", "Created", "PrecheckSuccess"),
    RUNNING: ("Running", "Starting", "Prechecking"),
    SUCCESS: ("Success",),
}
"""The statuses of a task itself, and what each means for the state of the task."""

OWN_NOT_QUERIED = 100 * NOT_QUERIED.code
OWN_NOT_WATCHED = 50
"""Instead of the code of an own status, where an exporter answers and has none."""

NONE_KNOWN = (NOT_WATCHED, EXPORTER_DOWN, NO_EXPORTER)
"""Why nothing is known of any task."""

NOT_KNOWN = -1
"""Instead of a count that is not known: 0 would say that all is well."""

TRANSPARENT = "transparent"

# Without the colour of a success.
_COLORS = cycle(("#AA4499", "#0072B2", "#D55E00", "#F0E442", "#56B4E9", "#BBBBBB", "#882255"))
REASON_COLORS = {reason.value: color for reason, color in zip(Reason, _COLORS, strict=False)}
"""Of each reason of a failed query."""


def words() -> dashboard.ValueMap:
    """From the codes of states to words and colours."""
    return mapping({str(state.code): (state.word, state.color) for state in (*WORST_FIRST, *NONE_KNOWN)})


def own_codes() -> dict[str, int]:
    """The code of each own status: the greater, the worse, and none that is the code of a state."""
    return {
        word: 100 * state.code - index
        for state, statuses in OWN_STATUSES.items()
        for index, word in enumerate(statuses)
    }


def own_words(not_watched: str) -> dashboard.ValueMap:
    """From own statuses, their codes and the codes of other states to words and colours."""
    colors = {word: state.color for state, statuses in OWN_STATUSES.items() for word in statuses}
    shown = {str(code): (word, colors[word]) for word, code in own_codes().items()}
    shown |= {word: (word, color) for word, color in colors.items()}
    shown |= dict.fromkeys((str(OWN_NOT_QUERIED), NOT_QUERIED.word), (NOT_QUERIED.word, NOT_QUERIED.color))
    shown |= {str(state.code): (state.word, state.color) for state in (*WORST_FIRST, *NONE_KNOWN)}
    return mapping(shown | {str(OWN_NOT_WATCHED): (not_watched, NOT_WATCHED.color)})


def mapping(results: dict[str, tuple[str, str]]) -> dashboard.ValueMap:
    """From values to words and colours."""
    shown = enumerate(results.items())
    return dashboard.ValueMap(
        {
            value: dashboard.ValueMappingResult(text=text, color=color, index=index)
            for index, (value, (text, color)) in shown
        }
    )
