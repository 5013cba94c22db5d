"""The command line of `ninedata-precheck`."""

import argparse
import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from exporter import __version__
from exporter.api_client import open_client
from exporter.config import Config, Task, load
from exporter.config.reader import duration_seconds
from exporter.faults import ConfigError
from exporter.ninedata import DEFAULT_KIND, ID, KINDS, QueryError, Reason, TaskRef
from exporter.ninedata.precheck_start import start_precheck
from exporter.precheck_command.following import ProgressDisplay, follow
from exporter.precheck_command.outcome import Outcome, json_of_outcome, junit_of_outcome, text_of_outcome
from exporter.precheck_command.task_file_writer import task_to_write, write_task_file
from exporter.signals import not_ignored, stop_at_once_on_signal
from exporter.streams import write_stderr, write_stdout
from exporter.threads import ManyThreads

_PROGRAM = "ninedata-precheck"


class _Unobserved:
    """A command has no metrics of its requests."""

    def request_sent(self, kind: str) -> None: ...

    def request_ended(self, kind: str, seconds: float, failure: Reason | None) -> None: ...

    def clock_skew(self, seconds: float) -> None: ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status: 0 passed or started, 1 failed, 2 unknown."""
    flags = _parser().parse_args(arguments)
    ref = TaskRef(flags.kind, flags.task_id, flags.precheck_task_id or "")
    outcome = Outcome(Task(ref, flags.name or flags.task_id))
    id_shown = True
    try:
        for number in not_ignored(signal.SIGINT, signal.SIGTERM):  # the latter from a pipeline that is cancelled
            signal.signal(number, signal.default_int_handler)
        _check(flags, ref)
        config = load(flags.config_file, os.environ)
        if flags.task_file:
            outcome.task = task_to_write(flags.task_file, ref, flags.name, dict(flags.label) if flags.label else None)
        id_shown = asyncio.run(_run(flags, config, outcome))
    except TimeoutError:
        last = f"; the last query failed: {outcome.error}" if outcome.error else ""
        outcome.error = f"no end within {flags.timeout:g} s{last}"
    except (ConfigError, QueryError, OSError, ValueError) as error:
        outcome.error = str(error)
    except KeyboardInterrupt:
        outcome.error = "interrupted"
    stop_at_once_on_signal(2)
    code = _report(flags, outcome)
    return code if id_shown else 2


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("task_id", metavar="TASK_ID", type=_id)
    add = common.add_argument
    text = "configuration; its section api is used (default: %(default)s)"
    add("--config.file", dest="config_file", type=Path, default=Path("config.yaml"), metavar="FILE", help=text)
    add("--kind", choices=tuple(KINDS), default=DEFAULT_KIND, help="kind of the task (default: %(default)s)")
    add("--name", help="name of the task (default: that in the task file, else its id)")
    add("--wait", action="store_true", help="wait for the end, then report the check items")
    add("--timeout", type=_seconds, default=900.0, metavar="DURATION", help="longest time to wait (default: 15m)")
    add("--format", choices=("text", "json", "junit"), default="text", help="report format (default: %(default)s)")
    text = "mildest result with exit status 1 (default: %(default)s)"
    add("--fail-on", choices=("failed", "warning"), default="failed", help=text)
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        description="Start a NineData precheck, wait for its end, and hand its id to the exporter.",
        epilog="Exit status: 0 passed (or started, without --wait), 1 failed, 2 the result is unknown.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{_PROGRAM} {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", parents=[common], help="start a precheck and print its id", allow_abbrev=False)
    start.add_argument("--label", action="append", type=_label, metavar="K=V", help="task file's label, repeatable")
    start.add_argument("--task-file", type=Path, metavar="FILE", help="task file to write for the exporter")
    status = commands.add_parser("status", parents=[common], help="report a precheck that exists", allow_abbrev=False)
    status.add_argument("precheck_task_id", metavar="PRECHECK_TASK_ID", nargs="?", type=_id)
    start.epilog = status.epilog = parser.epilog
    parser.set_defaults(precheck_task_id=None, task_file=None, label=None)
    return parser


def _id(text: str) -> str:
    if not ID.fullmatch(text):
        raise argparse.ArgumentTypeError("has characters that an id must not have; an id looks like cd-tg3isu1xgs")
    return text


def _seconds(text: str) -> float:
    seconds = duration_seconds(text)
    if not seconds:
        raise argparse.ArgumentTypeError("must be a duration such as 30s or 15m")
    return seconds


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError("must be of the form name=value")
    return name, value


def _check(flags: argparse.Namespace, ref: TaskRef) -> None:
    """Raise ValueError for arguments that do not fit together; warn of one without effect."""
    has_id = KINDS[ref.kind].has_precheck_id
    if flags.command == "status" and bool(ref.precheck_task_id) is not has_id:
        raise ValueError(f"a precheck of kind {ref.kind} {'needs its id' if has_id else 'has no id'}")
    if flags.command == "start" and flags.format == "junit" and not flags.wait:
        raise ValueError("--format=junit needs --wait")
    if flags.label and not flags.task_file:
        write_stderr(f"{_PROGRAM}: --label has no effect without --task-file\n")


async def _run(flags: argparse.Namespace, config: Config, outcome: Outcome) -> bool:
    """Start the precheck if asked to, and query it. Puts the answers into `outcome` as they come.

    Returns whether standard output took the id. Raises QueryError, TimeoutError, ConfigError.
    """
    # A name server that does not answer must not hold up the end.
    asyncio.get_running_loop().set_default_executor(ManyThreads())
    client, transport = open_client(config.api, _Unobserved(), _PROGRAM)
    ref, id_shown, display = outcome.task.ref, True, ProgressDisplay()
    try:
        if flags.command == "start":
            precheck_id = await start_precheck(client, ref)
            outcome.task = replace(outcome.task, ref=replace(ref, precheck_task_id=precheck_id))
            # The id at once, in case the command is killed while it waits.
            if precheck_id and flags.format == "text":
                id_shown = write_stdout(f"{precheck_id}\n", _PROGRAM)
            elif precheck_id:
                write_stderr(f"{_PROGRAM}: precheck {precheck_id} has started\n")
            if flags.task_file:
                write_task_file(flags.task_file, outcome.task)
        elif not flags.wait:
            outcome.precheck = await client.query_precheck(ref)
        if flags.wait:
            async with asyncio.timeout(flags.timeout):
                await follow(client, outcome, display)
    finally:
        display.end()
        await transport.aclose()
    return id_shown


def _report(flags: argparse.Namespace, outcome: Outcome) -> int:
    """Print the outcome; returns the exit status."""
    strict = flags.fail_on == "warning"
    code = outcome.exit_status(fail_on_warning=strict)
    if flags.command == "start" and not flags.wait and not outcome.error:
        code = 0
        if flags.format == "text":  # the id is already there
            return code
    if flags.format == "json":
        text = json_of_outcome(outcome, code)
    elif flags.format == "junit":
        text = junit_of_outcome(outcome, fail_on_warning=strict)
    else:
        text = text_of_outcome(outcome)
    if outcome.error:
        write_stderr(f"{_PROGRAM}: {outcome.error}\n")
    return code if write_stdout(text, _PROGRAM) else 2
