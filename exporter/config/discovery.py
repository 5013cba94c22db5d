"""The section `discovery` of the configuration: which tasks are watched without being named."""

from exporter.config.model import ReplicationDiscovery
from exporter.config.reader import Reader
from exporter.config.tasks import load_labels
from exporter.ninedata import TASK_STATUSES

MAX_PATTERN_LENGTH = 200
"""No name is longer."""

_STATUS_OF_WORD = {word.casefold(): word for word in TASK_STATUSES}


def load_discovery(reader: Reader) -> ReplicationDiscovery | None:
    """How replication tasks are discovered; None where they are not."""
    replication = reader.mapping("replication")
    enabled = replication.boolean("enabled", default=False)
    statuses = replication.texts("statuses", _fault_of_status)
    names = replication.texts("names", _fault_of_pattern)
    labels = load_labels(replication.mapping("labels"))
    replication.done()
    reader.done()
    if not enabled:
        return None
    return ReplicationDiscovery(frozenset(_STATUS_OF_WORD[_folded(word)] for word in statuses), tuple(names), labels)


def _fault_of_status(word: str) -> str | None:
    return None if _folded(word) in _STATUS_OF_WORD else f"must be one of {', '.join(TASK_STATUSES)}"


def _fault_of_pattern(pattern: str) -> str | None:
    return f"is longer than {MAX_PATTERN_LENGTH} characters" if len(pattern) > MAX_PATTERN_LENGTH else None


def _folded(word: str) -> str:
    return word.strip().casefold()
