"""Fixtures: a sandbox whose clock the test sets, and a client that signs."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from exporter.ninedata.signing import signature, timestamp_of
from exporter.sandbox import ACCESS_KEY_ID, SECRET_KEY, Sandbox

ROOMS = {"data_compare": "comparedata", "schema_compare": "compareschema", "replication": "replication"}
"""How the paths about each kind begin, below /openapi/v1/."""


class Api:
    """The sandbox as a client sees it."""

    client: httpx.AsyncClient

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
        self.sandbox = Sandbox(clock=lambda: self.now)

    def headers(self, path: str, seconds: float = 0.0) -> dict[str, str]:
        """Those of a signed request, sent some seconds from now."""
        timestamp = timestamp_of(datetime.fromtimestamp(self.now + seconds, UTC))
        signed = signature(f"/openapi/v1/{path}", SECRET_KEY, timestamp)
        return {"access-key-id": ACCESS_KEY_ID, "timestamp": timestamp, "signature": signed}

    async def get(self, path: str, **query: str | int) -> httpx.Response:
        return await self.client.get(f"/openapi/v1/{path}", params=query, headers=self.headers(path))

    async def data(self, path: str, **query: str | int) -> Any:  # noqa: ANN401 - JSON
        """The data of a successful answer."""
        answer = (await self.get(path, **query)).json()
        assert answer["success"], answer
        return answer["data"]

    async def precheck(self, name: str) -> dict[str, Any]:
        """The envelope about a task's precheck."""
        task = next(task for task in self.sandbox.tasks if task.name == name)
        ids = {"taskId": task.task_id, "replicationId": task.task_id, "precheckTaskId": task.precheck_task_id}
        envelope: dict[str, Any] = (await self.get(f"{ROOMS[task.kind]}/precheck/status", **ids)).json()
        return envelope

    async def control(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """What one of the sandbox's own paths answers."""
        return (await self.client.request(method, f"/sandbox/{path}", json=body)).json()


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    api = Api()
    async with api.sandbox.serve() as base_url, httpx.AsyncClient(base_url=base_url, trust_env=False) as api.client:
        yield api
