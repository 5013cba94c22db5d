"""Those who ask the exporter: too many, too slow, gone, or asking what cannot be."""

import http.client
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.connection import MAX_CONNECTIONS
from exporter.sandbox import Handle, fleet, run_in_thread
from exporter.sandbox.faults import Delay, Hang
from exporter.scrape import MAX_RUNS
from tests.faults.footprint import Footprint, await_footprint
from tests.program.process import GRACE_SECONDS, Exporter, Launcher, canary_sandbox, until
from tests.program.scrape import Scrape
from tests.program.secured import Site, ask
from tests.secrecy import Watch

TASKS = 60
CONCURRENCY = 16
SCRAPE_SECONDS = 10.0

Serve = Callable[..., Handle]


@dataclass
class Ground:
    """An exporter and the API that it asks."""

    sandbox: Handle
    exporter: Exporter
    before: Footprint

    def connect(self) -> socket.socket:
        """A client that has said nothing yet."""
        return socket.create_connection((self.exporter.host, self.exporter.port), timeout=30)

    def is_whole(self) -> bool:
        """Whether a scrape, which must come in time, has everything."""
        began = time.monotonic()
        scrape = self.exporter.scrape(timeout=SCRAPE_SECONDS)
        assert time.monotonic() - began < SCRAPE_SECONDS + GRACE_SECONDS
        return len(scrape.up) == TASKS and not scrape.down


@pytest.fixture(scope="module")
def shared(launch_for_module: Launcher) -> Iterator[Ground]:
    with run_in_thread(canary_sandbox(fleet(TASKS))) as sandbox:
        exporter = launch_for_module(sandbox, api={"request_timeout": "60s", "concurrency": CONCURRENCY})
        # As many connections to the API as there may be, which are kept.
        sandbox.set_fault(Delay(delay_seconds=0.2))
        for _ in range(3):
            exporter.scrape()
            exporter.page("/")
        yield Ground(sandbox, exporter, Footprint.of(exporter))


@pytest.fixture
def ground(shared: Ground) -> Iterator[Ground]:
    """Whole before the test and after it, with nothing left over and no error in the log."""
    shared.sandbox.reset()
    assert shared.is_whole()
    yield shared
    shared.sandbox.reset()
    assert shared.is_whole()
    await_footprint(shared.exporter, shared.before, more_kib=48 * 1024)
    assert not [line for line in shared.exporter.log if line["level"] == "error" or "HTTP" in line["msg"]]


def asked(ground: Ground, timeout: float) -> tuple[int, int, float]:
    """Status, number of tasks that are up, and the seconds that a scrape took."""
    connection = http.client.HTTPConnection(ground.exporter.host, ground.exporter.port, timeout=60)
    with closing(connection):
        began = time.monotonic()
        connection.request("GET", "/metrics", headers={"X-Prometheus-Scrape-Timeout-Seconds": f"{timeout:.3f}"})
        response = connection.getresponse()
        body = response.read()
        seconds = time.monotonic() - began
    return response.status, len(re.findall(rb"^ninedata_precheck_up\{[^}]*\} 1\.0$", body, re.MULTILINE)), seconds


def test_two_hundred_scrapes_at_once(ground: Ground) -> None:
    """All are whole and in time; the API is not asked two hundred times for it."""
    ground.sandbox.set_fault(Delay(delay_seconds=0.2))
    before = ground.sandbox.requests().total
    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(lambda _: asked(ground, SCRAPE_SECONDS), range(200)))
    assert {(status, up) for status, up, _ in answers} == {(200, TASKS)}
    assert max(seconds for _, _, seconds in answers) < SCRAPE_SECONDS + GRACE_SECONDS
    requests = ground.sandbox.requests()
    # Who connects after the first answer begins another scrape.
    assert requests.total - before <= 20 * TASKS
    assert requests.max_in_flight <= CONCURRENCY


def test_scrapes_with_timeouts_of_their_own_are_bounded_too(ground: Ground) -> None:
    """Each shorter than the one before: all are answered in time, and the same tasks are asked about so often only."""
    ground.sandbox.set_fault(Hang())
    before = ground.sandbox.requests().total
    with ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(lambda n: (n, asked(ground, 4.0 - n / 50)), range(60)))
    assert {(status, up) for _, (status, up, _) in answers} == {(200, 0)}
    assert all(seconds < 4.0 - n / 50 + GRACE_SECONDS for n, (_, _, seconds) in answers)
    requests = ground.sandbox.requests()
    assert requests.max_in_flight <= CONCURRENCY
    assert requests.total - before <= 2 * MAX_RUNS * TASKS


def test_fifty_scrapers_that_go_away(ground: Ground) -> None:
    """In the middle, all at once: their queries end with them."""
    ground.sandbox.set_fault(Hang())
    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(ground.exporter.begin_scrape(timeout=60))
        until(lambda: ground.sandbox.requests().in_flight == CONCURRENCY, 10, "tasks are being asked about")
    until(lambda: ground.sandbox.requests().in_flight == 0, 10, "no request is left")


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_readers_that_do_not_read(launch: Launcher, serve: Serve, tmp_path: Path, secrecy: Watch, *, tls: bool) -> None:
    """Sixty scrapers that never take their large answer cost the others nothing, and not sixty times the memory."""
    site = Site(tmp_path, secrecy)
    site.write(tls=tls)
    context = site.client() if tls else None
    sandbox = serve(*fleet(300, items=200))
    exporter = launch(sandbox, site.flag)
    # The kernel's buffers take 4 MiB, of which the exporter knows nothing.
    assert len(ask(exporter, "/metrics", client=context).content) > 7 * 1024 * 1024
    before = exporter.memory_kib("VmHWM")
    # Nobody's answer comes before all have asked: they share it.
    sandbox.set_fault(Delay(delay_seconds=0.1))
    with ExitStack() as stack:
        lazy = [stack.enter_context(closing(slow_connection(exporter, context))) for _ in range(60)]
        for client in lazy:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: exporter\r\n\r\n" * 3)
        assert {client.recv(15) for client in lazy} == {b"HTTP/1.1 200 OK"}
        sandbox.reset()
        for _ in range(2):
            scrape = Scrape.of_text(ask(exporter, "/metrics", client=context).text)
            assert len(scrape.up) == 300
            assert not scrape.down
        assert ask(exporter, client=context).status == 200
        assert exporter.memory_kib("VmHWM") < before + 64 * 1024


def slow_connection(exporter: Exporter, context: ssl.SSLContext | None) -> socket.socket:
    """One that takes little at once."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(30)
    client.connect((exporter.host, exporter.port))
    return context.wrap_socket(client, server_hostname="localhost") if context else client


def test_more_silent_clients_than_there_may_be(ground: Ground) -> None:
    """The oldest of them make room: scrapes are answered at once all the time."""
    with ExitStack() as stack:
        for number in range(MAX_CONNECTIONS + 300):
            stack.enter_context(ground.connect())
            if number % 100 == 0:
                assert ground.exporter.get("/-/healthy").status == 200
        most = ground.before.descriptors + MAX_CONNECTIONS + 5
        until(lambda: ground.exporter.descriptors() <= most, 10, f"at most {most} descriptors")
        for _ in range(3):
            assert ground.is_whole()


HUGE = b"a" * 60_000
KEPT = b" HTTP/1.1\r\nHost: e\r\n"
LAST = KEPT + b"Connection: close\r\n"
IDLE_SECONDS = 0.5
"""Without a byte more, an answer is over where the connection stays."""
ABSURD: dict[str, tuple[bytes, int | None]] = {
    "no HTTP": (b"\x00\xff\xfe\r\n\r\n", 400),
    "half of TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "a version from the future": (b"GET /metrics HTTP/9.9\r\nHost: e\r\n\r\n", 200),
    "no host": (b"GET /metrics HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET /sd HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "a host that is markup": (b"GET /sd HTTP/1.1\r\nHost: <script>\r\n\r\n", 400),
    "a host full of bytes": (b"GET /sd HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n", 400),
    "a huge path": (b"GET /" + HUGE + LAST + b"\r\n", 404),
    "a path up the tree": (b"GET /../../../../etc/passwd" + LAST + b"\r\n", 404),
    "an encoded path up the tree": (b"GET /tasks/%2e%2e%2f%2e%2e%2fetc%2fpasswd" + LAST + b"\r\n", 404),
    "a path with zeros": (b"GET /tasks/%00%0d%0a" + LAST + b"\r\n", 404),
    "a path of broken UTF-8": (b"GET /tasks/%ff%fe" + LAST + b"\r\n", 404),
    "an address of elsewhere": (b"GET http://elsewhere.example/metrics" + LAST + b"\r\n", 404),
    "a tunnel": (b"CONNECT elsewhere.example:443" + LAST + b"\r\n", 404),
    "a method that there is not": (b"BREW /metrics" + LAST + b"\r\n", 405),
    "a task of elsewhere": (b"GET /probe?task_id=http://elsewhere.example/" + LAST + b"\r\n", 400),
    "a huge task id": (b"GET /probe?task_id=" + HUGE[:9000] + LAST + b"\r\n", 400),
    "a thousand parameters": (b"GET /metrics?" + b"collect[]=x&" * 1000 + LAST + b"\r\n", 400),
    "a huge header": (b"GET /metrics" + LAST + b"X-Huge: " + HUGE + b"\r\n\r\n", 200),
    "a thousand headers": (b"GET /metrics" + LAST + b"X-A: b\r\n" * 1000 + b"\r\n", 200),
    "an absurd Accept": (b"GET /metrics" + LAST + b"Accept: " + b";q=," * 2000 + b"\r\n\r\n", 200),
    "an Accept full of bytes": (b"GET /" + LAST + b"Accept: \xff\xfe\r\n\r\n", 200),
    "an absurd timeout": (b"GET /metrics" + LAST + b"X-Prometheus-Scrape-Timeout-Seconds: -1e999\r\n\r\n", 200),
    "an upgrade": (b"GET /metrics" + LAST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 200),
    "a length that is none": (b"GET /metrics" + LAST + b"Content-Length: -1\r\n\r\n", 400),
    "two lengths": (b"POST /metrics" + KEPT + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "length and chunks": (b"POST /" + KEPT + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", 405),
    "chunks that are none": (b"POST /" + KEPT + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", None),
    "a body that never comes": (b"GET /metrics" + KEPT + b"Content-Length: 99999999999\r\n\r\n", 200),
    "a body that is not wanted": (b"GET /metrics" + KEPT + b"Content-Length: 999999\r\n\r\n" + b"x" * 999_999, 200),
    "a reload": (b"POST /-/reload" + LAST + b"\r\n", 403),
    "requests in a row": (b"GET /-/healthy HTTP/1.1\r\nHost: e\r\n\r\n" * 200, 200),
    "a folded header": (b"GET /metrics" + LAST + b"X-A: b\r\n c\r\n\r\n", 200),
    "a header without a name": (b"GET /metrics" + LAST + b": b\r\n\r\n", 400),
}  # fmt: skip


@pytest.mark.parametrize(("request_", "status"), ABSURD.values(), ids=ABSURD.keys())
def test_an_absurd_request(ground: Ground, request_: bytes, status: int | None) -> None:
    """Is answered as it deserves, where the connection does not just end; nothing that was sent is there as markup."""
    said = b""
    with ground.connect() as client:
        client.sendall(request_)
        # The client must not end its side: then it is gone, and nothing is answered.
        with suppress(TimeoutError), nullcontext() if status else suppress(ConnectionResetError):
            while data := client.recv(65536):
                said += data
                client.settimeout(IDLE_SECONDS)
    statuses = {int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3})", said)}
    assert statuses == ({status} if status else set()), said[:200]
    assert b"<script>" not in said
    assert b"root:" not in said


def test_a_thousand_tasks_that_hang(launch: Launcher, serve: Serve) -> None:
    """All of them, and of the first scrape on: each is `deadline` in time, and the next good scrape is whole."""
    sandbox = serve(*fleet(1000, items=2))
    exporter = launch(sandbox, api={"concurrency": 64, "request_timeout": "60s"})
    before = Footprint.of(exporter)
    sandbox.set_fault(Hang())
    for _ in range(2):
        began = time.monotonic()
        answer = exporter.get("/metrics", {"X-Prometheus-Scrape-Timeout-Seconds": "4"})
        assert time.monotonic() - began < 4 + GRACE_SECONDS
        scrape = Scrape.of_text(answer.text)
        assert len(scrape.down) == 1000
        assert set(scrape.reasons.values()) == {"deadline"}
    until(lambda: sandbox.requests().in_flight == 0, 10, "no request is left")
    sandbox.clear()
    assert exporter.scrape(timeout=30).down == set()
    # The connections to the API are kept.
    until(lambda: exporter.descriptors() <= before.descriptors + 64, 10, "no descriptor is left")
    assert Footprint.of(exporter).memory_kib < before.memory_kib + 48 * 1024
