"""The running program: its parts, put together and run until a signal."""

import asyncio
import gc
import logging
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from exporter import __version__
from exporter.config import Config
from exporter.files import WatchedFile
from exporter.http.server import ServerOptions, serving
from exporter.http.sockets import Address, listen
from exporter.http.web_config import WebConfig, load_web_config
from exporter.logs import event
from exporter.metrics import OwnMetrics
from exporter.reload import Reloader
from exporter.scraping.shard import Shard
from exporter.signals import not_ignored
from exporter.threads import ManyThreads

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(ServerOptions):
    """The command line's options for a running exporter."""

    listen_addresses: tuple[Address, ...]
    shard: Shard | None = None
    web_config_file: Path | None = None
    auto_reload: bool = True
    """Whether the configuration is loaded again when its file changes."""


async def run(
    config_file: WatchedFile[Config],
    options: Options,
    *,
    hangup_stops: bool = False,
    on_listening: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve with a configuration that was loaded, until SIGTERM or SIGINT.

    SIGHUP loads the configuration again; with `hangup_stops` it stops too. `on_listening` gets the URL for a browser on
    this machine. Raises StartError or ConfigError if it cannot start.
    """
    event(_log, logging.INFO, "starting ninedata-exporter", version=__version__)
    asyncio.get_running_loop().set_default_executor(ManyThreads())
    external_url = options.external_url.text if options.external_url else None
    own = OwnMetrics(options.shard, external_url=external_url)
    web_config = _load_web_config(options.web_config_file, own)
    async with AsyncExitStack() as opened:
        sockets = [opened.enter_context(listen(address)) for address in options.listen_addresses]
        reloader = Reloader(config_file, own, auto_reload=options.auto_reload)
        opened.push_async_callback(reloader.close)
        await reloader.start()
        stop = _stop_on_signal(None if hangup_stops else reloader)
        # Modules and configuration stay: the garbage collector would spend a tenth of a scrape's CPU time on them.
        gc.freeze()
        await opened.enter_async_context(serving(reloader, options, sockets, web_config))
        scheme = "https" if web_config and web_config.current().tls else "http"
        urls = []
        for address, socket in zip(options.listen_addresses, sockets, strict=True):
            bound = Address(address.host, socket.getsockname()[1])
            urls.append(f"{bound.url(scheme)}{options.route_prefix}")
            metrics = f"{urls[-1]}{options.telemetry_path}"
            event(_log, logging.INFO, "listening", address=str(bound), metrics=metrics, external_url=external_url)
        on_listening(urls[0])
        await stop.wait()


def _load_web_config(path: Path | None, own: OwnMetrics) -> WatchedFile[WebConfig] | None:
    if path is None:
        return None
    file = WatchedFile(path, load_web_config, description="web configuration", related=lambda content: content.files)
    file.load()
    own.web_config_faults = lambda: file.faults
    return file


def _stop_on_signal(reloader: Reloader | None) -> asyncio.Event:
    """An event that SIGTERM and SIGINT set. SIGHUP reloads, or stops as well without a reloader."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def stop_on(number: signal.Signals) -> None:
        event(_log, logging.INFO, "stopping", signal=number.name)
        stop.set()

    for number in not_ignored(signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if number is signal.SIGHUP and reloader:
            loop.add_signal_handler(number, reloader.reload)
        else:
            loop.add_signal_handler(number, stop_on, number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # delivers one that came during the start
    return stop
