"""What a person can do about a failure, where it depends on what was asked."""

from exporter.ninedata.failures import ADVICE, Reason
from exporter.ninedata.kinds import KINDS
from exporter.ninedata.replication_list import NAME as LIST_NAME
from exporter.ninedata.replication_list import PATH as LIST_PATH

REQUEST_KINDS = (*KINDS, LIST_NAME)
"""All that is asked of the API, by the name under which it stands in the books."""


def advice_on(reason: Reason, kind: str) -> str:
    """What to do about a failed query of a kind, in sentences."""
    if reason is Reason.NOT_FOUND and kind in KINDS and not KINDS[kind].has_precheck_id:
        return "See whether task_id is right and visible to this key."
    if kind == LIST_NAME and reason in _ON_LIST:
        return _ON_LIST[reason]
    if reason is not Reason.UNSUPPORTED:
        return ADVICE[reason]
    title, path = _PART[kind]
    return (
        f"The server does not answer at {path}, which {title} need. See whether api.base_url points at the NineData "
        "console itself. If it does and other kinds of task are answered, the server is too old: NineData's "
        "documentation does not say which release brought this part of the OpenAPI, so upgrade to the latest one or "
        "ask NineData's support for a release that has it."
    )


_PART = {kind.name: (f"prechecks of {kind.title}", kind.path) for kind in KINDS.values()}
_PART[LIST_NAME] = ("lists of replication tasks", LIST_PATH)

_ON_LIST = {
    Reason.AUTH: "See whether the access key id and the secret key belong together, are active, and may list "
    "replication tasks, and whether this machine's clock is right.",
    Reason.NOT_FOUND: "See whether the account of this key may list replication tasks.",
    Reason.TOO_LARGE: "Have fewer tasks listed: name a single status in discovery.replication.statuses, which is then "
    "asked for, or use the key of an account that sees fewer.",
}
