"""What data comparison and schema comparison share: two paths, and the shape of their answers, all documented."""

from exporter.sandbox.families.family import Family
from exporter.sandbox.families.routes import start_route, status_route
from exporter.sandbox.prechecks import Item, State, Status
from exporter.sandbox.tasks import Task


def comparison(kind: str, id_prefix: str, paths: str, checks: tuple[Item, ...]) -> Family:
    """A family whose paths begin with `paths`."""
    return Family(
        kind=kind,
        id_prefix=id_prefix,
        checks=checks,
        data=_data,
        routes={
            f"{paths}/precheck/status": status_route("taskId", "precheckTaskId", unknown="precheck task not found"),
            f"{paths}/precheck/start": start_route("taskId", _started, unknown="task not found"),
        },
    )


def _data(task: Task, precheck_task_id: str, state: State) -> dict[str, object]:
    return {
        "taskId": task.task_id,
        "precheckTaskId": precheck_task_id,
        "status": state.status,
        "precheckItems": [_item(item, status) for item, status in state.items],
    }


def _item(item: Item, status: Status) -> dict[str, str]:
    shown = {
        "precheckItem": item.item,
        "itemName": item.name,
        "itemDescription": item.description,
        "status": status,
    }
    if status is item.outcome and item.error_message:
        shown["errorMessage"] = item.error_message
    return shown


def _started(task_id: str, precheck_task_id: str) -> dict[str, object]:
    return {"data": {"taskId": task_id, "precheckTaskId": precheck_task_id}}
