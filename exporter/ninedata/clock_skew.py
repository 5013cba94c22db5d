"""How far this machine's clock is from the server's, as the Date header of an answer shows it."""

from datetime import datetime

from exporter.ninedata.answers import date_of
from exporter.ninedata.failures import QueryError, Reason

MAX_CLOCK_SKEW_SECONDS = 600.0
"""The API rejects a timestamp that is further than this from its own clock (documented)."""


def clock_skew(date: str, sent_at: datetime, received_at: datetime) -> float | None:
    """Seconds by which the server's clock is ahead of ours, to within half a second and the request's duration."""
    server = date_of(date)
    if server is None:
        return None
    # The header has whole seconds, cut off: half a second is missing on average.
    return (server - sent_at - (received_at - sent_at) / 2).total_seconds() + 0.5


def clock_error(skew: float, error: QueryError) -> QueryError:
    """The failure of a query that was refused because of the clock."""
    direction = "behind" if skew > 0 else "ahead of"
    message = (
        f"this machine's clock is {abs(skew) / 60:.0f} minutes {direction} the API's, which rejects timestamps more "
        f"than 10 minutes off: set the clock, for example with NTP ({error.message})"
    )
    return QueryError(Reason.AUTH, message, request_id=error.request_id)
