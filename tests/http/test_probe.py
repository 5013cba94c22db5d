"""/probe: one task, queried now, as a target of its own."""

import asyncio
import logging
from urllib.parse import quote

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.config import ReplicationDiscovery, Task
from exporter.ninedata import CheckItem, Precheck, QueryError, Reason, Replication, Status, TaskRef
from exporter.scraping.shard import Shard
from tests.http.site import Site

WATCHED = ("cd-1", "cd-2")
UNLISTED = "/probe?task_id=cd-9&precheck_task_id=pcte-9"
OTHERWISE = "as another kind or with another precheck; probe.allow_unlisted in the configuration would allow it."


@pytest.fixture
def open_site(site: Site) -> Site:
    """Takes the ids of tasks that are not watched, too."""
    site.configure(probe_unlisted=True)
    return site


def labels_of(text: str, metric: str) -> list[dict[str, str]]:
    """The labels of each sample of a metric."""
    families = {family.name: family.samples for family in text_string_to_metric_families(text)}
    return [sample.labels for sample in families.get(metric, ())]


def test_it_queries_the_one_task(site: Site) -> None:
    """And has nothing of others or of the exporter itself."""
    response = site.get("/probe?task_id=cd-1")
    assert response.status_code == 200
    assert site.client.asked == ["cd-1"]
    assert {s.labels["task_id"] for f in text_string_to_metric_families(response.text) for s in f.samples} == {"cd-1"}
    assert "ninedata_exporter" not in response.text
    assert "ninedata_api" not in response.text
    assert "process_" not in response.text


def test_its_series_are_those_of_the_whole_scrape(orders: Task) -> None:
    """Names, labels and values, but for the time that the query took."""
    site = Site(orders)
    item = CheckItem("a", "A", "", Status.FAILED, "Columns are missing.")
    site.client.answers = {"cd-1": Precheck(Status.FAILED, (item,))}
    whole, probe = (
        [
            line
            for line in site.get(path).text.splitlines()
            if line.startswith("ninedata_precheck_") and "duration" not in line
        ]
        for path in ("/metrics", "/probe?task_id=cd-1")
    )
    assert probe == whole != []


def test_a_failed_query_is_a_good_probe(site: Site) -> None:
    """200, with up 0 and the reason: whether the target is up is another question."""
    site.client.answers = {"cd-1": QueryError(Reason.AUTH, "the API refused the query")}
    response = site.get("/probe?task_id=cd-1")
    assert response.status_code == 200
    assert 'ninedata_precheck_up{task="orders-prod",task_id="cd-1",team="dba"} 0.0' in response.text
    assert [labels["reason"] for labels in labels_of(response.text, "ninedata_precheck_query_failure_info")] == ["auth"]


def test_the_pages_show_what_a_probe_found(site: Site) -> None:
    site.get("/probe?task_id=cd-1")
    assert "1 Success" in site.get("/").text


def test_failure_reasons_can_be_switched_off_for_probes(site: Site) -> None:
    item = CheckItem("a", "A", "", Status.FAILED, "Columns are missing.")
    site.client.answers = {"cd-1": Precheck(Status.FAILED, (item,))}
    site.configure(failure_reasons=False)
    response = site.get("/probe?task_id=cd-1")
    assert 'item="a"' in response.text
    assert "Columns are missing." not in response.text


def test_format_and_compression_of_a_probe_are_negotiated(site: Site) -> None:
    response = site.get("/probe?task_id=cd-1", accept="application/openmetrics-text", accept_encoding="gzip")
    assert response.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert response.headers["content-encoding"] == "gzip"
    assert response.text.endswith("# EOF\n")


def test_head_of_a_probe_is_get_without_the_body(site: Site) -> None:
    head = site.request("HEAD", "/probe?task_id=cd-1")
    assert (head.status_code, head.text) == (200, "")
    assert site.request("HEAD", "/probe?task_id=cd-3").status_code == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_probe_is_only_asked_for(site: Site, method: str) -> None:
    assert site.request(method, "/probe?task_id=cd-1").status_code == 405
    assert site.client.asked == []


def test_a_task_of_another_shard_can_be_probed(orders: Task, stock: Task) -> None:
    """Behind one address, whichever of the exporters is reached answers; its own pages do not show the task."""
    sites = [Site(orders, stock, shard=Shard(index, 2)) for index in range(2)]
    for site in sites:
        for task in (orders, stock):
            response = site.get(f"/probe?task_id={task.task_id}")
            assert labels_of(response.text, "ninedata_precheck_up")[0]["task"] == task.name
    shown = [{entry["task_id"] for entry in site.json("/")["tasks"]} for site in sites]  # type: ignore[index] # JSON
    assert sorted(task_id for ids in shown for task_id in ids) == ["cd-1", "cd-2"]
    assert [set(site.remembered(WATCHED)) for site in sites] == shown


def test_a_discovered_task_can_be_probed(site: Site) -> None:
    """Once it is discovered, with the labels that discovery gives."""
    site.client.replications = {"rp-1": Replication("rp-1", "orders-standby", "running")}
    site.configure(discovery=ReplicationDiscovery(labels={"team": "replication"}))
    assert site.get("/probe?task_id=rp-1").status_code == 400
    site.get("/metrics?collect[]=discovery")
    (labels,) = labels_of(site.get("/probe?task_id=rp-1").text, "ninedata_precheck_up")
    assert labels == {"task_id": "rp-1", "task": "orders-standby", "team": "replication"}
    assert site.client.lists == 1


@pytest.mark.parametrize(
    "parameters", ["&precheck_task_id=pcte-1", "&kind=data_compare", "&precheck_task_id=pcte-1&kind=data_compare"]
)
def test_what_is_watched_may_be_given_in_full(site: Site, parameters: str) -> None:
    """It is the watched task, with its name and labels."""
    (labels,) = labels_of(site.get(f"/probe?task_id=cd-1{parameters}").text, "ninedata_precheck_up")
    assert labels == {"task_id": "cd-1", "task": "orders-prod", "team": "dba"}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("task_id=cd-9", "No such task is watched; probe.allow_unlisted in the configuration would allow it."),
        (
            "task_id=cd-9&precheck_task_id=pcte-9&kind=data_compare",
            "No such task is watched; probe.allow_unlisted in the configuration would allow it.",
        ),
        ("task_id=cd-1&precheck_task_id=pcte-9", f"This task is watched {OTHERWISE}"),
        ("task_id=cd-1&kind=replication", f"This task is watched {OTHERWISE}"),
    ],
)
def test_only_watched_tasks_are_probed(site: Site, query: str, told: str) -> None:
    """Unless the configuration says otherwise: whoever reaches the port could ask about everything the key may see."""
    response = site.get(f"/probe?{query}")
    assert (response.status_code, response.text) == (400, told)
    assert site.client.asked == []


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
        ("target=cd-1", "The parameter task_id is missing."),
        ("precheck_task_id=pcte-9&kind=data_compare", "The parameter task_id is missing."),
        ("task_id=cd-1&task_id=cd-1", "The parameter task_id is given more than once."),
        (
            "task_id=cd-9&precheck_task_id=a&precheck_task_id=b",
            "The parameter precheck_task_id is given more than once.",
        ),
        ("task_id=cd-1&kind=replication&kind=replication", "The parameter kind is given more than once."),
        (
            "task_id=cd-9",
            "The parameter precheck_task_id is missing: a task of kind data_compare needs it.",
        ),
        (
            "task_id=cc-9&kind=schema_compare",
            "The parameter precheck_task_id is missing: a task of kind schema_compare needs it.",
        ),
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
    assert open_site.client.asked == []


ABSURD = [
    "",
    " ",
    "%00",
    "cd-1%00",
    "cd-1%0d%0aX-Evil:%201",
    "cd-1%0a",
    "-cd-1",
    "../../../openapi/v1/user",
    "/etc/passwd",
    "//evil.example/x",
    "http://evil.example/",
    "http:%2F%2Fevil.example%2F",
    "cd-1@evil.example",
    "cd-1%23x",
    "cd-1%3Fx=1",
    "cd-1%26kind=replication",
    "cd 1",
    "cd+1",
    "%ff%fe",
    "%ed%a0%80",
    quote("cd-\u0661\u0662\u0663"),
    quote("\uff43\uff44-1"),
    quote("<script>alert(1)</script>"),
    quote('"};up{x="'),
    "${jndi:ldap://evil.example}",
    "%25s%25n",
    "cd-" + "1" * 126,
    "x" * 10_000,
]


@pytest.mark.parametrize("parameter", ["task_id", "precheck_task_id", "kind"])
@pytest.mark.parametrize("value", ABSURD)
def test_an_absurd_value_is_refused(open_site: Site, parameter: str, value: str) -> None:
    """With a text that says which, and that has nothing of what was given; nothing is asked."""
    given = {"task_id": "cd-9", "precheck_task_id": "pcte-9", "kind": "data_compare", parameter: value}
    response = open_site.get("/probe?" + "&".join(f"{name}={text}" for name, text in given.items()))
    assert response.status_code == 400
    assert response.text == f"The parameter {parameter} is empty, too long, or has characters that it cannot have."
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert "x-evil" not in response.headers
    assert open_site.client.asked == []


@pytest.mark.parametrize("parameter", ["target", "host", "base_url", "url", "api", "proxy_url", "module", "x" * 10_000])
def test_no_other_parameter_counts(open_site: Site, parameter: str) -> None:
    """None decides which host is called: the client is asked about an id, and knows one address."""
    evil = quote("http://evil.example/", safe="")
    response = open_site.get(f"{UNLISTED}&{parameter}={evil}&{parameter}={evil}")
    assert response.status_code == 200
    assert open_site.client.asked == ["cd-9"]
    assert "evil" not in response.text


def test_an_unlisted_task_is_on_no_page(open_site: Site) -> None:
    open_site.get(UNLISTED)
    assert {entry["task_id"] for entry in open_site.json("/")["tasks"]} == set(WATCHED)  # type: ignore[index] # JSON
    assert open_site.get("/tasks/cd-9").status_code == 404
    assert 'task_id="cd-9"' not in open_site.get("/metrics").text


def test_many_unlisted_tasks_leave_nothing_behind(open_site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in memory nor in the log, whether they are answered or not."""
    caplog.set_level(logging.DEBUG, logger="exporter")
    tasks = [Task(TaskRef("data_compare", f"cd-{n}", "p"), f"cd-{n}") for n in range(10_000, 20_000)]
    open_site.client.answers = {task.task_id: QueryError(Reason.NOT_FOUND, "gone") for task in tasks[::2]}

    async def probe_all() -> None:
        deadline = asyncio.get_running_loop().time() + 600
        for task in tasks:
            await open_site.exporter.probe(task, deadline)

    asyncio.run(probe_all())
    assert len(open_site.client.asked) == len(tasks)
    assert open_site.remembered(task.task_id for task in tasks) == []
    assert caplog.records == []


def test_another_precheck_of_a_watched_task_is_not_taken_for_the_watched_one(open_site: Site) -> None:
    """The pages go on to show the watched precheck."""
    open_site.client.answers = {"cd-1": Precheck(Status.SUCCESS, ())}
    open_site.get("/probe?task_id=cd-1")
    open_site.client.answers = {"cd-1": Precheck(Status.FAILED, ())}
    open_site.get("/probe?task_id=cd-1&precheck_task_id=pcte-9")
    assert open_site.json("/tasks/cd-1")["status"] == "Success"  # type: ignore[index] # JSON


def test_what_is_watched_no_more_is_forgotten(site: Site, stock: Task) -> None:
    """With the next list of targets, where nobody scrapes all tasks at once."""
    site.get("/probe?task_id=cd-1")
    site.get("/probe?task_id=cd-2")
    site.configure(tasks=(stock,))
    site.get("/sd")
    assert site.remembered(WATCHED) == ["cd-2"]


@pytest.mark.parametrize("path", ["/probe?task_id=cd-1", UNLISTED], ids=["a watched task", "an unlisted task"])
def test_identical_probes_at_once_share_one_query(open_site: Site, path: str) -> None:
    """Two Prometheus servers that scrape at the same moment cost one query; the next one is queried anew."""

    async def probe_twenty_times() -> list[httpx.Response]:
        transport = httpx.ASGITransport(open_site.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter.test") as client:
            return await asyncio.gather(*(client.get(path) for _ in range(20)))

    open_site.client.seconds = 0.2
    responses = asyncio.run(probe_twenty_times())
    assert {response.status_code for response in responses} == {200}
    assert len({response.text for response in responses}) == 1
    assert len(open_site.client.asked) == 1
    open_site.get(path)
    assert len(open_site.client.asked) == 2


def test_the_deadline_of_a_probe_is_the_scrapers(site: Site) -> None:
    """Less the offset, and next to nothing for rendering."""
    site.get("/probe?task_id=cd-1", x_prometheus_scrape_timeout_seconds="30")
    site.get("/probe?task_id=cd-1")
    assert site.client.seconds_given == pytest.approx([29.5, 9.5], abs=0.3)
