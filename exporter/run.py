"""Put the parts together and run them until a signal."""

import logging
import socket
from dataclasses import dataclass

from exporter import __version__
from exporter.config import Config
from exporter.exporter import open_exporter
from exporter.logs import event
from exporter.serve import Address, serve
from exporter.web import create_app

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the exporter is to be found."""

    address: Address
    socket: socket.socket
    telemetry_path: str = "/metrics"
    timeout_offset: float = 0.5
    """Seconds kept back from a scraper's timeout."""

    @property
    def bound(self) -> Address:
        """The address with the port that was really taken."""
        return Address(self.address.host, self.socket.getsockname()[1])

    @property
    def metrics_url(self) -> str:
        """Where a browser on this machine finds the metrics."""
        return f"{self.bound.url}{self.telemetry_path}"


async def run(config: Config, listener: Listener) -> None:
    """Serve a configuration until SIGTERM or SIGINT."""
    event(_log, logging.INFO, "starting ninedata-exporter", version=__version__)
    async with open_exporter(config) as exporter:
        app = create_app(
            lambda: exporter,
            telemetry_path=listener.telemetry_path,
            timeout_offset=listener.timeout_offset,
        )
        await serve(app, listener.socket, lambda: _announce(listener))


def _announce(listener: Listener) -> None:
    event(_log, logging.INFO, "listening", address=str(listener.bound), metrics=listener.metrics_url)
