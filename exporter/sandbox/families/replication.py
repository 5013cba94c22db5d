"""Prechecks of replication tasks, and the list of these tasks.

The check items `replBidirectionLoopExistCheck` and `srcDataSourceCheck` are documented; all others are invented after
their pattern. For a precheck that has not ended no words are documented: see `Unfinished`.
"""

import re

from exporter.sandbox.envelopes import failure
from exporter.sandbox.families.family import Family
from exporter.sandbox.families.routes import Route, start_route, status_route
from exporter.sandbox.messages import Answer, Request
from exporter.sandbox.paging import Listing
from exporter.sandbox.prechecks import Item, State, Status
from exporter.sandbox.served import Served
from exporter.sandbox.tasks import Task, Unfinished

LIST = "replication/list"
"""The name by which requests for the list go; those for its second page also go by `replication/list/2`."""

DOCUMENTED = (
    Item("replBidirectionLoopExistCheck", "Cyclic replication check", "Check for replication loops"),
    Item(
        "srcDataSourceCheck",
        "Source datasource connection check",
        "Check the status of the gateway of the source datasource, database connectable, "
        "and verify the username and password",
    ),
)
"""The items of the documented example, of which the second one fails there."""

CHECKS = (
    *DOCUMENTED,
    Item(
        "targetDataSourceCheck",
        "Target datasource connection check",
        "Check the status of the gateway of the target datasource, database connectable, "
        "and verify the username and password",
    ),
    Item("srcPermissionCheck", "Source privilege check", "Check whether the account of the source may read it"),
    Item("targetPermissionCheck", "Target privilege check", "Check whether the account of the target may write it"),
    Item("srcBinlogCheck", "Source log check", "Check whether the source keeps a change log of the needed form"),
    Item("targetObjectExistCheck", "Object conflict check", "Check whether the target has objects of the same name"),
    Item("replPrimaryKeyCheck", "Primary key check", "Check whether each table has a primary or unique key"),
)

_WORDS = {Status.SUCCESS: "success", Status.WARNING: "warning", Status.FAILED: "failure"}
_DEFAULT_PAGE_SIZE = 10
_NUMBER = re.compile(r"[1-9]\d{0,8}", re.ASCII)


def _data(task: Task, _precheck_task_id: str, state: State) -> dict[str, object]:
    known = state.over or task.unfinished == Unfinished.WORDS
    return {
        "replicationId": task.task_id,
        "precheckStatus": _word(_overall(state)) if known else None,
        "items": [_item(item, status) for item, status in (state.items if known else _known_items(task, state))],
    }


def _overall(state: State) -> Status:
    warned = any(status is Status.WARNING for _, status in state.items)
    return Status.WARNING if warned and state.status is Status.SUCCESS else state.status


def _known_items(task: Task, state: State) -> tuple[tuple[Item, Status], ...]:
    if task.unfinished == Unfinished.NOTHING:
        return ()
    return tuple((item, status) for item, status in state.items if status in _WORDS)


def _item(item: Item, status: Status) -> dict[str, str]:
    return {
        "itemId": item.item,
        "itemName": item.name,
        "itemDescription": item.description,
        "status": _word(status),
        "message": item.error_message if status is item.outcome else "",
    }


def _word(status: Status) -> str:
    return _WORDS.get(status, status)


def _list(served: Served, request: Request) -> Answer:
    """A page of the tasks that match all of `status`, `type` and `keyword`, which is a part of a name."""
    query = request.query
    numbers = query.get("current") or "1", query.get("pageSize") or str(_DEFAULT_PAGE_SIZE)
    if not all(map(_NUMBER.fullmatch, numbers)):
        return failure("PARAMETER_INVALID", "current and pageSize must be whole numbers, 1 or more", 400)
    current, page_size = map(int, numbers)
    status, type_, keyword = query.get("status"), query.get("type"), query.get("keyword")
    found = (
        task
        for task in served.tasks
        if (not status or task.task_status == status)
        and (not type_ or task.type == type_)
        and (not keyword or keyword.casefold() in task.name.casefold())
    )
    return Listing(tuple(found), _entry, current, min(page_size, served.max_page_size)).answer()


def _list_names(request: Request) -> tuple[str, ...]:
    return f"{LIST}/{request.query.get('current') or 1}", LIST


def _entry(task: Task) -> dict[str, object]:
    """All tasks were created in the moment that is documented for one."""
    unprefixed = task.task_id.removeprefix(FAMILY.id_prefix)
    return {
        "replicationId": task.task_id,
        "name": task.name,
        "sourceDatasourceId": f"ds-{unprefixed}s",
        "targetDatasourceId": f"ds-{unprefixed}t",
        "type": task.type,
        "status": task.task_status,
        "subTaskTypeList": ["schema", "full", "inc_writer"],
        "createTime": "2025-08-11 01:08:19Z",
    }


FAMILY = Family(
    kind="replication",
    id_prefix="rp-",
    checks=CHECKS,
    data=_data,
    routes={
        "/openapi/v1/replication/precheck/status": status_route("replicationId", unknown="replication {} not found"),
        "/openapi/v1/replication/precheck/start": start_route(
            "replicationId", lambda _task_id, _precheck_id: {}, unknown="replication {} not found"
        ),
        "/openapi/v1/replication/list": Route("GET", _list, _list_names),
    },
    has_precheck_ids=False,
)
