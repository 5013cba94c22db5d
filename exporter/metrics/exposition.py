"""The body of an answer to a scrape, in the format that the scraper asks for."""

import re
import zlib
from collections.abc import Callable
from typing import NamedTuple

from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from exporter.metrics.task_series import task_series
from exporter.scraping.snapshot import Snapshot


class Format(NamedTuple):
    """The text format or OpenMetrics."""

    encode: Callable[[Collector], bytes]
    content_type: str


def choose_format(accept: str) -> Format:
    """The format for an Accept header; the text format if the header cannot be read."""
    # With these, prometheus-client would rename the exporter's own metrics, unlike those of the tasks.
    accept = re.sub("escaping=(?:dots|values)", "escaping=underscores", accept)
    try:
        return Format(*choose_encoder(accept))
    except (TypeError, ValueError):  # a version that is no number
        return Format(*choose_encoder(""))


def rendering_seconds(tasks: int) -> float:
    """The time to keep back from a scrape's deadline for rendering; several times what it takes on a usual machine."""
    return 0.02 + 0.0002 * tasks


def render(
    snapshot: Snapshot, own: Collector | None, form: Format, *, reason_bytes: int = 1000, gzip: bool = False
) -> bytes:
    """The body: the series of the snapshot, then the exporter's own metrics if they are given.

    `reason_bytes` limits each failure text; 0 leaves them out.
    """
    parts = task_series(snapshot, reason_bytes)
    if own is not None:
        parts.append(form.encode(own))
    elif "openmetrics" in form.content_type:
        parts.append(b"# EOF\n")
    if not gzip:
        return b"".join(parts)
    # Level 1 makes 4 % of a large scrape; higher levels gain little for several times the CPU. 31: gzip's format.
    compressor = zlib.compressobj(1, wbits=31)
    return b"".join([*map(compressor.compress, parts), compressor.flush()])
