"""Secrets that an answer repeats, taken out of it before anything else reads it."""

import json

from exporter.credentials import Secret

_MASK = b"***"
_spell = json.JSONEncoder(ensure_ascii=False).encode
_MIN_HIDDEN_LENGTH = 6
"""A shorter text is found in answers by chance."""


def without(body: bytes, *secrets: Secret) -> bytes:
    """The body of an answer, in UTF-8, with the secrets masked, however its JSON spells them."""
    body = _in_utf8(body)
    if b"\\" in body:
        body = _plainly_spelled(body)
    for secret in secrets:
        plain = secret.reveal()
        if len(plain) >= _MIN_HIDDEN_LENGTH:
            spelled = _spell(plain)[1:-1]
            body = body.replace(spelled.encode(), _MASK)
            if spelled != plain:
                body = body.replace(plain.encode(), _MASK)
    return body


def text_without(text: str, *secrets: Secret) -> str:
    """A text that is no JSON, with the secrets masked; before it is cut or folded, or they are no longer found."""
    for secret in secrets:
        if len(secret.reveal()) >= _MIN_HIDDEN_LENGTH:
            text = text.replace(secret.reveal(), _MASK.decode())
    return text


def _in_utf8(body: bytes) -> bytes:
    """The same text; JSON may come in UTF-16 and UTF-32 as well."""
    encoding = json.detect_encoding(body)
    try:
        return body if encoding == "utf-8" else body.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return body


def _plainly_spelled(body: bytes) -> bytes:
    """The same JSON with no character escaped that need not be; a body that is no JSON as it is."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        return body
