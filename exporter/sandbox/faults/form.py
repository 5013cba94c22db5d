"""The JSON form of faults: an object with its `kind` and its fields.

`{"kind": "http_status", "status": 503, "body": "html", "times": 2}`. Bytes are given as text, `content`, or in
base64, `content_base64`.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import MISSING, fields

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
from exporter.sandbox.faults.fault import Fault, FaultError
from exporter.sandbox.faults.lists import Drifting, EmptyPage, EndlessList, PageSize, Repeated, StuckPage
from exporter.sandbox.faults.wire import CloseAfter, CutOff, Drip, Drop, Endless, Garbage, Hang, Huge, Reset

KINDS: tuple[type[Fault], ...] = (
    ApiError,
    Body,
    CloseAfter,
    CutOff,
    Delay,
    Drifting,
    Drip,
    Drop,
    EmptyPage,
    Endless,
    EndlessList,
    Garbage,
    GzipBomb,
    Hang,
    HttpStatus,
    Huge,
    HugeHeaders,
    PageSize,
    Patch,
    PatchEnvelope,
    RateLimited,
    Redirect,
    Repeated,
    Reset,
    StuckPage,
)  # fmt: skip - a list to be read at a glance


def read_fault(value: object) -> Fault:
    """A fault from its JSON form.

    Raises:
        FaultError: says what is wrong with it.
    """
    if not isinstance(value, dict):
        raise FaultError("a fault must be an object")
    name = value.get("kind")
    kind = next((kind for kind in KINDS if kind.kind == name), None)
    if kind is None:
        raise FaultError(f"kind must be one of {', '.join(sorted(kind.kind for kind in KINDS))}")
    return _made(kind, {key: held for key, held in value.items() if key != "kind"})


def _made(kind: type[Fault], given: dict[str, object]) -> Fault:
    needed = {each.name: each.default is MISSING and each.default_factory is MISSING for each in fields(kind)}
    if "content" in needed:
        given = _with_bytes(given, kind.kind)
    omitted = given.get("omit")
    if isinstance(omitted, list):
        given["omit"] = tuple(omitted)
    if unknown := given.keys() - needed:
        raise FaultError(f"{kind.kind}: unknown field {', '.join(sorted(unknown))}")
    if missing := [name for name, must in needed.items() if must and name not in given]:
        raise FaultError(f"{kind.kind}: {', '.join(missing)} is missing")
    return kind(**given)  # type: ignore[arg-type] # the constructor checks each value


def _with_bytes(given: Mapping[str, object], kind: str) -> dict[str, object]:
    """`content` as bytes, from text or from base64."""
    read = dict(given)
    text, packed = read.pop("content", None), read.pop("content_base64", None)
    if isinstance(text, str) and packed is None:
        return {**read, "content": text.encode()}
    if isinstance(packed, str) and text is None:
        try:
            return {**read, "content": base64.b64decode(packed, validate=True)}
        except (binascii.Error, ValueError):
            raise FaultError(f"{kind}: content_base64 is no base64") from None
    if text is None and packed is None:
        return read
    raise FaultError(f"{kind}: either content or content_base64 must be given, as text")
