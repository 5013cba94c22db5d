"""Write the dashboards: `python -m grafana.build`."""

from collections.abc import Mapping
from pathlib import Path

from grafana.frame import OVERVIEW_UID, TASK_UID, encode
from grafana.overview import overview
from grafana.task import task

DIRECTORY = Path(__file__).parent / "dashboards"


def built() -> Mapping[str, str]:
    """Each file's name with its text, the same at every call."""
    return {f"{OVERVIEW_UID}.json": encode(overview()), f"{TASK_UID}.json": encode(task())}


def main() -> None:
    """Write every file."""
    for name, text in built().items():
        (DIRECTORY / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
