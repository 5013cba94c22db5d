"""The process: it starts, goes on, and ends within a second, whatever its surroundings do."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from exporter.sandbox import InjectedFault, fleet
from exporter.signals import not_ignored
from tests.program.launcher import Launcher, entries, write
from tests.program.scrape import Scrape
from tests.programs import ROOT, free_port, until

PROMPTLY_SECONDS = 5.0
"""A second on a machine that is four times slower, and what its neighbours add."""
FLEET = fleet(3)
IDS = [task.task_id for task in FLEET]


HANGING = """
import os, pathlib, socket, time
real_stat, real_open, real_getaddrinfo = pathlib.Path.stat, os.open, socket.getaddrinfo

def wait(name):
    while "hanging" in str(name) and os.path.exists({flag!r}):
        time.sleep(0.05)

def stat(self, **kwargs):
    wait(self)
    return real_stat(self, **kwargs)

def open_(path, *args, **kwargs):
    wait(path)
    return real_open(path, *args, **kwargs)

def getaddrinfo(host, *args, **kwargs):
    wait(host)
    return real_getaddrinfo("127.0.0.1" if host == "hanging.test" else host, *args, **kwargs)

pathlib.Path.stat, os.open, socket.getaddrinfo = stat, open_, getaddrinfo
"""
"""Lets files and host names with "hanging" in their name hang while the flag file exists."""


@pytest.fixture
def hanging(tmp_path: Path) -> Path:
    """A folder for files that hang while the file `flag` beside it exists, in a process with `environment`."""
    folder = tmp_path / "hanging"
    folder.mkdir()
    (tmp_path / "sitecustomize.py").write_text(HANGING.format(flag=str(tmp_path / "flag")))
    return folder


def environment(hanging: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(hanging.parent)}


def test_a_file_system_that_hangs_holds_up_neither_scrapes_nor_the_end(launch: Launcher, hanging: Path) -> None:
    """It goes on with what it read last, and says so."""
    write(hanging / "tasks.yaml", entries(FLEET))
    config = launch.serve(*FLEET).config([], task_files=[str(hanging / "tasks.yaml")])
    exporter = launch.start(config=config, env=environment(hanging))
    hanging.with_name("flag").touch()
    until(lambda: exporter.logged("file system does not answer, using the last known file contents"), "it is told")
    assert exporter.scrape(timeout=3).up == dict.fromkeys(IDS, 1)
    assert "cd-fleet-00003" in exporter.get("/").text
    assert exporter.stop() < PROMPTLY_SECONDS


def test_a_start_that_hangs_can_be_ended(launch: Launcher, hanging: Path) -> None:
    """A file system that hangs holds it up before it listens."""
    write(hanging / "tasks.yaml", [])
    hanging.with_name("flag").touch()
    config = launch.serve().config(task_files=[str(hanging / "tasks.yaml")])
    exporter = launch.begin(config=config, env=environment(hanging))
    until(lambda: exporter.logged("starting ninedata-exporter"), "the start")
    time.sleep(0.5)
    assert exporter.stop() < PROMPTLY_SECONDS


def test_a_host_name_that_hangs_costs_a_scrape_its_time_and_the_end_nothing(launch: Launcher, hanging: Path) -> None:
    """Nothing can cancel the lookup of a name, and nothing waits for it."""
    config = launch.serve(*FLEET).config()
    config["api"]["base_url"] = config["api"]["base_url"].replace("127.0.0.1", "hanging.test")
    exporter = launch.start(config=config, env=environment(hanging))
    hanging.with_name("flag").touch()
    assert exporter.scrape(timeout=1).reasons == dict.fromkeys(IDS, "deadline")
    with exporter.begin_scrape():
        time.sleep(0.3)
        assert exporter.stop() < PROMPTLY_SECONDS


def test_the_demonstration_greets_and_ends_with_ctrl_c(launch: Launcher) -> None:
    """Its metrics, pages and discovery work; a terminal that closes ends it as well."""
    demo = launch.start("--demo")
    greeting = f"\n  Metrics, open these first:  http://127.0.0.1:{demo.port}/metrics\n"
    until(lambda: greeting in demo.output, greeting)
    scrape = demo.scrape()
    assert list(scrape.reasons.values()) == ["not_found"]
    assert set(scrape.statuses.values()) == {"Success", "Failed", "Running", "Unstarted", "Warning"}
    assert "inventory-prod" in demo.get("/").text
    assert demo.stop(signal.SIGINT) < PROMPTLY_SECONDS
    # The folder is one for programs of several processes; this one has none there.
    closed = launch.start("--demo", env={"PROMETHEUS_MULTIPROC_DIR": "/nonexistent"})
    assert closed.stop(signal.SIGHUP) < PROMPTLY_SECONDS


STREAMS = {
    "a closed pipe": "",
    "a pipe that nobody reads": "",
    "a full disk": "2>/dev/full",
    "a closed stream": "2>&-",
    "no stream at all": ">&- 2>&- <&-",
}
"""Where the log goes, and the redirection if it is not the test's pipe."""


@pytest.mark.parametrize("log", STREAMS)
def test_a_log_that_cannot_be_written_costs_nothing_else(launch: Launcher, log: str) -> None:
    """SIGTERM still ends it."""
    api, port, (reader, writer) = launch.serve(*fleet(30)), free_port(), os.pipe()
    write(config := launch.folder / "config.yaml", api.config())
    flags = f"--config.file={config} --web.listen-address=127.0.0.1:{port} --log.level=debug"
    command = ["sh", "-c", f'exec "$0" -m exporter {flags} {STREAMS[log]}', sys.executable]
    if log == "a closed pipe":
        os.close(reader)
    with subprocess.Popen(command, cwd=ROOT, stderr=writer) as process:  # noqa: S603 - our own
        os.close(writer)
        try:
            until(lambda: _listens(port), "it listens")
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                for kind in ("auth", "not_found") * (20 if log == "a pipe that nobody reads" else 2):
                    api.sandbox.faults[""] = InjectedFault(kind=kind)
                    assert set(Scrape(client.get("/metrics").text).reasons.values()) == {kind}
        finally:
            process.terminate()
        assert process.wait(10) == 0
    if log != "a closed pipe":
        os.close(reader)


def test_a_signal_that_was_ignored_at_the_start_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """As SIGHUP is under nohup."""
    monkeypatch.setattr(signal, "getsignal", {signal.SIGHUP: signal.SIG_IGN}.get)
    assert not_ignored(signal.SIGTERM, signal.SIGHUP) == [signal.SIGTERM]


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("flags", "number", "status"),
    [
        (["--demo", "--web.listen-address=127.0.0.1:0"], "SIGTERM", 0),
        (["--demo", "--web.listen-address=127.0.0.1:0"], "SIGHUP", 0),
        (["--config.check"], "SIGTERM", 1),
        (["--doctor", "--demo"], "SIGTERM", 1),
    ],
)
def test_a_signal_to_process_1_is_never_lost(flags: list[str], number: str, status: int) -> None:
    """The kernel drops it if there is no handler: it comes while the first imports run."""
    kill = f"m.reserve_closed_streams = lambda: os.kill(1, signal.{number})"
    code = (
        f"import os, signal, sys; import exporter.__main__ as m; {kill}; sys.argv[1:] = {flags!r}; sys.exit(m.main())"
    )
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if subprocess.run([*command, "true"], check=False, capture_output=True).returncode:  # noqa: S603 - our own
        pytest.skip("making a process number 1 is not allowed here; often it needs root")
    command += [sys.executable, "-c", code]
    assert subprocess.run(command, cwd=ROOT, check=False, timeout=60).returncode == status  # noqa: S603 - our own
