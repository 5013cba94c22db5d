"""The queries about the exporters and their requests."""

from grafana import states as s
from grafana.promql import exporters, label


def exporters_up() -> str:
    """1 for each exporter that is up, 0 for each that is down.

    Targets of a job with ninedata in its name, and others that were exporters in the last day. Without that condition
    they would be all targets of this Prometheus, as All is any job.
    """
    named = exporters("up", 'job=~".*ninedata.*"')
    known = f"(last_over_time({exporters('ninedata_exporter_build_info')}[1d]) or {named})"
    return f"max by (job, instance) ({exporters('up')} and on (job, instance) {known})"


def why_none(not_watched: int = s.NOT_WATCHED.code) -> str:
    """The code of why nothing is known: it is not watched, an exporter is down, or there is none."""
    down = f"{s.EXPORTER_DOWN.code} * (count({exporters_up()} == 0) > bool 0)"
    answers = f"{not_watched} + 0 * count({exporters('ninedata_exporter_build_info')})"
    return f"({down} or {answers} or vector({s.NO_EXPORTER.code}))"


def of_one(codes: str, not_watched: int = s.NOT_WATCHED.code) -> str:
    """The greatest code of the one task, or why there is none: one series."""
    return f"max({codes})\nor on () {why_none(not_watched)}"


def by_exporter(metric: str, *labels: str) -> str:
    """One value per exporter (and further labels)."""
    return f"max by ({', '.join(('job', 'instance', *labels))}) ({exporters(metric)})"


def exporter_pages() -> str:
    """One address per exporter, as the label `page`."""
    info = exporters("ninedata_exporter_info")
    exported = label(info, "page", "$1", "external_url", "(.*)")
    made = label(exporters_up(), "page", "http://$1", "instance", "(.*)")
    return f"topk by (job, instance) (1, max by (job, instance, page) ({exported} or on (job, instance) {made}))"


def failed_requests() -> str:
    """Requests to the API without a usable answer, per second; a series of 0 where there are none."""
    failures = f"{rate('ninedata_api_request_failures_total', 'reason')} > 0"
    none = label(f"0 * {rate('ninedata_api_requests_total')}", "reason", "no failure")
    return f"{failures}\nor on () {none}"


def rate(counter: str, *labels: str) -> str:
    """A counter of the exporters, per second."""
    by = f"by ({', '.join(labels)}) " if labels else ""
    return f"sum {by}(rate({exporters(counter)}[$__rate_interval]))"


def request_seconds(quantile: float) -> str:
    """A quantile of how long requests to the API take."""
    return f"histogram_quantile({quantile}, {rate('ninedata_api_request_duration_seconds_bucket', 'le')})"
