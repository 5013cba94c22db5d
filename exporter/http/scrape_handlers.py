"""The answers to Prometheus: /metrics and /probe, which query the API, and /sd, which does not."""

import asyncio
import math
from collections.abc import Mapping

from aiohttp import web
from prometheus_client.exposition import gzip_accepted

from exporter.config import Task
from exporter.http.external_url import ExternalUrl, is_host_header
from exporter.metrics import choose_format, render, rendering_seconds
from exporter.ninedata import DEFAULT_KIND, ID, KINDS, TaskRef
from exporter.reload import Reloader
from exporter.running_config import RunningConfig
from exporter.scraping.snapshot import Snapshot

ARRIVED = web.RequestKey("arrived", float)
"""When a request arrived, by the running loop's clock."""
PARTS = frozenset({"tasks", "discovery", "exporter"})
"""What `collect[]` can name."""


class ScrapeHandlers:
    """Answers scrapes, each before its deadline."""

    def __init__(
        self, reloader: Reloader, timeout_offset: float, external_url: ExternalUrl | None, route_prefix: str
    ) -> None:
        self._reloader = reloader
        self._timeout_offset = timeout_offset
        self._external_url = external_url
        self._route_prefix = route_prefix
        self._renderings: dict[object, asyncio.Task[bytes]] = {}

    async def metrics(self, request: web.Request) -> web.Response:
        """All watched tasks, discovery and the exporter's own metrics, or those of them that `collect[]` names."""
        parts = frozenset(request.query.getall("collect[]", [])) or PARTS
        if not parts <= PARTS:
            raise web.HTTPBadRequest(text=f"The parameter collect[] must be one of {', '.join(sorted(PARTS))}.")
        with self._reloader.lease() as running:
            tasks, discovery = "tasks" in parts, "discovery" in parts
            deadline = self._deadline(request, running, len(running.watch_list.tasks) if tasks else 0)
            snapshot = await running.scrape(deadline, tasks=tasks, discovery=discovery)
            return await self._rendered(request, running, snapshot, own="exporter" in parts)

    async def probe(self, request: web.Request) -> web.Response:
        """One task."""
        with self._reloader.lease() as running:
            task = _probed_task(request, running)
            snapshot = await running.probe(task, self._deadline(request, running, 1))
            return await self._rendered(request, running, snapshot, own=False)

    async def targets(self, request: web.Request) -> web.Response:
        """The watched tasks in the format of Prometheus' http_sd: each is a target, scraped with /probe.

        Scheme and port are those of the job's scrape configuration, unless this server itself speaks TLS: only the
        client knows what it used to reach a proxy.
        """
        host, external_url = request.headers.get("Host", ""), self._external_url
        if not is_host_header(host):
            raise web.HTTPBadRequest(text="The header Host is not an address.")
        prefix = external_url.path if external_url and host.lower() in external_url.hosts else self._route_prefix
        how = {"__metrics_path__": f"{prefix}/probe"} | ({"__scheme__": "https"} if request.secure else {})
        with self._reloader.lease() as running:
            watch_list = running.watch_list
            if unread := watch_list.unread:
                # With an error Prometheus keeps its targets; with an incomplete list it drops those that are missing.
                text = "The list of tasks is not complete yet. Not read so far:\n"
                raise web.HTTPServiceUnavailable(text=text + "".join(f"- {source}\n" for source in unread))
            running.forget_unwatched()  # probes alone would never do it
            groups = []
            for task in watch_list.tasks:
                labels = {**task.labels, "task_id": task.task_id, "task": task.name, "__param_task_id": task.task_id}
                groups.append({"targets": [host], "labels": labels | how})
            return web.json_response(groups)

    def _deadline(self, request: web.Request, running: RunningConfig, tasks: int) -> float:
        """When the queries of a scrape must end, so that the answer leaves in time."""
        timeout = scrape_timeout(request.headers, running.config.scrape_timeout, self._timeout_offset)
        return request[ARRIVED] + timeout - min(rendering_seconds(tasks), timeout / 2)

    async def _rendered(
        self, request: web.Request, running: RunningConfig, snapshot: Snapshot, *, own: bool
    ) -> web.Response:
        """The answer. Scrapes that share a snapshot share its text."""
        form = choose_format(request.headers.get("Accept", ""))
        gzip = gzip_accepted(request.headers.get("Accept-Encoding", ""))
        key = (snapshot, own, form.content_type, gzip)
        rendering = self._renderings.get(key)
        if rendering is None:
            own_metrics = running.own_metrics() if own else None
            reason_bytes = running.config.reason_bytes
            rendering = asyncio.create_task(
                asyncio.to_thread(render, snapshot, own_metrics, form, reason_bytes=reason_bytes, gzip=gzip)
            )
            self._renderings[key] = rendering
            rendering.add_done_callback(lambda _: self._renderings.pop(key))
        headers = {"Content-Type": form.content_type, "Vary": "Accept, Accept-Encoding"}
        headers |= {"Content-Encoding": "gzip"} if gzip else {}
        return web.Response(body=await asyncio.shield(rendering), headers=headers)


def _probed_task(request: web.Request, running: RunningConfig) -> Task:
    """The task to probe. Raises HTTPBadRequest if the parameters do not name one that may be probed."""
    named = {task_id for name in ("task_id", "target") if (task_id := _parameter(request, name)) is not None}
    if len(named) > 1:
        raise web.HTTPBadRequest(text="The parameters task_id and target name different tasks.")
    if not named:
        raise web.HTTPBadRequest(text="The parameter task_id is missing.")
    (task_id,) = named
    precheck_task_id, kind_name = _parameter(request, "precheck_task_id"), _parameter(request, "kind")
    watched = running.watch_list.find(task_id)
    if watched and precheck_task_id in (None, watched.ref.precheck_task_id) and kind_name in (None, watched.ref.kind):
        return watched
    if not running.config.probe_unlisted:
        if not watched and running.watch_list.unread:
            raise web.HTTPServiceUnavailable(text="No such task is known, but the list of tasks is not complete yet.")
        what = "This task is watched as another kind or with another precheck" if watched else "No such task is watched"
        raise web.HTTPBadRequest(text=f"{what}; probe.allow_unlisted in the configuration would allow it.")
    kind = KINDS.get(kind_name or (watched.ref.kind if watched else DEFAULT_KIND))
    if kind is None:
        raise web.HTTPBadRequest(text=f"The parameter kind must be one of {', '.join(KINDS)}.")
    if not kind.has_precheck_id and precheck_task_id is not None:
        raise web.HTTPBadRequest(text=f"A task of kind {kind.name} has no precheck_task_id: leave it out.")
    return Task(TaskRef(kind.name, task_id, precheck_task_id or ""), task_id)


def _parameter(request: web.Request, name: str) -> str | None:
    """A parameter in the form of an id. Raises HTTPBadRequest for any other text: it goes into a request and labels."""
    values = request.query.getall(name, [])
    if len(values) > 1:
        raise web.HTTPBadRequest(text=f"The parameter {name} is given more than once.")
    if values and not ID.fullmatch(values[0]):
        raise web.HTTPBadRequest(text=f"The parameter {name} is empty, too long, or contains a forbidden character.")
    return values[0] if values else None


def prometheus_timeout(headers: Mapping[str, str]) -> float | None:
    """Seconds that Prometheus waits for the answer, at most an hour; None if the request does not say."""
    try:
        seconds = float(headers.get("X-Prometheus-Scrape-Timeout-Seconds", ""))
    except ValueError:
        return None
    return min(seconds, 3600.0) if math.isfinite(seconds) and seconds > 0 else None


def scrape_timeout(headers: Mapping[str, str], default: float, offset: float) -> float:
    """Seconds that a scrape may take: the scraper's timeout or the default, less the offset, which is at most half."""
    seconds = prometheus_timeout(headers) or default
    return seconds - min(offset, seconds / 2)
