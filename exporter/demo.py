"""The demonstration: the exporter and an embedded sandbox of the API in one process."""

import sys

from exporter.config import Config, ReplicationDiscovery, Task
from exporter.config.model import Api
from exporter.credentials import FixedSecret, Secret
from exporter.listener import Listener
from exporter.ninedata import KINDS, TaskRef
from exporter.ninedata.tls import tls_context
from exporter.run import run
from exporter.sandbox.catalogue import ACCESS_KEY_ID, SECRET_KEY, demo_tasks
from exporter.sandbox.server import Sandbox
from exporter.shard import Shard


async def run_demo(listener: Listener, *, shard: Shard | None = None) -> None:
    """Serve the sandbox's tasks until SIGTERM or SIGINT."""
    async with Sandbox(demo_tasks()).serve() as sandbox:
        sys.stderr.write(
            "\n  A demonstration: an embedded sandbox of the NineData API, nothing real is watched.\n\n"
            f"  Metrics, open these first:  {listener.metrics_url}\n"
            f"  Prechecks, for people:      {listener.url}/\n\n"
            "  Each look at the metrics is a scrape that queries every task anew. Ctrl-C ends it all.\n\n"
        )
        # The terminal in which it was tried out may be closed without a word.
        config = demo_config(sandbox.base_url)
        await run(config, lambda: config, listener, shard=shard, hangup_stops=True)


def demo_config(base_url: str) -> Config:
    """The configuration that watches the sandbox at an address: comparisons by name, replication by discovery."""
    tasks = (
        Task(TaskRef(task.kind, task.task_id, task.precheck_task_id), task.name, task.labels)
        for task in demo_tasks()
        if KINDS[task.kind].has_precheck_id
    )
    api = Api(
        base_url=base_url,
        access_key_id=FixedSecret(Secret(ACCESS_KEY_ID)),
        secret_key=FixedSecret(Secret(SECRET_KEY)),
        tls=tls_context(None, verify=True),
    )
    discovery = ReplicationDiscovery(labels={"team": "replication", "env": "prod"})
    return Config(api=api, tasks=tuple(tasks), discovery=discovery)
