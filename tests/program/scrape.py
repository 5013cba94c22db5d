"""What a scrape gave, as Prometheus' own parser reads it."""

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample


@dataclass(frozen=True)
class Answer:
    """An answer over HTTP; names of headers are in lower case, the body is as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> bytes:
        """The body, unpacked."""
        return gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body

    @property
    def text(self) -> str:
        return self.content.decode("utf-8")

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.content)


class Scrape:
    """The samples of one scrape. No series may be there twice."""

    def __init__(self, text: str, families: Iterable[Metric]) -> None:
        self.text = text
        self.families = {family.name: family for family in families}
        self._samples: dict[str, list[Sample]] = {}
        seen = set()
        for family in self.families.values():
            for sample in family.samples:
                key = (sample.name, *sorted(sample.labels.items()))
                assert key not in seen, f"twice: {key}"
                seen.add(key)
                self._samples.setdefault(sample.name, []).append(sample)

    @classmethod
    def of_text(cls, text: str) -> "Scrape":
        return cls(text, parse_text(text))

    @classmethod
    def of_openmetrics(cls, text: str) -> "Scrape":
        return cls(text, parse_openmetrics(text))

    def samples(self, name: str, **labels: str) -> list[Sample]:
        """The samples of this name that have all of these labels."""
        return [sample for sample in self._samples.get(name, ()) if labels.items() <= sample.labels.items()]

    def value(self, name: str, **labels: str) -> float:
        """The value of the only one there is."""
        found = self.samples(name, **labels)
        assert len(found) == 1, f"{name}{labels}: {found}"
        return found[0].value

    @property
    def up(self) -> dict[str, float]:
        """Of each task, by its id."""
        return {sample.labels["task_id"]: sample.value for sample in self.samples("ninedata_precheck_up")}

    @property
    def down(self) -> set[str]:
        """The tasks whose query failed."""
        return {task_id for task_id, value in self.up.items() if value == 0}

    @property
    def reasons(self) -> dict[str, str]:
        """Why they failed, by the task's id."""
        return {s.labels["task_id"]: s.labels["reason"] for s in self.samples("ninedata_precheck_query_failure_info")}

    @property
    def statuses(self) -> dict[str, str]:
        """The present status of each task that has one, by its id."""
        present = [sample for sample in self.samples("ninedata_precheck_status") if sample.value == 1]
        return {sample.labels["task_id"]: sample.labels["status"] for sample in present}

    def families_of(self, task_id: str) -> set[str]:
        """Which per-task metrics a task has."""
        return {name for name in self._samples if self.samples(name, task_id=task_id)}
