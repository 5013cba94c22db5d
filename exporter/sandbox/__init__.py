"""An embedded sandbox of the NineData API: real HTTP on loopback, scripted prechecks, misbehaviour on demand.

The exporter's demo, its tests and its benchmark talk to it; so can any other client.
"""

from exporter.sandbox.catalogue import ACCESS_KEY_ID, SECRET_KEY, demo_tasks, fleet
from exporter.sandbox.server import Running, Sandbox
from exporter.sandbox.tasks import Task
from exporter.sandbox.threaded import Handle, run_in_thread

__all__ = [
    "ACCESS_KEY_ID",
    "SECRET_KEY",
    "Handle",
    "Running",
    "Sandbox",
    "Task",
    "demo_tasks",
    "fleet",
    "run_in_thread",
]
