"""TLS of the exporter's own server, which tells clients that speak plain HTTP what is wrong."""

import ssl

_TEXT = b"Client sent an HTTP request to an HTTPS server.\n"
_ANSWER = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_TEXT), _TEXT)
)


class _ServerObject(ssl.SSLObject):
    outgoing: ssl.MemoryBIO | None = None

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except ssl.SSLError as error:
            if error.reason != "HTTP_REQUEST" or self.outgoing is None:
                raise
            self.outgoing.write(_ANSWER)
            self.outgoing = None
            # What is in `outgoing` is sent when the handshake needs more from the client. What comes next fails it.
            raise ssl.SSLWantReadError from None


class ServerContext(ssl.SSLContext):
    """A context for servers. A request in plain HTTP is answered in plain HTTP with status 400."""

    sslobject_class = _ServerObject

    def wrap_bio(
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *arguments: object, **named: object
    ) -> ssl.SSLObject:
        """As in the base class."""
        wrapped = super().wrap_bio(incoming, outgoing, *arguments, **named)  # type: ignore[arg-type]  # passed on
        if isinstance(wrapped, _ServerObject):
            wrapped.outgoing = outgoing
        return wrapped
