"""The envelope that all answers of the API are in.

Its form is documented, as are the messages that the families give. Error codes and all other messages are invented.
"""

import secrets

from exporter.sandbox.messages import Answer, json_answer


def new_request_id() -> str:
    """32 random characters, as in the documented examples."""
    return secrets.token_urlsafe(24)


def success(**fields: object) -> Answer:
    """A success with these fields, such as `data`, beside the request's id."""
    return json_answer({"success": True, "requestId": new_request_id(), **fields})


def rendered(data: bytes, request_id: str | None = None) -> Answer:
    """A success whose `data` are JSON already."""
    told = (request_id or new_request_id()).encode()
    return Answer(b'{"success": true, "requestId": "%b", "data": %b}' % (told, data))


def failure(error_code: str, message: str, status: int = 200) -> Answer:
    """A failure, by default under the HTTP status of a success."""
    return json_answer(error_envelope(error_code, message), status)


def missing(parameter: str) -> Answer:
    """The failure of a request that lacks a parameter."""
    return failure("PARAMETER_MISSING", f"parameter {parameter} is missing", 400)


def error_envelope(error_code: str | None, message: str | None) -> dict[str, object]:
    """The API's failure; what is None is left out."""
    fields = {"errorCode": error_code, "message": message}
    given = {key: value for key, value in fields.items() if value is not None}
    return {"success": False, **given, "requestId": new_request_id()}
