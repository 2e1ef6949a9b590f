"""A request's headers by their names, for those who look at one or two of them; and the requests
that ask for nothing but an answer's headers."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Heads:
    """The headers of one request; of those of one name the first counts."""

    __slots__ = ("_told",)

    def __init__(self, scope: Scope) -> None:
        self._told: dict[bytes, bytes] = dict(reversed(scope["headers"]))

    @classmethod
    def of(cls, scope: Scope) -> Heads:
        """Read once for a request."""
        found: Heads | None = scope.get("mnemon.heads")
        if found is None:
            found = scope["mnemon.heads"] = cls(scope)
        return found

    def get(self, name: bytes) -> str | None:
        """The value of a header, its name in lower case; None when it is not there."""
        told = self._told.get(name)
        return None if told is None else told.decode("latin-1")


async def asked(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer HEAD as GET would be, without the body: probes and proxies ask so."""
    inner = {**scope, "method": "GET"}

    async def bare(message: Message) -> None:
        await send({**message, "body": b""} if "body" in message else message)

    try:
        await app(inner, receive, bare)
    finally:
        scope.update(inner, method="HEAD")  # what the log and the metrics are told on the way
