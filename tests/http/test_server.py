"""The server: deadlines, clients that misbehave, and a web configuration that changes while it serves."""

import asyncio
import contextlib
import gc
import os
import ssl
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import bcrypt
import httpx
import pytest

from exporter.files import WatchedFile
from exporter.http import scrape_handlers
from exporter.http.web_config import WebConfig, load_web_config
from tests.http.certificates import Identity, Issuer
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

    def __init__(self, port: int) -> None:
        self.port = port
        self.connections: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def join(self, sent: bytes) -> asyncio.StreamReader:
        """One more connection, which sends this and no more."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1024)
        writer.write(sent)
        self.connections.append((reader, writer))
        return reader

    def leave(self) -> None:
        for _, writer in self.connections:
            writer.transport.abort()


@asynccontextmanager
async def crowd_at(port: int) -> AsyncIterator[Crowd]:
    crowd = Crowd(port)
    try:
        yield crowd
    finally:
        crowd.leave()


async def eventually(condition: object) -> None:
    assert callable(condition)
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen within 5 s")


@pytest.fixture
def large_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer to /metrics has 16 MiB, which no kernel buffer takes."""
    body = bytes(16 * 1024 * 1024)
    monkeypatch.setattr(scrape_handlers, "render", lambda *_, **__: body)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - as short


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_a_scrape_is_cancelled_when_the_scraper_hangs_up(site: Site) -> None:
    """The exporter that it used is free again."""
    site.exporter.hang = True
    async with site.served() as port, crowd_at(port) as crowd:
        await crowd.join(GET % (b"/metrics", b""))
        await eventually(lambda: site.exporter.calls)
        crowd.leave()
        await eventually(lambda: site.exporter.cancelled == 1 and site.leased == 0)


@pytest.mark.usefixtures("large_answers")
async def test_it_ends_within_a_second_whatever_clients_do(site: Site) -> None:
    """Clients that say nothing, that read nothing, and that wait for a scrape."""
    async with crowd_at(0) as crowd:
        async with site.served() as port:
            crowd.port = port
            await crowd.join(GET % (b"/metrics", b""))
            await eventually(lambda: site.exporter.calls)
            site.exporter.hang = True
            for sent in (b"", b"GET / HT", GET % (b"/metrics", b"")):
                await crowd.join(sent)
            await eventually(lambda: len(site.exporter.calls) == 2)
            began = time.monotonic()
        assert time.monotonic() - began < 1


@pytest.mark.usefixtures("large_answers")
async def test_a_client_that_does_not_read_is_disconnected_at_the_scrapers_timeout(site: Site) -> None:
    async with site.served() as port, crowd_at(port) as crowd:
        reader = await crowd.join(GET % (b"/metrics", b"X-Prometheus-Scrape-Timeout-Seconds: 0.3\r\n"))
        began = time.monotonic()
        await eventually(lambda: site.exporter.calls and site.leased == 0)
        await asyncio.sleep(0.5)
        with contextlib.suppress(ConnectionResetError):
            received = await asyncio.wait_for(reader.read(-1), 5)
            assert len(received) < 16 * 1024 * 1024
        assert time.monotonic() - began < 5


async def test_silent_clients_are_disconnected_after_the_keep_alive_timeout(site: Site) -> None:
    """Those that send nothing, half a request, or nothing more after an answer; not one that waits for its scrape."""
    site.options = replace(site.options, keepalive_seconds=0.3)
    async with site.served() as port, crowd_at(port) as crowd:
        for sent in (b"", b"GET /metrics HTTP/1.1\r\nHos", GET % (b"/-/healthy", b"")):
            reader = await crowd.join(sent)
            await asyncio.wait_for(reader.read(-1), 3)
        site.exporter.hang = True
        reader = await crowd.join(GET % (b"/metrics", b""))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.6)


@pytest.mark.usefixtures("large_answers")
async def test_500_clients_that_say_nothing_or_read_nothing(site: Site) -> None:
    """Scrapes and health checks are answered meanwhile; afterwards memory and open files are as before."""
    site.options = replace(site.options, keepalive_seconds=1.5)
    async with site.served() as port, client_of(port) as client:
        await client.get("/-/healthy")
        gc.collect()
        files, memory = open_files(), resident_bytes()
        async with crowd_at(port) as crowd:
            for number in range(500):
                reads_nothing = GET % (b"/metrics", b"X-Prometheus-Scrape-Timeout-Seconds: 1\r\n")
                await crowd.join((b"", b"GET / HT", reads_nothing)[number % 3])
            began = time.monotonic()
            assert (await client.get("/-/healthy")).status_code == 200
            answer = await client.get("/metrics", headers={"Accept-Encoding": "identity"})
            assert len(answer.content) == 16 * 1024 * 1024
            assert time.monotonic() - began < 5
            most = resident_bytes()
            # Half of these files are the clients' own.
            await eventually(lambda: open_files() <= files + 505)
        await eventually(lambda: open_files() <= files + 5)
    assert most - memory < 300 * 1024 * 1024
    gc.collect()
    assert resident_bytes() - memory < 150 * 1024 * 1024


@pytest.mark.parametrize(
    "sent",
    [
        GET % (b"/", b"X-Long: " + b"x" * 100 * 1024 + b"\r\n"),
        GET % (b"/" + b"x" * 100 * 1024, b""),
        GET % (b"/", b"X: y\r\n" * 1000),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"no HTTP\r\n\r\n",
    ],
    ids=["long header", "long path", "many headers", "TLS", "text"],
)
async def test_what_is_no_usual_request_is_refused(site: Site, caplog: pytest.LogCaptureFixture, sent: bytes) -> None:
    """With 400 and without a line in the log."""
    async with site.served() as port, crowd_at(port) as crowd:
        reader = await crowd.join(sent)
        assert (await asyncio.wait_for(reader.read(12), 3)) == b"HTTP/1.0 400"
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []


def test_long_cookies_are_accepted(site: Site) -> None:
    """Applications on other ports of the same host, and a proxy's single sign-on, add to what a browser sends."""
    assert site.get("/", cookie="c" * 60_000).status_code == 200


async def test_pipelined_requests_are_answered_in_order(site: Site) -> None:
    async with site.served() as port, crowd_at(port) as crowd:
        paths = (b"/-/healthy", b"/nowhere", b"/probe")
        last = GET % (b"/-/ready", b"Connection: close\r\n")
        reader = await crowd.join(b"".join(GET % (path, b"") for path in paths) + last)
        received = await asyncio.wait_for(reader.read(-1), 3)
    statuses = [line[9:12] for line in received.split(b"\r\n") if b"HTTP/1.1 " in line[:9]]
    assert statuses[0] == b"200"
    assert received.count(b"HTTP/1.1 ") == 4


class WebConfigFile:
    """A web configuration that a test changes, read as the file watcher would."""

    def __init__(self, folder: Path, content: str) -> None:
        self.path = folder / "web.yaml"
        self.path.write_text(content)
        self.watched: WatchedFile[WebConfig] = WatchedFile(
            self.path, load_web_config, description="web configuration", related=lambda config: config.files
        )
        self.watched.load()

    async def change(self, content: str) -> None:
        """The content and that it is in force, which takes a moment."""
        self.path.write_text(content + "# so that the size changes\n" * (len(content) % 7 + 1))
        self.watched.refresh()
        await asyncio.sleep(0.4)


def use(site: Site, folder: Path, content: str) -> WebConfigFile:
    file = WebConfigFile(folder, content)
    site.web_config = file.watched
    return file


def trusting(issuer: Issuer, identity: Identity | None = None) -> ssl.SSLContext:
    """The context of a client, with a certificate of its own or none."""
    context = ssl.create_default_context(cafile=issuer.own.certificate)
    if identity is not None:
        context.load_cert_chain(identity.certificate, identity.key)
    return context


async def test_users_may_scrape_and_nobody_else(site: Site, folder: Path) -> None:
    """401 with the scheme, on every path except the health checks; nothing is queried."""
    use(site, folder, USERS)
    async with site.served() as port, client_of(port) as client:
        for path in ("/", "/metrics", "/probe?task_id=cd-1", "/sd", "/nowhere", "/-/reload", "/-/healthyx"):
            for auth in (None, ("alice", "wrong"), ("bob", "hush")):
                response = await client.get(path, auth=auth)
                assert (response.status_code, response.headers["www-authenticate"]) == (401, "Basic")
        assert site.exporter.calls == []
        for path in ("/-/healthy", "/-/ready", "/-/healthy/"):
            assert (await client.get(path)).status_code == 200
        assert (await client.get("/metrics", auth=("alice", "hush"))).status_code == 200


async def test_the_deadline_includes_the_password_check(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is counted from the arrival of the request."""
    use(site, folder, USERS)
    checked = bcrypt.checkpw

    def slow(password: bytes, hashed: bytes) -> bool:
        time.sleep(0.3)
        return checked(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", slow)
    async with site.served() as port, client_of(port) as client:
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": "3"}
        await client.get("/metrics", auth=("alice", "hush"), headers=headers)
    ((_, seconds),) = site.exporter.calls
    assert 1.5 < seconds < 2.2


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
        began = time.monotonic()
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": "1.6"}
        refused = await client.get("/metrics", auth=("alice", "hush"), headers=headers)
        assert (refused.status_code, time.monotonic() - began < 1.6) == (503, True)
        gate.set()
        assert (await client.get("/metrics", auth=("alice", "hush"), headers=headers)).status_code == 200
        assert [(await guess).status_code for guess in guesses] == [401, 401]


async def test_users_and_headers_change_without_a_new_connection(site: Site, folder: Path) -> None:
    file = use(site, folder, USERS)
    async with site.served() as port, client_of(port) as client:
        assert (await client.get("/sd")).status_code == 401
        await file.change("http_server_config: {headers: {X-Frame-Options: deny}}\n")
        response = await client.get("/sd")
        assert (response.status_code, response.headers["x-frame-options"]) == (200, "deny")
        await file.change("basic_auth_users: wrong\n")
        assert (await client.get("/sd")).status_code == 200
        await file.change(USERS)
        assert (await client.get("/sd")).status_code == 401


async def test_a_new_certificate_is_used_without_a_restart(
    site: Site, folder: Path, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    """Connections made with the old one end at their next request; the client connects again by itself."""
    file = use(site, folder, TLS)
    async with site.served() as port:
        context = trusting(issuer)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(GET % (b"/-/healthy", b""))
        assert await reader.read(12) == b"HTTP/1.1 200"
        serial = writer.get_extra_info("peercert")["serialNumber"]
        renewed = issuer.issue("renewed", "IP:127.0.0.1,DNS:localhost")
        for name, source in (("server.crt", renewed.certificate), ("server.key", renewed.key)):
            (folder / name).write_bytes(source.read_bytes())
        await file.change(TLS)
        while not reader.at_eof():
            writer.write(GET % (b"/metrics", b""))
            await asyncio.wait_for(reader.read(65536), 3)
        assert site.exporter.calls == []
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        assert writer.get_extra_info("peercert")["serialNumber"] != serial
        writer.close()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.usefixtures("large_answers")
async def test_a_large_answer_over_tls_ends_when_it_is_read(site: Site, folder: Path, issuer: Issuer) -> None:
    use(site, folder, TLS)
    async with site.served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting(issuer))
        writer.write(GET % (b"/metrics", b"Connection: close\r\n"))
        assert len(await asyncio.wait_for(reader.read(), 10)) > 16 * 1024 * 1024
        writer.close()


async def test_tls_can_be_turned_on_and_off(site: Site, folder: Path, issuer: Issuer) -> None:
    file = use(site, folder, "http_server_config:\n")
    async with site.served() as port:
        async with client_of(port) as client:
            assert "__scheme__" not in (await client.get("/sd")).json()[0]["labels"]
        await file.change(TLS)
        async with client_of(port, trusting(issuer)) as client:
            assert (await client.get("/sd")).json()[0]["labels"]["__scheme__"] == "https"
        async with client_of(port) as client:
            told = await client.get("/sd")
            assert (told.status_code, told.text) == (400, "Client sent an HTTP request to an HTTPS server.\n")
        await file.change("http_server_config:\n")
        async with client_of(port) as client:
            assert (await client.get("/sd")).status_code == 200


async def test_client_certificates(site: Site, folder: Path, issuer: Issuer) -> None:
    """Required; and, where names are allowed, one of these. A connection made before loses its right as well."""
    file = use(site, folder, CLIENTS % "")
    known = trusting(issuer, issuer.issue("client", "DNS:prometheus.example"))
    async with site.served() as port:
        with pytest.raises(httpx.TransportError):
            async with client_of(port, trusting(issuer)) as client:
                await client.get("/sd")
        async with client_of(port, known) as client:
            assert (await client.get("/sd")).status_code == 200
            await file.change(CLIENTS % ", client_allowed_sans: [other.example]")
            with contextlib.suppress(httpx.RemoteProtocolError):  # the connection is closed
                await client.get("/sd")
            assert (await client.get("/sd")).status_code == 403
            await file.change(CLIENTS % ", client_allowed_sans: [prometheus.example]")
            with contextlib.suppress(httpx.RemoteProtocolError):
                await client.get("/sd")
            assert (await client.get("/sd")).status_code == 200


async def test_a_slow_handshake_holds_up_nobody(site: Site, folder: Path, issuer: Issuer) -> None:
    use(site, folder, TLS)
    async with site.served() as port, crowd_at(port) as crowd:
        for _ in range(100):
            await crowd.join(b"\x16\x03\x01")
        async with client_of(port, trusting(issuer)) as client:
            began = time.monotonic()
            assert (await client.get("/-/healthy")).status_code == 200
            assert time.monotonic() - began < 2
