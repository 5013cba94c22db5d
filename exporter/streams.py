"""Standard output and standard error as pipelines and supervisors leave them: closed, full, unread, in any encoding."""

import errno
import os
import sys
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


def show(text: str) -> bool:
    """Print to standard output. If that fails, say why on standard error and return False."""
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))  # noqa: TRY301 - told like the other reasons
        # The encoding may lack characters of a name.
        encoding = sys.stdout.encoding or "utf-8"
        print(text.encode(encoding, "backslashreplace").decode(encoding), end="", flush=True)  # noqa: T201
    except OSError as error:
        complain(f"ninedata-exporter: cannot write to standard output: {error.strerror}\n")
        if sys.stdout is not None:
            # At its end Python would try again to write what is left.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def complain(text: str) -> None:
    """Write to standard error; that it is closed, full or unread changes nothing else."""
    data = text.encode("utf-8", "backslashreplace")
    with suppress(OSError):
        # Not through sys.stderr: at its end Python would try again to write what is left, and change the exit status.
        while data:
            data = data[os.write(2, data) :]
