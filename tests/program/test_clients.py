"""Clients that misbehave cost the others nothing, and leave nothing behind."""

import re
import socket
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from exporter.sandbox import fleet
from exporter.sandbox.check_items import CHECKS, ended
from exporter.sandbox.scripts import PrecheckRun, Script
from tests.program.conftest import IDS, Shared
from tests.program.launcher import Launcher
from tests.program.process import Exporter, until


def descriptors(exporter: Exporter) -> int:
    return len(list(Path(f"/proc/{exporter.popen.pid}/fd").iterdir()))


def memory_mib(exporter: Exporter) -> float:
    found = re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{exporter.popen.pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) / 1024


def test_500_clients_that_say_nothing_or_half_a_request(shared: Shared) -> None:
    exporter = shared.exporter
    before = descriptors(exporter), memory_mib(exporter)
    with ExitStack() as stack:
        for number in range(500):
            client = stack.enter_context(exporter.connect())
            if number % 2:
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: e")
        assert exporter.scrape(timeout=3).up == dict.fromkeys(IDS, 1)
        assert exporter.get("/-/healthy").status == 200
    until(lambda: descriptors(exporter) <= before[0] + 4, 10, "their descriptors are closed")
    assert memory_mib(exporter) < before[1] + 32


def test_clients_that_do_not_read_their_answers(launch: Launcher) -> None:
    """They share one answer in memory, and are disconnected when their time is up."""
    reasons = {check.item: "x" * 1000 for check in CHECKS["data_compare"]}
    precheck = Script(PrecheckRun(ended("data_compare", failed=reasons)))
    exporter = launch.watch(launch.serve(*(replace(task, precheck=precheck) for task in fleet(600))))
    size = len(exporter.get("/metrics").body)
    assert size > 6_000_000  # more than the kernel's buffers hold
    before = descriptors(exporter), memory_mib(exporter)
    with ExitStack() as stack:
        for _ in range(60):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", exporter.port))
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: e\r\nX-Prometheus-Scrape-Timeout-Seconds: 5\r\n\r\n")
        assert set(exporter.scrape(timeout=30).up.values()) == {1}
        until(lambda: len(exporter.logged("client did not read the answer in time")) == 60, 20, "all are disconnected")
        until(lambda: descriptors(exporter) <= before[0] + 34, 10, "their descriptors are closed")
        assert memory_mib(exporter) < before[1] + 60 * size / 1024 / 1024 / 3


def test_hostile_requests_are_refused_and_fill_no_log(shared: Shared) -> None:
    exporter = shared.exporter
    lines = exporter.stderr.count("\n")
    for request, status in (
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET /sd HTTP/1.1\r\nHost: <script>\r\n\r\n", 400),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: e\r\n\r\n", 404),
        (b"GET /probe?task_id=http://elsewhere.example/ HTTP/1.1\r\nHost: e\r\n\r\n", 400),
        (b"POST /metrics HTTP/1.1\r\nHost: e\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (b"GET /metrics HTTP/1.1\r\nHost: e\r\nX-Huge: " + b"a" * 100_000 + b"\r\n\r\n", 400),
        (b"POST /-/reload HTTP/1.1\r\nHost: e\r\n\r\n", 403),
    ):
        with exporter.connect() as client:
            client.sendall(request)
            answer = client.recv(65536)
        assert re.match(rb"HTTP/1\.[01] %d " % status, answer), (request[:60], answer[:100])
        assert b"<script>" not in answer
    assert exporter.stderr.count("\n") - lines <= 1, exporter.stderr
