"""The command `--doctor`: an examination, its report on standard output, its exit status."""

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from exporter import __version__
from exporter.check import Checked, check
from exporter.config import ConfigError
from exporter.demo import demo_config
from exporter.doctor.examination import examine
from exporter.doctor.finding import Finding
from exporter.doctor.report import Report, json_of, table_of
from exporter.sandbox import Sandbox, demo_tasks
from exporter.shard import Shard
from exporter.threads import UnawaitedThreads
from exporter.web_config import load_web_config

WIDTH = 100
"""Of the table where it is not for a terminal."""

_DEMONSTRATION = "the demonstration"


def run_doctor(
    path: Path | None, environment: Mapping[str, str], shard: Shard, form: str, *, web_config: Path | None = None
) -> int:
    """Examine a configuration, or the demonstration without one, and a web configuration where there is one.

    Returns the exit status: 0 where nothing is at fault, else 1. An interrupt ends it at once, with a report of what
    was found until then, and is no success.
    """
    findings: list[Finding] = []
    complete = True
    try:
        asyncio.run(_examine(path, environment, shard, web_config, findings))
    except KeyboardInterrupt:
        complete = False
    report = Report(__version__, _DEMONSTRATION if path is None else str(path), findings, complete)
    shown = _show(json_of(report) if form == "json" else table_of(report, _width()))
    return 0 if report.good and shown else 1


async def _examine(
    path: Path | None,
    environment: Mapping[str, str],
    shard: Shard,
    web_config: Path | None,
    findings: list[Finding],
) -> None:
    # A resolver may hang for half a minute, and must not hold up the end.
    asyncio.get_running_loop().set_default_executor(UnawaitedThreads())
    web_faults = _faults_of_web_config(web_config)
    if path is not None:
        checked = check(path, environment)
        checked = replace(checked, faults=checked.faults + web_faults)
        await examine(checked, str(path), shard, findings)
        return
    async with Sandbox(demo_tasks()).serve() as sandbox:
        config = demo_config(sandbox.base_url)
        await examine(Checked(config, config.tasks, (), web_faults), _DEMONSTRATION, shard, findings)


def _faults_of_web_config(path: Path | None) -> tuple[str, ...]:
    if path is not None:
        try:
            load_web_config(path)
        except ConfigError as error:
            return tuple(str(fault) for fault in error.faults)
    return ()


def _width() -> int:
    return shutil.get_terminal_size((WIDTH, 0)).columns if sys.stdout.isatty() else WIDTH


def _show(text: str) -> bool:
    """Print the report; whether that was possible. What is lost is told, unless whoever reads has had enough."""
    # Names may have characters that this terminal has not.
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"ninedata-exporter: cannot write the report: {error.strerror}\n")
        # Python would try what is left once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True
