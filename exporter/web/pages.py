"""The pages for people, and the same as JSON for programs. None of them ever calls the API."""

import asyncio
import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import resources

import jinja2
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from exporter import __version__
from exporter.exporter import Exporter
from exporter.ninedata.text import cut_middle
from exporter.web.scraping import Runtime
from exporter.web.sources import SourcesView, sources_of
from exporter.web.views import TaskView, age_in_words, summary_of, view_of

MAX_OVERVIEW_REASON = 500
"""Characters of a reason on the overview; the task's page has it whole."""


class Pages:
    """The overview of all watched tasks, and the page of each."""

    def __init__(
        self,
        runtime: Runtime,
        telemetry_path: str,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._runtime = runtime
        self._telemetry_path = telemetry_path
        self._wall_clock = wall_clock
        self._turns = asyncio.Semaphore(1)
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("exporter.web"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["age"] = age_in_words
        self._templates.filters["shortened"] = lambda text: cut_middle(text, MAX_OVERVIEW_REASON)
        style = resources.files("exporter.web").joinpath("templates/style.css").read_text("utf-8")
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self._style = style
        self._headers = {
            "content-security-policy": f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        }

    async def overview(self, request: Request) -> Response:
        """Every watched task with its last known status, those that need attention first."""
        # One at a time, and in a thread: a large one takes a while, in which scrapes and health checks are answered.
        async with self._turns:
            with self._runtime.lease() as exporter:
                await exporter.refresh()
                now = self._wall_clock()
                views = [view_of(task, exporter.known.get(task.task_id), now) for task in exporter.watch.tasks]
                sources = sources_of(exporter.watch, self._runtime.faults)
            render = self._overview_for_programs if wants_json(request) else self._overview_for_people
            return await asyncio.to_thread(render, exporter, views, sources)

    def _overview_for_programs(self, _: Exporter, views: list[TaskView], sources: SourcesView) -> Response:
        return self._json(
            {"version": __version__, **sources.as_json(), "tasks": [view.as_json() for view in views]},
        )

    def _overview_for_people(self, exporter: Exporter, views: list[TaskView], sources: SourcesView) -> Response:
        return self._html(
            "overview.html",
            base="./",
            views=sorted(views, key=lambda view: view.urgency),
            sources=sources,
            summary=summary_of(views),
            api=exporter.config.api.base_url,
            shard=exporter.lasting.shard,
        )

    async def task(self, request: Request) -> Response:
        """One task in full."""
        task_id = request.path_params["task_id"]
        with self._runtime.lease() as exporter:
            await exporter.refresh()
            task = exporter.watch.find(task_id)
            if task is None or not exporter.watch.watches(task):
                raise HTTPException(404, "No such task is watched.")
            view: TaskView = view_of(task, exporter.known.get(task_id), self._wall_clock())
        if wants_json(request):
            return self._json(view.as_json())
        return self._html("task.html", base="../", view=view)

    async def not_found(self, request: Request, error: Exception) -> Response:
        """What to do about an address that leads nowhere."""
        detail = error.detail if isinstance(error, HTTPException) else "Not Found"
        message = detail if detail != "Not Found" else "There is no such page."
        if wants_json(request):
            return self._json({"error": message}, status=404)
        return self._html("not_found.html", base="/", status=404, message=message)

    def _html(self, template: str, *, status: int = 200, **values: object) -> Response:
        page = self._templates.get_template(template).render(
            style=self._style, version=__version__, telemetry_path=self._telemetry_path, **values
        )
        return HTMLResponse(page, status, self._headers)

    def _json(self, content: object, *, status: int = 200) -> Response:
        return JSONResponse(content, status, self._headers)


def wants_json(request: Request) -> bool:
    """Whether the Accept header names JSON, and does not name HTML before it."""
    accept = request.headers.get("accept", "").lower()
    html, found = accept.find("text/html"), accept.find("application/json")
    return found >= 0 and (html < 0 or found < html)
