"""Faults of the machine that the exporter runs on: names, clocks, files, disks."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
import yaml

from exporter.sandbox import Handle, fleet
from exporter.sandbox.faults import Delay, Patch
from tests.faults.footprint import Footprint, await_footprint
from tests.faults.tampering import API_HOST, HANGING, Tampering
from tests.program.process import GRACE_SECONDS, ROOT, Exporter, Launcher, config_of, environment, log_line, until
from tests.program.scrape import Scrape

Serve = Callable[..., Handle]

SCRAPE_SECONDS = 3.0
PROMPTLY_SECONDS = 3.0


def scrape_reasons(exporter: Exporter) -> set[str]:
    """Why tasks are down, after a scrape that must come in the scraper's time."""
    began = time.monotonic()
    scrape = exporter.scrape(timeout=SCRAPE_SECONDS)
    assert time.monotonic() - began < SCRAPE_SECONDS + GRACE_SECONDS
    return set(scrape.reasons.values())


@pytest.fixture
def by_name(launch: Launcher, serve: Serve, tampering: Tampering) -> Exporter:
    """Looks the API's name up at each connection."""
    sandbox = serve(*fleet(40))
    port = sandbox.base_url.rpartition(":")[2]
    config = config_of(sandbox, api={"base_url": f"http://{API_HOST}:{port}"})
    return launch.run(f"--config.file={launch.config(config)}", env=tampering.environment)


def test_a_name_that_does_not_resolve(by_name: Exporter, tampering: Tampering) -> None:
    """Is told as such; once it does, the next scrape is whole."""
    tampering.let_names("fail")
    for _ in range(3):
        assert scrape_reasons(by_name) == {"connect"}
    assert {line["error"].partition(":")[0] for line in by_name.logged("query fails")} == {
        "the host name does not resolve"
    }
    tampering.let_names("resolve")
    assert scrape_reasons(by_name) == set()


def test_names_that_hang(by_name: Exporter, tampering: Tampering) -> None:
    """Cost a scrape no more than its time, one thread in all, and nothing once they resolve again."""
    before = Footprint.of(by_name)
    tampering.let_names("hang")
    for _ in range(2):
        assert scrape_reasons(by_name) == {"deadline"}
        until(lambda: Footprint.of(by_name).threads <= before.threads + 2, 5, "hardly a thread that hangs")
        assert by_name.get("/-/healthy").status == 200
    tampering.let_names("resolve")
    until(lambda: Footprint.of(by_name).threads <= before.threads, 10, "no thread is left")
    assert scrape_reasons(by_name) == set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_names_that_hang_do_not_hold_up_the_end(
    by_name: Exporter, tampering: Tampering, number: signal.Signals
) -> None:
    """Nobody can end a look-up; the process does not wait for it."""
    tampering.let_names("hang")
    with by_name.begin_scrape(timeout=60):
        until(lambda: Footprint.of(by_name).threads > 1, 10, "a name is being looked up")
        began = time.monotonic()
        assert by_name.stop(number) == 0
        assert time.monotonic() - began < PROMPTLY_SECONDS


def test_a_reload_while_names_hang(by_name: Exporter, tampering: Tampering) -> None:
    """Any number of them: pages and scrapes are answered in time."""
    tampering.let_names("hang")
    for reloads in range(1, 13):
        by_name.popen.send_signal(signal.SIGHUP)
        until(lambda: len(by_name.logged("configuration reloaded")) == reloads, 10, "a reload")  # noqa: B023 - called at once
        with by_name.begin_scrape(timeout=0.2) as scraper:
            assert scraper.recv(15) == b"HTTP/1.1 200 OK"
    assert scrape_reasons(by_name) == {"deadline"}
    tampering.let_names("resolve")
    until(lambda: scrape_reasons(by_name) == set(), 10, "a whole scrape")


@pytest.mark.parametrize("jump", [86_400.0, -86_400.0, 3_000_000_000.0], ids=["a day on", "a day back", "to 2121"])
def test_a_clock_that_jumps(launch: Launcher, serve: Serve, tampering: Tampering, jump: float) -> None:
    """Told as what it is; no scrape is late, no duration negative, and all is well once the clock is."""
    exporter = launch.run(f"--config.file={launch.config(config_of(serve(*fleet(5))))}", env=tampering.environment)
    assert scrape_reasons(exporter) == set()
    for clock in (jump, 0.0, jump, 0.0):
        tampering.set_clock(clock)
        assert scrape_reasons(exporter) == ({"auth"} if clock else set())
        page = exporter.page("/tasks/cd-fleet-00001")
        assert "-" not in page.partition(" ago")[0][-8:]
        scrape = exporter.scrape()
        seconds = scrape.samples("ninedata_precheck_query_duration_seconds")
        assert all(0 <= sample.value < SCRAPE_SECONDS for sample in seconds)
    assert all("this machine's clock is" in line["error"] for line in exporter.logged("query fails"))


def test_a_clock_that_jumps_during_a_scrape(launch: Launcher, serve: Serve, tampering: Tampering) -> None:
    """Deadlines are of another clock: the scrape is whole."""
    sandbox = serve(*fleet(5))
    exporter = launch.run(f"--config.file={launch.config(config_of(sandbox))}", env=tampering.environment)
    sandbox.set_fault(Delay(delay_seconds=1))
    with exporter.begin_scrape(timeout=SCRAPE_SECONDS) as scraper:
        until(lambda: sandbox.requests().in_flight == 5, 10, "all tasks are being asked about")
        tampering.set_clock(-7200)
        began = time.monotonic()
        assert scraper.recv(15) == b"HTTP/1.1 200 OK"
        assert time.monotonic() - began < SCRAPE_SECONDS + GRACE_SECONDS
    tampering.set_clock(0)
    assert exporter.logged("query fails") == []


def removed(file: Path) -> None:
    file.unlink()


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def a_loop_of_links(file: Path) -> None:
    file.unlink()
    file.symlink_to(file)


UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "removed": (removed, "No such file or directory"),
    "a folder": (a_folder, "Is a directory"),
    "a loop of links": (a_loop_of_links, "Too many levels of symbolic links"),
    "empty": (lambda file: file.write_text("\n"), "is empty"),
    "not text": (lambda file: file.write_bytes(b"\xff\xfe\x00"), "is not UTF-8 text"),
    "several lines": (lambda file: file.write_text("one\ntwo\n"), "has line breaks or control characters within"),
    "too large": (lambda file: file.write_text("x" * 1_000_000), "is larger than 65536 bytes; that is no secret"),
}


@pytest.mark.parametrize(("break_", "told"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_secret_file_that_cannot_be_read(
    launch: Launcher, serve: Serve, tmp_path: Path, break_: Callable[[Path], object], told: str
) -> None:
    """Scrapes go on with the last good secret, the log says what is wrong, once; without one there is no start."""
    sandbox, file = serve(*fleet(3)), tmp_path / "secret"
    file.write_text(sandbox.secret_key)
    config = config_of(sandbox, api={"secret_key": None, "secret_key_file": str(file)})
    exporter = launch.run(f"--config.file={launch.config(config)}")
    assert scrape_reasons(exporter) == set()
    break_(file)
    for _ in range(3):
        assert scrape_reasons(exporter) == set()
    complaints = [line for line in exporter.log if "secret file cannot be read" in line["msg"]]
    assert [(line["error"], line["file"]) for line in complaints] == [(told, str(file))]
    other = launch.begin(f"--config.file={launch.config(config)}")
    assert other.wait() != 0
    assert "api.secret_key_file: the file that it names" in other.stderr
    assert told in other.stderr


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A folder on a volume whose server can go away."""
    folder = tmp_path / HANGING
    folder.mkdir()
    return folder


def on_volume(launch: Launcher, sandbox: Handle, volume: Path, tampering: Tampering) -> Exporter:
    """An exporter with its secret and its list of tasks on the volume."""
    (volume / "secret").write_text(sandbox.secret_key)
    (volume / "tasks.yaml").write_text(yaml.safe_dump(config_of(sandbox)["tasks"]))
    api = {"secret_key": None, "secret_key_file": str(volume / "secret")}
    config = config_of(sandbox, tasks=[], api=api, task_files=[str(volume / "tasks.yaml")])
    return launch.run(f"--config.file={launch.config(config)}", env=tampering.environment)


def test_a_volume_that_hangs(launch: Launcher, serve: Serve, volume: Path, tampering: Tampering) -> None:
    """Scrapes and pages go on in time with what was known of its files; later these are read again."""
    sandbox = serve(*fleet(3))
    exporter = on_volume(launch, sandbox, volume, tampering)
    assert scrape_reasons(exporter) == set()
    before = Footprint.of(exporter)
    tampering.let_volume("hangs")
    (volume / "secret").write_text("of no use")
    for _ in range(5):
        scrape = exporter.scrape(timeout=SCRAPE_SECONDS)
        assert set(scrape.up.values()) == {1}
        assert exporter.get("/").status == 200
        # One for secrets, one for task files.
        until(lambda: Footprint.of(exporter).threads <= before.threads + 2, 5, "two threads that hang")
    told = [line["msg"] for line in exporter.log if "cannot be looked at in time" in line["msg"]]
    assert sorted(message.partition(" cannot")[0] for message in told) == ["secret files", "task files"]
    tampering.let_volume("answers")
    until(lambda: scrape_reasons(exporter) == {"auth"}, 10, "the secret is read")
    (volume / "secret").write_text(sandbox.secret_key)
    until(lambda: scrape_reasons(exporter) == set(), 10, "the secret is read again")
    await_footprint(exporter, before)


def test_a_volume_that_hangs_does_not_hold_up_the_end(
    launch: Launcher, serve: Serve, volume: Path, tampering: Tampering
) -> None:
    """Threads that wait for it are left behind."""
    exporter = on_volume(launch, serve(*fleet(3)), volume, tampering)
    tampering.let_volume("hangs")
    assert scrape_reasons(exporter) == set()
    began = time.monotonic()
    assert exporter.stop() == 0
    assert time.monotonic() - began < PROMPTLY_SECONDS


class Mute:
    """An exporter whose log goes where it is told."""

    def __init__(self, config: Path, log: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        flags = [f"--config.file={config}", f"--web.listen-address=127.0.0.1:{self._port}", "--log.level=debug"]
        command = [sys.executable, "-m", "exporter", *flags]
        self._popen = subprocess.Popen(command, cwd=ROOT, env=environment(), stderr=log)  # noqa: S603 - our own
        until(self._answers, 30, "an answer")

    def get(self, path: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        with closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            assert response.status == 200
            return response.read().decode()

    def stop(self) -> int:
        self._popen.terminate()
        try:
            return self._popen.wait(10)
        finally:
            self._popen.kill()

    def _answers(self) -> bool:
        with suppress(ConnectionError):
            return bool(self.get("/-/ready"))
        return False


def test_a_log_that_nobody_reads(launch: Launcher, serve: Serve) -> None:
    """Its pipe fills up, and the exporter goes on; once it is read again, the log says that lines were lost."""
    sandbox = serve(*fleet(20))
    reader, writer = os.pipe()
    exporter = Mute(launch.config(config_of(sandbox)), writer)
    os.close(writer)
    try:
        for number in range(60):
            sandbox.set_fault(Patch(data={"status": "Failed" if number % 2 else "Success"}))
            assert set(Scrape.of_text(exporter.get("/metrics")).up.values()) == {1}
        before = os.read(reader, 1024 * 1024).decode()
        exporter.get("/metrics")
        sandbox.clear()
        exporter.get("/metrics")
        after = os.read(reader, 1024 * 1024).decode()
    finally:
        status = exporter.stop()
        os.close(reader)
    assert status == 0
    assert len(before) > 60_000
    for line in (before + after).splitlines():
        log_line(line)
    assert "lines of the log were lost" in after


@pytest.mark.parametrize("fault", ["a full disk", "nobody reads it any more"])
def test_a_log_that_cannot_be_written(launch: Launcher, serve: Serve, fault: str) -> None:
    """It is all that the exporter writes: it is lost, and nothing else is; the end is a success all the same."""
    reader, writer = os.pipe() if fault != "a full disk" else (-1, os.open("/dev/full", os.O_WRONLY))
    exporter = Mute(launch.config(config_of(serve(*fleet(60)))), writer)
    try:
        os.close(writer)
        if reader >= 0:
            os.close(reader)
        for _ in range(3):
            assert set(Scrape.of_text(exporter.get("/metrics")).up.values()) == {1}
        assert "cd-fleet-00060" in exporter.get("/")
    finally:
        status = exporter.stop()
    assert status == 0
