"""A sandbox of the NineData API: real HTTP on loopback, scripted prechecks, failures on demand.

Serves `--demo`, and everybody who wants to rehearse an alert; see docs/rehearsal.md.
"""

from exporter.sandbox.catalogue import SandboxTask, fleet
from exporter.sandbox.demonstration import DEMO_TASKS
from exporter.sandbox.injected_faults import InjectedFault
from exporter.sandbox.sandbox import ACCESS_KEY_ID, SECRET_KEY, Sandbox

__all__ = ["ACCESS_KEY_ID", "DEMO_TASKS", "SECRET_KEY", "InjectedFault", "Sandbox", "SandboxTask", "fleet"]
