"""The doctor: examines everything between the configuration and the last task, and says what to do."""

from exporter.doctor.command import run_doctor
from exporter.doctor.report import FORMATS

__all__ = ["FORMATS", "run_doctor"]
