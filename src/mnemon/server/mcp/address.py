"""Addresses of the tools: `/mcp`, and `/mcp/<namespace>` for who can say in nothing but an address
where to work.

They are compared as they were written, letter by letter, by clients (RFC 9728, section 3.3): so
what goes back to one is its own spelling, and what is decided here is decided by the decoded path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from mnemon import namespace as paths
from mnemon.errors import InvalidNamespace

if TYPE_CHECKING:
    from starlette.types import Scope

PATH = "/mcp"
"""Where the tools are."""

TEMPLATE = f"{PATH}/{{namespace:path}}"
"""Where they are in a namespace; logs and metrics tell it so, whichever it is."""

_AS_WRITTEN = "/%:@!$&'()*+,;=~"  # what a path may hold beside letters and digits (RFC 3986)


def of(namespace: str) -> str:
    """The path of a namespace's address.

    Raises:
        InvalidNamespace: it is none.
    """
    return f"{PATH}/{quote(paths.check(namespace))}"


def namespace(path: str) -> str | None:
    """What the path of an address, decoded, names; None for `/mcp` itself.

    Raises:
        InvalidNamespace: it is none.
    """
    told = path.removeprefix(PATH).removeprefix("/")
    return paths.check(told) if told else None


def leads(path: str) -> bool:
    """Whether a path, decoded, is that of an address of the tools; who may work there is another
    matter."""
    if path != PATH and not path.startswith(f"{PATH}/"):
        return False
    try:
        namespace(path)
    except InvalidNamespace:
        return False
    return True


def written(scope: Scope, behind: str = "") -> str:
    """The path that a request asks for, behind a prefix, as its sender wrote it."""
    raw = scope["raw_path"].decode("latin-1")
    if not raw.startswith(behind):  # the prefix itself has an escape
        raw = quote(scope["path"])
    return quote(raw.removeprefix(behind), safe=_AS_WRITTEN)  # a quote would end a header's word
