"""The command: its flags, its exit statuses, what it says and where."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter import __version__, run
from exporter.cli import main
from exporter.config import Config
from exporter.listener import Address, Listener
from exporter.shard import Shard

GOOD = """
api:
  base_url: https://ninedata.example
  access_key_id: hush-ak
  secret_key: hush-sk
  proxy_url: http://user:hush-proxy@proxy.example
tasks:
  - {task_id: cd-1, precheck_task_id: pcte-1}
"""
BROKEN = """
api:
  base_url: https://user:hush@ninedata.example
  access_key_id: hush ak
  secret_key: "hush\\nsk"
  secret: hush
tasks:
  - {task_id: cd 1, precheck_task_id: pcte-1}
"""


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """The command sends the whole process' log to standard error: undone after each test."""
    loggers = [logging.getLogger(name) for name in (None, "uvicorn", "uvicorn.error", "asyncio", "httpx", "aiohttp")]
    before = [(logger, logger.level, logger.handlers[:]) for logger in loggers]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.fixture(autouse=True)
def no_secrets_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NINEDATA_ACCESS_KEY_ID", "NINEDATA_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD, "utf-8")
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN, "utf-8")
    return path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Config, Listener]]:
    """With what the exporter would have been run; it ends at once."""
    runs: list[tuple[Config, Listener]] = []

    async def record(config: Config, _load: object, listener: Listener, *, shard: Shard | None) -> None:
        del shard
        runs.append((config, listener))

    monkeypatch.setattr(run, "run", record)
    return runs


class Said:
    """What a command printed and how it ended."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        try:
            self.status: object = main(arguments)
        except SystemExit as end:
            self.status = end.code
        self.out, self.err = capsys.readouterr()
        assert "Traceback" not in self.out + self.err
        assert "hush" not in self.out + self.err


def test_a_good_configuration_is_summed_up(capsys: pytest.CaptureFixture[str], good: Path) -> None:
    """One line on standard output, status 0, nothing of the secrets."""
    said = Said(capsys, f"--config.file={good}", "--config.check")
    assert (said.status, said.err) == (0, "")
    assert said.out == f"{good}: good: 1 task to watch at https://ninedata.example\n"


@pytest.mark.parametrize(
    ("tasks", "count"),
    [("[]", "0 tasks"), ("[{task_id: a, precheck_task_id: a}, {task_id: b, precheck_task_id: b}]", "2 tasks")],
)
def test_the_summary_counts_the_tasks(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tasks: str, count: str
) -> None:
    (tmp_path / "config.yaml").write_text(f"{GOOD.partition('tasks:')[0]}tasks: {tasks}\n", "utf-8")
    said = Said(capsys, f"--config.file={tmp_path}/config.yaml", "--config.check")
    assert (said.status, f": good: {count} to watch at " in said.out) == (0, True)


def test_a_configuration_that_watches_nothing_is_warned_of(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """On standard error, beside the summary; it is good all the same."""
    config = tmp_path / "config.yaml"
    config.write_text(f"{GOOD.partition('tasks:')[0]}task_files: [a.yaml, 'b*.yaml']\n", "utf-8")
    said = Said(capsys, f"--config.file={config}", "--config.check")
    assert (said.status, said.out) == (0, f"{config}: good: 0 tasks to watch at https://ninedata.example\n")
    assert said.err.splitlines() == [
        f"{config}: warning: no task file matches {tmp_path}/a.yaml",
        f"{config}: warning: no task file matches {tmp_path}/b*.yaml",
        f"{config}: warning: no task is watched; see the key tasks of the configuration",
    ]


@pytest.mark.parametrize("flags", [[], ["--config.check"]])
def test_every_fault_of_a_configuration_is_told(
    capsys: pytest.CaptureFixture[str], broken: Path, flags: list[str]
) -> None:
    """On standard error, each with its place, status 1; whether it is to be checked or run."""
    said = Said(capsys, f"--config.file={broken}", *flags)
    assert (said.status, said.out) == (1, "")
    assert said.err.splitlines() == [
        f"{broken}:3: api.base_url: must not hold a user name or a password",
        f"{broken}:4: api.access_key_id: has characters that an access key id cannot have",
        f"{broken}:5: api.secret_key: has line breaks or control characters",
        f"{broken}:6: api.secret: is not a known key",
        f"{broken}:8: tasks[0].task_id: has characters that an id cannot have; ids look like cd-tg3isu1xgs",
    ]


@pytest.mark.parametrize("flags", [[], ["--config.check"]])
def test_a_missing_configuration_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path, flags: list[str]) -> None:
    """With the two ways to go on."""
    said = Said(capsys, f"--config.file={tmp_path}/missing.yaml", *flags)
    assert (said.status, said.out) == (1, "")
    assert said.err.splitlines() == [
        f"{tmp_path}/missing.yaml: cannot be read: No such file or directory",
        "Name the configuration with --config.file, or see a demonstration with --demo.",
    ]


def test_the_configuration_is_found_where_one_stands(
    capsys: pytest.CaptureFixture[str], good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the flag it is `config.yaml` of the present folder."""
    monkeypatch.chdir(good.rename(good.with_name("config.yaml")).parent)
    said = Said(capsys, "--config.check")
    assert (said.status, said.out.partition(":")[0]) == (0, "config.yaml")


def test_the_environment_gives_secrets(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NINEDATA_ACCESS_KEY_ID", "hush-ak")
    monkeypatch.setenv("NINEDATA_SECRET_KEY", "hush-sk")
    (tmp_path / "config.yaml").write_text("api: {base_url: https://ninedata.example}", "utf-8")
    assert Said(capsys, f"--config.file={tmp_path}/config.yaml", "--config.check").status == 0


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the exporter and of Python, on standard output."""
    said = Said(capsys, "--version")
    python = ".".join(str(part) for part in sys.version_info[:3])
    assert (said.status, said.err) == (0, "")
    assert said.out == f"ninedata-exporter {__version__} (Python {python})\n"


@pytest.mark.parametrize(
    "flag",
    [
        "--config.file",
        "--config.check",
        "--web.listen-address",
        "--web.telemetry-path",
        "--web.config.file",
        "--web.enable-lifecycle",
        "--scrape.timeout-offset",
        "--log.level",
        "--log.format",
        "--demo",
        "--doctor",
        "--doctor.format",
        "--version",
    ],
)
def test_the_flags(capsys: pytest.CaptureFixture[str], flag: str) -> None:
    """`--help` names every flag of the interface."""
    said = Said(capsys, "--help")
    assert (said.status, said.err) == (0, "")
    assert f"  {flag} " in said.out or f"  {flag}\n" in said.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--nope"], "unrecognized arguments: --nope"),
        (["config.yaml"], "unrecognized arguments: config.yaml"),
        (["--config.fil=x"], "unrecognized arguments: --config.fil=x"),
        (["--config.file"], "argument --config.file: expected one argument"),
        (["--log.level=loud"], "argument --log.level: invalid choice: 'loud'"),
        (["--log.format=xml"], "argument --log.format: invalid choice: 'xml'"),
        (["--doctor", "--doctor.format=xml"], "argument --doctor.format: invalid choice: 'xml'"),
        *(
            ([f"--scrape.timeout-offset={text}"], "argument --scrape.timeout-offset: must be a number of seconds")
            for text in ("", "-1", "-0.001", "soon", "1s", "nan", "inf", "1e999")
        ),
        *(
            ([f"--web.telemetry-path={text}"], "argument --web.telemetry-path: must start with / and be no other page")
            for text in ("", "metrics", "/", "/probe", "/sd", "/-/healthy", "/-/x", "/tasks/x", "/tasks/{task_id}")
        ),
        *(
            ([f"--web.telemetry-path={text}"], "argument --web.telemetry-path: must start with / and be no other page")
            for text in ("/me{x}trics", "/metrics?x", "/metrics#x", "/me trics", "/me\ntrics", "/\x1b[31m", "http://x/")
        ),
    ],
)
def test_wrong_flags(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    """Status 1 as for every other fault of a start; the flag is named, and where to read on."""
    said = Said(capsys, *arguments)
    assert (said.status, said.out) == (1, "")
    first, second = said.err.splitlines()
    assert first.startswith(f"ninedata-exporter: {message}")
    assert second == "See ninedata-exporter --help."


@pytest.fixture
def web_config(tmp_path: Path) -> Path:
    path = tmp_path / "web.yaml"
    path.write_text("http_server_config: {headers: {X-Frame-Options: deny}}")
    return path


def test_a_good_web_configuration_is_summed_up_too(
    capsys: pytest.CaptureFixture[str], good: Path, web_config: Path
) -> None:
    """A line of its own, after that of the configuration."""
    said = Said(capsys, f"--config.file={good}", f"--web.config.file={web_config}", "--config.check")
    assert (said.status, said.err) == (0, "")
    assert said.out.splitlines()[1:] == [f"{web_config}: good: no TLS, no authentication"]


@pytest.mark.parametrize("flags", [[], ["--config.check"], ["--demo"]])
def test_a_broken_web_configuration_is_refused(
    capsys: pytest.CaptureFixture[str],
    good: Path,
    started: list[tuple[Config, Listener]],
    web_config: Path,
    flags: list[str],
) -> None:
    """Every fault with its place, status 1, and nothing runs: nobody shall believe that the listener is protected."""
    web_config.write_text("basic_auth_users: {alice: hush}\ntls_server_config: {}")
    said = Said(capsys, f"--config.file={good}", f"--web.config.file={web_config}", *flags)
    assert said.status == 1
    assert said.err.splitlines() == [
        f"{web_config}:1: basic_auth_users.alice: is not a bcrypt hash, such as $2y$10$ and 53 characters more",
        f"{web_config}:2: tls_server_config: is empty: leave it out if that is meant",
    ]
    assert (said.out, started) == ("", [])


@pytest.mark.parametrize("name", ["missing.yaml", ""])
def test_a_missing_web_configuration_is_refused(
    capsys: pytest.CaptureFixture[str], good: Path, started: list[tuple[Config, Listener]], tmp_path: Path, name: str
) -> None:
    """Also where the flag has no value, as from a variable that is not set."""
    said = Said(capsys, f"--config.file={good}", f"--web.config.file={tmp_path / name if name else ''}")
    assert (said.status, said.out, started) == (1, "", [])
    assert "cannot be read" in said.err


@pytest.mark.parametrize("flags", [[], ["--config.check"]])
def test_faults_of_both_configurations_are_told(
    capsys: pytest.CaptureFixture[str], broken: Path, web_config: Path, flags: list[str]
) -> None:
    """At once."""
    web_config.write_text("")
    said = Said(capsys, f"--config.file={broken}", f"--web.config.file={web_config}", *flags)
    assert (said.status, said.out) == (1, "")
    assert len(said.err.splitlines()) == 6
    assert said.err.splitlines()[-1] == f"{web_config}: is empty"


def test_it_runs_with_the_web_configuration(
    capsys: pytest.CaptureFixture[str], good: Path, started: list[tuple[Config, Listener]], web_config: Path
) -> None:
    """It guards the listener."""
    flags = (f"--web.config.file={web_config}", "--web.listen-address=127.0.0.1:0")
    assert Said(capsys, f"--config.file={good}", *flags).status == 0
    ((_, listener),) = started
    assert listener.web is not None
    assert listener.web.current().headers == {"X-Frame-Options": "deny"}


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("10199", "'10199' is not host:port, :port or [address]:port"),
        ("localhost:99999", "99999 is not a port; the highest is 65535"),
        ("192.0.2.1:0", "cannot listen on 192.0.2.1:0: Cannot assign requested address"),
    ],
)
def test_an_address_that_cannot_be_listened_on(
    capsys: pytest.CaptureFixture[str],
    good: Path,
    started: list[tuple[Config, Listener]],
    address: str,
    message: str,
) -> None:
    """Status 1 with the reason, before anything runs."""
    said = Said(capsys, f"--config.file={good}", f"--web.listen-address={address}")
    assert (said.status, said.out, said.err) == (1, "", f"ninedata-exporter: {message}\n")
    assert started == []


def test_it_runs_with_what_the_flags_say(
    capsys: pytest.CaptureFixture[str], good: Path, started: list[tuple[Config, Listener]]
) -> None:
    """Configuration, address, path and offset go where they are used; a good end is status 0."""
    said = Said(
        capsys,
        f"--config.file={good}",
        "--web.listen-address=127.0.0.1:0",
        "--web.telemetry-path=/ninedata/metrics",
        "--scrape.timeout-offset=0.25",
    )
    assert said.status == 0
    ((config, listener),) = started
    assert [task.task_id for task in config.tasks] == ["cd-1"]
    assert listener.address == Address("127.0.0.1", 0)
    assert listener.telemetry_path == "/ninedata/metrics"
    assert listener.timeout_offset == 0.25


def test_the_defaults(capsys: pytest.CaptureFixture[str], good: Path, started: list[tuple[Config, Listener]]) -> None:
    """Metrics at the usual path, half a second kept back."""
    assert Said(capsys, f"--config.file={good}", "--web.listen-address=127.0.0.1:0").status == 0
    ((_, listener),) = started
    assert (listener.telemetry_path, listener.timeout_offset, listener.web) == ("/metrics", 0.5, None)


def test_an_interrupt_before_the_start_is_no_fault(
    capsys: pytest.CaptureFixture[str], good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends it as it does later, without a traceback."""

    async def interrupted(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "run", interrupted)
    said = Said(capsys, f"--config.file={good}", "--web.listen-address=127.0.0.1:0")
    assert (said.status, said.out, said.err) == (0, "", "")


def test_a_fault_of_the_exporter_is_not_taken_for_a_wrong_flag(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong while it runs keeps its traceback, by which it can be mended."""

    async def broken(*_arguments: object, **_named: object) -> None:
        raise ValueError("something of the inside")

    monkeypatch.setattr(run, "run", broken)
    with pytest.raises(ValueError, match="something of the inside"):
        main([f"--config.file={good}", "--web.listen-address=127.0.0.1:0"])


@pytest.mark.parametrize(
    ("arguments", "status"), [(["--version"], 0), (["--nope"], 1), (["--config.file=missing.yaml"], 1)]
)
def test_as_a_module(arguments: list[str], status: int) -> None:
    """`python -m exporter` is the command, with its exit status."""
    done = subprocess.run(  # noqa: S603 - the project itself
        [sys.executable, "-m", "exporter", *arguments],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        check=False,
        timeout=60,
        text=True,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (status, False)
    assert bool(done.stdout) is (status == 0)


def test_the_version_is_answered_without_loading_the_exporter() -> None:
    """So it is quick: none of the libraries for the network is imported."""
    code = (
        "import sys\nfrom exporter.cli import main\n"
        "try:\n    main(['--version'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'aiohttp', 'httpx', 'uvicorn', 'starlette', 'jinja2', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run(  # noqa: S603 - the project itself
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        check=True,
        timeout=60,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"
