"""The server: deadlines, clients that misbehave, and a web configuration that changes while it serves."""

import asyncio
import contextlib
import os
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import bcrypt
import httpx
import pytest

from exporter.files import WatchedFile
from exporter.http import scrape_handlers
from exporter.http.web_config import load_web_config
from exporter.running_config import allow_open_files
from tests.http.certificates import Issuer, trusting
from tests.http.site import Site, client_of

pytestmark = pytest.mark.anyio

HASH = "$2b$04$Q96gWqjC/WVJ.lQ4Os4OkePexhsoPWDaxH0OQhneMz1uF/bvphiUu"
USERS = f"basic_auth_users: {{alice: {HASH}}}\n"
TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
CLIENTS = (
    "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: issuer.crt,"
    " client_auth_type: RequireAndVerifyClientCert%s}\n"
)
GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n"


class Crowd:
    """Raw connections to a server."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []

    async def join(self, port: int, sent: bytes) -> asyncio.StreamReader:
        """One more connection, which sends this and no more."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(sent)
        self.writers.append(writer)
        return reader

    def leave(self) -> None:
        for writer in self.writers:
            writer.transport.abort()


@pytest.fixture
async def crowd() -> AsyncIterator[Crowd]:
    crowd = Crowd()
    yield crowd
    crowd.leave()


async def eventually(condition: Callable[[], object]) -> None:
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen within 30 s")


@pytest.fixture
def large_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer to /metrics has 16 MiB, which no kernel buffer takes."""
    body = bytes(16 * 1024 * 1024)
    monkeypatch.setattr(scrape_handlers, "render", lambda *_, **__: body)


def open_files() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


def resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


async def test_a_scrape_is_cancelled_when_the_scraper_hangs_up(site: Site, crowd: Crowd) -> None:
    """The configuration that it used is free again."""
    site.running.hang = True
    async with site.served() as port:
        await crowd.join(port, GET % (b"/metrics", b""))
        await eventually(lambda: site.running.calls)
        crowd.leave()
        await eventually(lambda: site.running.cancelled == 1 and site.leased == 0)


@pytest.mark.usefixtures("large_answers")
async def test_it_ends_within_a_second_whatever_clients_do(site: Site, crowd: Crowd) -> None:
    """Clients that say nothing, that read nothing, and that wait for a scrape."""
    async with site.served() as port:
        await crowd.join(port, GET % (b"/metrics", b""))
        await eventually(lambda: site.running.calls)
        site.running.hang = True
        for sent in (b"", b"GET / HT", GET % (b"/metrics", b"")):
            await crowd.join(port, sent)
        await eventually(lambda: len(site.running.calls) == 2)
        began = time.monotonic()
    assert time.monotonic() - began < 5  # a machine may be slower; clients would wait for a minute


@pytest.mark.usefixtures("large_answers")
async def test_a_client_that_does_not_read_is_disconnected_at_the_scrapers_timeout(site: Site, crowd: Crowd) -> None:
    async with site.served() as port:
        reader = await crowd.join(port, GET % (b"/metrics", b"X-Prometheus-Scrape-Timeout-Seconds: 0.2\r\n"))
        await eventually(lambda: site.running.calls and site.leased == 0)
        await asyncio.sleep(0.3)
        with contextlib.suppress(ConnectionResetError):
            received = await asyncio.wait_for(reader.read(-1), 5)
            assert len(received) < 16 * 1024 * 1024


async def test_silent_clients_are_disconnected_after_the_keep_alive_timeout(site: Site, crowd: Crowd) -> None:
    """Those that send nothing, half a request, or nothing more after an answer; not one that waits for its scrape."""
    site.options = replace(site.options, keepalive_seconds=0.1)
    async with site.served() as port:
        for sent in (b"", b"GET /metrics HTTP/1.1\r\nHos", GET % (b"/-/healthy", b"")):
            reader = await crowd.join(port, sent)
            await asyncio.wait_for(reader.read(-1), 3)
        site.running.hang = True
        reader = await crowd.join(port, GET % (b"/metrics", b""))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.3)


@pytest.mark.usefixtures("large_answers")
async def test_500_clients_that_say_nothing_or_read_nothing(site: Site, crowd: Crowd) -> None:
    """Scrapes and health checks are answered meanwhile; afterwards memory and open files are as before."""
    allow_open_files(1000)  # both ends of the connections are here
    site.options = replace(site.options, keepalive_seconds=0.5)
    reads_nothing = GET % (b"/metrics", b"X-Prometheus-Scrape-Timeout-Seconds: 0.5\r\n")
    async with site.served() as port, client_of(port) as client:
        await client.get("/-/healthy", headers={"Connection": "close"})  # an idle connection would end as theirs do
        files, memory = open_files(), resident_mib()
        for number in range(500):
            await crowd.join(port, (b"", b"GET / HT", reads_nothing)[number % 3])
        assert (await client.get("/-/healthy")).status_code == 200
        answer = await client.get("/metrics", headers={"Accept-Encoding": "identity"})
        assert len(answer.content) == 16 * 1024 * 1024
        assert resident_mib() - memory < 300
        await eventually(lambda: open_files() <= files + 505)  # those of the clients
        crowd.leave()
        await eventually(lambda: open_files() <= files + 5)
    assert resident_mib() - memory < 150


@pytest.mark.parametrize(
    "sent",
    [GET % (b"/", b"X: " + b"x" * 100_000 + b"\r\n"), GET % (b"/", b"X: y\r\n" * 1000), b"\x16\x03\x01\x02\x00\x01"],
    ids=["long header", "many headers", "TLS"],
)
async def test_what_is_no_usual_request_is_refused(
    site: Site, crowd: Crowd, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    """With 400 and without a line in the log."""
    async with site.served() as port:
        reader = await crowd.join(port, sent)
        assert (await asyncio.wait_for(reader.read(12), 3)) == b"HTTP/1.0 400"
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []


def test_long_cookies_are_accepted(site: Site) -> None:
    """Applications on other ports of the same host, and a proxy's single sign-on, add to what a browser sends."""
    assert site.get("/", cookie="c" * 60_000).status_code == 200


def use(site: Site, folder: Path, content: str) -> None:
    """Serve with this web configuration."""
    path = folder / "web.yaml"
    path.write_text(content)
    site.web_config = WatchedFile(path, load_web_config, description="web configuration")
    site.web_config.load()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second of waiting lasts a tenth."""
    sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda seconds: sleep(seconds / 10))


async def change(site: Site, content: str, port: int, tls: ssl.SSLContext | None, status: int) -> None:
    """Another web configuration. It is in force when new clients get this status; none of them hangs meanwhile."""
    assert site.web_config
    site.web_config.path.write_text(content)
    while {*await asyncio.gather(*(status_of(port, tls) for _ in range(5)))} != {status}:
        pass


async def status_of(port: int, tls: ssl.SSLContext | None) -> int | None:
    """None if one side expects TLS and the other does not."""
    with contextlib.suppress(httpx.NetworkError, httpx.ProtocolError):
        async with client_of(port, tls) as client:
            return (await client.get("/sd")).status_code
    return None


async def test_users_may_scrape_and_nobody_else(site: Site, folder: Path) -> None:
    """401 with the scheme, on every path except the health checks; nothing is queried."""
    use(site, folder, USERS)
    async with site.served() as port, client_of(port) as client:
        for path in ("/", "/metrics", "/probe?task_id=cd-1", "/sd", "/nowhere", "/-/reload", "/-/healthyx"):
            for auth in (None, ("alice", "wrong"), ("bob", "hush")):
                response = await client.get(path, auth=auth)
                assert (response.status_code, response.headers["www-authenticate"]) == (401, "Basic")
        assert site.running.calls == []
        for path in ("/-/healthy", "/-/ready", "/-/healthy/"):
            assert (await client.get(path)).status_code == 200
        assert (await client.get("/metrics", auth=("alice", "hush"))).status_code == 200


async def test_the_deadline_includes_the_password_check(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is counted from the arrival of the request."""
    use(site, folder, USERS)
    checked = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", lambda *arguments: time.sleep(0.2) or checked(*arguments))
    async with site.served() as port, client_of(port) as client:
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": "3"}
        await client.get("/metrics", auth=("alice", "hush"), headers=headers)
    ((_, seconds),) = site.running.calls
    assert seconds < 2.3


async def test_a_scrape_that_waits_behind_guesses_is_refused_by_its_deadline(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(site, folder, USERS)
    site.options = replace(site.options, timeout_offset=60)  # at most half of the timeout
    gate, checked = threading.Event(), bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", lambda *arguments: gate.wait(30) and checked(*arguments))
    async with site.served() as port, client_of(port) as client:
        guesses = [asyncio.create_task(client.get("/sd", auth=("alice", f"guess{n}"))) for n in range(2)]
        await asyncio.sleep(0.05)
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": "0.6"}
        assert (await client.get("/metrics", auth=("alice", "hush"), headers=headers)).status_code == 503
        gate.set()
        assert (await client.get("/metrics", auth=("alice", "hush"))).status_code == 200
        assert [(await guess).status_code for guess in guesses] == [401, 401]


@pytest.mark.usefixtures("large_answers")
async def test_a_large_answer_over_tls_ends_when_it_is_read(site: Site, folder: Path, issuer: Issuer) -> None:
    use(site, folder, TLS)
    async with site.served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting(issuer))
        writer.write(GET % (b"/metrics", b"Connection: close\r\n"))
        assert len(await asyncio.wait_for(reader.read(), 10)) > 16 * 1024 * 1024
        writer.close()


@pytest.mark.usefixtures("quick")
async def test_tls_can_be_turned_on_and_off(site: Site, folder: Path, issuer: Issuer) -> None:
    use(site, folder, "http_server_config:\n")
    async with site.served() as port:
        files = open_files()
        async with client_of(port) as client:
            assert "__scheme__" not in (await client.get("/sd")).json()[0]["labels"]
        await change(site, TLS, port, trusting(issuer), 200)
        async with client_of(port, trusting(issuer)) as client:
            assert (await client.get("/sd")).json()[0]["labels"]["__scheme__"] == "https"
        async with client_of(port) as client:
            told = await client.get("/sd")
            assert (told.status_code, told.text) == (400, "Client sent an HTTP request to an HTTPS server.\n")
        await change(site, "http_server_config:\n", port, None, 200)
        await eventually(lambda: open_files() <= files)  # the sockets of earlier settings are closed


@pytest.mark.usefixtures("quick")
async def test_client_certificates(site: Site, folder: Path, issuer: Issuer) -> None:
    """Required; and, where names are allowed, one of these. A connection made before ends at its next request."""
    use(site, folder, CLIENTS % "")
    known = trusting(issuer, issuer.issue("client", "DNS:prometheus.example"))
    async with site.served() as port:
        with pytest.raises(httpx.TransportError):
            async with client_of(port, trusting(issuer)) as client:
                await client.get("/sd")
        async with client_of(port, known) as client:
            assert (await client.get("/sd")).status_code == 200
            await change(site, CLIENTS % ", client_allowed_sans: [other.example]", port, known, 403)
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/sd")
            assert (await client.get("/sd")).status_code == 403
            await change(site, CLIENTS % ", client_allowed_sans: [prometheus.example]", port, known, 200)
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/sd")
            assert (await client.get("/sd")).status_code == 200
