"""Callers: who asks, for which memory, and whose key goes upstream.

A client of OpenAI's has one key to send, in `Authorization`. Where this server has keys, it is one
of them, and the upstream's key is the server's own; `Mnemon-Key` brings both. Where there are no
keys, `Authorization` is the upstream's, if the server has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials

from mnemon.errors import AccessDenied, NotFound
from mnemon.memory import Memory
from mnemon.server import access
from mnemon.server.access import Grant
from mnemon.server.keys import PREFIX
from mnemon.server.proxy.sessions import Sessions
from mnemon.server.proxy.upstream import Upstream
from mnemon.server.proxy.wishes import Wishes, check_known


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `authorization` is his own for the upstream, None sends the server's."""

    grant: Grant
    wishes: Wishes
    upstream: Upstream
    sessions: Sessions
    authorization: str | None

    def memory(self) -> tuple[Memory, str, str]:
        """(memory, namespace, what it does: "on", "read", "write" or "off").

        Raises:
            AccessDenied: the key lacks a verb that was asked for, or does not reach the namespace.
        """
        mode = self.wishes.mnemon_memory or self._usual()
        memory, scope = self.grant.on(_VERBS[mode][0], self.wishes.mnemon_namespace)
        for verb in _VERBS[mode][1:]:
            self.grant.open(verb)
        return memory, scope, mode

    def check(self) -> None:
        """Raise AccessDenied for a key that may neither read nor write: no memory, no upstream."""
        self._usual()

    def _usual(self) -> str:
        key = self.grant.key
        may = {"read", "write"} if key is None else {"read", "write"}.intersection(key.verbs)
        if not may:
            if self.grant.by_token:
                self.grant.act.lacks = "read"
            raise AccessDenied("the key may neither read nor write: use one that may")
        return "on" if len(may) == 2 else may.pop()


_VERBS = {"on": ("read", "write"), "read": ("read",), "write": ("write",)}


async def _called(
    request: Request,
    wishes: Annotated[Wishes, Header()],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(access.bearer)],
) -> Caller:
    check_known(request.headers)
    own = None if bearer is None else bearer.credentials
    service: access.Service = request.app.state.service
    told = wishes.mnemon_key or own
    grant = await access.admitted(service, request.scope, told, wishes.mnemon_actor)
    upstream: Upstream | None = request.app.state.upstream
    if upstream is None:
        raise NotFound(
            "this server passes no chats on: serve with --upstream and an address such as "
            "https://api.openai.com/v1"
        )
    keyed = grant.key is not None
    if own is not None and service.oauth is not None and service.oauth.issued(own):
        own = None  # nor is a token that is meant for us
    theirs = _for_upstream(own, wishes, upstream, keyed)
    return Caller(grant, wishes, upstream, request.app.state.chats, theirs)


def _for_upstream(own: str | None, wishes: Wishes, upstream: Upstream, keyed: bool) -> str | None:
    if own is None or own.startswith(PREFIX):  # a key of ours is never sent on
        return None
    if wishes.mnemon_key is None and (keyed or upstream.has_key):
        return None
    return f"Bearer {own}"


Called = Annotated[Caller, Depends(_called)]
