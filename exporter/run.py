"""Put the parts together and run them until a signal."""

import asyncio
import logging
import signal
from collections.abc import Callable

from exporter import __version__
from exporter.config import Config
from exporter.current import Current
from exporter.exporter import Lasting
from exporter.listener import Listener
from exporter.logs import event
from exporter.serve import serve
from exporter.shard import Shard
from exporter.threads import UnawaitedThreads
from exporter.web import create_app

_log = logging.getLogger(__name__)


async def run(
    config: Config,
    load: Callable[[], Config],
    listener: Listener,
    *,
    shard: Shard | None = None,
    hangup_stops: bool = False,
) -> None:
    """Serve a configuration until SIGTERM or SIGINT.

    SIGHUP puts what `load` gives into force, or ends as well where `hangup_stops`. `load` may raise ConfigError.
    """
    event(_log, logging.INFO, "starting ninedata-exporter", version=__version__)
    asyncio.get_running_loop().set_default_executor(UnawaitedThreads())
    if not hangup_stops:
        # Until the server takes the signal: to be ended by it would be worse than to miss it.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    lasting = Lasting(shard or Shard())
    if listener.web is not None:
        lasting.process.watch_web_config(listener.web)
    current = Current(config, lasting, load)
    try:
        await current.start()
        app = create_app(
            current,
            telemetry_path=listener.telemetry_path,
            timeout_offset=listener.timeout_offset,
            lifecycle=listener.lifecycle,
        )
        hangup = None if hangup_stops else current.reload
        await serve(app, listener.socket, lambda: _announce(listener), web=listener.web, hangup=hangup)
    finally:
        await current.close()


def _announce(listener: Listener) -> None:
    event(_log, logging.INFO, "listening", address=str(listener.bound), metrics=listener.metrics_url)
