"""A target that shows what an exporter would, without tasks of its own: a test sets them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STATUSES = ("Unstarted", "Running", "Success", "Warning", "Failed", "Unknown")


@dataclass
class FakeExporter:
    """Of each task, by its name and environment, the items of its precheck that failed with their reasons."""

    tasks: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    is_down: bool = False
    port: int = 0

    @property
    def text(self) -> str:
        lines = [
            'ninedata_exporter_build_info{version="1"} 1',
            f'ninedata_exporter_watched_tasks{{kind="data_compare"}} {len(self.tasks)}',
        ]
        for (task, env), failed in self.tasks.items():
            labels = f'task="{task}",task_id="cd-{task}",env="{env}"'
            now = "Failed" if failed else "Success"
            lines += [
                f'ninedata_precheck_info{{{labels},kind="data_compare",precheck_task_id="pcte-{task}"}} 1',
                f"ninedata_precheck_up{{{labels}}} 1",
                *(f'ninedata_precheck_status{{{labels},status="{word}"}} {word == now:d}' for word in STATUSES),
            ]
            for item, reason in failed.items():
                text = f'item_name="Name of {item}",reason="{reason}"'
                lines += [
                    f'ninedata_precheck_item_status{{{labels},item="{item}",status="Failed"}} 1',
                    f'ninedata_precheck_item_failure_info{{{labels},item="{item}",{text}}} 1',
                ]
        return "".join(f"{line}\n" for line in lines)


@contextmanager
def serving() -> Iterator[FakeExporter]:
    exporter = FakeExporter()

    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503 if exporter.is_down else 200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(exporter.text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Metrics) as server:
        exporter.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield exporter
        finally:
            server.shutdown()
            thread.join()
