"""The command `--doctor`: an examination, its report on standard output, its exit status."""

import asyncio
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from exporter.config import load
from exporter.demo import demo_config
from exporter.doctor.examination import examine
from exporter.doctor.report import Finding, is_good, json_of, table_of
from exporter.sandbox import Sandbox
from exporter.scraping.shard import Shard
from exporter.signals import not_ignored
from exporter.streams import write_stdout
from exporter.threads import ManyThreads


def run_doctor(
    path: Path | None, environment: Mapping[str, str], shard: Shard, form: str, *, web_config: Path | None = None
) -> int:
    """Examine a configuration, or the demonstration without one; print the report.

    Returns 0 if nothing is at fault, else 1. After a signal the report has what was found until then.
    """
    place = "the demonstration" if path is None else str(path)
    findings: list[Finding] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        examination = asyncio.current_task(loop)
        for number in not_ignored(signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, lambda: examination and examination.cancel())
        # A name server that does not answer must not hold up the end.
        loop.set_default_executor(ManyThreads())
        if path is not None:
            await examine(lambda: load(path, environment), web_config, place, shard, findings)
            return
        async with Sandbox().serve() as base_url:
            config = demo_config(base_url)
            await examine(lambda: config, web_config, place, shard, findings)

    complete = True
    try:
        asyncio.run(run())
    except asyncio.CancelledError:
        complete = False
    if form == "json":
        text = json_of(place, findings, complete=complete)
    else:
        width = shutil.get_terminal_size((100, 0)).columns if sys.stdout and sys.stdout.isatty() else 100
        text = table_of(place, findings, complete=complete, width=width)
    return 0 if write_stdout(text) and complete and is_good(findings) else 1
