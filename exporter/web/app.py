"""The ASGI application."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exporter.exporter import Exporter
from exporter.web.pages import Pages
from exporter.web.rendering import Rendering

MAX_TIMEOUT_SECONDS = 3600.0

_T = TypeVar("_T")


def create_app(
    current: Callable[[], Exporter], *, telemetry_path: str = "/metrics", timeout_offset: float = 0.5
) -> Starlette:
    """The application. `current` gives the exporter to answer with, asked once per request."""
    rendering = Rendering()

    async def metrics(request: Request) -> Response:
        exporter = current()
        timeout = scrape_timeout(
            request.headers.get("x-prometheus-scrape-timeout-seconds"),
            default=exporter.config.scrape_timeout,
            offset=timeout_offset,
        )
        tasks = len(exporter.config.tasks)
        deadline = asyncio.get_running_loop().time() + timeout - rendering.reserve(tasks, timeout)
        found = await _unless_gone(request, exporter.scrape(deadline))
        if found is None:
            return Response(status_code=499)
        exposition = await rendering.render(
            (found, exporter.process),
            tasks,
            request.headers.get("accept", ""),
            request.headers.get("accept-encoding", ""),
        )
        return Response(exposition.body, headers=exposition.headers)

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("ninedata-exporter is healthy.\n")

    async def ready(_: Request) -> Response:
        return PlainTextResponse("ninedata-exporter is ready.\n")

    async def not_yet(request: Request) -> Response:
        return PlainTextResponse(f"{request.url.path} is not supported by this version of the exporter.\n", 501)

    async def reload(_: Request) -> Response:
        return PlainTextResponse("Reloading is not supported by this version of the exporter.\n", 403)

    pages = Pages(current, telemetry_path)
    return Starlette(
        routes=[
            Route(telemetry_path, metrics),
            Route("/", pages.overview),
            Route("/tasks/{task_id}", pages.task),
            Route("/-/healthy", healthy),
            Route("/-/ready", ready),
            Route("/-/reload", reload, methods=["POST", "PUT"]),
            Route("/probe", not_yet),
            Route("/sd", not_yet),
        ],
        exception_handlers={404: pages.not_found},
    )


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


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
