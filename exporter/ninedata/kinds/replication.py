"""Prechecks of replication tasks, documented by the vendor.

A replication task has one precheck, its latest, without an id of its own. Documented are the words success, warning and
failure; what is answered before or while a precheck runs is not, so a null or missing status and missing items are
read as an unknown status without items.
"""

from collections.abc import Mapping

from exporter.ninedata.kinds.kind import Kind
from exporter.ninedata.model import Precheck, Status, TaskRef
from exporter.ninedata.payloads import ItemKeys, check_identity, read_data, read_items
from exporter.ninedata.text import clean_name, text_of

_ITEM_KEYS = ItemKeys("itemId", "message", "errorMessage")


def parameters(task: TaskRef) -> dict[str, str]:
    """The query string."""
    return {"replicationId": task.task_id}


def parse(envelope: Mapping[str, object], task: TaskRef) -> Precheck:
    """The precheck in a successful answer. Raises QueryError where it is none, or that of another task."""
    data = read_data(envelope)
    check_identity(data, "replicationId", task.task_id)
    word = text_of(data.get("precheckStatus"))
    return Precheck(
        status=Status.of_word(word),
        items=read_items(data.get("items"), _ITEM_KEYS),
        status_word=clean_name(word),
        request_id=clean_name(envelope.get("requestId")),
    )


KIND = Kind(
    name="replication",
    title="replication tasks",
    path="/openapi/v1/replication/precheck/status",
    has_precheck_id=False,
    parameters=parameters,
    parse=parse,
)
