"""A real Prometheus, and what it answers."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.programs import component, free_port, serving


class Prometheus:
    """Asks for what it knows over its HTTP API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def api(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        """The `data` of an answer. Parameters are posted: expressions may be longer than an address."""
        body = urllib.parse.urlencode(parameters).encode() or None
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}", body, timeout=30) as answer:  # noqa: S310 - on this machine
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{json.load(error)['error']} in {parameters}") from error

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series of an instant query."""
        return [
            (series["metric"], float(series["value"][1])) for series in self.api("query", query=expression)["result"]
        ]


@contextmanager
def prometheus(folder: Path, config: Mapping[str, Any], *flags: str) -> Iterator[Prometheus]:
    """A Prometheus with this configuration, which keeps its data in a folder."""
    file, port = folder / "prometheus.yml", free_port()
    file.write_text(yaml.safe_dump(config), "utf-8")
    own = (f"--config.file={file}", f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}")
    quick = "--scrape.discovery-reload-interval=100ms"
    with serving(folder, port, component("prometheus"), *own, quick, "--log.level=warn", *flags) as url:
        yield Prometheus(url)
