"""Alerts as Prometheus sends them with the shipped rules, and what Alertmanager makes of them for templates."""

from collections.abc import Mapping, Sequence
from typing import Any

RUNBOOK = "https://github.com/ninedata-exporter/ninedata-exporter/blob/main/docs/alerts.md#"
GRAFANA = "https://grafana.example.com"
REASON = "The account lacks SELECT on stock. Grant it and run the precheck again."
EXPORTER = {"job": "ninedata", "instance": "exporter-1:10199"}


def alert(name: str, severity: str, *, annotations: Mapping[str, str] | None = None, **labels: str) -> dict[str, Any]:
    """An alert that fires since a fixed moment."""
    texts = {"description": f"Description of {name}.", "runbook_url": f"{RUNBOOK}{name.lower()}"}
    return {
        "status": "firing",
        "labels": {"alertname": name, "severity": severity, **EXPORTER, **labels},
        "annotations": texts | dict(annotations or {}),
        "startsAt": "2026-03-01T02:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
    }


def failed(
    task: str = "orders", item: str = "targetCheck", *, reason: str = REASON, known: str = "yes", **labels: str
) -> dict[str, Any]:
    """One failed check item, of an exporter with an external URL and of a Grafana whose address is known."""
    task_id = f"cd-{task}"[:100]
    texts = {
        "description": f"Name of {item} ({item}): {reason}\nNineData will not run {task} ({task_id}) for now.",
        "item_name": f"Name of {item}",
        "reason": reason,
        "known": known,
        "page_url": f"http://exporter.example.com/tasks/{task_id}",
        "dashboard_url": f"{GRAFANA}/d/ninedata-precheck-task?var-job=ninedata&var-task={task}"[:400],
        "overview_url": f"{GRAFANA}/d/ninedata-prechecks?var-job=ninedata",
    }
    names = {"task": task, "task_id": task_id, "item": item, "kind": "data_compare", "precheck_task_id": f"pcte-{task}"}
    return alert("NineDataPrecheckFailed", "warning", annotations=texts, **names | {"env": "prod"} | labels)


def started_later(alert: dict[str, Any]) -> dict[str, Any]:
    return alert | {"startsAt": "2026-03-01T03:00:00Z"}


def over(alert: dict[str, Any], at: str = "04:00") -> dict[str, Any]:
    return alert | {"status": "resolved", "endsAt": f"2026-03-01T{at}:00Z"}


def group(alerts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A group as templates get it, with its alerts in Alertmanager's order."""
    ordered = sorted(alerts, key=lambda each: sorted(each["labels"].items()))

    def common(key: str) -> dict[str, str]:
        (first, *others) = (set(each[key].items()) for each in ordered)
        return dict(first.intersection(*others))

    labels = common("labels")
    return {
        "receiver": "ninedata",
        "status": "firing" if any(each["status"] == "firing" for each in alerts) else "resolved",
        "alerts": ordered,
        "groupLabels": {name: labels[name] for name in ("alertname", "env") if name in labels},
        "commonLabels": labels,
        "commonAnnotations": common("annotations"),
        "externalURL": "http://alertmanager.example.com",
    }
