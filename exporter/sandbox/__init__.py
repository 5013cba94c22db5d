"""A sandbox of the NineData API: real HTTP on loopback, scripted prechecks, failures on demand.

Serves `--demo`, and everybody who wants to rehearse an alert; see docs/rehearsal.md.
"""

from exporter.sandbox.catalogue import ACCESS_KEY_ID, SECRET_KEY, SandboxTask, demo_tasks, fleet
from exporter.sandbox.injected_faults import InjectedFault
from exporter.sandbox.sandbox import Sandbox

__all__ = ["ACCESS_KEY_ID", "SECRET_KEY", "InjectedFault", "Sandbox", "SandboxTask", "demo_tasks", "fleet"]
