"""A fast stand-in for the NineData API: `python -m bench.api LATENCY_SECONDS`.

It answers requests for a precheck with 12 passed check items, and requests for the task itself. It checks no signature,
so that the exporter and not the API is measured. It is a process of its own and prints its base URL.
"""

import asyncio
import json
import sys
from email.utils import formatdate
from urllib.parse import parse_qs

ITEMS = 12

Query = dict[str, list[str]]


class Connection(asyncio.Protocol):
    """A kept connection of a client that waits for each answer before it sends the next request."""

    def __init__(self, latency_seconds: float) -> None:
        self._latency_seconds = latency_seconds
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer a complete request after the latency."""
        self._received += data
        if self._received.endswith(b"\r\n\r\n"):
            target = self._received.split(b" ", 2)[1]
            self._received = b""
            if self._latency_seconds:
                asyncio.get_running_loop().call_later(self._latency_seconds, self._answer, target)
            else:
                self._answer(target)

    def _answer(self, target: bytes) -> None:
        if isinstance(self._transport, asyncio.WriteTransport) and not self._transport.is_closing():
            self._transport.write(answer(target.decode()))


def answer(target: str) -> bytes:
    """The whole HTTP response to a request."""
    path, _, query = target.partition("?")
    read = {"queryTaskById": task, "queryTaskExecInfo": execution}.get(path.rpartition("/")[2], precheck)
    body = json.dumps({"success": True, "requestId": "bench", "data": read(parse_qs(query))}).encode()
    head = f"HTTP/1.1 200 OK\r\nDate: {formatdate(usegmt=True)}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def precheck(query: Query) -> dict[str, object]:
    """A precheck that has passed."""
    items = [
        {
            "precheckItem": f"benchCheck{number}",
            "itemName": f"Check {number} of the source and the target",
            "itemDescription": "Check whether the account has the privileges that the task needs",
            "status": "Success",
        }
        for number in range(ITEMS)
    ]
    ids = {"taskId": query["taskId"][0], "precheckTaskId": query["precheckTaskId"][0]}
    return {**ids, "status": "Success", "precheckItems": items}


def task(query: Query) -> dict[str, object]:
    """A task itself; the number in its id is that of its latest execution."""
    task_id = query["taskId"][0]
    named = {"id": task_id, "lastExecId": int(task_id[-5:]), "name": task_id}
    return {**named, "status": "success", "createTime": "2025-03-19 09:12:40Z", "isDeleted": False, "errMsg": ""}


def execution(query: Query) -> dict[str, object]:
    """The latest execution of a task, which found differences."""
    number = int(query["execId"][0])
    times = {"createTime": "2026-04-09 06:40:15Z", "updateTime": "2026-04-09 06:45:15Z"}
    rows = {"onlySourceRows": 0, "onlyTargetRows": 2, "differenceRows": 7, "skipTableCount": "0"}
    return {"id": number, "taskId": f"cd-bench-{number:05}", "status": "success", **times, **rows, "errorMessage": ""}


async def serve(latency_seconds: float) -> None:
    """Serve until the process is terminated."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(latency_seconds), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)  # noqa: T201 - read by the benchmark
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
