"""Starting a precheck, the only request in this project that writes. The exporter itself never imports this."""

import json
from collections.abc import Mapping

from exporter.ninedata.answers import data_of
from exporter.ninedata.client import ApiRequest, NineDataClient, QueryProgress
from exporter.ninedata.failures import QueryError, Reason
from exporter.ninedata.kinds import KINDS
from exporter.ninedata.precheck import ID, TaskRef
from exporter.ninedata.text import text_of


async def start_precheck(client: NineDataClient, task: TaskRef) -> str:
    """Start a precheck; its id, or nothing for a kind whose prechecks have none. Sent once. Raises QueryError."""
    kind = KINDS[task.kind]

    def read(envelope: Mapping[str, object]) -> str:
        if not kind.has_precheck_id:
            return ""
        data = data_of(envelope, kind.state_parameters(task))
        precheck_id = text_of(data.get(kind.precheck_key)).strip()
        if not ID.fullmatch(precheck_id):
            raise QueryError(Reason.INVALID_RESPONSE, "the answer has no id of the precheck that it started")
        return precheck_id

    body = json.dumps({kind.task_key: task.task_id}).encode()
    path = kind.path.removesuffix("status") + "start"
    # No retry: the first request may have started a precheck.
    return await client.send(ApiRequest(kind.name, path, (), read, body), QueryProgress())
