"""Handlers of signals from the first moment on, also in process 1.

The kernel drops a signal to process 1 that has no handler yet. A signal that was ignored at the start, as SIGHUP is
under nohup, stays ignored.
"""

import os
import signal


def stop_at_once_on_signal(status: int) -> None:
    """Until there are better handlers, SIGTERM and SIGINT end the process with this status.

    Not by an exception: raised within an import, it can be lost.
    """
    for number in not_ignored(signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(status))


def not_ignored(*numbers: signal.Signals) -> list[signal.Signals]:
    """The signals that were not ignored when the process started."""
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
