"""The command line.

Everything heavy is imported where it is used, so that `--version` and a wrong flag are answered at once.
"""

import argparse
import asyncio
import math
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from exporter import __version__
from exporter.logs import FORMATS, LEVELS, configure

if TYPE_CHECKING:
    from exporter.config import Config
    from exporter.listener import Listener
    from exporter.shard import Shard
    from exporter.web_config import WebConfigFile

_NOT_A_TELEMETRY_PATH = ("/", "/probe", "/sd", "/tasks")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status: 0, or 1 with the reason on standard error."""
    flags = _parser().parse_args(arguments)
    # The doctor's report says it all; the log would say it once more, in between.
    configure("error" if flags.doctor else flags.log_level, flags.log_format)
    from exporter.listener import StartError, parse_address

    try:
        flags.listen_address = parse_address(flags.listen_address)
        if flags.doctor:
            return _examine(flags)
        return _check(flags) if flags.config_check else _run(flags)
    except StartError as error:
        sys.stderr.write(f"ninedata-exporter: {error}\n")
        return 1
    except KeyboardInterrupt:
        # Only before the server takes the signal over: nothing is to be cleaned up yet. An examination is unfinished.
        return int(flags.doctor)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="ninedata-exporter",
        description="Prometheus exporter for NineData prechecks.",
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        argument_default=argparse.SUPPRESS,
    )
    add = parser.add_argument
    add("--config.file", dest="config_file", type=Path, default=Path("config.yaml"), help="the configuration")
    add(
        "--config.check",
        dest="config_check",
        action="store_true",
        default=False,
        help="load the configuration, print every fault with its place, or a summary and warnings, and exit",
    )
    add(
        "--doctor",
        dest="doctor",
        action="store_true",
        default=False,
        help="examine configuration, network, clock, key and every task, print what is wrong and what to do, and exit",
    )
    add(
        "--doctor.format",
        dest="doctor_format",
        choices=("table", "json"),
        default="table",
        help="the form of the doctor's report",
    )
    add(
        "--web.listen-address",
        dest="listen_address",
        metavar="ADDRESS",
        default=":10199",
        help="host:port, :port or [::1]:port; port 0 takes a free one",
    )
    add(
        "--web.telemetry-path",
        dest="telemetry_path",
        metavar="PATH",
        type=_telemetry_path,
        default="/metrics",
        help="where the metrics are",
    )
    add(
        "--web.config.file",
        dest="web_config_file",
        metavar="FILE",
        type=Path,
        default=None,
        help="TLS and basic authentication of the listener, in the format of Prometheus' exporter-toolkit",
    )
    add(
        "--web.enable-lifecycle",
        dest="enable_lifecycle",
        action="store_true",
        default=False,
        help="turn /-/reload on",
    )
    add(
        "--shard",
        dest="shard",
        metavar="I/N",
        type=_shard,
        default=None,
        help="watch only the I-th of N shares of the tasks, from 0",
    )
    add(
        "--scrape.timeout-offset",
        dest="timeout_offset",
        metavar="SECONDS",
        type=_offset,
        default=0.5,
        help="kept back from the scraper's timeout",
    )
    add("--log.level", dest="log_level", choices=tuple(LEVELS), default="info", help="the least level logged")
    add("--log.format", dest="log_format", choices=FORMATS, default="logfmt", help="the form of a log line")
    add(
        "--demo",
        dest="demo",
        action="store_true",
        default=False,
        help="watch the tasks of an embedded sandbox of the NineData API; needs neither configuration nor account",
    )
    add("--version", action="version", version=f"ninedata-exporter {__version__} (Python {_python_version()})")
    return parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]  # exits, as the base class's does
        self.exit(1, f"{self.prog}: {message}\nSee {self.prog} --help.\n")


def _check(flags: argparse.Namespace) -> int:
    from exporter.check import check, summary_of, warnings_of

    checked = check(flags.config_file, os.environ)
    if checked.config is None or checked.faults:
        _tell(checked.faults, flags.config_file)
        _check_web(flags.web_config_file)  # whose faults are told all the same
        return 1
    web = _check_web(flags.web_config_file)
    if web is None:
        return 1
    for warning in warnings_of(checked, checked.config):
        sys.stderr.write(f"{flags.config_file}: warning: {warning}\n")
    print(f"{flags.config_file}: good: {summary_of(checked, checked.config)}")  # noqa: T201 - its purpose
    print(web, end="")  # noqa: T201 - the same
    return 0


def _examine(flags: argparse.Namespace) -> int:
    from exporter.doctor import run_doctor
    from exporter.shard import Shard

    path = None if flags.demo else flags.config_file
    return run_doctor(path, os.environ, flags.shard or Shard(), flags.doctor_format, web_config=flags.web_config_file)


def _run(flags: argparse.Namespace) -> int:
    from exporter.listener import Listener, listen

    config = None if flags.demo else _load(flags.config_file)
    web = _load_web(flags.web_config_file)
    if (config is None and not flags.demo) or (web is None and flags.web_config_file is not None):
        return 1
    with listen(flags.listen_address) as socket:
        listener = Listener(
            flags.listen_address, socket, flags.telemetry_path, flags.timeout_offset, flags.enable_lifecycle, web
        )
        _serve(config, flags, listener)
    return 0


def _serve(config: "Config | None", flags: argparse.Namespace, listener: "Listener") -> None:
    """Serve a configuration, or the demonstration where there is none."""
    from exporter.config import load
    from exporter.demo import run_demo
    from exporter.run import run

    if config is None:
        asyncio.run(run_demo(listener, shard=flags.shard))
    else:
        asyncio.run(run(config, lambda: load(flags.config_file, os.environ), listener, shard=flags.shard))


def _load(path: Path) -> "Config | None":
    """The configuration; without one, its faults are on standard error."""
    from exporter.config import ConfigError, load

    try:
        return load(path, os.environ)
    except ConfigError as error:
        _tell((str(fault) for fault in error.faults), path)
        return None


def _tell(faults: Iterable[str], path: Path) -> None:
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises where a folder may not be looked into
        sys.stderr.write("Name the configuration with --config.file, or see a demonstration with --demo.\n")


def _load_web(path: Path | None) -> "WebConfigFile | None":
    """What guards the listener, if that is asked for; without it, its faults are on standard error."""
    from exporter.config import ConfigError
    from exporter.web_config import WebConfigFile

    try:
        return None if path is None else WebConfigFile(path)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return None


def _check_web(path: Path | None) -> str | None:
    """A line that sums the web configuration up, if there is one; None where its faults are on standard error."""
    from exporter.config import ConfigError
    from exporter.web_config import load_web_config

    try:
        return "" if path is None else f"{path}: good: {load_web_config(path).summary}\n"
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return None


def _telemetry_path(text: str) -> str:
    reserved = text in _NOT_A_TELEMETRY_PATH or text.startswith(("//", "/-/", "/tasks/"))
    if not text.startswith("/") or reserved or any(c in text for c in "{}?# ") or not text.isprintable():
        raise argparse.ArgumentTypeError("must start with / and be no other page of the exporter")
    return text


def _shard(text: str) -> "Shard":
    from exporter.shard import parse_shard

    try:
        return parse_shard(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _offset(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise argparse.ArgumentTypeError("must be a number of seconds, 0 or more")
    return value


def _python_version() -> str:
    return ".".join(str(part) for part in sys.version_info[:3])
