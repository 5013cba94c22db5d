"""The running program: its parts, put together and run until a signal."""

import asyncio
import gc
import logging
import signal
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from exporter import __version__
from exporter.config import Config
from exporter.files import FileWatcher, WatchedFile
from exporter.http.server import ServerOptions, serving
from exporter.http.sockets import Address, listen
from exporter.http.web_config import WebConfig, load_web_config
from exporter.logs import event
from exporter.metrics import OwnMetrics
from exporter.reload import Reloader
from exporter.scraping.shard import Shard
from exporter.signals import heeded, release_hangup
from exporter.threads import DaemonThreads

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(ServerOptions):
    """The command line's options for a running exporter."""

    listen_addresses: tuple[Address, ...]
    shard: Shard | None = None
    web_config_file: Path | None = None
    auto_reload: bool = True
    """Whether the configuration is loaded again when its file changes."""


def run(config_file: WatchedFile[Config], options: Options) -> None:
    """Serve with a configuration that was loaded, until SIGTERM or SIGINT; SIGHUP loads it again.

    Raises StartError or ConfigError if it cannot start.
    """
    asyncio.run(start(config_file, options))


async def start(
    config_file: WatchedFile[Config],
    options: Options,
    *,
    hangup_stops: bool = False,
    on_listening: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve within a running loop. `on_listening` gets the URL for a browser on this machine."""
    event(_log, logging.INFO, "starting ninedata-exporter", version=__version__)
    asyncio.get_running_loop().set_default_executor(DaemonThreads())
    external_url = options.external_url.text if options.external_url else None
    own = OwnMetrics(options.shard, external_url=external_url)
    web_config = _load_web_config(options.web_config_file, own)
    with ExitStack() as opened:
        sockets = tuple(opened.enter_context(listen(address)) for address in options.listen_addresses)
        addresses = [
            Address(address.host, socket.getsockname()[1])
            for address, socket in zip(options.listen_addresses, sockets, strict=True)
        ]
        tls = web_config is not None and web_config.content is not None and web_config.content.tls is not None
        schemed = [address.url("https" if tls else "http") for address in addresses]
        urls = [f"{url}{options.route_prefix}" for url in schemed]

        def ready() -> None:
            on_listening(urls[0])
            for address, url in zip(addresses, urls, strict=True):
                metrics = f"{url}{options.telemetry_path}"
                event(_log, logging.INFO, "listening", address=str(address), metrics=metrics, external_url=external_url)

        reloader = Reloader(config_file, own, auto_reload=options.auto_reload)
        web_watcher = FileWatcher([web_config.refresh] if web_config else [])
        stop = _stop_on_signal(None if hangup_stops else reloader)
        background = asyncio.create_task(_log_stalls(lambda: (reloader.watcher, web_watcher)))
        try:
            if await _started(reloader, stop):
                web_watcher.start()
                # Modules and configuration stay. Looking for garbage among them takes a tenth of a scrape's CPU time.
                gc.freeze()
                async with serving(reloader, options, sockets, web_config):
                    ready()
                    await stop.wait()
        finally:
            background.cancel()
            web_watcher.stop()
            await reloader.close()


def _load_web_config(path: Path | None, own: OwnMetrics) -> WatchedFile[WebConfig] | None:
    if path is None:
        return None
    file = WatchedFile(path, load_web_config, description="web configuration", related=lambda content: content.files)
    file.load()
    own.web_config_successful = lambda: not file.faults
    return file


def _stop_on_signal(reloader: Reloader | None) -> asyncio.Event:
    """An event that SIGTERM and SIGINT set. SIGHUP reloads, or stops as well without a reloader."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    reloads: set[asyncio.Task[tuple[str, ...]]] = set()

    def stop_on(number: signal.Signals) -> None:
        event(_log, logging.INFO, "stopping", signal=number.name)
        stop.set()
        # A second signal ends the process at once.
        for each in numbers:
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)

    def hang_up() -> None:
        if reloader is None:
            stop_on(signal.SIGHUP)
            return
        reload = asyncio.create_task(reloader.reload())
        reloads.add(reload)
        reload.add_done_callback(reloads.discard)

    numbers = heeded(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, *((hang_up,) if number is signal.SIGHUP else (stop_on, number)))
    release_hangup()
    return stop


async def _started(reloader: Reloader, stop: asyncio.Event) -> bool:
    """Start the reloader; False if a signal came first, while a file system did not answer for example."""
    starting, stopping = asyncio.create_task(reloader.start()), asyncio.create_task(stop.wait())
    await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not starting.done():
        starting.cancel()
        return False
    await starting
    return True


async def _log_stalls(watchers: Callable[[], Iterable[FileWatcher]]) -> None:
    """Log once when the file system does not answer, and once when it does again."""
    stalled = False
    while True:
        await asyncio.sleep(2.5)
        if stalled is not any(watcher.stalled_seconds > 5 for watcher in watchers()):  # noqa: PLR2004 - longer than a slow disk
            stalled = not stalled
            if stalled:
                event(_log, logging.WARNING, "file system does not answer, using the last known file contents")
            else:
                event(_log, logging.INFO, "file system answers again")
