"""What prechecks of data and of schema comparisons have in common, as the vendor documents both."""

from collections.abc import Mapping

from exporter.ninedata.model import Precheck, Status, TaskRef
from exporter.ninedata.payloads import ItemKeys, check_identity, read_data, read_items
from exporter.ninedata.text import clean_name, text_of

_ITEM_KEYS = ItemKeys("precheckItem", "errorMessage", "message")


def parameters(task: TaskRef) -> dict[str, str]:
    """The query string; both ids are required."""
    return {"taskId": task.task_id, "precheckTaskId": task.precheck_task_id}


def parse(envelope: Mapping[str, object], task: TaskRef) -> Precheck:
    """The precheck in a successful answer. Raises QueryError where it is none, or that of another task."""
    data = read_data(envelope)
    check_identity(data, "taskId", task.task_id)
    check_identity(data, "precheckTaskId", task.precheck_task_id)
    word = text_of(data.get("status"))
    return Precheck(
        status=Status.of_word(word),
        items=read_items(data.get("precheckItems"), _ITEM_KEYS),
        status_word=clean_name(word),
        request_id=clean_name(envelope.get("requestId")),
    )
