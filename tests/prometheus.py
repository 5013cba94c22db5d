"""A real Prometheus, and what it answers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.programs import component, free_port, serving


class Prometheus:
    """Asks for what it knows over its HTTP API."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def api(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        """The `data` of an answer. Parameters are posted: expressions may be longer than an address."""
        answer = self._client.request("POST" if parameters else "GET", f"/api/v1/{path}", data=parameters)
        assert answer.is_success, f"{answer.text} to {parameters}"
        return answer.json()["data"]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series of an instant query."""
        result = self.api("query", query=expression)["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]


@contextmanager
def prometheus(folder: Path, config: Mapping[str, Any], *flags: str) -> Iterator[Prometheus]:
    """A Prometheus with this configuration, which keeps its data in a folder."""
    file, port = folder / "prometheus.yml", free_port()
    file.write_text(yaml.safe_dump(config), "utf-8")
    own = (f"--config.file={file}", f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}")
    quick = "--scrape.discovery-reload-interval=100ms"
    with serving(folder, port, component("prometheus"), *own, quick, "--log.level=warn", *flags) as client:
        yield Prometheus(client)
