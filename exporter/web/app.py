"""The ASGI application: which path is answered by what."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exporter.web.headers import WithHeaders, broken
from exporter.web.pages import Pages
from exporter.web.scraping import Runtime, Scraping


def create_app(
    runtime: Runtime, *, telemetry_path: str = "/metrics", timeout_offset: float = 0.5, lifecycle: bool = False
) -> Starlette:
    """The application. With `lifecycle`, whoever reaches it may have the configuration reloaded."""

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("ninedata-exporter is healthy.\n")

    async def ready(_: Request) -> Response:
        return PlainTextResponse("ninedata-exporter is ready.\n")

    async def reload(_: Request) -> Response:
        if not lifecycle:
            return PlainTextResponse("Reloading is off; --web.enable-lifecycle turns it on.\n", 403)
        if faults := await runtime.reload():
            listed = "".join(f"{fault}\n" for fault in faults)
            return PlainTextResponse(f"The configuration has faults; the one before it stays in force.\n{listed}", 500)
        return PlainTextResponse("The configuration was reloaded.\n")

    pages, scraping = Pages(runtime, telemetry_path), Scraping(runtime, timeout_offset)
    return Starlette(
        routes=[
            Route(telemetry_path, scraping.metrics),
            Route("/probe", scraping.probe),
            Route("/sd", scraping.targets),
            Route("/", pages.overview),
            Route("/tasks/{task_id}", pages.task),
            Route("/-/healthy", healthy),
            Route("/-/ready", ready),
            Route("/-/reload", reload, methods=["POST", "PUT"]),
        ],
        middleware=[Middleware(WithHeaders)],
        exception_handlers={404: pages.not_found, Exception: broken},
    )
