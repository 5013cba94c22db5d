"""Faults of the machine that the exporter runs on: its clock jumps, names do not resolve, a volume hangs.

They are put into its process by way of Python's own `sitecustomize`, and turned on and off by files.
"""

from pathlib import Path

API_HOST = "api.ninedata.test"
"""Resolves to this machine's loopback, as long as names resolve at all."""

HANGING = "hanging-volume"
"""A folder of this name is on a volume whose server can go away."""

_CODE = f"""
import datetime, os, socket, time

_FOLDER = os.path.dirname(os.path.abspath(__file__))


def _read(name, default):
    try:
        with open(os.path.join(_FOLDER, name)) as file:
            return file.read() or default
    except OSError:
        return default


_real_time, _real_datetime, _real_getaddrinfo = time.time, datetime.datetime, socket.getaddrinfo


class _Datetime(_real_datetime):
    @classmethod
    def now(cls, tz=None):
        return _real_datetime.now(tz) + datetime.timedelta(seconds=float(_read("clock", "0")))


def _getaddrinfo(host, *args, **kwargs):
    if host != "{API_HOST}":
        return _real_getaddrinfo(host, *args, **kwargs)
    while _read("names", "resolve") == "hang":
        time.sleep(0.02)
    if _read("names", "resolve") == "fail":
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    return _real_getaddrinfo("127.0.0.1", *args, **kwargs)


_real_stat = os.stat


def _stat(path, *args, **kwargs):
    while "{HANGING}" in str(path) and _read("volume", "answers") == "hangs":
        time.sleep(0.02)
    return _real_stat(path, *args, **kwargs)


os.stat = _stat
time.time = lambda: _real_time() + float(_read("clock", "0"))
datetime.datetime = _Datetime
socket.getaddrinfo = _getaddrinfo
"""


class Tampering:
    """The faults of one process; `environment` brings them there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "sitecustomize.py").write_text(_CODE)
        self.environment = {"PYTHONPATH": str(folder)}

    def set_clock(self, seconds: float) -> None:
        """The machine's clock is so far off."""
        self._write("clock", str(seconds))

    def let_names(self, what: str) -> None:
        """Names `resolve`, `fail`, or `hang`."""
        self._write("names", what)

    def let_volume(self, what: str) -> None:
        """It `answers` or `hangs`."""
        self._write("volume", what)

    def _write(self, name: str, content: str) -> None:
        new = self._folder / f"{name}.new"
        new.write_text(content)
        new.replace(self._folder / name)
