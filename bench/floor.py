"""The least that the requests cost: raw aiohttp, nothing parsed, nothing rendered.

`python -m bench.floor URL TASKS CONCURRENCY` makes all requests for each line of its standard input, and answers each
with a line: the bytes that it received.
"""

import asyncio
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import aiohttp

from exporter.ninedata.signing import signature, timestamp_of
from exporter.sandbox import ACCESS_KEY_ID, SECRET_KEY, fleet

PATH = "/openapi/v1/comparedata/precheck/status"


async def _work(session: aiohttp.ClientSession, urls: Iterator[str]) -> int:
    """Ask for one after the other; the bytes received."""
    received = 0
    for url in urls:
        timestamp = timestamp_of(datetime.now(UTC))
        headers = {
            "access-key-id": ACCESS_KEY_ID,
            "timestamp": timestamp,
            "signature": signature(PATH, SECRET_KEY, timestamp),
        }
        async with session.get(url, headers=headers) as response:
            response.raise_for_status()
            received += len(await response.read())
    return received


async def run(base_url: str, tasks: int, concurrency: int) -> None:
    """Make the requests as often as is asked for."""
    urls = [f"{base_url}{PATH}?taskId={task.task_id}&precheckTaskId={task.precheck_task_id}" for task in fleet(tasks)]
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while await asyncio.to_thread(sys.stdin.readline):
            shared = iter(urls)
            received = await asyncio.gather(*(_work(session, shared) for _ in range(concurrency)))
            sys.stdout.write(f"{sum(received)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
