"""The command line. Heavy parts are imported where they are used, so that `--version` is quick."""

import argparse
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from exporter import __version__
from exporter.faults import ConfigError, StartError
from exporter.files import WatchedFile
from exporter.http.external_url import parse_external_url, parse_route_prefix
from exporter.http.sockets import Address, parse_address
from exporter.logs import FORMATS, LEVELS, logging_to
from exporter.scraping.shard import Shard, parse_shard
from exporter.streams import write_stderr, write_stdout

if TYPE_CHECKING:
    from exporter.config import Config


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status: 0, or 1 with the reason on standard error."""
    parser = _parser()
    flags = _parsed(parser, sys.argv[1:] if arguments is None else arguments)
    if flags.help or flags.version or flags.config_example:
        text = parser.format_help() if flags.help else _version() if flags.version else _example()
        return 0 if write_stdout(text) else 1
    command = _examine if flags.doctor else _check if flags.config_check else _run
    # The other commands report everything themselves.
    level = flags.log_level if command is _run else "error"
    try:
        with logging_to(level=level, form=flags.log_format):
            return command(flags)
    except ConfigError as error:
        _print_faults(map(str, error.faults), flags)
    except StartError as error:
        write_stderr(f"ninedata-exporter: {error}\n")
    return 1


def _parsed(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """The flags. One that is given twice is an error: argparse would drop the first without a word."""
    flags = parser.parse_args(arguments)
    names = [text.partition("=")[0].replace("--no-", "--") for text in arguments if text.startswith("--")]
    for name, times in Counter(names).items():
        if times > 1 and name != "--web.listen-address":
            parser.error(f"argument {name}: is given {times} times; give it once")
    return flags


class _Parser(argparse.ArgumentParser):
    def flag(self, name: str, text: str, options: Mapping[str, Any] | None = None) -> None:
        """Add a flag; one without options is a switch."""
        options = options or {"action": "store_true"}
        if options.get("default") not in (None, True):
            text += " (default: %(default)s)"
        self.add_argument(name, dest=re.sub(r"\W", "_", name.removeprefix("--")), help=text, **options)

    def error(self, message: str) -> NoReturn:
        write_stderr(f"{self.prog}: {message}\nSee {self.prog} --help.\n")
        sys.exit(1)


def _parser() -> _Parser:
    description = "Prometheus exporter for NineData prechecks, comparisons and replications."
    parser = _Parser(prog="ninedata-exporter", description=description, allow_abbrev=False, add_help=False)
    parser.add_argument("-h", "--help", action="store_true", help="show this help and exit")
    flag = parser.flag
    flag("--config.file", "configuration file", {"default": Path("config.yaml"), "type": Path, "metavar": "FILE"})
    flag("--config.check", "check the configuration and task files, print faults or a summary, and exit")
    flag("--config.example", "print an example of the configuration with every key and exit")
    text = "reload the configuration when its file changes, and not only by SIGHUP or /-/reload"
    flag("--config.auto-reload", text, {"action": argparse.BooleanOptionalAction, "default": True})
    flag("--doctor", "examine configuration, network, clock, key and tasks, print findings with advice, and exit")
    flag("--doctor.format", "format of the doctor's report", {"default": "table", "choices": ("table", "json")})
    text = "address to listen on, may be repeated: host:port, :port, [::1]:port; port 0: a free port (default: :10199)"
    flag("--web.listen-address", text, {"action": "append", "type": _argument(parse_address), "metavar": "ADDRESS"})
    telemetry_path = {"default": "/metrics", "type": _argument(_telemetry_path), "metavar": "PATH"}
    flag("--web.telemetry-path", "path of the metrics", telemetry_path)
    text = "address under which people and Prometheus reach the exporter, such as that of a reverse proxy"
    flag("--web.external-url", text, {"type": _argument(parse_external_url), "metavar": "URL"})
    text = "prefix of all paths (default: path of --web.external-url)"
    flag("--web.route-prefix", text, {"type": _argument(parse_route_prefix), "metavar": "PATH"})
    text = "web configuration file: TLS and basic authentication, in the format of Prometheus' exporter-toolkit"
    flag("--web.config.file", text, {"type": Path, "metavar": "FILE"})
    flag("--web.enable-lifecycle", "enable /-/reload")
    shard = {"type": _argument(parse_shard), "metavar": "I/N"}
    flag("--shard", "watch only share I of N shares of the tasks, from 0", shard)
    offset = {"default": 0.5, "type": _argument(_offset), "metavar": "SECONDS"}
    flag("--scrape.timeout-offset", "seconds to subtract from the scraper's timeout", offset)
    flag("--log.level", "minimum log level", {"default": "info", "choices": tuple(LEVELS)})
    flag("--log.format", "log format", {"default": "logfmt", "choices": FORMATS})
    flag("--demo", "watch the tasks of an embedded sandbox of the NineData API; needs no configuration and no account")
    flag("--version", "show the version and exit")
    return parser


def _version() -> str:
    return f"ninedata-exporter {__version__} (Python {'.'.join(map(str, sys.version_info[:3]))})\n"


def _example() -> str:
    """The example configuration: a wheel has it within the package, a source tree beside it."""
    package = Path(__file__).parent
    path = package / "config.example.yaml"
    return (path if path.exists() else package.parent / path.name).read_text("utf-8")


def _run(flags: argparse.Namespace) -> int:
    config_file = None if flags.demo else _load(flags)
    import asyncio

    from exporter.app import Options, run

    external_url, route_prefix = flags.web_external_url, flags.web_route_prefix
    if route_prefix is None:
        route_prefix = external_url.path if external_url else ""
    options = Options(
        listen_addresses=tuple(flags.web_listen_address or [Address("", 10199)]),
        telemetry_path=flags.web_telemetry_path,
        timeout_offset=flags.scrape_timeout_offset,
        lifecycle=flags.web_enable_lifecycle,
        shard=flags.shard,
        web_config_file=flags.web_config_file,
        auto_reload=flags.config_auto_reload,
        external_url=external_url,
        route_prefix=route_prefix,
    )
    if config_file is None:
        from exporter.demo import run_demo

        asyncio.run(run_demo(options))
    else:
        asyncio.run(run(config_file, options))
    return 0


def _examine(flags: argparse.Namespace) -> int:
    from exporter.doctor.command import run_doctor

    path = None if flags.demo else flags.config_file
    return run_doctor(path, os.environ, flags.shard or Shard(), flags.doctor_format, web_config=flags.web_config_file)


def _check(flags: argparse.Namespace) -> int:
    from exporter.check import check_config, check_web_config
    from exporter.config import load

    shard = flags.shard or Shard()
    if flags.demo:
        from exporter.demo import demo_config

        reports = {"demonstration": check_config(lambda: demo_config("http://127.0.0.1"), shard)}
    else:
        reports = {str(flags.config_file): check_config(lambda: load(flags.config_file, os.environ), shard)}
    if flags.web_config_file is not None:
        reports[str(flags.web_config_file)] = check_web_config(flags.web_config_file)
    faults = [fault for report in reports.values() for fault in report.faults]
    if faults:
        _print_faults(faults, flags)
        return 1
    for name, report in reports.items():
        for warning in report.warnings:
            write_stderr(f"{name}: warning: {warning}\n")
    return 0 if write_stdout("".join(f"{name}: good: {report.summary}\n" for name, report in reports.items())) else 1


def _load(flags: argparse.Namespace) -> "WatchedFile[Config]":
    """The configuration file, loaded. Raises ConfigError."""
    from exporter.config import load

    file = WatchedFile(
        flags.config_file,
        lambda path: load(path, os.environ),
        description="configuration",
        # Secrets and certificates are watched on their own; a faulty configuration is read again because of them.
        related=lambda _: (),
    )
    file.load()
    return file


def _print_faults(faults: Iterable[str], flags: argparse.Namespace) -> None:
    for fault in faults:
        write_stderr(f"{fault}\n")
    if not flags.demo and not os.path.exists(flags.config_file):  # noqa: PTH110 - Path.exists may raise
        write_stderr("Name the configuration with --config.file, or try --demo.\n")


def _argument(parse: Callable[[str], object]) -> Callable[[str], object]:
    """A type of a flag for argparse, which shows only the messages of its own error."""

    def parsed(text: str) -> object:
        try:
            return parse(text)
        except ValueError as error:
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
