"""`python -m exporter.sandbox` serves the sandbox on its own, and prints how an exporter is to be pointed at it."""

import argparse
import asyncio
import math
import signal
import sys
from collections.abc import Sequence

from exporter.sandbox.catalogue import ACCESS_KEY_ID, SECRET_KEY, demo_tasks, fleet
from exporter.sandbox.families import KINDS
from exporter.sandbox.server import Running, Sandbox
from exporter.sandbox.tasks import Task


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status: 0, or 1 with the reason on standard error."""
    flags = _parser().parse_args(arguments)
    sandbox = Sandbox(
        fleet(flags.fleet, flags.items, flags.kind) if flags.fleet else demo_tasks(),
        access_key_id=flags.access_key_id,
        secret_key=flags.secret_key,
        latency_seconds=flags.latency_seconds,
    )
    host, port = flags.listen_address
    try:
        asyncio.run(_serve(sandbox, host, port))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 1
    return 0


async def _serve(sandbox: Sandbox, host: str, port: int) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        async with sandbox.serve(host, port) as running:
            sys.stderr.write(_greeting(running))
            sys.stderr.flush()
            await stopped.wait()
    finally:
        # A further signal ends the process at once, instead of meeting a loop that is closing.
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m exporter.sandbox",
        description="A sandbox of the NineData API on loopback.",
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--listen-address",
        type=host_port,
        metavar="HOST:PORT",
        default="127.0.0.1:10200",
        help="port 0 takes a free one",
    )
    add("--fleet", type=count, default=0, metavar="N", help="serve so many plain tasks; 0: the demo's")
    add("--items", type=count, default=12, metavar="M", help="check items of each task of a fleet")
    add("--kind", choices=KINDS, default=KINDS[0], help="kind of the tasks of a fleet")
    add("--latency-seconds", type=seconds, default=0.0, metavar="S", help="time that every answer takes")
    add("--access-key-id", default=ACCESS_KEY_ID, help="the key that is let in")
    add("--secret-key", default=SECRET_KEY, help="its secret, which protects nothing")
    return parser


def host_port(text: str) -> tuple[str, int]:
    """A flag's address; argparse names this function where it is none."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port[:6]) <= 65535):  # noqa: PLR2004 - TCP's highest port
        raise argparse.ArgumentTypeError(f"{text!r} is not host:port")
    return host.strip("[]"), int(port)


def count(text: str) -> int:
    """A flag's number of things."""
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def seconds(text: str) -> float:
    """A flag's duration."""
    number = float(text)
    if not 0 <= number < math.inf:
        raise ValueError
    return number


def _greeting(running: Running) -> str:
    """Where it listens, and a configuration to be pasted as it is, with the first task of each kind."""
    access = running.sandbox.access
    firsts: dict[str, Task] = {}
    for task in running.sandbox.tasks:
        firsts.setdefault(task.kind, task)
    return (
        f"A sandbox of the NineData API listens on {running.base_url}\n"
        f"with {len(running.sandbox.tasks)} tasks. A config.yaml for the exporter:\n\n"
        f"api:\n"
        f"  base_url: {running.base_url}\n"
        f"  access_key_id: {access.access_key_id}\n"
        f"  secret_key: {access.secret_key}\n"
        f"tasks:\n{''.join(map(_watched, firsts.values()))}\n"
    )


def _watched(task: Task) -> str:
    lines = [f"task_id: {task.task_id}"]
    if task.precheck_task_id:
        lines.append(f"precheck_task_id: {task.precheck_task_id}")
    lines.append(f"name: {task.name}")
    if task.kind != KINDS[0]:
        lines.append(f"kind: {task.kind}")
    return "  - " + "\n    ".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
