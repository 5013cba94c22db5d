"""A fast stand-in for the NineData API: `python -m bench.api LATENCY_SECONDS`.

It answers every request for a precheck with 12 passed check items and checks no signature, so that the exporter and not
the API is measured. It is a process of its own and prints its base URL.
"""

import asyncio
import json
import sys
from email.utils import formatdate
from urllib.parse import parse_qs

ITEMS = 12


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
    """The whole HTTP response to a request for a precheck."""
    query = parse_qs(target.partition("?")[2])
    items = [
        {
            "precheckItem": f"benchCheck{number}",
            "itemName": f"Check {number} of the source and the target",
            "itemDescription": "Check whether the account has the privileges that the task needs",
            "status": "Success",
        }
        for number in range(ITEMS)
    ]
    data = {"taskId": query["taskId"][0], "precheckTaskId": query["precheckTaskId"][0], "status": "Success"}
    body = json.dumps({"success": True, "requestId": "bench", "data": {**data, "precheckItems": items}}).encode()
    head = f"HTTP/1.1 200 OK\r\nDate: {formatdate(usegmt=True)}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def serve(latency_seconds: float) -> None:
    """Serve until the process is terminated."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(latency_seconds), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)  # noqa: T201 - read by the benchmark
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
