"""What a scrape gave, as Prometheus' own parser reads it."""

from prometheus_client.parser import text_string_to_metric_families


class Scrape:
    """The samples of one scrape."""

    def __init__(self, text: str) -> None:
        self._samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def value(self, name: str) -> float:
        """The value of the only sample of this name."""
        (sample,) = (sample for sample in self._samples if sample.name == name)
        return sample.value

    @property
    def up(self) -> dict[str, float]:
        """By task id."""
        return {
            sample.labels["task_id"]: sample.value for sample in self._samples if sample.name == "ninedata_precheck_up"
        }

    @property
    def reasons(self) -> dict[str, str]:
        """Why queries failed, by task id."""
        return self._present("ninedata_precheck_query_failure_info", "reason")

    @property
    def statuses(self) -> dict[str, str]:
        """The present status, by task id."""
        return self._present("ninedata_precheck_status", "status")

    def _present(self, name: str, label: str) -> dict[str, str]:
        found = [sample.labels for sample in self._samples if sample.name == name and sample.value == 1]
        return {labels["task_id"]: labels[label] for labels in found}
