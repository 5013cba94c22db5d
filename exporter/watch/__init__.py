"""Which tasks are watched: those of the configuration, of files, and discovered ones; of them, one shard's share."""

from exporter.watch.discovery import Discovery, Lister
from exporter.watch.task_files import TaskFile, TaskFiles
from exporter.watch.watch_list import WatchList

__all__ = ["Discovery", "Lister", "TaskFile", "TaskFiles", "WatchList"]
