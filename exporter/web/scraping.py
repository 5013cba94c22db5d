"""The answers to Prometheus: /metrics and /probe, which query the API, and /sd, which does not."""

import asyncio
import math
import re
from collections.abc import Awaitable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from prometheus_client.registry import Collector
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from exporter.config import Task
from exporter.exporter import Exporter
from exporter.metrics import SnapshotCollector
from exporter.ninedata import DEFAULT_KIND, ID, KINDS, TaskRef
from exporter.web.rendering import Rendering

MAX_TIMEOUT_SECONDS = 3600.0
PARTS = frozenset({"tasks", "discovery", "exporter"})
"""What /metrics can be limited to with `collect[]`."""

_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}))(:\d{1,5})?", re.ASCII)
_T = TypeVar("_T")


class Runtime(Protocol):
    """The exporter at work."""

    def lease(self) -> AbstractContextManager[Exporter]:
        """The exporter to answer a request with, kept open for so long."""
        ...

    @property
    def faults(self) -> tuple[str, ...]:
        """Why the configuration that was tried last is not in force; empty where it is."""
        ...

    async def reload(self) -> tuple[str, ...]:
        """Put the configuration as it is now into force; what is wrong with it, or nothing."""
        ...


@dataclass(frozen=True, slots=True)
class _Time:
    """What a scrape may take, from when it came."""

    seconds: float
    ends: float
    """When it is over, by the running loop's clock."""


class Scraping:
    """Answers to scrapes, each within the time that the scraper gives."""

    def __init__(self, runtime: Runtime, timeout_offset: float) -> None:
        self._runtime = runtime
        self._timeout_offset = timeout_offset
        # Apart: how long an answer with one task takes tells nothing of one with thousands.
        self._rendering, self._rendering_of_one = Rendering(), Rendering()

    async def metrics(self, request: Request) -> Response:
        """Every watched task, queried now, and the exporter's own metrics; of these, what `collect[]` names."""
        parts = frozenset(request.query_params.getlist("collect[]")) or PARTS
        if not parts <= PARTS:
            raise HTTPException(400, f"The parameter collect[] must be one of {', '.join(sorted(PARTS))}.")
        with self._runtime.lease() as exporter:
            time = self._time_of(request, exporter)
            await exporter.refresh(time.seconds / 2)
            tasks = "tasks" in parts
            reserved = self._rendering.reserve(len(exporter.watch.tasks) if tasks else 0, time.seconds)
            asked = exporter.scrape(time.ends - reserved, tasks=tasks, discovery="discovery" in parts)
            # Before the scrape: after it, a reload may have had other tasks watched.
            exporter.forget_unwatched()
            found = await _unless_gone(request, asked)
            own = (exporter.own_metrics(),) if "exporter" in parts else ()
            return await _answer(request, found, own, self._rendering)

    async def probe(self, request: Request) -> Response:
        """One task, queried now."""
        with self._runtime.lease() as exporter:
            time = self._time_of(request, exporter)
            await exporter.refresh(time.seconds / 2)
            task = _probed(request, exporter)
            deadline = time.ends - self._rendering_of_one.reserve(1, time.seconds)
            found = await _unless_gone(request, exporter.probe(task, deadline))
            return await _answer(request, found, (), self._rendering_of_one)

    async def targets(self, request: Request) -> Response:
        """The watched tasks as Prometheus' http_sd wants them: each a target of its own, to be scraped with /probe."""
        scheme, host = _address_of(request)
        with self._runtime.lease() as exporter:
            await exporter.refresh()
            if exporter.watch.discovers and exporter.watch.last_discovered is None:
                # Prometheus keeps the targets that it has where there is no list, and drops what a short one lacks.
                raise HTTPException(503, "No task has been discovered yet: scrape /metrics, with collect[]=discovery.")
            exporter.forget_unwatched()
            groups = [_group(task, host, scheme) for task in exporter.watch.tasks]
        return JSONResponse(groups, headers={"cache-control": "no-store"})

    def _time_of(self, request: Request, exporter: Exporter) -> _Time:
        seconds = scrape_timeout(
            request.headers.get("x-prometheus-scrape-timeout-seconds"),
            default=exporter.config.scrape_timeout,
            offset=self._timeout_offset,
        )
        return _Time(seconds, asyncio.get_running_loop().time() + seconds)


async def _answer(
    request: Request, found: SnapshotCollector | None, own: tuple[Collector, ...], rendering: Rendering
) -> Response:
    if found is None:
        return Response(status_code=499)
    exposition = await rendering.render(
        (found, *own),
        found.tasks,
        request.headers.get("accept", ""),
        request.headers.get("accept-encoding", ""),
    )
    return Response(exposition.body, headers=exposition.headers)


def _probed(request: Request, exporter: Exporter) -> Task:
    """The task that a request asks for. Raises HTTPException 400 for one that may not be, or cannot be, probed."""
    task_id = _parameter(request, "task_id")
    if task_id is None:
        raise HTTPException(400, "The parameter task_id is missing.")
    precheck_task_id, kind_name = _parameter(request, "precheck_task_id"), _parameter(request, "kind")
    listed = exporter.watch.find(task_id)
    if listed and precheck_task_id in (None, listed.ref.precheck_task_id) and kind_name in (None, listed.ref.kind):
        return listed
    if not exporter.config.probe_unlisted:
        what = "This task is watched as another kind or with another precheck" if listed else "No such task is watched"
        raise HTTPException(400, f"{what}; probe.allow_unlisted in the configuration would allow it.")
    kind = KINDS.get(kind_name or (listed.ref.kind if listed else DEFAULT_KIND))
    if kind is None:
        raise HTTPException(400, f"The parameter kind must be one of {', '.join(KINDS)}.")
    if kind.has_precheck_id and precheck_task_id is None:
        raise HTTPException(400, f"The parameter precheck_task_id is missing: a task of kind {kind.name} needs it.")
    if not kind.has_precheck_id and precheck_task_id is not None:
        raise HTTPException(400, f"A task of kind {kind.name} has no precheck_task_id: leave it out.")
    return Task(TaskRef(kind.name, task_id, precheck_task_id or ""), task_id)


def _parameter(request: Request, name: str) -> str | None:
    """A parameter that may be given once, in the form of an id, for it goes into a request and into labels."""
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise HTTPException(400, f"The parameter {name} is given more than once.")
    if values and not ID.fullmatch(values[0]):
        raise HTTPException(400, f"The parameter {name} is empty, too long, or has characters that it cannot have.")
    return values[0] if values else None


def _group(task: Task, host: str, scheme: str) -> dict[str, object]:
    labels = {
        **task.labels,
        "task_id": task.task_id,
        "task": task.name,
        "__scheme__": scheme,
        "__metrics_path__": "/probe",
        "__param_task_id": task.task_id,
    }
    return {"targets": [host], "labels": labels}


def _address_of(request: Request) -> tuple[str, str]:
    """Scheme, host and port under which the exporter was asked, which is where it can be probed."""
    scheme = "https" if request.url.scheme == "https" else "http"
    host = request.headers.get("host", "")
    match = _HOST.fullmatch(host)
    if match is None:
        raise HTTPException(400, "The header Host is not an address.")
    port = "" if match[1] else (":443" if scheme == "https" else ":80")
    return scheme, host + port


def scrape_timeout(header: str | None, *, default: float, offset: float) -> float:
    """Seconds that a scrape may take: the scraper's own limit, or the default, less the offset.

    The offset leaves the time to render and send the answer. It takes at most half of a short limit. A header that
    is no positive number counts as none.
    """
    try:
        limit = float(header) if header is not None else default
    except ValueError:
        limit = default
    if not math.isfinite(limit) or limit <= 0:
        limit = default
    limit = min(limit, MAX_TIMEOUT_SECONDS)
    return limit - min(offset, limit / 2)


async def _unless_gone(request: Request, work: Awaitable[_T]) -> _T | None:
    """The work's result, or None, the work cancelled, when the other side goes away before."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnect(request))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        return await task if task.done() else None
    finally:
        task.cancel()
        gone.cancel()
        # What they hold is in use until they have ended.
        await asyncio.gather(task, gone, return_exceptions=True)


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
