"""The one thing in this project that writes: a client that starts prechecks. The exporter itself never imports it."""

import json
from collections.abc import Mapping

from exporter.ninedata.client import NineDataClient, QueryProgress, _Get
from exporter.ninedata.failures import QueryError, Reason
from exporter.ninedata.kinds import KINDS
from exporter.ninedata.precheck import ID, TaskRef
from exporter.ninedata.text import text_of


class StartingClient(NineDataClient):
    """A client that can start a precheck as well."""

    async def start(self, task: TaskRef) -> str:
        """Start a precheck; its id, or nothing for a kind whose prechecks have none. Sent once. Raises QueryError."""
        kind = KINDS[task.kind]

        def read(envelope: Mapping[str, object]) -> str:
            if not kind.has_precheck_id:
                return ""
            data = envelope.get("data")
            precheck_id = text_of(data.get(kind.precheck_key)).strip() if isinstance(data, dict) else ""
            if not ID.fullmatch(precheck_id):
                raise QueryError(Reason.INVALID_RESPONSE, "the answer has no id of the precheck that it started")
            return precheck_id

        body = json.dumps({kind.task_key: task.task_id}).encode()
        path = kind.path.removesuffix("status") + "start"
        # No retry: the first request may have started a precheck.
        return await self._attempt(_Get(kind.name, path, (), read, body), QueryProgress())
