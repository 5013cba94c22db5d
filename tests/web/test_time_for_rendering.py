"""The time that scrapes keep for rendering their answers, as it shows in the time that their queries have."""

import time
from typing import Any

import pytest

from exporter.config import ReplicationDiscovery, Task
from exporter.metrics import Exposition, expose
from exporter.ninedata import Replication, TaskRef
from exporter.web import rendering
from tests.web.site import Site

SECONDS = 9.5
"""Of a scrape with a timeout of ten seconds."""


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every rendering takes a twentieth of a second."""

    def slowly(*arguments: Any) -> Exposition:  # noqa: ANN401 - passed on
        time.sleep(0.05)
        return expose(*arguments)

    monkeypatch.setattr(rendering, "expose", slowly)


@pytest.mark.usefixtures("slow")
def test_a_slow_probe_takes_no_time_from_a_scrape_of_all_tasks() -> None:
    """What one task by itself costs, the work around it included, is not what each of a thousand costs."""
    site = Site(*(Task(TaskRef("data_compare", f"cd-{n}", "p"), f"task-{n}") for n in range(1000)))
    site.get("/probe?task_id=cd-1")
    site.client.seconds_given.clear()
    site.get("/metrics")
    assert min(site.client.seconds_given) > SECONDS - 2


@pytest.mark.usefixtures("slow")
def test_the_first_scrape_that_discovers_tasks_takes_no_time_from_the_next() -> None:
    """Its answer had many tasks, although none was known when it began."""
    site = Site(Task(TaskRef("data_compare", "cd-1", "p"), "orders"))
    site.client.replications = {f"rp-{n}": Replication(f"rp-{n}", f"task-{n}", "running") for n in range(200)}
    site.configure(discovery=ReplicationDiscovery())
    site.get("/metrics")
    site.client.seconds_given.clear()
    site.get("/metrics")
    assert len(site.client.seconds_given) == 201
    assert min(site.client.seconds_given) > SECONDS - 2


@pytest.mark.usefixtures("slow")
def test_thousands_of_tasks_after_a_reload_have_nearly_all_the_time() -> None:
    """What the answers for a single task took, each time, is not what each of thousands takes."""
    site = Site(Task(TaskRef("data_compare", "cd-1", "p"), "orders"))
    for _ in range(20):
        site.get("/metrics")
    site.client.seconds_given.clear()
    site.configure(tasks=tuple(Task(TaskRef("data_compare", f"cd-{n}", "p"), f"task-{n}") for n in range(5000)))
    site.get("/metrics")
    assert len(site.client.seconds_given) == 5000
    # The first to be queried has all of it.
    assert max(site.client.seconds_given) > 0.9 * SECONDS
