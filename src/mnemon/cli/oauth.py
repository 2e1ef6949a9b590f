"""Options of `mnemon serve` for access tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mnemon.errors import InvalidInput
from mnemon.server import keys

if TYPE_CHECKING:
    from mnemon.server.oauth import OAuth

F = TypeVar("F", bound=Callable[..., Any])

_ROLES = [name for name, verbs in keys.ROLES.items() if "watch" not in verbs]
_OPTIONS = (
    click.option(
        "--oauth-issuer", metavar="URL",
        help="Take access tokens of this issuer (OAuth 2.1, OpenID Connect) beside API keys.",
    ),
    click.option(
        "--oauth-namespace", "oauth_namespaces", multiple=True, metavar="TEMPLATE",
        help="What a token reaches, such as people/{sub}: a segment is a word or a claim. A claim "
        "that is a list, as in teams/{groups}, gives one for each text in it. May be repeated.",
    ),
    click.option(
        "--public-url", metavar="URL",
        help="Where clients reach this server, such as https://memory.example: told to those that "
        "look for the issuer.",
    ),
    click.option(
        "--oauth-audience", metavar="TEXT",
        help="What a token's aud must hold; by default the public URL, or that of /mcp or of a "
        "namespace there.",
    ),
    click.option(
        "--oauth-role", type=click.Choice(_ROLES),
        help="What tokens may do that have no scope mnemon:read and the like; by default nothing.",
    ),
    click.option(
        "--oauth-rate", metavar="RATE",
        help="How often each subject of tokens may ask, such as 50/s.",
    ),
)  # fmt: skip


def options(command: F) -> F:
    """The options; `taken` takes them out of what a command is given."""
    for one in reversed(_OPTIONS):
        command = one(command)
    return command


def taken(more: dict[str, Any]) -> OAuth | None:
    """What they say, taken out of `more`; None without an issuer.

    Raises:
        InvalidInput: there is no issuer, and something that is of use only with one.
    """
    told = {
        name: more.pop(f"oauth_{name}") for name in ("namespaces", "audience", "role", "rate")
    }  # fmt: skip
    told["public_url"], issuer = more.pop("public_url"), more.pop("oauth_issuer")
    if issuer is None:
        lonely = [name for name, value in told.items() if value]
        if lonely:
            option = "--public-url" if lonely[0] == "public_url" else f"--oauth-{lonely[0]}"
            raise InvalidInput(
                f"{option.replace('namespaces', 'namespace')} needs --oauth-issuer: say whose "
                "access tokens are taken"
            )
        return None
    from mnemon.server.oauth import OAuth

    return OAuth(issuer, **told)
