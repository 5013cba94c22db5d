"""What the pages show of where the watched tasks come from: plain data, ready for a template or for JSON. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime

from exporter.ninedata import LIST_NAME, advice_on
from exporter.snapshot import QueryFailure
from exporter.watch import TaskFile, WatchList


@dataclass(frozen=True, slots=True)
class FileView:
    """A task file."""

    path: str
    tasks: int
    loaded_at: datetime | None
    faults: tuple[str, ...]
    repeated: tuple[str, ...]
    """Ids of tasks that are named before it."""

    @property
    def has_trouble(self) -> bool:
        """Whether not all of its present content is in use."""
        return bool(self.faults or self.repeated)


@dataclass(frozen=True, slots=True)
class SourcesView:
    """The configuration, the task files, and discovery."""

    config_faults: tuple[str, ...]
    files: tuple[FileView, ...]
    discovers: bool
    attempted: bool
    """Whether there was a discovery yet."""
    discovered: int
    failure: QueryFailure | None
    """Why the latest discovery failed; None where it did not."""

    @property
    def advice(self) -> str:
        """What to do about the failing discovery."""
        return advice_on(self.failure.reason, LIST_NAME) if self.failure else ""

    def as_json(self) -> dict[str, object]:
        """The same for programs."""
        failure = self.failure
        return {
            "config": {"reloaded": not self.config_faults, "faults": list(self.config_faults)},
            "task_files": [
                {
                    "file": file.path,
                    "tasks": file.tasks,
                    "loaded_at": file.loaded_at.isoformat() if file.loaded_at else None,
                    "faults": list(file.faults),
                    "named_before": list(file.repeated),
                }
                for file in self.files
            ],
            "discovery": {
                "up": failure is None if self.attempted else None,
                "tasks": self.discovered,
                "reason": failure.reason.value if failure else None,
                "error": failure.message if failure else None,
                "advice": self.advice or None,
            }
            if self.discovers
            else None,
        }


def sources_of(watch: WatchList, config_faults: tuple[str, ...]) -> SourcesView:
    """What is to be shown of a watch list."""
    last = watch.last_discovered
    return SourcesView(
        config_faults=config_faults,
        files=tuple(_file_view(file, watch.repeated.get(file.path, ())) for file in watch.files),
        discovers=watch.discovers,
        attempted=last is not None,
        discovered=len(watch.discovered),
        failure=last.failure if last else None,
    )


def _file_view(file: TaskFile, repeated: tuple[str, ...]) -> FileView:
    loaded_at = datetime.fromtimestamp(file.loaded_at, UTC) if file.loaded_at is not None else None
    return FileView(file.path, len(file.tasks), loaded_at, file.faults, repeated)
