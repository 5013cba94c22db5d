"""`ninedata-precheck`: what must come before the imports, then the command line."""

import os
import traceback
from typing import NoReturn

from exporter.signals import stop_at_once_on_signal
from exporter.streams import reserve_closed_streams, write_stderr


def main() -> NoReturn:
    """Run the command, and end the process with its exit status."""
    stop_at_once_on_signal(2)
    try:
        reserve_closed_streams()
        from exporter.precheck_command.command_line import main as run_command  # noqa: PLC0415 - takes most time

        code = run_command()
    except Exception:  # noqa: BLE001 - Python's own exit status, 1, would say that the precheck failed
        write_stderr(traceback.format_exc())
        code = 2
    os._exit(code)  # without waiting for a name server that does not answer


if __name__ == "__main__":
    main()
