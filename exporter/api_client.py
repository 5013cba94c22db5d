"""The client of the API that a configuration describes."""

import httpx

from exporter import __version__
from exporter.config.settings import Api
from exporter.ninedata.client import ApiObserver, NineDataClient
from exporter.ninedata.transport import Transport


def open_client(api: Api, observer: ApiObserver, program: str) -> tuple[NineDataClient, httpx.AsyncBaseTransport]:
    """A client, and its connections, which the caller closes. `program` is what the API sees as its user agent."""
    proxy = httpx.Proxy(api.proxy_url.reveal()) if api.proxy_url else None
    transport = Transport(api.tls.context, proxy, api.tls.server_name)
    client = NineDataClient(
        base_url=api.base_url,
        user_agent=f"{program}/{__version__}",
        access_key_id=api.access_key_id,
        secret_key=api.secret_key,
        transport=transport,
        observer=observer,
        request_timeout=api.request_timeout,
        concurrency=api.concurrency,
        rate_limit=api.rate_limit,
    )
    return client, transport
