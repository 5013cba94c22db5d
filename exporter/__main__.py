"""`ninedata-exporter` and `python -m exporter`: what must come before the imports, then the command line."""

import os
import signal
import sys
from typing import NoReturn

from exporter.signals import stop_at_once_on_signal
from exporter.streams import reserve_closed_streams


def main() -> NoReturn:
    """Run the command, and end the process with its exit status."""
    runs = not {"--config.check", "--doctor"} & set(sys.argv)
    # An exporter that is stopped while it starts has done nothing wrong; an interrupted check is no success.
    stop_at_once_on_signal(0 if runs else 1)
    if runs:
        # Without a handler SIGHUP would end the process: it is held back until there is one.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    reserve_closed_streams()
    # With these, prometheus-client would keep counters in files; an environment may have them for other programs.
    for variable in ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"):
        os.environ.pop(variable, None)
    from exporter.cli import main as run_command  # noqa: PLC0415 - takes most of the time of a start

    # Python's own end aborts the process (SIGABRT) if a thread leaves bcrypt's native code meanwhile.
    os._exit(run_command())


if __name__ == "__main__":
    main()
