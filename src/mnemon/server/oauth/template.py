"""Templates of namespaces: `people/{sub}` and a token's claims → `people/3f2a…`; a claim that is a
list, as of groups, gives one for each text in it.

Different values of a claim give different segments, and no value leads out of its segment: what
is not a letter, a digit or one of `-._@` is written as `~` and two hexadecimal digits a byte.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from mnemon import namespace as paths
from mnemon.errors import AccessDenied, InvalidInput, InvalidNamespace

_CLAIM = re.compile(r"\{([^{}\s]+)\}")
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._@")
_LONGEST = 128  # bytes of a segment: a namespace has 512
_HASHED = "~sha256-"  # no value is written so: behind its `~` stand capital digits

MOST = 64
"""Namespaces that one template gives a token: each is looked at in every call."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A segment that is a claim's value."""

    name: str


@dataclass(frozen=True, slots=True)
class Template:
    """A path whose segments are words or claims."""

    text: str
    segments: tuple[str | Claim, ...]

    @property
    def claims(self) -> tuple[str, ...]:
        """The names of the claims that it asks for."""
        return tuple(one.name for one in self.segments if isinstance(one, Claim))

    def filled(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        """The namespaces that a token's claims give: one, or one for each text of a claim that is a
        list; none where a claim is not there, or no text. Of two segments with the same claim both
        are the same text.

        Raises:
            AccessDenied: they would be over 64, or one is no namespace.
        """
        names = tuple(dict.fromkeys(self.claims))
        told = [texts(claims.get(name)) for name in names]
        if math.prod(map(len, told)) > MOST:
            raise AccessDenied(
                f"the access token's claims give over {MOST} namespaces for {self.text!r}: have "
                "the issuer put fewer values into "
                f"{' or '.join(map(repr, names))}, such as only the groups that are meant for this"
            )
        return tuple(self._path(dict(zip(names, one, strict=True))) for one in product(*told))

    def _path(self, values: Mapping[str, str]) -> str:
        told = [one if isinstance(one, str) else segment(values[one.name]) for one in self.segments]
        try:
            return paths.check("/".join(told))
        except InvalidNamespace as error:
            raise AccessDenied(f"the access token's claims give no namespace: {error}") from error

    def lacking(self, claims: Mapping[str, Any]) -> AccessDenied:
        """The error for claims that give no namespace."""
        name = next(one for one in self.claims if not texts(claims.get(one)))
        return AccessDenied(
            f"the access token has no text as its claim {name!r}, and no list of texts, which the "
            f"namespace {self.text!r} needs: have the issuer put it into access tokens"
        )


def parse(text: str) -> Template:
    """A template from its text.

    Raises:
        InvalidInput: braces within a segment, or what is no namespace without its claims.
    """
    found = iter(_CLAIM.findall(text))
    pieces = _CLAIM.sub("\0", text).split("/")  # the name of a claim may have a slash
    segments = [Claim(next(found)) if piece == "\0" else piece for piece in pieces]
    words = [one if isinstance(one, str) else "x" for one in segments]
    if "\0" in text or any(brace in word for brace in "{}\0" for word in words):
        raise InvalidInput(
            f"the namespace {text!r} has braces that are no claim: a segment is a word or one "
            "claim, as in 'people/{sub}'"
        )
    normal = paths.check("/".join(words)).split("/")
    told = zip(segments, normal, strict=True)
    return Template(text, tuple(one if isinstance(one, Claim) else word for one, word in told))


def check_apart(templates: Sequence[Template]) -> None:
    """Raise InvalidInput for two templates that might reach the same namespace: a claim's value
    could then be chosen so that it leads to somebody else's."""
    for one, other in combinations(templates, 2):
        pairs = list(zip(one.segments, other.segments, strict=False))
        if all(_may_meet(*pair) for pair in pairs):
            raise InvalidInput(
                f"the namespaces {one.text!r} and {other.text!r} can meet: let them begin with "
                "different words, such as 'people/{sub}' and 'teams/{team}'"
            )


def _may_meet(one: str | Claim, other: str | Claim) -> bool:
    return one == other or isinstance(one, Claim) or isinstance(other, Claim)


def texts(value: object) -> tuple[str, ...]:
    """The texts that a claim holds, each once: itself, or those of a list; no empty ones."""
    held = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(one for one in held if isinstance(one, str) and one))


def segment(value: str) -> str:
    """A claim's value as one segment of a namespace; different values give different ones.

    Over 128 bytes it is the value's SHA-256.
    """
    raw = value.encode("utf-8", "surrogatepass")
    told = "".join(chr(byte) if byte in _PLAIN else f"~{byte:02X}" for byte in raw)
    if told.startswith("."):  # a path knows "." and ".."
        told = f"~2E{told[1:]}"
    if len(told) > _LONGEST:
        return _HASHED + hashlib.sha256(raw).hexdigest()
    return told
