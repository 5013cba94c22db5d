"""The HTTP server: from the arrival of a request to its answer."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.typedefs import Handler

from exporter.files import WatchedFile
from exporter.http.external_url import ExternalUrl
from exporter.http.pages import Pages
from exporter.http.scrape_handlers import ARRIVED, ScrapeHandlers, prometheus_timeout, scrape_timeout
from exporter.http.web_config import WebConfig
from exporter.logs import event
from exporter.reload import Reloader
from exporter.threads import refresh_in_thread

_log = logging.getLogger(__name__)

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer, unless it sets its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How to answer. All sockets answer alike."""

    telemetry_path: str = "/metrics"
    timeout_offset: float = 0.5
    """Seconds subtracted from the scraper's timeout."""
    lifecycle: bool = False
    """Whether /-/reload is on."""
    external_url: ExternalUrl | None = None
    route_prefix: str = ""
    """Prefix of all paths, `/a/b` for example."""
    keepalive_seconds: float = 120.0
    """An idle connection is closed after this time, which is longer than the usual scrape intervals."""


@contextlib.asynccontextmanager
async def serving(
    reloader: Reloader,
    options: ServerOptions,
    sockets: Iterable[socket.socket],
    web_config: WatchedFile[WebConfig] | None,
) -> AsyncIterator[None]:
    """Answer requests in this context, which ends within a second whatever clients do. `sockets` stay the caller's."""
    server = _Server(reloader, options, list(sockets))
    _log.addFilter(_is_worth_logging)
    await server.runner.setup()
    await server.listen(web_config.current() if web_config else WebConfig())
    following = asyncio.create_task(server.follow(web_config)) if web_config else None
    try:
        yield
    finally:
        if following:
            following.cancel()
        await server.runner.cleanup()
        _log.removeFilter(_is_worth_logging)


class _Server:
    def __init__(self, reloader: Reloader, options: ServerOptions, sockets: list[socket.socket]) -> None:
        self._reloader = reloader
        self._options = options
        self._sockets = sockets
        self._pages = Pages(reloader, options.route_prefix, options.telemetry_path)
        self._web_config = WebConfig()
        self._loop = asyncio.get_running_loop()
        self.runner = web.AppRunner(
            self._application(),
            handler_cancellation=True,  # a scrape ends when the scraper hangs up
            keepalive_timeout=options.keepalive_seconds,
            max_field_size=64 * 1024,  # browsers send long cookies, those of a proxy's single sign-on for example
            access_log=None,
            logger=_log,
            shutdown_timeout=0.1,
        )

    def _application(self) -> web.Application:
        options = self._options
        scrapes = ScrapeHandlers(self._reloader, options.timeout_offset, options.external_url, options.route_prefix)
        app = web.Application(middlewares=[self._answer])
        app.on_response_prepare.append(self._add_headers)
        handlers = {
            options.telemetry_path: scrapes.metrics,
            "/probe": scrapes.probe,
            "/sd": scrapes.targets,
            "/": self._pages.overview,
            "/tasks/{task_id}": self._pages.task,
            "/-/healthy": self._healthy,
            "/-/ready": self._healthy,
        }
        for path, handler in handlers.items():
            for each in self._paths(path):
                app.router.add_get(each, handler)
        for each in self._paths("/-/reload"):
            app.router.add_post(each, self._reload)
            app.router.add_put(each, self._reload)
        return app

    def _paths(self, path: str) -> list[str]:
        """A path with the prefix, without and with a slash at the end: a redirect would need the client's scheme."""
        prefixed = f"{self._options.route_prefix}{path}".rstrip("/")
        return [prefixed, f"{prefixed}/"] if prefixed else ["/"]

    async def listen(self, web_config: WebConfig) -> None:
        """Accept connections with the TLS settings of a web configuration, in place of the earlier ones."""
        # A site closes its socket; with a duplicate, clients that wait to be accepted stay in the queue.
        before, self._sockets = self._sockets, [listening.dup() for listening in self._sockets]
        for listening in before:
            self._loop.remove_reader(listening)
        await asyncio.sleep(0)  # clients just accepted get their connections; after the stop they would hang
        for site in self.runner.sites:
            await site.stop()
        self._web_config = web_config
        for listening in self._sockets:
            await web.SockSite(self.runner, listening, ssl_context=web_config.tls, backlog=512).start()

    async def follow(self, file: WatchedFile[WebConfig]) -> None:
        """Read the web configuration again when it changes, and listen with it."""
        while True:
            await asyncio.sleep(1)
            await refresh_in_thread(file.refresh)
            if file.current() is not self._web_config:
                with contextlib.suppress(OSError):  # too many open files: the next round tries again
                    await self.listen(file.current())

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        request[ARRIVED] = self._loop.time()
        try:
            response = await self._refusal(request) or await handler(request)
        except web.HTTPNotFound:
            response = self._pages.not_found(request)
        except web.HTTPException as error:
            response = web.Response(status=error.status, body=error.body, headers=error.headers)
        return await self._send(request, response)

    async def _refusal(self, request: web.Request) -> web.Response | None:
        """The answer to a client that may not ask; None for all others."""
        web_config, transport = self._web_config, request.transport
        if transport is not None and request.get_extra_info("sslcontext") is not web_config.tls:
            # The connection was made under earlier TLS settings. Clients connect again and repeat the request.
            transport.close()
            return web.Response()
        if not web_config.admits(request.get_extra_info("peercert")):
            return web.Response(status=403, text="The client certificate has none of the allowed names.\n")
        # The probes of an orchestrator have no password.
        if web_config.users is None or request.match_info.handler == self._healthy:
            return None
        with self._reloader.lease() as running:
            timeout = scrape_timeout(request.headers, running.config.scrape_timeout, self._options.timeout_offset)
        try:
            async with asyncio.timeout_at(request[ARRIVED] + timeout):
                if await web_config.users.admit(request.headers.getall("Authorization", [])):
                    return None
        except TimeoutError:
            return web.Response(status=503, text="Too many passwords to check; try again.\n")
        return web.Response(status=401, text="Unauthorized\n", headers={"WWW-Authenticate": "Basic"})

    async def _send(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        """Send an answer. A client that does not read it in time is disconnected."""
        body, transport = response.body if isinstance(response, web.Response) else b"", request.transport
        if not isinstance(body, bytes) or transport is None:
            return response
        timeout = prometheus_timeout(request.headers)
        gone_at = request[ARRIVED] + timeout if timeout else self._loop.time() + 60
        answer = web.StreamResponse(status=response.status, headers=response.headers)
        answer.content_length = len(body)
        # Each write below waits until the kernel has taken the bytes: what nobody reads does not pile up in memory.
        transport.set_write_buffer_limits(high=1)  # with 0, asyncio's TLS would never resume
        try:
            async with asyncio.timeout_at(gone_at):
                await answer.prepare(request)
                if request.method != "HEAD":
                    for start in range(0, len(body), 128 * 1024):  # not all at once: TLS would copy it
                        await answer.write(body[start : start + 128 * 1024])
                await answer.write_eof()
        except ConnectionError:
            pass  # the client is gone
        except TimeoutError:
            message = "client did not read the answer in time"
            event(_log, logging.INFO, message, client=request.remote, path=request.path)
            transport.abort()
        return answer

    async def _add_headers(self, _: web.Request, response: web.StreamResponse) -> None:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.update({"Server": "ninedata-exporter", **self._web_config.headers})

    async def _healthy(self, _: web.Request) -> web.Response:
        return web.Response(text="ninedata-exporter is healthy.\n")

    async def _reload(self, _: web.Request) -> web.Response:
        if not self._options.lifecycle:
            return web.Response(status=403, text="Reload is off; --web.enable-lifecycle turns it on.\n")
        if faults := await self._reloader.reload():
            text = "The configuration has faults; the previous one stays in force.\n"
            return web.Response(status=500, text=text + "".join(f"{fault}\n" for fault in faults))
        return web.Response(text="The configuration was reloaded.\n")


def _is_worth_logging(record: logging.LogRecord) -> bool:
    """False for bad requests: aiohttp answers them with 400, and logs each with a traceback."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
