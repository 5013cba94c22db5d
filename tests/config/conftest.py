"""Configurations as texts."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from exporter.config import Config, load

Load = Callable[..., Config]

LEAST = "api: {base_url: https://ninedata.example, access_key_id: hush-ak, secret_key: hush-sk}\n"


@pytest.fixture
def least() -> str:
    """The smallest good configuration, on one line. All secrets in these tests contain `hush`."""
    return LEAST


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    """Loads a text or bytes as `config.yaml` in a folder of its own."""

    def load_text(content: str | bytes, environment: Mapping[str, str] | None = None) -> Config:
        path = tmp_path / "config.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load(path, environment or {})

    return load_text
