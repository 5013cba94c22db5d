"""The demonstration: the exporter and a sandbox of the API in one process."""

from pathlib import Path

from exporter.app import Options, run
from exporter.config import Config, DiscoverySettings, Task
from exporter.config.settings import Api, Tls
from exporter.credentials import Secret
from exporter.files import WatchedFile
from exporter.ninedata import LISTS, TaskRef
from exporter.ninedata.tls import client_context
from exporter.sandbox import ACCESS_KEY_ID, DEMO_TASKS, SECRET_KEY, Sandbox
from exporter.streams import write_stderr


async def run_demo(options: Options) -> None:
    """Watch the sandbox's tasks until SIGTERM, SIGINT, or the terminal closes."""

    def greet(url: str) -> None:
        write_stderr(
            "\n  A demonstration: the exporter watches an embedded sandbox of the NineData API.\n\n"
            f"  Metrics, open these first:  {url}{options.telemetry_path}\n"
            f"  Tasks, for people:          {url}/\n\n"
            "  Each request for the metrics is a scrape that queries every task. Ctrl-C stops everything.\n\n"
        )

    async with Sandbox().serve() as base_url:
        config = demo_config(base_url)
        file = WatchedFile(Path("demonstration"), lambda _: config, description="demonstration")
        file.load()
        await run(file, options, hangup_stops=True, on_listening=greet)


def demo_config(base_url: str) -> Config:
    """A configuration that watches the sandbox at an address.

    Comparisons by name, one of them by its task id alone; replication and some schema comparisons by discovery.
    """
    tasks = [
        Task(
            TaskRef(task.kind, task.task_id, "" if task.name == "customers-us" else task.precheck_task_id),
            task.name,
            task.labels,
        )
        for task in DEMO_TASKS
        if task.kind != "replication" and task.name not in ("billing-schema", "search-schema")
    ]
    api = Api(
        base_url=base_url,
        access_key_id=Secret(ACCESS_KEY_ID),
        secret_key=Secret(SECRET_KEY),
        tls=Tls(client_context(None, verify=True)),
    )
    discovery = tuple(DiscoverySettings(kind, labels={"team": "migration", "env": "prod"}) for kind in LISTS)
    return Config(api=api, tasks=tuple(tasks), discovery=discovery, task_status=True)
