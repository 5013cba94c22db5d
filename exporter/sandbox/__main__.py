"""`python -m exporter.sandbox` serves the sandbox alone, and prints a configuration for the exporter."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence

import yaml

from exporter.sandbox.catalogue import ID_PREFIXES, SandboxTask, fleet
from exporter.sandbox.demonstration import DEMO_TASKS
from exporter.sandbox.sandbox import Sandbox


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status: 0, or 1 with the reason on standard error."""
    flags = _parser().parse_args(arguments)
    tasks = fleet(flags.fleet, flags.kind) if flags.fleet else DEMO_TASKS
    sandbox = Sandbox(tasks, latency_seconds=flags.latency_seconds)
    host, port = flags.listen_address
    try:
        asyncio.run(_serve(sandbox, host, port))
    except (OSError, OverflowError, ValueError) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 1
    return 0


async def _serve(sandbox: Sandbox, host: str, port: int) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with sandbox.serve(host, port) as base_url:
        sys.stderr.write(_greeting(sandbox, base_url))
        await stopped.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m exporter.sandbox",
        description="A sandbox of the NineData API on loopback.",
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--listen-address", type=host_port, metavar="HOST:PORT", default="127.0.0.1:10200", help="port 0: a free port")
    add("--fleet", type=int, default=0, metavar="N", help="serve N plain tasks; 0: those of the demonstration")
    add("--kind", choices=list(ID_PREFIXES), default="data_compare", help="kind of the tasks of a fleet")
    add("--latency-seconds", type=float, default=0.0, metavar="S", help="time that every answer takes")
    return parser


def host_port(text: str) -> tuple[str, int]:
    """The address of a flag; argparse shows this function's name in its message."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _greeting(sandbox: Sandbox, base_url: str) -> str:
    """Where it listens, and a configuration with the first task of each kind, to be pasted as it is."""
    firsts: dict[str, SandboxTask] = {}
    for task in sandbox.tasks:
        firsts.setdefault(task.kind, task)
    keys = ("task_id", "precheck_task_id", "name", "kind")
    config = {
        "api": {"base_url": base_url, "access_key_id": sandbox.access_key_id, "secret_key": sandbox.secret_key},
        # Replication has no precheck id.
        "tasks": [{key: getattr(task, key) for key in keys if getattr(task, key)} for task in firsts.values()],
    }
    return (
        f"A sandbox of the NineData API listens on {base_url}\n"
        f"with {len(sandbox.tasks)} tasks. A config.yaml for the exporter:\n\n"
        f"{yaml.safe_dump(config, sort_keys=False)}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
