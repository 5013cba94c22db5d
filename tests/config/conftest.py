"""Configurations as files, from the least one that is right."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from exporter.config import Config, ConfigError, load

LEAST = "api: {base_url: https://ninedata.example, access_key_id: hush-ak, secret_key: hush-sk}\n"


@pytest.fixture
def least() -> str:
    """The least configuration that is right: no task, and secrets that are recognised by `hush`."""
    return LEAST


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[..., Config]:
    """Loads a text, or bytes, as the file `config.yaml` of its own folder."""

    def load_content(content: str | bytes, environment: Mapping[str, str] | None = None) -> Config:
        path = tmp_path / "config.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load(path, environment or {})

    return load_content


@pytest.fixture
def faults(loaded: Callable[..., Config], tmp_path: Path) -> Callable[..., list[str]]:
    """Loads a content that is wrong, and gives the faults without the folder."""

    def faults_of(content: str | bytes, environment: Mapping[str, str] | None = None) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            loaded(content, environment)
        assert "hush" not in str(caught.value)
        return [str(fault).replace(f"{tmp_path}/", "") for fault in caught.value.faults]

    return faults_of
