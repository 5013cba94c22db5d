"""The exporter's own metrics."""

import platform
from dataclasses import dataclass

import pytest

from exporter import __version__
from exporter.metrics import ProcessMetrics, expose
from exporter.ninedata import KINDS, Reason

FAILURES = "ninedata_api_request_failures_total"
DURATION = "ninedata_api_request_duration_seconds"


def samples_of(metrics: ProcessMetrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {(s.name, frozenset(s.labels.items())): s.value for metric in metrics.collect() for s in metric.samples}


def value_of(metrics: ProcessMetrics, name: str, **labels: str) -> float | None:
    return samples_of(metrics).get((name, frozenset(labels.items())))


@pytest.fixture
def fresh() -> ProcessMetrics:
    return ProcessMetrics(lambda: 1767323045.5)


@pytest.mark.parametrize("kind", KINDS)
def test_every_counter_starts_at_0(fresh: ProcessMetrics, kind: str) -> None:
    """A first failure is seen as an increase only where the series was there before."""
    assert value_of(fresh, "ninedata_api_requests_total", kind=kind) == 0
    assert value_of(fresh, f"{DURATION}_count", kind=kind) == 0
    assert {reason: value_of(fresh, FAILURES, kind=kind, reason=reason) for reason in Reason} == dict.fromkeys(
        Reason, 0
    )


def test_the_reasons_are_those_of_the_interface(fresh: ProcessMetrics) -> None:
    """Alert rules rely on the names."""
    reasons = {dict(labels)["reason"] for name, labels in samples_of(fresh) if name == FAILURES}
    assert reasons == {
        "timeout",
        "deadline",
        "connect",
        "tls",
        "auth",
        "rate_limited",
        "not_found",
        "unsupported",
        "http_error",
        "api_error",
        "invalid_response",
        "too_large",
        "internal",
    }


def test_requests_and_their_failures_are_counted(fresh: ProcessMetrics) -> None:
    """A request counts when it leaves; its duration and failure when it ends."""
    fresh.request_sent("data_compare")
    assert value_of(fresh, "ninedata_api_requests_total", kind="data_compare") == 1
    assert value_of(fresh, f"{DURATION}_count", kind="data_compare") == 0
    fresh.request_ended("data_compare", 0.3, None)
    fresh.request_sent("data_compare")
    fresh.request_ended("data_compare", 0.2, Reason.AUTH)
    assert value_of(fresh, "ninedata_api_requests_total", kind="data_compare") == 2
    assert value_of(fresh, FAILURES, kind="data_compare", reason="auth") == 1
    assert value_of(fresh, FAILURES, kind="data_compare", reason="tls") == 0
    assert value_of(fresh, f"{DURATION}_count", kind="data_compare") == 2
    assert value_of(fresh, f"{DURATION}_sum", kind="data_compare") == pytest.approx(0.5)
    assert value_of(fresh, f"{DURATION}_bucket", kind="data_compare", le="0.25") == 1


def test_the_clock_skew_is_absent_until_it_is_known(fresh: ProcessMetrics) -> None:
    """A 0 would say that the clocks agree."""
    assert value_of(fresh, "ninedata_api_clock_skew_seconds") is None
    fresh.clock_skew(-720.5)
    assert value_of(fresh, "ninedata_api_clock_skew_seconds") == -720.5
    fresh.clock_skew(0.0)
    assert value_of(fresh, "ninedata_api_clock_skew_seconds") == 0


def test_a_loaded_configuration(fresh: ProcessMetrics) -> None:
    """Its time and its number of tasks; a kind without tasks is 0."""
    fresh.config_loaded()
    fresh.watching({"data_compare": 3}, ())
    assert value_of(fresh, "ninedata_exporter_watched_tasks", kind="data_compare") == 3
    assert value_of(fresh, "ninedata_exporter_config_last_reload_successful") == 1
    assert value_of(fresh, "ninedata_exporter_config_last_reload_success_timestamp_seconds") == 1767323045.5
    fresh.watching({}, ())
    assert value_of(fresh, "ninedata_exporter_watched_tasks", kind="data_compare") == 0


def test_a_rejected_configuration_leaves_the_old_one() -> None:
    """The last attempt failed, the time of the last success stays, and so do the watched tasks."""
    moments = iter((100.0, 200.0))
    metrics = ProcessMetrics(lambda: next(moments))
    metrics.config_loaded()
    metrics.watching({"data_compare": 3}, ())
    metrics.config_rejected()
    assert value_of(metrics, "ninedata_exporter_config_last_reload_successful") == 0
    assert value_of(metrics, "ninedata_exporter_config_last_reload_success_timestamp_seconds") == 100
    assert value_of(metrics, "ninedata_exporter_watched_tasks", kind="data_compare") == 3
    metrics.config_loaded()
    assert value_of(metrics, "ninedata_exporter_config_last_reload_successful") == 1
    assert value_of(metrics, "ninedata_exporter_config_last_reload_success_timestamp_seconds") == 200


@dataclass
class WebConfigState:
    """A web configuration, as far as there is a metric of it."""

    last_reload_successful: bool = True


def test_the_web_configuration_has_a_metric_where_there_is_one(fresh: ProcessMetrics) -> None:
    """Of the moment when it is asked for."""
    name = "ninedata_exporter_web_config_last_reload_successful"
    assert value_of(fresh, name) is None
    state = WebConfigState()
    fresh.watch_web_config(state)
    assert value_of(fresh, name) == 1
    state.last_reload_successful = False
    assert value_of(fresh, name) == 0


def test_the_build_is_named(fresh: ProcessMetrics) -> None:
    """Version of the exporter and of Python."""
    labels = {"version": __version__, "python_version": platform.python_version()}
    assert value_of(fresh, "ninedata_exporter_build_info", **labels) == 1


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text"])
def test_no_series_says_when_a_counter_began(process: ProcessMetrics, accept: str) -> None:
    """`_created` would double the number of series."""
    assert b"_created" not in expose((process,), accept, "").body


def test_collecting_changes_nothing(process: ProcessMetrics) -> None:
    """Two looks show the same, and the client library's metrics of the process stand beside ours."""
    ours = {k: v for k, v in samples_of(process).items() if k[0].startswith("ninedata_")}
    again = samples_of(process)
    assert {k: v for k, v in again.items() if k[0].startswith("ninedata_")} == ours
    assert {"process_open_fds", "python_gc_collections_total"} <= {name for name, _ in again}


def test_two_exporters_in_one_process_do_not_share_counts() -> None:
    """Nothing is global."""
    one, other = ProcessMetrics(lambda: 0.0), ProcessMetrics(lambda: 0.0)
    one.request_sent("data_compare")
    assert value_of(other, "ninedata_api_requests_total", kind="data_compare") == 0
