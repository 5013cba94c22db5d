"""`ninedata-precheck`: what must come before the imports, then the command line."""

import sys

from exporter.signals import stop_at_once_on_signal
from exporter.streams import reserve_closed_streams


def main() -> int:
    """Run the command; returns its exit status."""
    stop_at_once_on_signal(2)
    reserve_closed_streams()
    from exporter.precheck_command.arguments import main as run_command  # noqa: PLC0415 - takes most of the time

    return run_command()


if __name__ == "__main__":
    sys.exit(main())
