"""A night on call: an exporter, Prometheus with the rules, Alertmanager with the sample, and what arrives."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import httpx

from exporter.sandbox import fleet
from tests.alerting.shipped_alerting import RULES, alertmanager, faster, sample
from tests.alerting.sinks import Sinks, body
from tests.program.launcher import launching, write
from tests.programs import until
from tests.prometheus import prometheus
from tests.secrecy import Watch

TIMES_AS_FAST = 60
ORDERS, LEDGER, BILLING = (
    replace(task, name=name, labels={"env": env})
    for task, name, env in zip(fleet(3), ("orders", "ledger", "billing"), ("prod", "prod", "test"), strict=True)
)
STANDBY = replace(fleet(1, "replication")[0], name="standby", labels={"env": "prod"})
FAILED = "[FAILED prod] orders: precheck failed"


@contextmanager
def alerting(target: str, folder: Path, sinks: Sinks) -> Iterator[None]:
    """Prometheus scrapes a target twice a second, and Alertmanager sends a message every two seconds."""
    places = [folder / name for name in ("alertmanager", "prometheus")]
    for place in places:
        place.mkdir()
    (places[1] / "rules.yaml").write_text(faster(RULES.read_text("utf-8"), TIMES_AS_FAST), "utf-8")
    config = sample(sinks, places[0], group_wait="300ms", group_interval="2s")
    with alertmanager(places[0], config) as server:
        # The tasks' own env counts, as docs/alerts.md advises.
        job = {"job_name": "ninedata", "honor_labels": True}
        config = {
            "global": {"evaluation_interval": "500ms", "scrape_interval": "500ms", "scrape_timeout": "500ms"},
            "rule_files": ["rules.yaml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [server.address]}]}]},
            "scrape_configs": [job | {"static_configs": [{"targets": [target], "labels": {"env": "prod"}}]}],
        }
        # Alertmanager takes an alert for resolved that it has not heard of for four times the delay.
        with prometheus(places[1], config, "--query.lookback-delta=5s", "--rules.alert.resend-delay=5s"):
            yield


def test_each_failure_is_told_whatever_happens_in_between(tmp_path: Path, secrecy: Watch, sinks: Sinks) -> None:
    """Of prechecks, of tasks themselves, and of replications that are late.

    An outage neither resolves a failure nor hides the next one; a pass and a removal are told apart.
    """
    with launching(tmp_path, secrecy) as launcher:
        api = launcher.serve(ORDERS, LEDGER, BILLING, STANDBY)
        exporter = launcher.start("--scrape.timeout-offset=0.1", config=api.config(task_status=True))
        target = f"127.0.0.1:{exporter.port}"

        def change(what: str, **state: object) -> None:
            httpx.put(f"{api.base_url}/sandbox/{what}", json=state, trust_env=False).raise_for_status()

        def told(*subjects: str) -> str:
            """Wait for mails of all these subjects, and take them; returns their texts.

            Messages follow each other so fast here that an alert that ended may be counted in two of them.
            """

            def mails() -> dict[str, EmailMessage]:
                found = {mail["Subject"].partition("; ")[0]: mail for mail in sinks.mail}
                return {subject: mail for subject, mail in found.items() if subject in subjects}

            until(lambda: len(mails()) == len(subjects), sinks)
            texts = "".join(map(body, mails().values()))
            while taken := mails():
                for mail in taken.values():
                    sinks.mail.remove(mail)
            return texts

        with alerting(target, tmp_path, sinks):
            change(f"prechecks/{ORDERS.task_id}", failed={"srcDataExistCheck": "First reason."})
            change(f"prechecks/{BILLING.task_id}", failed={"srcDataExistCheck": "Another reason."})
            change(f"tasks/{LEDGER.task_id}", status="failed", error="The disk is full.")
            change(f"tasks/{STANDBY.task_id}", delay_seconds=900)
            texts = told(FAILED, "[FAILED test] billing: precheck failed", "[FAILED prod] ledger: task failed")
            assert all(reason in texts for reason in ("First reason.", "Another reason.", "The disk is full."))

            exporter.popen.send_signal(signal.SIGSTOP)
            until(lambda: sinks.posts("/pagerduty"), "the page")
            page = sinks.posts("/pagerduty")[0]["payload"]["summary"]
            assert page == f"[CRITICAL prod] {target}: exporter cannot be scraped"

            change(f"prechecks/{ORDERS.task_id}", failed={"targetDataExistCheck": "Second reason."})
            exporter.popen.send_signal(signal.SIGCONT)
            assert "Second reason." in told(FAILED)

            change(f"prechecks/{ORDERS.task_id}")
            write(exporter.config, api.config((ORDERS, LEDGER, STANDBY), task_status=True))
            told("[RESOLVED prod] orders: precheck no longer fails", "[RESOLVED test] billing: no longer watched")

            change(f"prechecks/{ORDERS.task_id}", failed={"srcDataExistCheck": "Third reason."})
            texts = told(FAILED, "[WARNING prod] standby: replication is late")
            assert all(text in texts for text in ("Third reason.", "15m 0s late"))
            assert sinks.subjects == []
