"""The doctor: examines everything from the configuration to the last task, and says what to do about each fault."""

from exporter.doctor.command import run_doctor

__all__ = ["run_doctor"]
