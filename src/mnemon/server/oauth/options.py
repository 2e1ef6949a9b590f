"""What a server is told of the issuer whose access tokens it takes: one dataclass."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

from mnemon.errors import InvalidInput
from mnemon.server import rates
from mnemon.server.keys import ROLES
from mnemon.server.mcp import address
from mnemon.server.oauth import template

METADATA = "/.well-known/oauth-protected-resource"
"""Where metadata of this server are (RFC 9728, section 3). Those of `/mcp`, which clients of the
Model Context Protocol ask for, have its path behind that, and so have those of a namespace there.
"""

DEFAULT_ROLES = tuple(name for name, verbs in ROLES.items() if "watch" not in verbs)
"""Roles for tokens: to watch one must reach the whole store, which no token does."""


@dataclass(frozen=True, slots=True)
class OAuth:
    """`issuer` is what tokens must have as `iss`, to the letter; `namespaces` are templates such as
    `people/{sub}`, which a token's claims fill in.

    `audience` is what their `aud` must hold; without it they may name any of the resources that
    `public_url` has: itself, its `/mcp`, or a namespace there. `public_url` is where clients reach
    this server; by default where `audience` lies, if that is the address of an `/mcp`. `role` is
    what a token may do that has no scope `mnemon:…`; None is nothing. `rate` is how often each
    subject may ask, such as `50/s`; None is as often as it likes.
    """

    issuer: str
    namespaces: tuple[str, ...]
    audience: str | None = None
    public_url: str | None = None
    role: str | None = None
    rate: str | None = None

    @property
    def origin(self) -> str:
        """Where clients reach this server: scheme, host and port."""
        found = _split(self.public_url or self.audience or "")
        return "" if found is None else f"{found.scheme}://{found.netloc.lower()}"

    @property
    def audiences(self) -> tuple[str, ...]:
        """Of these a token must name one (RFC 9068, section 4), or the address of a namespace."""
        if self.audience is not None:
            return (self.audience,)
        return (f"{self.origin}{address.PATH}", self.origin, f"{self.origin}/")

    def means(self, audience: object) -> bool:
        """Whether a token's `aud`, a text or a list of them, means this server.

        The address of a namespace means the server too, not that namespace alone: all of them are
        one resource server (RFC 8707, section 2), and what a token reaches is told by its claims.
        """
        named = audience if isinstance(audience, list) else [audience]
        texts = [one for one in named if isinstance(one, str)]
        return len(texts) == len(named) and any(self._takes(one) for one in texts)

    def _takes(self, audience: str) -> bool:
        if self.audience is not None or audience in self.audiences:
            return audience in self.audiences
        path = audience.removeprefix(self.origin)
        plain = path != audience and not re.search(r"[?#]", path)
        return plain and address.leads(unquote(path))

    def check(self) -> None:
        """Raise InvalidInput for what cannot be used, with what to write instead."""
        self._check_issuer()
        self._check_addresses()
        if not self.namespaces:
            raise InvalidInput(
                "--oauth-issuer needs --oauth-namespace: say what a token reaches, such as "
                "--oauth-namespace 'people/{sub}'"
            )
        template.check_apart([template.parse(one) for one in self.namespaces])
        if self.role is not None and self.role not in DEFAULT_ROLES:
            raise InvalidInput(
                f"--oauth-role is one of {', '.join(DEFAULT_ROLES)}, not {self.role!r}"
            )
        if self.rate is not None:
            rates.parse(self.rate)

    def _check_issuer(self) -> None:
        found = _split(self.issuer)
        if found is None or found.query or found.fragment or not safe(self.issuer):
            raise InvalidInput(
                f"the issuer {self.issuer!r} is no address: give --oauth-issuer what tokens have "
                "as `iss`, such as https://login.example/realms/acme; http only on this machine"
            )

    def _check_addresses(self) -> None:
        if self.public_url is not None:
            found = _split(self.public_url)
            if found is None or found.path not in ("", "/") or found.query or found.fragment:
                raise InvalidInput(
                    f"the public URL {self.public_url!r} is no origin: give --public-url scheme "
                    "and host by which clients reach this server, such as https://memory.example"
                )
        elif self.audience is None:
            raise InvalidInput(
                "--oauth-issuer needs --public-url, by which clients reach this server, such as "
                "https://memory.example; or --oauth-audience, what its tokens have as `aud`"
            )
        elif not _mcp_address(self.audience):
            raise InvalidInput(
                f"the audience {self.audience!r} does not tell where clients reach this server: "
                "add --public-url, such as https://memory.example"
            )


def safe(url: str) -> bool:
    """Whether an address of the issuer's can be trusted to be his: https, or on this machine.

    `http` is for trying things out (RFC 8414, section 2, demands https).
    """
    found = _split(url)
    if found is None:
        return False
    return found.scheme == "https" or _this_machine(found.hostname or "")


def _mcp_address(url: str) -> bool:
    found = _split(url)
    return found is not None and found[2:] == (address.PATH, "", "")


def _this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _split(url: str) -> SplitResult | None:
    """The parts of an http(s) address without a user; None for anything else."""
    if not re.fullmatch(r"[!#-\[\]-~]+", url):  # printable ASCII but quotes and backslashes
        return None
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError:
        return None
    good = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    return parts if good else None
