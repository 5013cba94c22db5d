"""The sandbox's misbehaviour, as typed data."""

from exporter.sandbox.faults.answers import (
    ApiError,
    Body,
    Delay,
    GzipBomb,
    HttpStatus,
    HugeHeaders,
    Patch,
    RateLimited,
    Redirect,
)
from exporter.sandbox.faults.board import Board
from exporter.sandbox.faults.fault import Fault, FaultError
from exporter.sandbox.faults.form import read_fault
from exporter.sandbox.faults.wire import CloseAfter, CutOff, Drip, Drop, Endless, Garbage, Hang, Huge, Reset

__all__ = [
    "ApiError",
    "Board",
    "Body",
    "CloseAfter",
    "CutOff",
    "Delay",
    "Drip",
    "Drop",
    "Endless",
    "Fault",
    "FaultError",
    "Garbage",
    "GzipBomb",
    "Hang",
    "HttpStatus",
    "Huge",
    "HugeHeaders",
    "Patch",
    "RateLimited",
    "Redirect",
    "Reset",
    "read_fault",
]
