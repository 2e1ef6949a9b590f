"""Rules: the claims of a checked access token → a key that reaches and may what they say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from mnemon.errors import AccessDenied, KeyRefused
from mnemon.server.keys import ROLES, VERBS, Key
from mnemon.server.oauth import template
from mnemon.server.oauth.options import OAuth

PREFIX = "mnemon:"
"""What scopes begin with that are meant for this server; a verb of keys follows."""

VERBS_OF_TOKENS = tuple(verb for verb in VERBS if verb != "watch")
"""Without `watch`, which needs a key for the whole store."""

_ALWAYS = ("iss", "sub", "exp", "scope", "scp")


class Rules:
    """Those of one server."""

    def __init__(self, options: OAuth) -> None:
        self._options = options
        self._templates = [template.parse(one) for one in options.namespaces]

    def key(self, claims: Mapping[str, Any]) -> Key:
        """The key that a token stands for. Its id and name are a digest of issuer and subject: the
        same for all tokens of one subject, and telling nothing of who it is.

        It has no verb where the token has no scope that means anything here.

        Raises:
            AccessDenied: its claims give no namespace, or too many.
            KeyRefused: it has no subject, or ends at no time.
        """
        who = _name(self._options.issuer, _subject(claims))
        ends = _ends(claims)
        verbs = self._verbs(claims)
        return Key(
            who, who, "", self._reached(claims), verbs, datetime.now(UTC), expires_at=ends,
            rate=self._options.rate,
        )  # fmt: skip

    def _reached(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        """Somebody in no team has his own namespace all the same; who has none is told what his
        token lacks."""
        found = tuple(path for one in self._templates for path in one.filled(claims))
        if not found:
            raise self._templates[0].lacking(claims)
        return tuple(dict.fromkeys(found))

    def _verbs(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        given = {
            one.removeprefix(PREFIX) for one in scopes(claims) if one.startswith(PREFIX)
        }  # fmt: skip
        if not given and self._options.role is not None:
            return ROLES[self._options.role]
        return tuple(verb for verb in VERBS_OF_TOKENS if verb in given)

    def noted(self, claims: Mapping[str, Any]) -> str:
        """What a session keeps of a token's claims: those that rules ask for, as JSON."""
        asked = {*_ALWAYS, *(name for one in self._templates for name in one.claims)}
        kept = {name: value for name, value in claims.items() if name in asked}
        return json.dumps(kept, sort_keys=True)

    def revived(self, note: str) -> Key | None:
        """The key of what was noted, by the rules of now; None where they give none any more."""
        claims = json.loads(note)
        if claims.get("iss") != self._options.issuer:
            return None
        try:
            key = self.key(claims)
        except AccessDenied:
            return None
        return key if key.verbs and key.alive(datetime.now(UTC)) else None


def scopes(claims: Mapping[str, Any]) -> list[str]:
    """What a token was issued for: `scope` (RFC 9068, section 2.2.3), or `scp`, text or a list, as
    Microsoft's and Okta's issuers call it."""
    found = claims.get("scope", claims.get("scp"))
    if isinstance(found, list):
        return [one for one in found if isinstance(one, str)]
    return found.split() if isinstance(found, str) else []


def told(verbs: Iterable[str] = VERBS_OF_TOKENS) -> str:
    """The scopes of verbs, as OAuth writes them."""
    return " ".join(f"{PREFIX}{verb}" for verb in verbs)


def _name(issuer: str, subject: str) -> str:
    told = f"{issuer}\0{subject}".encode("utf-8", "surrogatepass")  # addresses have no such byte
    return f"oauth-{hashlib.sha256(told).hexdigest()[:32]}"


def _subject(claims: Mapping[str, Any]) -> str:
    found = claims.get("sub")
    if not isinstance(found, str) or not found:
        raise KeyRefused("the access token has no subject: have the issuer put `sub` into it")
    return found


def _ends(claims: Mapping[str, Any]) -> datetime:
    try:
        return datetime.fromtimestamp(float(claims["exp"]), UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise KeyRefused("the access token ends at no time that can be read") from error
