"""The whole program but its sockets, from the configuration to the pages, with an API that answers anything."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import httpx

from exporter.config import load
from exporter.current import Current
from exporter.exporter import Exporter, Lasting
from exporter.logs import JsonFormatter, LogfmtFormatter
from exporter.ninedata.replication_list import PATH as LIST
from exporter.web import create_app
from tests.secrecy import ACCESS_KEY_ID, SECRET_KEY

CONFIG = f"""
api:
  base_url: https://api.ninedata.test/prefix
  access_key_id: {ACCESS_KEY_ID}
  secret_key: {SECRET_KEY}
tasks:
  - task_id: cd-1
    precheck_task_id: pcte-1
    name: "100% {{sure}} \\\\ \\"quoted\\" <b>"
    labels: {{team: "a%sb\\\\n"}}
  - {{task_id: cd-2, precheck_task_id: pcte-2, kind: schema_compare}}
  - {{task_id: rp-1, kind: replication, labels: {{env: "é"}}}}
discovery: {{replication: {{enabled: true, labels: {{team: found}}}}}}
probe: {{allow_unlisted: true}}
"""
TEXT, OPENMETRICS = "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0"


@dataclass(frozen=True)
class Answer:
    """What the API answers to one request."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)


class AnyApi(httpx.AsyncBaseTransport):
    """Answers one request after the other with what a test gives it, and begins anew after the last.

    The list of tasks has an answer of its own where one is given.
    """

    def __init__(self, answers: Sequence[Answer] = (), listing: Answer | None = None) -> None:
        self._answers = answers
        self._listing = listing
        self._asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert request.url.host == "api.ninedata.test"
        if self._listing and request.url.path.endswith(LIST):
            answer = self._listing
        else:
            answer = self._answers[self._asked % len(self._answers)]
            self._asked += 1
        headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in answer.headers]
        return httpx.Response(answer.status, headers=headers, stream=httpx.ByteStream(answer.body))


class Log(logging.Handler):
    """Everything that is logged, in both forms, each record on what must be a line."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.lines += [formatter.format(record) for formatter in (LogfmtFormatter(), JsonFormatter())]


class Rig:
    """Asks the program for its pages, and is the runtime that it is served by."""

    def __init__(self, runner: asyncio.Runner, folder: Path) -> None:
        self._runner = runner
        self._api = AnyApi()
        (folder / "config.yaml").write_text(CONFIG)
        self._config = load(folder / "config.yaml", {})
        self._app = create_app(self)
        self.log = Log()

    def lease(self) -> AbstractContextManager[Exporter]:
        """The exporter that is at work."""
        return self._current.lease()

    @property
    def faults(self) -> tuple[str, ...]:
        return self._current.faults

    async def reload(self) -> tuple[str, ...]:
        return ()

    def given(self, answers: Sequence[Answer], listing: Answer | None = None) -> None:
        """Start anew, with an API that answers so; nothing is known, and nothing logged."""
        self._api = AnyApi(answers, listing)
        self.log.lines.clear()
        self.log.records.clear()

        async def start() -> None:
            with mock.patch("exporter.exporter.open_transport", return_value=self._api):
                self._current = Current(self._config, Lasting(), lambda: self._config)

        self._runner.run(start())

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """A page, or the metrics; an error in the program is one of the test."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://exporter.test") as client:
                return await client.get(path, headers=dict(headers or {}))

        return self._runner.run(ask())


@contextmanager
def rigged(folder: Path) -> Iterator[Rig]:
    """A rig whose log is heard as long as the context lasts."""
    with asyncio.Runner() as runner:
        rig = Rig(runner, folder)
        root = logging.getLogger()
        level = root.level
        root.addHandler(rig.log)
        logging.getLogger("exporter").setLevel(logging.DEBUG)
        try:
            yield rig
        finally:
            root.removeHandler(rig.log)
            root.setLevel(level)
            logging.getLogger("exporter").setLevel(logging.NOTSET)
