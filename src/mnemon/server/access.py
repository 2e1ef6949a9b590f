"""Access: a request's key → the memory and namespace it may use. Every route asks here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param
from starlette.types import Scope

from mnemon import namespace as paths
from mnemon.cube import Span
from mnemon.errors import AccessDenied, InvalidInput, KeyRefused
from mnemon.memory import Memory
from mnemon.server.asking import Asking
from mnemon.server.audit.act import Act
from mnemon.server.homes.home import Home
from mnemon.server.keys import Key
from mnemon.server.oauth import Tokens, tokens
from mnemon.server.oauth.rules import told as as_scopes
from mnemon.server.rates import Declared, Taken
from mnemon.server.settings import Settings


@dataclass(frozen=True, slots=True)
class Service:
    """What all requests share."""

    memory: Memory
    home: Home
    settings: Settings
    asking: Asking
    declared: Declared
    oauth: Tokens | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What one request may do; without a key (on this machine only) everything. `by_token` is
    whether its key stands for an access token that came with it."""

    memory: Memory
    key: Key | None
    taken: Taken
    act: Act = field(default_factory=Act)
    by_token: bool = False

    def open(self, verb: str) -> Memory:
        """The memory, for what names no namespace; the route keeps to what `reaches` says.

        Raises:
            AccessDenied: the key lacks the verb.
        """
        self.act.needs = verb
        if self.key is not None and verb not in self.key.verbs:
            may = f"may {', '.join(self.key.verbs)}, and this needs {verb!r}"
            if self.by_token:
                self.act.lacks = verb
                wanted = f"ask for the scope {as_scopes([verb])}"
                raise AccessDenied(f"the access token {may}: {wanted}")
            raise AccessDenied(f"the key {self.key.name!r} {may}: use a key that has it")
        return self.memory

    def on(self, verb: str, namespace: str | None) -> tuple[Memory, str]:
        """The memory, and the namespace that was asked for or the key's only one. Where rates are
        in a database it asks that: call it on a thread.

        Raises:
            AccessDenied: the key lacks the verb or does not reach the namespace.
            InvalidInput: none was named, and the key reaches several.
            RateLimited: in that namespace more is asked than may be.
        """
        self.act.needs = verb
        scope = self._default() if namespace is None else paths.check(namespace)
        self.act.namespace = scope
        memory = self.open(verb)
        self._check_reach(scope)
        self.taken.within(scope)
        return memory, scope

    def place(self, namespace: str | None) -> str:
        """The namespace that was asked for or the key's only one, for calls that come later.

        Raises:
            AccessDenied: the key does not reach it.
            InvalidInput: none was named, and the key reaches several.
        """
        scope = self._default() if namespace is None else paths.check(namespace)
        self._check_reach(scope)
        return scope

    def _check_reach(self, scope: str) -> None:
        if self.key is not None and not self.reaches(scope):
            raise AccessDenied(
                f"the key {self.key.name!r} does not reach namespace {scope!r}: name one of "
                f"{', '.join(self.key.namespaces or ())} or below, or use another key"
            )

    def whole(self, verb: str) -> Memory:
        """The memory, for what concerns all of the store.

        Raises:
            AccessDenied: the key lacks the verb or reaches only some namespaces.
        """
        if self.by_token:
            self.act.needs = verb
            raise AccessDenied(
                "this concerns the whole store, which no access token reaches: use an API key made "
                "with --everywhere"
            )
        memory = self.open(verb)
        if self.key is not None and self.key.namespaces is not None:
            raise AccessDenied(
                f"the key {self.key.name!r} reaches only {', '.join(self.key.namespaces)}, and "
                "this concerns the whole store: use a key made with --everywhere"
            )
        return memory

    def reaches(self, scope: str) -> bool:
        """Whether a namespace is within the key's."""
        if self.key is None or self.key.namespaces is None:
            return True
        return any(paths.contains(prefix, scope) for prefix in self.key.namespaces)

    def check_sources(self, spans: Iterable[Span], scope: str) -> None:
        """Raise NotFound for a source that a scope does not hold: what is derived is forgotten
        with its source, so a source elsewhere would be a tie between tenants."""
        for span in spans if self.key is not None else ():
            self.memory.history(span.cube, namespace=scope)

    def _default(self) -> str:
        if self.key is None or self.key.namespaces is None:
            return self.memory.namespace
        if len(self.key.namespaces) > 1:
            raise InvalidInput(f"say namespace=: the key reaches {', '.join(self.key.namespaces)}")
        return self.key.namespaces[0]


bearer = HTTPBearer(auto_error=False, description="An API key, from `mnemon key add`.")


async def _granted(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
    actor: Annotated[
        str | None,
        Header(alias="Mnemon-Actor", description="Who acts; only where no keys are used."),
    ] = None,
) -> Grant:
    told = None if given is None else given.credentials
    service: Service = request.app.state.service
    return await admitted(service, request.scope, told, actor)


def token(authorization: str | None) -> str | None:
    """The token of an `Authorization` header; None when it has none."""
    scheme, told = get_authorization_scheme_param(authorization)
    return told if told and scheme.lower() == "bearer" else None


async def admitted(service: Service, scope: Scope, token: str | None, actor: str | None) -> Grant:
    """What a request with this token may do: a key's, or an access token of the issuer's.

    Raises:
        KeyRefused: one is needed and this is none that is alive and in order.
        AccessDenied: it acts as somebody else, or opens nothing here.
        RateLimited: see `keyed`.
        IssuerFailed: the issuer's keys could not be read since this server began.
    """
    key = None
    if service.oauth is not None and token is not None and tokens.looks_like(token):
        key = await service.oauth.key(token)
    return await service.asking(_granted_to, service, scope, token, actor, key)


def _granted_to(
    service: Service, scope: Scope, token: str | None, actor: str | None, of_token: Key | None
) -> Grant:
    actor = None if actor is None else unquote(actor)  # headers are ASCII, names are not
    free = unkeyed(service, scope, actor)
    if free is not None:
        return free
    if token is None:
        raise KeyRefused(_needed(service))
    key = of_token or service.home.keys.find(token)
    if key is None:
        raise KeyRefused("the API key is unknown, expired or revoked: ask for a new one")
    grant = keyed(service, scope, key, by_token=of_token is not None)
    if actor not in (None, key.name):
        raise AccessDenied(
            f"the key acts as {key.name!r}, not as {actor!r}: leave Mnemon-Actor out"
        )
    return grant


def _needed(service: Service) -> str:
    if service.oauth is None:
        return "this server needs an API key: send `Authorization: Bearer <key>`"
    return (
        f"this server needs an access token of {service.oauth.options.issuer}, or an API key: send "
        "`Authorization: Bearer <token>`"
    )


def unkeyed(service: Service, scope: Scope, actor: str | None = None) -> Grant | None:
    """What somebody of this machine may do where no keys are used; None where keys are."""
    if not scope["mnemon.open"]:
        return None
    act: Act = scope["mnemon.act"]
    act.who = "local"
    memory, who = service.memory, actor or "user"
    acting = memory if who == memory.actor else memory.acting(who)
    return Grant(acting, None, _taken(service, scope), act)


def keyed(service: Service, scope: Scope, key: Key, by_token: bool = False) -> Grant:
    """What a living key may do, by a header or by a session of the page.

    Raises:
        AccessDenied: it stands for an access token that has no scope for anything here.
        RateLimited: it, or all in a namespace that it lies in, ask more often than they may.
    """
    act: Act = scope["mnemon.act"]
    act.who = key.id
    scope["mnemon.key"] = key.id  # for the log
    if not key.verbs:
        act.lacks = "read"
        raise AccessDenied(f"the access token has no scope of this server's, {as_scopes()}")
    taken = _taken(service, scope)
    taken.of(key)
    return Grant(service.memory.acting(key.name), key, taken, act, by_token)


def _taken(service: Service, scope: Scope) -> Taken:
    taken = scope["mnemon.taken"] = Taken(service.home.rates, service.declared)
    return taken


Granted = Annotated[Grant, Depends(_granted)]
Answers = dict[int | str, dict[str, Any]]
