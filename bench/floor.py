"""The lower bound: the same signed requests sent by raw aiohttp, answers read and thrown away.

`python -m bench.floor URL TASKS CONCURRENCY` sends all requests for each line of its standard input, and prints the
number of answers.
"""

import asyncio
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import aiohttp

from bench.tasks import ACCESS_KEY_ID, PATH, SECRET_KEY, tasks
from exporter.ninedata.signing import signature, timestamp_of


async def _worker(session: aiohttp.ClientSession, urls: Iterator[str]) -> int:
    answered = 0
    for url in urls:
        timestamp = timestamp_of(datetime.now(UTC))
        signed = signature(PATH, SECRET_KEY, timestamp)
        headers = {"access-key-id": ACCESS_KEY_ID, "timestamp": timestamp, "signature": signed}
        async with session.get(url, headers=headers) as response:
            response.raise_for_status()
            await response.read()
            answered += 1
    return answered


async def run(base_url: str, count: int, concurrency: int) -> None:
    """Send all requests once for each line."""
    urls = [f"{base_url}{PATH}?taskId={task_id}&precheckTaskId={precheck_id}" for task_id, precheck_id in tasks(count)]
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        print("ready", flush=True)  # noqa: T201 - read by the benchmark
        while await asyncio.to_thread(sys.stdin.readline):
            shared = iter(urls)
            answered = await asyncio.gather(*(_worker(session, shared) for _ in range(concurrency)))
            print(sum(answered), flush=True)  # noqa: T201 - read by the benchmark


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
