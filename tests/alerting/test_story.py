"""A night on call: target, real Prometheus with the rules, real Alertmanager with the sample, and what arrives."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.alerting.servers import RULES, alertmanager, faster, prometheus, sample, until
from tests.alerting.sinks import Sinks, body

TIMES_AS_FAST = 60
PATIENCE_SECONDS = 30.0
FAILED = "[FAILED prod] orders: precheck failed"


def metrics(orders: Mapping[str, str], precheck: str = "pcte-1", **others: Mapping[str, str]) -> str:
    """What an exporter shows of tasks, each with its failed items and their reasons; the precheck is that of orders."""
    tasks = {"orders": orders, **others}
    lines = ['ninedata_exporter_build_info{version="1"} 1', f"ninedata_exporter_watched_tasks {len(tasks)}"]
    for task, failed in tasks.items():
        env, its_precheck = ("prod", precheck) if task == "orders" else ("test", f"pcte-{task}")
        labels = f'task="{task}",task_id="cd-{task}",env="{env}"'
        lines += [
            f'ninedata_precheck_info{{{labels},kind="data_compare",precheck_task_id="{its_precheck}"}} 1',
            f"ninedata_precheck_up{{{labels}}} 1",
            f'ninedata_precheck_status{{{labels},status="Failed"}} {bool(failed):d}',
            f'ninedata_precheck_status{{{labels},status="Success"}} {not failed:d}',
        ]
        for item, reason in failed.items():
            lines += [
                f'ninedata_precheck_item_status{{{labels},item="{item}",status="Failed"}} 1',
                f'ninedata_precheck_item_failure_info{{{labels},item="{item}",reason="{reason}"}} 1',
            ]
    return "".join(f"{line}\n" for line in lines)


def test_each_failure_is_told_whatever_happens_in_between(
    program: Callable[[str], str], tmp_path: Path, sinks: Sinks
) -> None:
    """An outage neither resolves a failure nor hides that of the next precheck; a pass and a removal are told apart."""
    address = sinks.url.removeprefix("http://")
    folders = [tmp_path / name for name in ("alertmanager", "prometheus")]
    for folder in folders:
        folder.mkdir()
    with (
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
                        "static_configs": [{"targets": [address], "labels": {"env": "prod"}}],
                    }
                ],
            },
            faster(RULES.read_text("utf-8"), TIMES_AS_FAST),
        ),
    ):

        def until_told(*subjects: str) -> None:
            """Wait for mails, which are all that there are since the last time.

            Messages follow each other so fast here that an alert that ended may be counted in two of them.
            """
            until(lambda: len(sinks.mail) >= len(subjects), PATIENCE_SECONDS, lambda: sinks.subjects)
            assert sorted(each.partition("; ")[0] for each in sinks.subjects) == sorted(subjects)

        sinks.metrics = metrics({"a": "First reason."}, billing={"a": "Another reason."})
        until_told(FAILED, "[FAILED test] billing: precheck failed")
        assert "a: First reason." in "".join(map(body, sinks.mail))
        sinks.mail.clear()

        sinks.metrics = ""
        until(lambda: bool(sinks.posts("/pagerduty")), PATIENCE_SECONDS)
        page = sinks.posts("/pagerduty")[0]["payload"]["summary"]
        assert page == f"[CRITICAL prod] {address}: exporter cannot be scraped"

        sinks.metrics = metrics({"a": "Second reason."}, "pcte-2", billing={"a": "Another reason."})
        until_told(FAILED)
        assert "a: Second reason." in body(sinks.mail.pop())

        sinks.metrics = metrics({}, "pcte-3")
        until_told("[RESOLVED prod] orders: precheck no longer fails", "[RESOLVED test] billing: no longer watched")
        sinks.mail.clear()

        sinks.metrics = metrics({"a": "Third reason."}, "pcte-3")
        until_told(FAILED)
        assert "Third reason." in body(sinks.mail.pop())
