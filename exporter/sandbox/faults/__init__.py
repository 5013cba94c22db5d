"""The sandbox's misbehaviour, as typed data."""

from exporter.sandbox.faults.answers import (
    ApiError,
    Body,
    Delay,
    GzipBomb,
    HttpStatus,
    HugeHeaders,
    Patch,
    PatchEnvelope,
    RateLimited,
    Redirect,
)
from exporter.sandbox.faults.board import Board
from exporter.sandbox.faults.fault import Fault, FaultError
from exporter.sandbox.faults.form import read_fault
from exporter.sandbox.faults.lists import Drifting, EmptyPage, EndlessList, PageSize, Repeated, StuckPage
from exporter.sandbox.faults.wire import CloseAfter, CutOff, Drip, Drop, Endless, Garbage, Hang, Huge, Reset

__all__ = [
    "ApiError",
    "Board",
    "Body",
    "CloseAfter",
    "CutOff",
    "Delay",
    "Drifting",
    "Drip",
    "Drop",
    "EmptyPage",
    "Endless",
    "EndlessList",
    "Fault",
    "FaultError",
    "Garbage",
    "GzipBomb",
    "Hang",
    "HttpStatus",
    "Huge",
    "HugeHeaders",
    "PageSize",
    "Patch",
    "PatchEnvelope",
    "RateLimited",
    "Redirect",
    "Repeated",
    "Reset",
    "StuckPage",
    "read_fault",
]
