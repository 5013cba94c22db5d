"""Signals."""

import signal
import time

import pytest

from exporter.sandbox import Handle
from exporter.sandbox.faults import Hang
from tests.program.process import Launcher, until

PROMPTLY_SECONDS = 3.0

ENDING = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)


@ENDING
def test_a_signal_ends_the_demo(launch: Launcher, number: signal.Signals) -> None:
    """Ctrl-C and a supervisor's signal end it at once, as a success."""
    demo = launch.run("--demo")
    demo.scrape()
    began = time.monotonic()
    assert demo.stop(number) == 0
    assert time.monotonic() - began < PROMPTLY_SECONDS
    assert [line["signal"] for line in demo.logged("stopping")] == [number.name]


@ENDING
def test_a_signal_ends_it_while_a_scrape_hangs(launch: Launcher, sandbox: Handle, number: signal.Signals) -> None:
    """What is under way is given up: neither the scraper nor the API is waited for, and nothing is an error."""
    exporter = launch(sandbox, api={"request_timeout": "60s"})
    sandbox.set_fault(Hang())
    with exporter.begin_scrape(timeout=60) as scraper:
        until(lambda: sandbox.requests().in_flight == len(sandbox.tasks), 10, "all tasks are being asked about")
        began = time.monotonic()
        assert exporter.stop(number) == 0
        assert time.monotonic() - began < PROMPTLY_SECONDS
        scraper.settimeout(PROMPTLY_SECONDS)
        assert scraper.recv(1) == b""
    until(lambda: sandbox.requests().in_flight == 0, PROMPTLY_SECONDS, "no request is left")
    assert not [line for line in exporter.log if line["level"] in ("warn", "error")]


def test_an_open_connection_does_not_hold_up_the_end(launch: Launcher, sandbox: Handle) -> None:
    """A scraper keeps its connection between scrapes; that is no reason to stay."""
    exporter = launch(sandbox)
    with exporter.begin_scrape(timeout=10) as scraper:
        assert scraper.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        began = time.monotonic()
        assert exporter.stop() == 0
        assert time.monotonic() - began < PROMPTLY_SECONDS


def test_sighup_does_not_end_it(launch: Launcher, sandbox: Handle) -> None:
    """The signal by which services are told to reload is survived, any number of times."""
    exporter = launch(sandbox)
    for _ in range(3):
        exporter.popen.send_signal(signal.SIGHUP)
        assert set(exporter.scrape().statuses) == set(exporter.scrape().up) - exporter.scrape().down
    assert exporter.popen.poll() is None
    assert exporter.stop() == 0
