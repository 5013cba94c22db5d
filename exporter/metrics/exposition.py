"""The text of a scrape: which format, and whether compressed."""

import gzip
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prometheus_client import exposition as text
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from exporter.metrics.tasks import SnapshotCollector

TEXT_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"

# A scrape repeats itself so much that the quickest level makes 4 % of it; a slower one makes little less.
_GZIP_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Exposition:
    """An answer to a scrape."""

    body: bytes
    headers: dict[str, str]


def expose(collectors: Iterable[Collector], accept: str, accept_encoding: str) -> Exposition:
    """Render the collectors, in their order, as the scraper's headers ask for.

    OpenMetrics 1.0 where it is preferred to the text format, which is the answer to everything else; gzip where it
    is accepted.
    """
    render: Callable[[Collector], bytes] = text.generate_latest
    content_type, end = TEXT_CONTENT_TYPE, b""
    if prefers_openmetrics(accept):
        render, content_type, end = openmetrics.generate_latest, OPENMETRICS_CONTENT_TYPE, b"# EOF\n"
    parts = [
        # The bulk of a scrape writes itself, quicker than prometheus-client does, and to the same effect.
        collector.text() if isinstance(collector, SnapshotCollector) else render(collector).removesuffix(end)
        for collector in collectors
    ]
    body = b"".join((*parts, end))
    headers = {"content-type": content_type, "vary": "Accept, Accept-Encoding"}
    if accepts_gzip(accept_encoding):
        body = gzip.compress(body, _GZIP_LEVEL)
        headers["content-encoding"] = "gzip"
    return Exposition(body, headers)


def prefers_openmetrics(accept: str) -> bool:
    """Whether an Accept header ranks a version of OpenMetrics that we have above the text format."""
    best_openmetrics = best_text = 0.0
    for name, parameters, quality in _elements(accept):
        if name == "application/openmetrics-text" and parameters.get("version", "1.0.0") == "1.0.0":
            best_openmetrics = max(best_openmetrics, quality)
        elif name == "text/plain" and parameters.get("version", "0.0.4") == "0.0.4":
            best_text = max(best_text, quality)
    return best_openmetrics > 0 and best_openmetrics >= best_text


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header names gzip, or everything, with a quality above zero."""
    qualities = {name: quality for name, _, quality in _elements(accept_encoding)}
    return qualities.get("gzip", qualities.get("*", 0.0)) > 0


def _elements(header: str) -> list[tuple[str, dict[str, str], float]]:
    """The elements of a header with their parameters and quality; a quality that is no number counts as zero."""
    elements = []
    for element in header.split(",")[:64]:
        name, *rest = (part.strip() for part in element.split(";"))
        pairs = (part.partition("=") for part in rest)
        parameters = {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
        quality = parameters.get("q", "1")
        known = re.fullmatch(r"[01](?:\.\d{0,3})?", quality)
        elements.append((name.lower(), parameters, float(quality) if known else 0.0))
    return elements
