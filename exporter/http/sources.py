"""Where the watched tasks come from, for the overview and as JSON: plain data."""

from datetime import UTC, datetime

from exporter.ninedata import KINDS
from exporter.reload import Reloader
from exporter.running_config import RunningConfig
from exporter.scraping.discovery import Discovery
from exporter.scraping.watch_list import WatchList


def sources_of(reloader: Reloader, running: RunningConfig) -> dict[str, object]:
    """The sources of the watched tasks, and what is wrong with them."""
    watch_list, web_config_faults = running.watch_list, running.own.web_config_faults
    return {
        "unread": watch_list.unread,
        "config": {
            "reloaded": not reloader.faults,
            "faults": reloader.faults,
            "file_faults": running.file_faults + (web_config_faults() if web_config_faults else ()),
            "waits_for_reload": reloader.waits_for_reload,
        },
        "task_files": [
            {
                "file": file.path,
                "tasks": len(file.tasks),
                "loaded_at": datetime.fromtimestamp(file.loaded_at, UTC) if file.loaded_at else None,
                "faults": file.faults,
                "named_before": watch_list.repeated.get(file.path, ()),
            }
            for file in watch_list.files
        ],
        "discovery": {found.kind: _discovery_as_json(found, watch_list) for found in watch_list.discoveries},
    }


def _discovery_as_json(discovery: Discovery, watch_list: WatchList) -> dict[str, object]:
    last = discovery.last
    failure = last.failure if last else None
    return {
        "up": last.failure is None if last else None,
        "tasks": sum(task.ref.kind == discovery.kind for task in watch_list.discovered) if discovery.complete else None,
        "reason": failure.reason if failure else None,
        "error": failure.message if failure else None,
        "advice": failure.advice(KINDS[discovery.kind].list_request) if failure else None,
    }
