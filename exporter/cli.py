"""The command line. Heavy parts are imported where they are used, so that `--version` is quick."""

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from exporter import __version__
from exporter.faults import ConfigError
from exporter.http.external_url import parse_external_url, parse_route_prefix
from exporter.http.sockets import StartError, parse_address
from exporter.logs import FORMATS, LEVELS, logging_to
from exporter.scraping.shard import Shard, parse_shard

if TYPE_CHECKING:
    from exporter.config import Config


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status: 0, or 1 with the reason on standard error."""
    flags = _parser().parse_args(arguments)
    command = _examine if flags.doctor else _check if flags.config_check else _run
    # The other commands report everything themselves.
    level = flags.log_level if command is _run else "error"
    try:
        with logging_to(level=level, form=flags.log_format):
            return command(flags)
    except ConfigError as error:
        _print_faults(map(str, error.faults), flags)
    except StartError as error:
        sys.stderr.write(f"ninedata-exporter: {error}\n")
    except KeyboardInterrupt:
        # Only while starting: a running exporter handles the signal itself. An interrupted examination is a failure.
        return int(flags.doctor)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="ninedata-exporter", description="Prometheus exporter for NineData prechecks.", allow_abbrev=False
    )

    def option(flag: str, default: object, text: str, **more: object) -> None:
        name = flag.removeprefix("--").replace(".", "_").replace("-", "_")
        if default:
            text += " (default: %(default)s)"
        parser.add_argument(flag, dest=name, default=default, help=text, **more)  # type: ignore[arg-type]

    def switch(flag: str, text: str) -> None:
        option(flag, False, text, action="store_true")  # noqa: FBT003 - the default of a switch

    option("--config.file", Path("config.yaml"), "configuration file", type=Path, metavar="FILE")
    switch("--config.check", "check the configuration and task files, print faults or a summary, and exit")
    switch("--doctor", "examine configuration, network, clock, key and tasks, print findings with advice, and exit")
    option("--doctor.format", "table", "format of the doctor's report", choices=("table", "json"))
    option(
        "--web.listen-address",
        ":10199",
        "address to listen on: host:port, :port or [::1]:port; port 0 takes a free port",
        type=_argument(parse_address),
        metavar="ADDRESS",
    )
    option("--web.telemetry-path", "/metrics", "path of the metrics", type=_argument(_telemetry_path), metavar="PATH")
    option(
        "--web.external-url",
        None,
        "address under which people and Prometheus reach the exporter, such as that of a reverse proxy",
        type=_argument(parse_external_url),
        metavar="URL",
    )
    option(
        "--web.route-prefix",
        None,
        "prefix of all paths (default: path of --web.external-url)",
        type=_argument(parse_route_prefix),
        metavar="PATH",
    )
    option(
        "--web.config.file",
        None,
        "web configuration file: TLS and basic authentication, in the format of Prometheus' exporter-toolkit",
        type=Path,
        metavar="FILE",
    )
    switch("--web.enable-lifecycle", "enable /-/reload")
    share = "watch only share I of N shares of the tasks, from 0"
    option("--shard", None, share, type=_argument(parse_shard), metavar="I/N")
    option(
        "--scrape.timeout-offset",
        0.5,
        "seconds to subtract from the scraper's timeout",
        type=_argument(_offset),
        metavar="SECONDS",
    )
    option("--log.level", "info", "minimum log level", choices=tuple(LEVELS))
    option("--log.format", "logfmt", "log format", choices=FORMATS)
    switch("--demo", "watch the tasks of a built-in sandbox of the NineData API; needs no configuration and no account")
    python = ".".join(map(str, sys.version_info[:3]))
    parser.add_argument("--version", action="version", version=f"ninedata-exporter {__version__} (Python {python})")
    return parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]  # exits, as the base class does
        self.exit(1, f"{self.prog}: {message}\nSee {self.prog} --help.\n")


def _run(flags: argparse.Namespace) -> int:
    config = None if flags.demo else _load(flags)
    from exporter.app import Options, run

    external_url, route_prefix = flags.web_external_url, flags.web_route_prefix
    if route_prefix is None:
        route_prefix = external_url.path if external_url else ""
    options = Options(
        listen_address=flags.web_listen_address,
        telemetry_path=flags.web_telemetry_path,
        timeout_offset=flags.scrape_timeout_offset,
        lifecycle=flags.web_enable_lifecycle,
        shard=flags.shard,
        web_config_file=flags.web_config_file,
        external_url=external_url,
        route_prefix=route_prefix,
    )
    if config is None:
        from exporter.demo import run_demo

        run_demo(options)
    else:
        run(config, lambda: _load(flags), options)
    return 0


def _examine(flags: argparse.Namespace) -> int:
    from exporter.doctor import run_doctor

    path = None if flags.demo else flags.config_file
    return run_doctor(path, os.environ, flags.shard or Shard(), flags.doctor_format, web_config=flags.web_config_file)


def _check(flags: argparse.Namespace) -> int:
    from exporter.check import check_config, check_web_config

    if flags.demo:
        from exporter.demo import demo_config

        reports = {"demonstration": check_config(lambda: demo_config("http://127.0.0.1"))}
    else:
        reports = {str(flags.config_file): check_config(lambda: _load(flags))}
    if flags.web_config_file is not None:
        reports[str(flags.web_config_file)] = check_web_config(flags.web_config_file)
    faults = [fault for report in reports.values() for fault in report.faults]
    if faults:
        _print_faults(faults, flags)
        return 1
    for name, report in reports.items():
        for warning in report.warnings:
            sys.stderr.write(f"{name}: warning: {warning}\n")
        sys.stdout.write(f"{name}: good: {report.summary}\n")
    return 0


def _load(flags: argparse.Namespace) -> "Config":
    from exporter.config import load

    return load(flags.config_file, os.environ)


def _print_faults(faults: Iterable[str], flags: argparse.Namespace) -> None:
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    if not flags.demo and not os.path.exists(flags.config_file):  # noqa: PTH110 - Path.exists may raise
        sys.stderr.write("Name the configuration with --config.file, or try --demo.\n")


def _argument(parse: Callable[[str], object]) -> Callable[[str], object]:
    """A type of a flag for argparse, which shows only the messages of its own error."""

    def parsed(text: str) -> object:
        try:
            return parse(text)
        except (StartError, ValueError) as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed


def _telemetry_path(text: str) -> str:
    reserved = text.rstrip("/") in ("", "/probe", "/sd", "/tasks") or text.startswith(("//", "/-/", "/tasks/"))
    if not text.startswith("/") or reserved or any(c in text for c in "{}?# ") or not text.isprintable():
        raise ValueError("must start with / and not be another path of the exporter")
    return text


def _offset(text: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?|\.\d+", text, re.ASCII):
        raise ValueError("must be a number of seconds, 0 or more")
    return float(text)
