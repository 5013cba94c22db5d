"""Where the watched tasks come from: plain data for a template or for JSON."""

from datetime import UTC, datetime

from exporter.http.views import iso_time
from exporter.ninedata import KINDS
from exporter.scraping.discovery import Discovery
from exporter.scraping.watch_list import WatchList


def sources_of(
    watch_list: WatchList,
    config_faults: tuple[str, ...],
    file_faults: tuple[str, ...],
    *,
    waits_for_reload: bool = False,
) -> dict[str, object]:
    """Where the watched tasks come from, for the overview and as JSON."""
    repeated = watch_list.repeated
    return {
        "unread": watch_list.unread,
        "config": {
            "reloaded": not config_faults,
            "faults": config_faults,
            "file_faults": file_faults,
            "waits_for_reload": waits_for_reload,
        },
        "task_files": [
            {
                "file": file.path,
                "tasks": len(file.tasks),
                "loaded_at": iso_time(datetime.fromtimestamp(file.loaded_at, UTC) if file.loaded_at else None),
                "faults": file.faults,
                "named_before": repeated.get(file.path, ()),
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
        "reason": failure.reason.value if failure else None,
        "error": failure.message if failure else None,
        "advice": failure.advice(KINDS[discovery.kind].list_request) if failure else None,
    }
