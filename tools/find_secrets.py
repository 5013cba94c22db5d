#!/usr/bin/env python3
"""Finds what looks like a real key in the repository's files; exit status 1 if there is one.

Looks for private keys, for the large providers' keys, and for long random values of keys such as `secret_key`. Prints
the place, not the key.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

FORMS = {
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:\\[nr]|[A-Za-z0-9+/=\s]){60}",
    "a key of AWS": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a key of Alibaba Cloud": r"\bLTAI[0-9A-Za-z]{12,30}\b",
    "a key of Google": r"\bAIza[\w-]{35}\b",
    "a token of GitHub": r"\bgh[pousr]_[0-9A-Za-z]{36}|\bgithub_pat_\w{22}",
    "a token of GitLab": r"\bglpat-[\w-]{20}",
    "a token of PyPI": r"\bpypi-AgE[\w-]{50}",
    "a token of npm": r"\bnpm_[0-9A-Za-z]{36}",
    "a token of Slack": r"\bxox[abeprs]-[0-9A-Za-z-]{10}",
    "a JSON web token": r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}",
    "a value of a secret key": (
        r"(?i)(?:secret|access|api)[_-]?key(?:[_-]?id)?[\"']?\s*[:=]\s*[\"']?(?=[\w+/=-]*\d)(?=[\w+/=-]*[a-z])[\w+/=-]{20,}"
    ),
}
"""What is found, and its pattern."""

MADE_UP = frozenset(
    {"AKIAIOSFODNN7EXAMPLE", "LTAI5tAbcdefghijklmnop", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3"}
)
"""Examples of the providers' documentation and of our tests, which open nothing."""


def main() -> int:
    """Search all files that git knows."""
    places = [place for path in _files() for place in places_in(path)]
    for place in places:
        print(place)  # noqa: T201 - its purpose
    return 1 if places else 0


def _files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)  # noqa: S607 - any git
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def places_in(path: Path) -> Iterator[str]:
    """Each place in a file that looks like a key."""
    if not path.is_file():  # removed, and not yet committed
        return
    text = path.read_bytes().decode("utf-8", "replace")
    for what, form in FORMS.items():
        for found in re.finditer(form, text):
            if not any(made_up in found[0] for made_up in MADE_UP):
                yield f"{os.path.relpath(path, ROOT)}:{text.count(chr(10), 0, found.start()) + 1}: looks like {what}"


if __name__ == "__main__":
    sys.exit(main())
