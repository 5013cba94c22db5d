"""Where dashboards lead: to each other, to the exporter's own pages, and to what to do about it."""

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models import dashboard

OVERVIEW_UID = "ninedata-prechecks"
TASK_UID = "ninedata-precheck-task"

_DOCS = "https://github.com/ninedata-exporter/ninedata-exporter/blob/main/docs"

# What a link takes along. Values are encoded, as task names may hold any character.
_KEPT = "${datasource:queryparam}&${job:queryparam}&${instance:queryparam}&${__url_time_range}"


def to_dashboard(title: str, uid: str) -> DashboardLink:
    """A link in the dashboard's head that keeps variables and time."""
    return _link(title, f"/d/{uid}").include_vars(include_vars=True).keep_time(keep_time=True).icon("dashboard")


def runbooks() -> DashboardLink:
    """A link in the dashboard's head to what each alert means."""
    return to_docs("Runbooks", "alerts.md").icon("doc")


def to_docs(title: str, place: str) -> DashboardLink:
    """A link to a page of the documentation."""
    return _link(title, f"{_DOCS}/{place}").target_blank(target_blank=True)


def task_of_series() -> DashboardLink:
    """From a timeline to the dashboard of its task."""
    return _link(_TASK_TITLE, f"/d/{TASK_UID}?var-task=${{__field.labels.task:percentencode}}&{_KEPT}")


def task_of_row() -> DashboardLink:
    """From a table's row to the dashboard of its task."""
    return _link(_TASK_TITLE, f"/d/{TASK_UID}?var-task=${{__data.fields.task:percentencode}}&{_KEPT}")


def page_of_row() -> DashboardLink:
    """From a table's row to the page that the exporter itself has of the task."""
    url = "http://${__data.fields.instance}/tasks/${__data.fields.task_id:percentencode}"
    return _link("The exporter's page of this task", url).target_blank(target_blank=True)


def exporter_of_row() -> DashboardLink:
    """From a table's row to the exporter's first page."""
    return _link("The exporter's own page", "http://${__data.fields.instance}/").target_blank(target_blank=True)


def as_value(*links: DashboardLink) -> list[dict[str, object]]:
    """Links in the form that overrides take."""
    return [_data_link(link.build()) for link in links]


_TASK_TITLE = "This task's dashboard"


def _link(title: str, url: str) -> DashboardLink:
    return DashboardLink(title).url(url)


def _data_link(link: dashboard.DashboardLink) -> dict[str, object]:
    return {"title": link.title, "url": link.url, "targetBlank": link.target_blank}
