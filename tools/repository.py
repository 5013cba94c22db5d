"""The repository's address: `python tools/repository.py` checks it, `... ADDRESS` writes another one everywhere.

It stands in pyproject.toml. Rules, dashboards, manifests and the page on the package index repeat it in their links,
because none of them can read it from there. Exit status 1 and a line per link that differs, or 0.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def address() -> str:
    """As pyproject.toml has it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["urls"]["Repository"])


def texts() -> dict[Path, str]:
    """The files under version control that are text."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607 - git's place differs
    found = {}
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_file() and not path.is_symlink():
            try:
                found[path] = path.read_text("utf-8")
            except UnicodeDecodeError:
                continue
    return found


def main(arguments: list[str]) -> int:
    """Check the links, or write a new address."""
    old = address()
    if arguments:
        new = arguments[0].rstrip("/")
        if not re.fullmatch(r"https://[\w.-]+(/[\w.-]+)+", new):
            sys.stderr.write(f"{new} is not an address like https://github.com/owner/name\n")
            return 1
        for path, text in texts().items():
            if old in text:
                path.write_text(text.replace(old, new), "utf-8")
        return 0
    name = old.rpartition("/")[2]
    links = re.compile(rf"https?://[\w.-]+(?:/[\w.-]+)+?/{re.escape(name)}(?=[/\s\"'`)>?#]|$)")
    wrong = [
        f"{path.relative_to(ROOT)}: {link} is not {old}, the address in pyproject.toml"
        for path, text in texts().items()
        for link in links.findall(text)
        if link != old
    ]
    sys.stdout.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
