"""Put the parts together and run them until a signal."""

import logging

from exporter import __version__
from exporter.config import Config
from exporter.exporter import open_exporter
from exporter.listener import Listener, allow_open_files
from exporter.logs import event
from exporter.serve import serve
from exporter.web import create_app

_log = logging.getLogger(__name__)


async def run(config: Config, listener: Listener, *, hangup_stops: bool = False) -> None:
    """Serve a configuration until SIGTERM or SIGINT, or SIGHUP where `hangup_stops`."""
    event(_log, logging.INFO, "starting ninedata-exporter", version=__version__)
    allow_open_files(config.api.concurrency)
    async with open_exporter(config) as exporter:
        app = create_app(
            lambda: exporter,
            telemetry_path=listener.telemetry_path,
            timeout_offset=listener.timeout_offset,
        )
        await serve(app, listener.socket, lambda: _announce(listener), hangup_stops=hangup_stops)


def _announce(listener: Listener) -> None:
    event(_log, logging.INFO, "listening", address=str(listener.bound), metrics=listener.metrics_url)
