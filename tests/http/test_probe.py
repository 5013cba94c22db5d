"""/probe: one task, queried now, as a target of its own."""

from urllib.parse import quote

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.config import DiscoverySettings
from exporter.ninedata import TaskRef
from tests.http.site import Site

OTHERWISE = "as another kind or with another precheck; probe.allow_unlisted in the configuration would allow it."


@pytest.fixture
def open_site(site: Site) -> Site:
    """Takes the ids of tasks that are not watched, too."""
    site.configure(probe_unlisted=True)
    return site


def test_it_queries_the_one_task(site: Site) -> None:
    """The answer has nothing of other tasks or of the exporter itself."""
    response = site.get("/probe?task_id=cd-1")
    assert response.status_code == 200
    assert [call for call, _ in site.running.calls] == ["data_compare cd-1 pcte-1"]
    assert {s.labels["task_id"] for f in text_string_to_metric_families(response.text) for s in f.samples} == {"cd-1"}


def test_a_task_is_not_known_yet_while_the_list_is_incomplete(site: Site) -> None:
    """It may be one that discovery finds: that is no fault of the request."""
    site.configure(discovery=(DiscoverySettings("replication"),))
    response = site.get("/probe?task_id=rp-1")
    told = "No such task is known, but the list of tasks is not complete yet."
    assert (response.status_code, response.text) == (503, told)
    assert site.get("/probe?task_id=cd-1").status_code == 200


def labels_of(text: str, metric: str) -> list[dict[str, str]]:
    """The labels of each sample of a metric."""
    families = {family.name: family.samples for family in text_string_to_metric_families(text)}
    return [sample.labels for sample in families.get(metric, ())]


@pytest.mark.parametrize(
    "parameters",
    [
        "task_id=cd-1&precheck_task_id=pcte-1&kind=data_compare",
        "target=cd-1",
        "target=cd-1&task_id=cd-1&kind=data_compare",
    ],
)
def test_what_is_watched_may_be_given_in_full(site: Site, parameters: str) -> None:
    """It is the watched task, with its name and labels. `target` is what Prometheus' blackbox_exporter calls it."""
    (labels,) = labels_of(site.get(f"/probe?{parameters}").text, "ninedata_precheck_up")
    assert labels == {"task_id": "cd-1", "task": "orders-prod", "team": "dba"}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("task_id=cd-9", "No such task is watched; probe.allow_unlisted in the configuration would allow it."),
        ("task_id=cd-1&precheck_task_id=pcte-9", f"This task is watched {OTHERWISE}"),
        ("task_id=cd-1&kind=replication", f"This task is watched {OTHERWISE}"),
    ],
)
def test_only_watched_tasks_are_probed(site: Site, query: str, told: str) -> None:
    """Unless the configuration says otherwise: whoever reaches the port could ask about everything the key may see."""
    response = site.get(f"/probe?{query}")
    assert (response.status_code, response.text) == (400, told)
    assert site.running.calls == []


@pytest.mark.parametrize(
    ("query", "ref"),
    [
        ("task_id=cd-9&precheck_task_id=pcte-9", TaskRef("data_compare", "cd-9", "pcte-9")),
        ("task_id=cc-9&precheck_task_id=pcte-9&kind=schema_compare", TaskRef("schema_compare", "cc-9", "pcte-9")),
        ("task_id=rp-9&kind=replication", TaskRef("replication", "rp-9", "")),
        # Another precheck of a watched task.
        ("task_id=cd-1&precheck_task_id=pcte-9", TaskRef("data_compare", "cd-1", "pcte-9")),
    ],
)
def test_an_unlisted_task_is_probed_where_that_is_allowed(open_site: Site, query: str, ref: TaskRef) -> None:
    """It has no name but its id, and no further labels."""
    response = open_site.get(f"/probe?{query}")
    assert response.status_code == 200
    assert labels_of(response.text, "ninedata_precheck_info") == [
        {"task_id": ref.task_id, "task": ref.task_id, "kind": ref.kind, "precheck_task_id": ref.precheck_task_id}
    ]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", "The parameter task_id is missing."),
        ("task_id=cd-1&target=cd-2", "The parameters task_id and target name different tasks."),
        ("target=cd-1&target=cd-1", "The parameter target is given more than once."),
        (
            "task_id=rp-9&kind=replication&precheck_task_id=pcte-9",
            "A task of kind replication has no precheck_task_id: leave it out.",
        ),
        (
            "task_id=cd-9&precheck_task_id=pcte-9&kind=compare",
            "The parameter kind must be one of data_compare, schema_compare, replication.",
        ),
    ],
)
def test_what_is_missing_or_too_much_is_told(open_site: Site, query: str, told: str) -> None:
    response = open_site.get(f"/probe?{query}")
    assert (response.status_code, response.text) == (400, told)
    assert open_site.running.calls == []


ABSURD = [
    "",
    "%00",
    "cd-1%0d%0aX-Evil:%201",
    "-cd-1",
    "../../../openapi/v1/user",
    "cd-1%26kind=replication",
    "%ff%fe",
    quote("cd-\u0661\u0662\u0663"),
    quote("<script>alert(1)</script>"),
    "cd-" + "1" * 126,
]


@pytest.mark.parametrize("parameter", ["task_id", "target", "precheck_task_id", "kind"])
@pytest.mark.parametrize("value", ABSURD)
def test_an_absurd_value_is_refused(open_site: Site, parameter: str, value: str) -> None:
    """With a text that says which, and that has nothing of what was given; nothing is asked."""
    given = {"task_id": "cd-9", "precheck_task_id": "pcte-9", "kind": "data_compare", parameter: value}
    response = open_site.get("/probe?" + "&".join(f"{name}={text}" for name, text in given.items()))
    assert response.status_code == 400
    assert response.text == f"The parameter {parameter} is empty, too long, or contains a forbidden character."
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert "x-evil" not in response.headers
    assert open_site.running.calls == []


def test_no_other_parameter_counts(open_site: Site) -> None:
    """None decides which host is called: the client is asked about an id, and knows one address."""
    parameters = ("host", "base_url", "url", "api", "proxy_url", "module")
    evil = "&".join(f"{parameter}=http%3A%2F%2Fevil.example%2F" for parameter in parameters)
    response = open_site.get(f"/probe?task_id=cd-9&precheck_task_id=pcte-9&{evil}&{evil}")
    assert response.status_code == 200
    assert [call for call, _ in open_site.running.calls] == ["data_compare cd-9 pcte-9"]
    assert "evil" not in response.text
