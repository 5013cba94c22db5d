"""What a scrape gave, as Prometheus' own parser reads it."""

import gzip
import json
from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


@dataclass(frozen=True)
class Answer:
    """An answer over HTTP; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        packed = self.headers.get("content-encoding") == "gzip"
        return (gzip.decompress(self.body) if packed else self.body).decode()

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.text)


class Scrape:
    """The samples of one scrape. No series may be there twice."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        series = [(sample.name, *sorted(sample.labels.items())) for sample in self._samples]
        assert len(set(series)) == len(series)

    def samples(self, name: str, **labels: str) -> list[Sample]:
        """The samples of this name that have all of these labels."""
        return [sample for sample in self._samples if sample.name == name and labels.items() <= sample.labels.items()]

    def value(self, name: str, **labels: str) -> float:
        """The value of the only such sample."""
        (sample,) = self.samples(name, **labels)
        return sample.value

    @property
    def up(self) -> dict[str, float]:
        """By task id."""
        return {sample.labels["task_id"]: sample.value for sample in self.samples("ninedata_precheck_up")}

    @property
    def reasons(self) -> dict[str, str]:
        """Why queries failed, by task id."""
        failures = self.samples("ninedata_precheck_query_failure_info")
        return {sample.labels["task_id"]: sample.labels["reason"] for sample in failures}

    @property
    def statuses(self) -> dict[str, str]:
        """The present status, by task id."""
        present = [sample for sample in self.samples("ninedata_precheck_status") if sample.value == 1]
        return {sample.labels["task_id"]: sample.labels["status"] for sample in present}
