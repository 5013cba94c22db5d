"""The process: it starts or says why not, and ends within a second whatever it does."""

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
from tests.program.conftest import IDS, Shared
from tests.program.launcher import Launcher, entries, write
from tests.program.process import ROOT, until
from tests.program.scrape import Scrape

PROMPTLY_SECONDS = 1.5
"""A second, and what a busy machine adds."""


def test_a_wrong_configuration_ends_it_with_every_fault(launch: Launcher) -> None:
    config = launch.config({"api": {"base_url": "ftp://x", "access_key_id": "a", "secret_key": "b"}, "tasks": [{}]})
    exporter = launch.begin(f"--config.file={config}")
    assert exporter.popen.wait(30) == 1
    faults = [line.split(": ")[:2] for line in exporter.stderr.splitlines()]
    assert faults == [
        [f"{config}:3", "api.base_url"],
        [f"{config}:6", "tasks[0].task_id"],
    ]


def test_a_port_in_use_ends_it(launch: Launcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        exporter = launch.begin("--demo", f"--web.listen-address={address}", "--log.level=error")
        assert exporter.popen.wait(30) == 1
    assert exporter.stderr.startswith(f"ninedata-exporter: cannot listen on {address}: ")
    assert exporter.stderr.count("\n") == 1


def test_the_version_is_told_without_importing_the_http_libraries() -> None:
    """`--version` and shell completion are quick."""
    command = [sys.executable, "-X", "importtime", "-m", "exporter", "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)  # noqa: S603
    assert done.stdout.startswith("ninedata-exporter 0.")
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not imported & {"aiohttp", "httpx", "yaml", "prometheus_client", "exporter.config"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_it_during_a_scrape_that_hangs(launch: Launcher, number: signal.Signals) -> None:
    api = launch.serve(*fleet(3))
    exporter = launch.watch(api, api={"request_timeout": "60s"})
    api.sandbox.faults[""] = InjectedFault(kind="hang")
    with exporter.begin_scrape(timeout=60):
        until(lambda: api.sandbox.requests.total() == 3, 10, "all tasks are asked for")
        assert exporter.stop(number) < PROMPTLY_SECONDS


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
    api = launch.serve(*fleet(3))
    write(hanging / "tasks.yaml", entries(fleet(3)))
    content = api.config(tasks=[], task_files=[str(hanging / "tasks.yaml")])
    exporter = launch.run(f"--config.file={launch.config(content)}", env=environment(hanging))
    hanging.with_name("flag").touch()
    until(lambda: exporter.logged("file system does not answer, using the last known file contents"), 15, "it is told")
    assert exporter.scrape(timeout=3).up == dict.fromkeys(IDS[:3], 1)
    assert "cd-fleet-00003" in exporter.get("/").text
    assert exporter.stop() < PROMPTLY_SECONDS


def test_a_start_that_hangs_can_be_ended(launch: Launcher, hanging: Path) -> None:
    """A file system that hangs holds it up before it listens."""
    write(hanging / "tasks.yaml", [])
    hanging.with_name("flag").touch()
    content = launch.serve().config(task_files=[str(hanging / "tasks.yaml")])
    exporter = launch.begin(f"--config.file={launch.config(content)}", env=environment(hanging))
    until(lambda: exporter.logged("starting ninedata-exporter"), 30, "the start")
    time.sleep(0.5)
    assert exporter.stop() < PROMPTLY_SECONDS


def test_a_host_name_that_hangs_costs_a_scrape_its_time_and_the_end_nothing(launch: Launcher, hanging: Path) -> None:
    """Nothing can cancel the lookup of a name, and nothing waits for it."""
    api = launch.serve(*fleet(3))
    content = api.config(api={"base_url": api.base_url.replace("127.0.0.1", "hanging.test")})
    exporter = launch.run(f"--config.file={launch.config(content)}", env=environment(hanging))
    hanging.with_name("flag").touch()
    assert set(exporter.scrape(timeout=1).reasons.values()) == {"deadline"}
    with exporter.begin_scrape(timeout=60):
        time.sleep(0.3)
        assert exporter.stop() < PROMPTLY_SECONDS


def test_the_demonstration_greets_and_ends_with_ctrl_c(launch: Launcher) -> None:
    """Its metrics, pages and discovery work; a terminal that closes ends it as well."""
    demo = launch.run("--demo")
    assert f"\n  Metrics, open these first:  http://127.0.0.1:{demo.port}/metrics\n" in demo.stderr
    scrape = demo.scrape()
    assert list(scrape.reasons.values()) == ["not_found"]
    assert set(scrape.statuses.values()) == {"Success", "Failed", "Running", "Unstarted", "Warning"}
    assert "inventory-prod" in demo.get("/").text
    assert demo.stop(signal.SIGINT) < PROMPTLY_SECONDS
    # The folder is one for programs of several processes; this one has none there.
    closed = launch.run("--demo", env={"PROMETHEUS_MULTIPROC_DIR": "/nonexistent"})
    assert closed.stop(signal.SIGHUP) < PROMPTLY_SECONDS


@pytest.mark.parametrize("log", ["full disk", "closed pipe", "pipe that nobody reads"])
def test_a_log_that_cannot_be_written_costs_nothing_else(shared: Shared, launch: Launcher, log: str) -> None:
    reader, writer = os.pipe()
    if log == "full disk":
        os.close(writer)
        writer = os.open("/dev/full", os.O_WRONLY)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = launch.config(shared.api.config())
    command = [sys.executable, "-m", "exporter", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
    with subprocess.Popen([*command, "--log.level=debug"], cwd=ROOT, stderr=writer) as process:  # noqa: S603
        os.close(writer)
        if log == "closed pipe":
            os.close(reader)
        try:
            until(lambda: _listens(port), 30, "it listens")
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                for kind in ("auth", "not_found") * (20 if log == "pipe that nobody reads" else 2):
                    shared.api.sandbox.faults[""] = InjectedFault(kind=kind)
                    assert set(Scrape(client.get("/metrics").text).reasons.values()) == {kind}
        finally:
            process.terminate()
        assert process.wait(10) == 0
    if log != "closed pipe":
        os.close(reader)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a process number 1")
@pytest.mark.parametrize(("flags", "status"), [(["--demo"], 0), (["--config.check"], 1), (["--doctor", "--demo"], 1)])
def test_a_signal_to_process_1_is_never_lost(flags: list[str], status: int) -> None:
    """The kernel drops it if there is no handler: it comes while the first imports run."""
    kill = "m.reserve_closed_streams = lambda: os.kill(1, signal.SIGTERM)"
    code = (
        f"import os, signal, sys; import exporter.__main__ as m; {kill}; sys.argv[1:] = {flags!r}; sys.exit(m.main())"
    )
    command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", code]
    assert subprocess.run(command, cwd=ROOT, check=False, timeout=20).returncode == status  # noqa: S603 - our own


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", ">&- 2>&- <&-"])
def test_closed_or_full_streams_do_not_end_it(redirection: str) -> None:
    """Nor does SIGHUP under nohup; SIGTERM does."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = f'trap "" HUP; exec "$0" -m exporter --demo --web.listen-address=127.0.0.1:{port} {redirection}'
    with subprocess.Popen(["sh", "-c", script, sys.executable], cwd=ROOT) as process:  # noqa: S603, S607 - our own
        try:
            until(lambda: _listens(port), 30, "it listens")
            process.send_signal(signal.SIGHUP)
            time.sleep(0.3)
            assert process.poll() is None
        finally:
            process.terminate()
        assert process.wait(10) == 0
