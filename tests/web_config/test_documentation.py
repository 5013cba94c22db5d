"""The sample in the operations manual."""

import re
from collections.abc import Callable
from pathlib import Path

import bcrypt

from exporter.web_config import WebConfig

MANUAL = Path(__file__).parents[2] / "docs/operations.md"


def test_the_sample_is_right(loaded: Callable[[str], WebConfig], folder: Path) -> None:
    """With files that are there and a hash in place of the dots."""
    section = MANUAL.read_text("utf-8").partition("## TLS and authentication\n")[2]
    found = re.search(r"```yaml\n(.*?)```", section, re.DOTALL)
    assert found
    (folder / "client-ca.crt").write_bytes((folder / "issuer.crt").read_bytes())
    sample = found[1].replace("$2y$10$...", bcrypt.hashpw(b"hush", bcrypt.gensalt(4)).decode())
    assert loaded(sample).summary == "TLS, client certificates required, basic authentication of 1 user"
