"""The section `discovery` of the configuration: tasks that are watched without being listed."""

from exporter.config.model import ReplicationDiscovery
from exporter.config.reader import Reader
from exporter.config.tasks import load_labels
from exporter.ninedata import TASK_STATUSES

_STATUSES = {word.casefold(): word for word in TASK_STATUSES}


def load_discovery(reader: Reader) -> ReplicationDiscovery | None:
    """How replication tasks are discovered; None if they are not."""
    replication = reader.mapping("replication")
    enabled = replication.boolean("enabled", default=False)
    statuses = replication.texts("statuses", _fault_of_status)
    names = replication.texts("names")
    labels = load_labels(replication.mapping("labels"))
    replication.done()
    reader.done()
    if not enabled:
        return None
    return ReplicationDiscovery(frozenset(_STATUSES[_folded(word)] for word in statuses), tuple(names), labels)


def _fault_of_status(word: str) -> str | None:
    return None if _folded(word) in _STATUSES else f"must be one of {', '.join(TASK_STATUSES)}"


def _folded(word: str) -> str:
    return word.strip().casefold()
