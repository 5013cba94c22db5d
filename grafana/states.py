"""The states that dashboards show: a number for the timeline, a word, and a colour, the same everywhere.

The colours can be told apart with any kind of colour vision, which a test measures: Okabe and Ito's palette, a darker
purple, and two greys for what is not a result. A word always stands beside the colour: in the block, the legend, the
cell or the tooltip.
"""

from dataclasses import dataclass

from grafana_foundation_sdk.models import dashboard


@dataclass(frozen=True, slots=True)
class State:
    """`code` is the number on timelines. Where two exporters disagree for a moment, the higher one is shown."""

    code: int
    word: str
    color: str


UNSTARTED = State(1, "Unstarted", "#BBBBBB")
RUNNING = State(2, "Running", "#56B4E9")
SUCCESS = State(3, "Success", "#009E73")
WARNING = State(4, "Warning", "#F0E442")
FAILED = State(5, "Failed", "#D55E00")
UNKNOWN = State(6, "Unknown", "#AA4499")
NOT_QUERIED = State(7, "Cannot be queried", "#4D4D4D")

STATUSES = (UNSTARTED, RUNNING, SUCCESS, WARNING, FAILED, UNKNOWN)
"""Those that are values of the label `status`, under the same word."""

STATES = (*STATUSES, NOT_QUERIED)

NEUTRAL = "#0072B2"
"""For numbers that are neither good nor bad."""

RESULTS = (FAILED, WARNING, SUCCESS)
"""What a check item can end with."""

WORST_FIRST = (FAILED, WARNING, UNKNOWN, RUNNING, UNSTARTED, SUCCESS)


def words(states: tuple[State, ...] = STATES) -> dashboard.ValueMap:
    """From a code to its word and colour."""
    return _mapping({str(state.code): (state.word, state.color) for state in states})


def yes_no(yes: str, no: str, *, bad: State = FAILED) -> dashboard.ValueMap:
    """Words for a metric that is 1 where all is well and 0 where not."""
    return _mapping({"1": (yes, SUCCESS.color), "0": (no, bad.color)})


def present(word: str, color: str) -> dashboard.ValueMap:
    """The word for a series that is there, with value 1, or is not."""
    return _mapping({"1": (word, color)})


def _mapping(results: dict[str, tuple[str, str]]) -> dashboard.ValueMap:
    return dashboard.ValueMap(
        {
            value: dashboard.ValueMappingResult(text=text, color=color, index=index)
            for index, (value, (text, color)) in enumerate(results.items())
        }
    )
