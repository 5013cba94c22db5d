"""Task files, put in place as the documentation says."""

from pathlib import Path

import yaml


def content_of(*task_ids: str) -> str:
    """A list of tasks with these ids."""
    return yaml.safe_dump([{"task_id": task_id, "precheck_task_id": f"pcte-{task_id}"} for task_id in task_ids])


def put(path: Path, content: str | bytes) -> Path:
    """A file with this content, renamed into its place."""
    hidden = path.with_name(f".{path.name}.new")
    hidden.write_bytes(content if isinstance(content, bytes) else content.encode())
    return hidden.replace(path)
