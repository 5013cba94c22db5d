"""A night on call: target, real Prometheus with the rules, real Alertmanager with the sample, and what arrives."""

from collections.abc import Callable
from pathlib import Path

from tests.alerting.fake_exporter import serving
from tests.alerting.servers import RULES, alertmanager, faster, prometheus, sample, until
from tests.alerting.sinks import Sinks, body

TIMES_AS_FAST = 60
PATIENCE_SECONDS = 30.0
FAILED = "[FAILED prod] orders: precheck failed"


def test_each_failure_is_told_whatever_happens_in_between(
    program: Callable[[str], str], tmp_path: Path, sinks: Sinks
) -> None:
    """An outage neither resolves a failure nor hides the next one; a pass and a removal are told apart."""
    folders = [tmp_path / name for name in ("alertmanager", "prometheus")]
    for folder in folders:
        folder.mkdir()
    with (
        serving() as exporter,
        alertmanager(
            program("alertmanager"), folders[0], sample(sinks, folders[0], group_wait="300ms", group_interval="3s")
        ) as alerts,
        prometheus(
            program("prometheus"),
            folders[1],
            {
                "global": {"evaluation_interval": "500ms", "scrape_interval": "500ms", "scrape_timeout": "500ms"},
                "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alerts.port}"]}]}]},
                "scrape_configs": [
                    {
                        "job_name": "ninedata",
                        # The tasks' own env counts, as docs/alerts.md advises.
                        "honor_labels": True,
                        "static_configs": [{"targets": [f"127.0.0.1:{exporter.port}"], "labels": {"env": "prod"}}],
                    }
                ],
            },
            faster(RULES.read_text("utf-8"), TIMES_AS_FAST),
        ),
    ):
        orders, billing = ("orders", "prod"), ("billing", "test")

        def until_told(*subjects: str) -> None:
            """Wait for mails, which are all that there are since the last time."""
            until(lambda: len(sinks.mail) >= len(subjects), PATIENCE_SECONDS, lambda: sinks.subjects)
            assert sorted(sinks.subjects) == sorted(subjects)

        exporter.tasks = {orders: {"a": "First reason."}, billing: {"a": "Another reason."}}
        until_told(FAILED, "[FAILED test] billing: precheck failed")
        assert "Name of a (a): First reason." in "".join(map(body, sinks.mail))
        sinks.mail.clear()

        exporter.is_down = True
        until(lambda: bool(sinks.posts("/pagerduty")), PATIENCE_SECONDS)
        page = sinks.posts("/pagerduty")[0]["payload"]["summary"]
        assert page == f"[CRITICAL prod] 127.0.0.1:{exporter.port}: exporter cannot be scraped"

        exporter.tasks[orders] = {"a": "First reason.", "b": "Second reason."}
        exporter.is_down = False
        until_told(FAILED)
        assert "- Name of b: Second reason.\n" in body(sinks.mail.pop())

        exporter.tasks[orders] = {}
        del exporter.tasks[billing]
        until_told("[RESOLVED prod] orders: precheck no longer fails", "[RESOLVED test] billing: no longer watched")
        sinks.mail.clear()

        exporter.tasks[orders] = {"a": "Third reason."}
        until_told(FAILED)
        assert "Third reason." in body(sinks.mail.pop())
