"""What one would write in an afternoon: `python -m bench.script URL TASKS`.

On every scrape it asks for one task after the other with requests; prometheus-client does the rest. The first line of
its standard output is where it listens.
"""

import hashlib
import sys
import time
from collections.abc import Iterator
from threading import Event
from typing import Any

import requests
from prometheus_client import start_http_server
from prometheus_client.core import REGISTRY, GaugeMetricFamily, Metric

from exporter.sandbox import ACCESS_KEY_ID, SECRET_KEY, Task, fleet

PATH = "/openapi/v1/comparedata/precheck/status"
STATUSES = ("Unstarted", "Running", "Success", "Failed")


class Collector:
    """The tasks' metrics, queried anew each time."""

    def __init__(self, url: str, tasks: int) -> None:
        self._url = url
        self._tasks = fleet(tasks)

    def describe(self) -> list[Metric]:
        """Nothing: otherwise all tasks would be queried to register it."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Query and tell."""
        up = GaugeMetricFamily("precheck_up", "Whether the query succeeded", labels=["task"])
        status = GaugeMetricFamily("precheck_status", "1 for the present status", labels=["task", "status"])
        item_status = GaugeMetricFamily("precheck_item_status", "1 for each item", labels=["task", "item", "status"])
        for task in self._tasks:
            try:
                data = self._query(task)
            except requests.RequestException:
                up.add_metric([task.name], 0)
                continue
            up.add_metric([task.name], 1)
            for word in STATUSES:
                status.add_metric([task.name, word], data["status"] == word)
            for item in data["precheckItems"]:
                item_status.add_metric([task.name, item["precheckItem"], item["status"]], 1)
        yield from (up, status, item_status)

    def _query(self, task: Task) -> dict[str, Any]:
        timestamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        signature = hashlib.sha256(f"{PATH}/{SECRET_KEY}&{timestamp}".encode()).hexdigest()
        response = requests.get(
            self._url + PATH,
            params={"taskId": task.task_id, "precheckTaskId": task.precheck_task_id},
            headers={"access-key-id": ACCESS_KEY_ID, "timestamp": timestamp, "signature": signature},
            timeout=5,
        )
        response.raise_for_status()
        data: dict[str, Any] = response.json()["data"]
        return data


if __name__ == "__main__":
    REGISTRY.register(Collector(sys.argv[1], int(sys.argv[2])))
    server, _ = start_http_server(0, "127.0.0.1")
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    Event().wait()
