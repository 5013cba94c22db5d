"""Standard output and standard error as pipelines and supervisors leave them: closed, full or unread."""

import os
from contextlib import suppress


def reserve_closed_streams() -> None:
    """Put /dev/null in the place of closed standard streams. A socket that got such a number would be sent the log.

    It is opened for reading only, so that writing to it still fails.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # takes the lowest free number, which is this one


def write_stdout(text: str, program: str = "ninedata-exporter") -> bool:
    """Print to standard output. If that fails, say why on standard error and return False."""
    try:
        _write(text, 1)
    except OSError as error:
        write_stderr(f"{program}: cannot write to standard output: {error.strerror}\n")
        return False
    return True


def write_stderr(text: str, descriptor: int = 2) -> None:
    """Write to standard error, or to another descriptor. A stream that is closed, full or unread stops nothing else."""
    with suppress(OSError):
        _write(text, descriptor)


def _write(text: str, descriptor: int) -> None:
    # Not through sys.stdout and sys.stderr: at its end Python would try again to write what is left.
    data = text.encode("utf-8", "backslashreplace")
    while data:
        data = data[os.write(descriptor, data) :]
