"""The command line of `ninedata-precheck`."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from exporter import __version__
from exporter.config import Config, Task, load
from exporter.config.reader import duration_seconds
from exporter.faults import ConfigError
from exporter.ninedata import DEFAULT_KIND, ID, KINDS, Precheck, QueryError, TaskRef
from exporter.precheck_command.following import ProgressDisplay, follow, open_client
from exporter.precheck_command.outcome import Outcome, json_of_outcome, junit_of_outcome, text_of_outcome, with_error
from exporter.precheck_command.task_file_writer import kept_task, write_task_file
from exporter.threads import DaemonThreads


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status: 0 passed or started, 1 failed, 2 could not be told."""
    flags = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a pipeline that is cancelled
    try:
        return _run(flags, load(flags.config_file, os.environ))
    except (ConfigError, OSError, ValueError) as error:
        sys.stderr.write(f"ninedata-precheck: {error}\n")
    except KeyboardInterrupt:
        sys.stderr.write("ninedata-precheck: interrupted\n")
    return 2


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("task_id", metavar="TASK_ID", type=_id)
    add = common.add_argument
    add("--config.file", dest="config_file", type=Path, default=Path("config.yaml"), metavar="FILE")
    add("--kind", choices=tuple(KINDS), default=DEFAULT_KIND, help="kind of the task (default: %(default)s)")
    add("--name", help="name of the task in the report and in the task file")
    add("--wait", action="store_true", help="wait for the end, then report the check items")
    add("--timeout", type=_seconds, default=900.0, metavar="DURATION", help="longest wait (default: 15m)")
    add("--format", choices=("text", "json", "junit"), default="text", help="what goes to standard output")
    add("--fail-on", choices=("failed", "warning"), default="failed", help="what exit status 1 is for")
    parser = argparse.ArgumentParser(
        prog="ninedata-precheck",
        description="Start a NineData precheck, wait for it, hand its id to the exporter.",
        epilog="Exit status: 0 passed (or started, without --wait), 1 failed, 2 could not be told.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"ninedata-precheck {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", parents=[common], help="start a precheck and print its id", allow_abbrev=False)
    start.add_argument("--label", action="append", type=_label, metavar="K=V", help="label for the task file")
    start.add_argument("--task-file", type=Path, metavar="FILE", help="task file to write for the exporter")
    status = commands.add_parser("status", parents=[common], help="report one that exists", allow_abbrev=False)
    status.add_argument("precheck_task_id", metavar="PRECHECK_TASK_ID", nargs="?", type=_id)
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


def _run(flags: argparse.Namespace, config: Config) -> int:
    ref = TaskRef(flags.kind, flags.task_id, getattr(flags, "precheck_task_id", None) or "")
    if flags.command == "status" and bool(ref.precheck_task_id) is not KINDS[ref.kind].has_precheck_id:
        raise ValueError(f"a precheck of kind {ref.kind} {'has no id' if ref.precheck_task_id else 'needs its id'}")
    if flags.command == "start" and flags.format == "junit" and not flags.wait:
        raise ValueError("--format=junit needs --wait")
    name = flags.name or flags.task_id
    if getattr(flags, "task_file", None):
        name = _task_for_file(flags, ref).name  # before the start: only its answer has the id
    run = _Run(flags, Outcome(ref, name))
    error = ""
    try:
        asyncio.run(run.go(config))
    except QueryError as failure:
        error = str(failure)
    except TimeoutError:
        error = f"no end within {flags.timeout:g} s"
    except KeyboardInterrupt:
        error = "interrupted"
    run.display.end()
    return _report(flags, with_error(run.outcome, error))


def _task_for_file(flags: argparse.Namespace, ref: TaskRef) -> Task:
    return kept_task(flags.task_file, ref, flags.name, dict(flags.label) if flags.label else None)


class _Run:
    """One call. `outcome` has what is known so far, for an end before the precheck's."""

    def __init__(self, flags: argparse.Namespace, outcome: Outcome) -> None:
        self.outcome = outcome
        self.display = ProgressDisplay()
        self._flags = flags

    async def go(self, config: Config) -> None:
        """Start the precheck if asked to, and query it. Raises QueryError, TimeoutError, OSError."""
        flags = self._flags
        # A name server that does not answer must not hold up the end.
        asyncio.get_running_loop().set_default_executor(DaemonThreads())
        client, transport = open_client(config.api)
        try:
            if flags.command == "start":
                self._started(await client.start(self.outcome.ref))
            if flags.wait:
                async with asyncio.timeout(flags.timeout):
                    await follow(client, self.outcome.ref, self._answered)
            elif flags.command == "status":
                self._answered(await client.query(self.outcome.ref))
        finally:
            await transport.aclose()

    def _started(self, precheck_id: str) -> None:
        ref, flags = replace(self.outcome.ref, precheck_task_id=precheck_id), self._flags
        self.outcome = replace(self.outcome, ref=ref)
        if flags.format == "text" and precheck_id:
            # At once: if the task file cannot be written, the id is not lost.
            sys.stdout.write(f"{precheck_id}\n")
            sys.stdout.flush()
        if flags.task_file:
            write_task_file(flags.task_file, _task_for_file(flags, ref))

    def _answered(self, precheck: Precheck) -> None:
        self.outcome = replace(self.outcome, precheck=precheck)
        if self._flags.wait:
            self.display.show(precheck)


def _report(flags: argparse.Namespace, outcome: Outcome) -> int:
    """Print what is known; the exit status."""
    strict = flags.fail_on == "warning"
    started_only = flags.command == "start" and not flags.wait and not outcome.error
    code = 0 if started_only else outcome.exit_status(fail_on_warning=strict)
    if started_only and flags.format == "text":
        return code
    if flags.format == "json":
        text = json_of_outcome(outcome, code)
    elif flags.format == "junit":
        text = junit_of_outcome(outcome, fail_on_warning=strict)
    else:
        text = text_of_outcome(outcome)
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    if outcome.error:
        sys.stderr.write(f"ninedata-precheck: {outcome.error}\n")
    return code
