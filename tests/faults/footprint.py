"""What a process holds: after every fault it must come back to what it was."""

from dataclasses import dataclass
from pathlib import Path

from tests.program.process import Exporter, until


@dataclass(frozen=True)
class Footprint:
    """What a process holds at one moment."""

    descriptors: int
    threads: int
    memory_kib: int

    @classmethod
    def of(cls, exporter: Exporter) -> "Footprint":
        threads = len(list(Path(f"/proc/{exporter.pid}/task").iterdir()))
        return cls(exporter.descriptors(), threads, exporter.memory_kib())


def await_footprint(exporter: Exporter, before: Footprint, *, more_kib: int = 16 * 1024) -> None:
    """Wait until a process holds no more descriptors and threads than before, and hardly more memory."""

    def is_back() -> bool:
        now = Footprint.of(exporter)
        return (
            now.descriptors <= before.descriptors
            and now.threads <= before.threads
            and now.memory_kib <= before.memory_kib + more_kib
        )

    try:
        until(is_back, 20, f"{before}")
    except AssertionError as error:
        raise AssertionError(f"{error}, but {Footprint.of(exporter)}") from None
