"""Check the dashboards without a server: `python -m grafana.check`. Exit status 1 and a line per problem, or 0."""

import difflib
import json
import sys
from pathlib import Path

from grafana.build import DIRECTORY, built
from grafana.lint import problems_in

DOCS = Path(__file__).parent.parent / "docs"


def out_of_date(directory: Path) -> list[str]:
    """Where the files of a folder are not what is built."""
    wanted = built()
    found = [f"{path.name} is built by nothing" for path in directory.glob("*.json") if path.name not in wanted]
    for name, text in wanted.items():
        file = directory / name
        written = file.read_text(encoding="utf-8") if file.exists() else ""
        if written != text:
            diff = difflib.unified_diff(written.splitlines(), text.splitlines(), "written", "built", lineterm="")
            found.append("\n".join([f"{name} is out of date: python -m grafana.build", *list(diff)[:40]]))
    return found


def main() -> int:
    """Print the problems of the files as they are written."""
    found = out_of_date(DIRECTORY)
    for path in sorted(DIRECTORY.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        found += [f"{path.name}: {problem}" for problem in problems_in(document, DOCS)]
    sys.stdout.writelines(f"{problem}\n" for problem in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
