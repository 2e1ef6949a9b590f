"""Who looks at the page, and which namespace they look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query, Request

from mnemon import namespace as paths
from mnemon.cube import MemCube
from mnemon.memory import Memory
from mnemon.server.access import Grant, Service, keyed, unkeyed
from mnemon.server.sessions import Sessions


class SignInNeeded(Exception):
    """Keys are in use and the browser has no session: raised to be answered with the form."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """A grant, and the namespace that a page is about."""

    grant: Grant
    scope: str

    @property
    def signed_in(self) -> bool:
        """Whether a key is behind this, so that one can sign out."""
        return self.grant.key is not None

    @property
    def actor(self) -> str:
        """Who acts."""
        return self.grant.memory.actor

    def may(self, verb: str) -> bool:
        """Whether something that needs a verb may be offered."""
        return self.grant.key is None or verb in self.grant.key.verbs

    def may_change(self, verb: str, cube: MemCube) -> bool:
        """Whether the key and the cube's own policy allow it."""
        writers = cube.policy.writers
        return self.may(verb) and (not writers or self.actor in writers)

    def on(self, verb: str) -> Memory:
        """The memory, checked for a verb in this namespace."""
        return self.grant.on(verb, self.scope)[0]

    def namespaces(self) -> list[tuple[str, int]]:
        """(path, current cubes) of what the viewer reaches."""
        found = self.grant.open("read").namespaces()
        return [(path, count) for path, count in found if self.grant.reaches(path)]

    def link(self, path: str, **query: Any) -> str:
        """An address of the page in this namespace; what is None or empty is left out."""
        asked = {"namespace": self.scope, **query}
        told = {name: value for name, value in asked.items() if value not in (None, "")}
        return f"{path}?{urlencode(told)}"


def grant_of(request: Request) -> Grant:
    """What this browser may do.

    Raises:
        SignInNeeded: keys are in use and it has no session.
    """
    grant = unkeyed(request.app.state.service, request.scope)
    if grant is not None:
        return grant
    service: Service = request.app.state.service
    sessions: Sessions = request.app.state.sessions
    cookie = request.cookies.get(sessions.cookie)
    key = sessions.key(cookie)
    if key is None and service.oauth is not None and (note := sessions.note(cookie)) is not None:
        key = service.oauth.rules.revived(note)
    if key is None:
        raise SignInNeeded
    return keyed(service, request.scope, key)


def _viewing(request: Request, namespace: Annotated[str | None, Query()] = None) -> Viewer:
    grant = grant_of(request)
    if namespace:
        return Viewer(grant, paths.check(namespace))
    return Viewer(grant, _home(grant))


def _home(grant: Grant) -> str:
    """Where somebody begins who names no namespace: what the key reaches; or the memory's own, or
    if nothing is there, the one with most in it."""
    if grant.key is not None and grant.key.namespaces is not None:
        return grant.key.namespaces[0]
    own, found = grant.memory.namespace, grant.open("read").namespaces()
    if any(count for path, count in found if paths.contains(own, path)):
        return own
    return _fullest(found) or own


def _fullest(found: Sequence[tuple[str, int]]) -> str | None:
    totals: dict[str, int] = {}
    for path, count in found:
        root = path.partition("/")[0]
        totals[root] = totals.get(root, 0) + count
    best = max(totals, key=lambda root: totals[root], default=None)
    return best if best is not None and totals[best] else None


Viewing = Annotated[Viewer, Depends(_viewing)]
