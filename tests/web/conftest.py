"""Two watched tasks, and the site of an exporter that watches them."""

import pytest

from exporter.config import Task
from exporter.ninedata import TaskRef
from tests.web.site import Site


@pytest.fixture
def orders() -> Task:
    return Task(TaskRef("data_compare", "cd-1", "pcte-1"), "orders-prod", {"team": "dba"})


@pytest.fixture
def stock() -> Task:
    return Task(TaskRef("data_compare", "cd-2", "pcte-2"), "stock-prod", {"env": "prod"})


@pytest.fixture
def site(orders: Task, stock: Task) -> Site:
    """Watches both tasks; nothing was scraped yet."""
    return Site(orders, stock)
