"""The command line: flags, exit statuses, and what is printed where."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter import __version__, app
from exporter.app import Options
from exporter.cli import main
from exporter.config import Config
from exporter.faults import StartError
from exporter.files import WatchedFile
from exporter.http.external_url import parse_external_url
from exporter.http.sockets import Address
from exporter.scraping.shard import Shard

ROOT = Path(__file__).parents[1]
OTHER_PATHS = "metrics / /probe /sd/ /-/healthy /tasks/x /me{x} /m?x /m#x /\x1b[31m"
GOOD = """
api: {base_url: https://ninedata.example, access_key_id: hush-ak, secret_key: hush-sk}
tasks: [{task_id: cd-1, precheck_task_id: pcte-1}]
"""


Ended = tuple[object, str, str]
"""Exit status, standard output, standard error."""
Command = Callable[..., Ended]


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs the command with arguments. It never prints a secret or a traceback."""

    def command(*arguments: str) -> Ended:
        try:
            status: object = main(arguments)
        except SystemExit as end:
            status = end.code
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        assert "hush" not in out + err
        return status, out, err

    return command


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A good configuration, `config.yaml` of the current folder."""
    monkeypatch.delenv("NINEDATA_ACCESS_KEY_ID", raising=False)
    monkeypatch.delenv("NINEDATA_SECRET_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    path = Path("config.yaml")
    path.write_text(GOOD, "utf-8")
    return path


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Config, Options]]:
    """What `app.run` is called with, instead of running."""
    runs: list[tuple[Config, Options]] = []

    async def run(file: WatchedFile[Config], options: Options) -> None:
        assert file.content is not None
        runs.append((file.content, options))

    monkeypatch.setattr(app, "run", run)
    return runs


SUMMARY = "config.yaml: good: watches 1 task at https://ninedata.example; a scrape sends up to 1 request\n"
NO_TASKS = SUMMARY.replace("1 task", "0 tasks").replace("1 request", "0 requests")
WARNING = "config.yaml: warning: no task is watched; add some to tasks, task_files or discovery\n"
WEB = "http_server_config: {headers: {X-Frame-Options: deny}}"
WEB_SUMMARY = "web.yaml: good: no TLS, no authentication\n"
FAULTS = "config.yaml:4: secret: is not a known key\nweb.yaml: is empty\n"
TASK_FILE = {"config.yaml": f"{GOOD}task_files: [a.yaml]", "a.yaml": ""}


@pytest.mark.parametrize(
    ("files", "out", "err"),
    [
        ({}, SUMMARY, ""),
        ({"config.yaml": GOOD.partition("tasks:")[0]}, NO_TASKS, WARNING),
        ({"web.yaml": WEB}, SUMMARY + WEB_SUMMARY, ""),
        ({"config.yaml": f"{GOOD}secret: hush\n", "web.yaml": ""}, "", FAULTS),
        (TASK_FILE, "", "a.yaml: is empty; write [] for no tasks\n"),
    ],
    ids=["good", "no tasks", "web configuration", "faults of both", "task file"],
)
@pytest.mark.usefixtures("config")
def test_the_check_prints_a_summary_or_each_fault_once(
    command: Command, files: dict[str, str], out: str, err: str
) -> None:
    """The log, which has the faults of task files as well, is silent."""
    for name, text in files.items():
        Path(name).write_text(text, "utf-8")
    flags = ["--web.config.file=web.yaml"] if "web.yaml" in files else []
    assert command("--config.check", *flags) == (0 if out else 1, out, err)


@pytest.mark.usefixtures("config")
def test_the_check_of_the_demonstration(command: Command) -> None:
    """It needs no configuration file."""
    status, out, err = command("--config.check", "--demo", "--config.file=missing.yaml")
    assert (status, out.startswith("demonstration: good: "), err) == (0, True, "")


@pytest.mark.parametrize("flags", [[], ["--config.check"]])
def test_a_faulty_configuration_is_refused(
    command: Command, config: Path, runs: list[tuple[Config, Options]], flags: list[str]
) -> None:
    """Every fault is printed; if there is no file, what to do about it."""
    config.write_text(GOOD.replace("hush-ak", "hush ak") + "secret: hush", "utf-8")
    faults = (
        "config.yaml:2: api.access_key_id: has characters that an access key id must not have\n"
        "config.yaml:4: secret: is not a known key\n"
    )
    assert command(*flags) == (1, "", faults)
    missing = (
        "missing.yaml: cannot be read: No such file or directory\n"
        "Name the configuration with --config.file, or try --demo.\n"
    )
    assert command("--config.file=missing.yaml", *flags) == (1, "", missing)
    assert runs == []


@pytest.mark.usefixtures("config")
def test_it_runs_with_what_the_flags_say(command: Command, runs: list[tuple[Config, Options]]) -> None:
    """And with the defaults without flags."""
    assert command() == (0, "", "")
    assert command(
        "--web.listen-address=[::1]:0",
        "--web.listen-address=:1",
        "--no-config.auto-reload",
        "--web.telemetry-path=/ninedata/metrics",
        "--web.external-url=https://example.com/outside/",
        "--web.config.file=web.yaml",
        "--web.enable-lifecycle",
        "--shard=1/3",
        "--scrape.timeout-offset=0.25",
    ) == (0, "", "")
    assert command("--web.external-url=https://example.com/outside", "--web.route-prefix=/") == (0, "", "")
    (config, default), (_, options), (_, stripped) = runs
    assert stripped.route_prefix == ""
    assert [task.task_id for task in config.tasks] == ["cd-1"]
    assert default == Options(listen_addresses=(Address("", 10199),))
    assert options == Options(
        listen_addresses=(Address("::1", 0), Address("", 1)),
        telemetry_path="/ninedata/metrics",
        timeout_offset=0.25,
        lifecycle=True,
        shard=Shard(1, 3),
        web_config_file=Path("web.yaml"),
        auto_reload=False,
        external_url=parse_external_url("https://example.com/outside"),
        route_prefix="/outside",
    )


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize("flags", [[], ["--demo"]])
def test_the_doctor_examines_the_configuration_or_the_demonstration(
    command: Command, monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    """Its exit status is that of the command."""
    calls: list[object] = []

    def run_doctor(path: Path | None, _environment: object, *arguments: object, **named: object) -> int:
        calls.append((path, *arguments, named))
        return 1

    monkeypatch.setattr("exporter.doctor.command.run_doctor", run_doctor)
    assert command("--doctor", "--doctor.format=json", *flags) == (1, "", "")
    assert calls == [(None if flags else Path("config.yaml"), Shard(), "json", {"web_config": None})]


@pytest.mark.usefixtures("config")
def test_a_start_that_fails_ends_with_the_reason(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise StartError("cannot listen on :1")

    monkeypatch.setattr(app, "run", fail)
    assert command() == (1, "", "ninedata-exporter: cannot listen on :1\n")


def test_help_and_version(command: Command) -> None:
    """`--help` shows all flags of the interface."""
    python = ".".join(map(str, sys.version_info[:3]))
    assert command("--version") == (0, f"ninedata-exporter {__version__} (Python {python})\n", "")
    _, text, _ = command("--help")
    flags = (
        "--config.file --config.check --config.example --config.auto-reload --no-config.auto-reload "
        "--doctor --doctor.format --web.listen-address --web.telemetry-path --web.external-url --web.route-prefix "
        "--web.config.file --web.enable-lifecycle --shard --scrape.timeout-offset --log.level --log.format "
        "--demo --version"
    )
    assert [flag for flag in flags.split() if not re.search(rf"[ ,] {flag}[ ,\n]", text)] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--nope"], "unrecognized arguments: --nope"),
        (["config.yaml"], "unrecognized arguments: config.yaml"),
        (["--config.fil=x"], "unrecognized arguments: --config.fil=x"),
        (["--log.level=loud"], "argument --log.level: invalid choice: 'loud'"),
        (["--web.listen-address=x"], "argument --web.listen-address: 'x' is not host:port"),
        (["--shard=0/3", "--shard=1/3"], "argument --shard: is given 2 times"),
        (["--config.auto-reload", "--no-config.auto-reload"], "argument --config.auto-reload: is given 2 times"),
        (["--demo", "--log.level", "info", "--demo"], "argument --demo: is given 2 times"),
        (["--web.external-url=example.com"], "argument --web.external-url: must be http[s]://host[:port][/path]"),
        (["--web.route-prefix=x"], "argument --web.route-prefix: must be a path"),
        (["--shard=3/3"], "argument --shard: must be I/N with I from 0 to 2"),
        *(
            ([f"--scrape.timeout-offset={text}"], "argument --scrape.timeout-offset: must be a number of seconds")
            for text in ("", "-1", "1s", "nan", "inf")
        ),
        *(
            ([f"--web.telemetry-path={text}"], "argument --web.telemetry-path: must start with / and not be another")
            for text in OTHER_PATHS.split()
        ),
    ],
)
def test_wrong_flags(command: Command, arguments: list[str], message: str) -> None:
    """Status 1, as for other faults at the start; the message names the flag."""
    status, out, err = command(*arguments)
    first, second = err.splitlines()
    assert (status, out) == (1, "")
    assert first.startswith(f"ninedata-exporter: {message}")
    assert second == "See ninedata-exporter --help."


def test_the_example_is_the_whole_file(command: Command) -> None:
    assert command("--config.example") == (0, (ROOT / "config.example.yaml").read_text("utf-8"), "")


@pytest.mark.parametrize("flag", ["--config.check", "--version", "--help", "--config.example"])
@pytest.mark.parametrize("redirection", [">/dev/full", ">&-", ""], ids=["full disk", "closed", "closed pipe"])
def test_output_that_cannot_be_written_is_a_failure(config: Path, flag: str, redirection: str) -> None:
    """With its reason."""
    reader, writer = os.pipe()
    os.close(reader)
    script = f'exec "$0" -m exporter --config.file={config.absolute()} {flag} {redirection}'
    command = ["sh", "-c", script, sys.executable]
    done = subprocess.run(command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, check=False, text=True)  # noqa: S603 - the project itself
    os.close(writer)
    assert done.stderr.startswith("ninedata-exporter: cannot write to standard output: ")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize(("flag", "heavy"), [("--version", {"yaml", "asyncio"}), ("--config.check", set[str]())])
def test_quick_commands_do_not_import_the_network(config: Path, flag: str, heavy: set[str]) -> None:
    """`python -m exporter` is the command."""
    command = [sys.executable, "-X", "importtime", "-m", "exporter", f"--config.file={config.absolute()}", flag]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)  # noqa: S603 - the project itself
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "exporter.cli" in imported
    assert imported & (heavy | {"aiohttp", "httpx", "prometheus_client", "jinja2"}) == set()
