"""Standard output and standard error as pipelines and supervisors leave them: closed, full or unread."""

import os
from contextlib import suppress


def reserve_closed_streams() -> None:
    """Take the descriptors of standard streams that are closed: the next socket would get the number, and then the log.

    They are opened for reading only, so that writing to them still fails.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # takes the lowest free number, which is this one


def show(text: str, program: str = "ninedata-exporter") -> bool:
    """Print to standard output. If that fails, say why on standard error and return False."""
    try:
        _write(text, 1)
    except OSError as error:
        complain(f"{program}: cannot write to standard output: {error.strerror}\n")
        return False
    return True


def complain(text: str, descriptor: int = 2) -> None:
    """Write to standard error, or where else the log goes; that it is closed, full or unread changes nothing else."""
    with suppress(OSError):
        _write(text, descriptor)


def _write(text: str, descriptor: int) -> None:
    # Not through sys.stdout and sys.stderr: at its end Python would try again to write what is left.
    data = text.encode("utf-8", "backslashreplace")
    while data:
        data = data[os.write(descriptor, data) :]
