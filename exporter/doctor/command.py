"""The command `--doctor`: an examination, its report on standard output, its exit status."""

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from exporter.config import load
from exporter.demo import demo_config
from exporter.doctor.examination import examine
from exporter.doctor.report import Finding, is_good, json_of, table_of
from exporter.sandbox import Sandbox
from exporter.scraping.shard import Shard
from exporter.threads import DaemonThreads


def run_doctor(
    path: Path | None, environment: Mapping[str, str], shard: Shard, form: str, *, web_config: Path | None = None
) -> int:
    """Examine a configuration, or the demonstration without one; print the report.

    Returns 0 if nothing is at fault, else 1. After an interrupt the report has what was found until then.
    """
    place = "the demonstration" if path is None else str(path)
    findings: list[Finding] = []

    async def run() -> None:
        # A name server that does not answer must not hold up the end.
        asyncio.get_running_loop().set_default_executor(DaemonThreads())
        if path is not None:
            await examine(lambda: load(path, environment), web_config, place, shard, findings)
            return
        async with Sandbox().serve() as base_url:
            config = demo_config(base_url)
            await examine(lambda: config, web_config, place, shard, findings)

    complete = True
    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        complete = False
    if form == "json":
        text = json_of(place, findings, complete=complete)
    else:
        width = shutil.get_terminal_size((100, 0)).columns if sys.stdout.isatty() else 100
        text = table_of(place, findings, complete=complete, width=width)
    return 0 if _show(text) and complete and is_good(findings) else 1


def _show(text: str) -> bool:
    """Print the report; False if nobody reads it or the disk is full."""
    # The terminal's encoding may lack characters of a name.
    encoding = sys.stdout.encoding or "utf-8"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), end="", flush=True)  # noqa: T201 - its purpose
    except OSError:
        # At its end Python would try again to write what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True
