"""`ninedata-precheck`: what must come before the imports, then the command line."""

import os
from typing import NoReturn

from exporter.signals import stop_at_once_on_signal
from exporter.streams import reserve_closed_streams


def main() -> NoReturn:
    """Run the command, and end the process with its exit status."""
    stop_at_once_on_signal(2)
    reserve_closed_streams()
    from exporter.precheck_command.arguments import main as run_command  # noqa: PLC0415 - takes most of the time

    os._exit(run_command())  # without waiting for a name server that does not answer


if __name__ == "__main__":
    main()
