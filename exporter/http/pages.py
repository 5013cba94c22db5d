"""The pages for people, and the same as JSON. They never call the API."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from importlib import resources

import jinja2
from aiohttp import web

from exporter import __version__
from exporter.config import Task
from exporter.http.overview import Filter, link, overview_of, refresh_seconds
from exporter.http.sources import sources_of
from exporter.http.views import in_words, view_of
from exporter.ninedata.text import cut_middle
from exporter.reload import Reloader
from exporter.running_config import RunningConfig


class Pages:
    """The overview of all watched tasks, and the page of each."""

    def __init__(self, reloader: Reloader, route_prefix: str, telemetry_path: str) -> None:
        self._reloader = reloader
        self._route_prefix = route_prefix
        self._telemetry_path = telemetry_path
        self._one_thread = ThreadPoolExecutor(1)
        style = resources.files("exporter.http").joinpath("templates/style.css").read_text("utf-8")
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self._headers = {
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        }
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("exporter.http"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(style=style, version=__version__, telemetry_path=telemetry_path)
        self._templates.filters["in_words"] = in_words
        # The overview shows the start and the end of a long reason; the task's page shows all of it.
        self._templates.filters["shortened"] = lambda text: cut_middle(text, 1000)

    async def overview(self, request: web.Request) -> web.Response:
        """All watched tasks with their last known status, those that need attention first."""
        with self._reloader.lease() as running:
            tasks, sources = running.watch_list.tasks, sources_of(self._reloader, running)
            # With 5,000 tasks this takes a while: in a thread, so that scrapes are answered meanwhile.
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._one_thread, self._overview, request, running, tasks, sources)

    def _overview(
        self, request: web.Request, running: RunningConfig, tasks: Iterable[Task], sources: dict[str, object]
    ) -> web.Response:
        wanted, now = Filter.from_query(request.query), datetime.now(UTC)
        views = sorted((view_of(task, running.history, now) for task in tasks), key=lambda view: view.urgency)
        if wants_json(request):
            shown = [view.as_json() for view in views if wanted.matches(view)]
            return self._json({"version": __version__, **sources, "tasks": shown})
        values = overview_of(views, wanted) | {
            "sources": sources,
            "host": request.headers.get("Host", "HOST:PORT"),
            "metrics_path": self._route_prefix + self._telemetry_path,
            "requests": running.watch_list.most_requests(),
            "api": running.config.api.base_url,
            "shard": running.own.shard,
        }
        return self._html(request, "overview.html", values)

    async def task(self, request: web.Request) -> web.Response:
        """One task in full."""
        task_id = request.match_info["task_id"]
        with self._reloader.lease() as running:
            task = running.watch_list.find(task_id)
            if task is None or not running.watch_list.watches(task):
                more = " The list of tasks is not complete yet." if running.watch_list.unread else ""
                return self.not_found(request, f"No such task is watched.{more}")
            view = view_of(task, running.history, datetime.now(UTC))
        return self._json(view.as_json()) if wants_json(request) else self._html(request, "task.html", {"view": view})

    def not_found(self, request: web.Request, message: str = "There is no such page.") -> web.Response:
        """The answer to an unknown path, with a link to the overview."""
        if wants_json(request):
            return self._json({"error": message}, status=404)
        return self._html(request, "not_found.html", {"message": message}, status=404)

    def _html(
        self, request: web.Request, template: str, values: Mapping[str, object], *, status: int = 200
    ) -> web.Response:
        page = self._templates.get_template(template).render(
            values,
            base=self._base(request),
            link=partial(link, request.rel_url),
            refresh=refresh_seconds(request.query),
        )
        return web.Response(text=page, status=status, content_type="text/html", headers=self._headers)

    def _base(self, request: web.Request) -> str:
        """A link from a page to the overview. Relative, because a proxy may have another prefix in its place."""
        path, prefix = request.rel_url.raw_path, self._route_prefix
        if path.startswith(f"{prefix}/"):
            return "../" * (path.removeprefix(prefix).count("/") - 1) or "./"
        return "../" * (path.count("/") - 1) + f"{prefix[1:]}/"

    def _json(self, content: object, *, status: int = 200) -> web.Response:
        dumps = partial(json.dumps, default=datetime.isoformat)
        return web.json_response(content, status=status, headers=self._headers, dumps=dumps)


def wants_json(request: web.Request) -> bool:
    """Whether the Accept header names JSON, and HTML not before it."""
    accept = request.headers.get("Accept", "").lower()
    html_at, json_at = accept.find("text/html"), accept.find("application/json")
    return json_at >= 0 and (html_at < 0 or json_at < html_at)
