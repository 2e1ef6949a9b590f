"""Access tokens: JSON Web Tokens of one issuer (RFC 9068), checked, then taken as keys.

What is asked of them is what RFC 8725 and RFC 9068 (section 4) ask: a signature by one of the
issuer's keys, `iss`, `aud`, `exp`, and `nbf` where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mnemon.errors import KeyRefused
from mnemon.models.extras import require
from mnemon.server.keys import PREFIX, Key
from mnemon.server.oauth.issuer import Issuer
from mnemon.server.oauth.keyset import KeySet
from mnemon.server.oauth.options import OAuth
from mnemon.server.oauth.rules import Rules
from mnemon.server.oauth.signing import ALGORITHMS

_SKEW_S = 30.0  # by which two clocks may differ
_NEEDED = ["exp", "iss", "aud", "sub"]
# RFC 9068 demands at+jwt; issuers in wide use say JWT, or nothing. Other types are other things.
_TYPES = ("at+jwt", "application/at+jwt", "jwt")
_WHY = {
    "ExpiredSignatureError": "has expired: get a new one",
    "ImmatureSignatureError": "is not valid yet: see whether the clocks here and there are right",
    "InvalidAudienceError": "is for somebody else: its `aud` must hold {audience}",
    "InvalidIssuerError": "is of another issuer: its `iss` must be {issuer}",
    "InvalidSignatureError": "has a signature that is not its issuer's: get a new one",
}


class Tokens:
    """Those that one server takes.

    Raises:
        InvalidInput: see `OAuth.check`.
        MissingExtra: the extra `oauth` is not installed.
    """

    def __init__(self, options: OAuth) -> None:
        options.check()
        require("cryptography", "cryptography", "oauth")
        self._jwt = require("jwt", "pyjwt", "oauth")
        self.options = options
        self.rules = Rules(options)
        self._issuer = Issuer(options.issuer)
        self.keys = KeySet(self._issuer.keys)

    async def close(self) -> None:
        """Let go of the issuer."""
        await self.keys.close()
        await self._issuer.close()

    async def key(self, token: str) -> Key:
        """The key that a token stands for.

        Raises:
            KeyRefused, IssuerFailed: see `claims`.
            AccessDenied: see `Rules.key`.
        """
        return self.rules.key(await self.claims(token))

    async def claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that is in order.

        Raises:
            KeyRefused: it is not; the message says why.
            IssuerFailed: the issuer's keys could not be read since this server began.
        """
        try:
            algorithm, id = self._header(token)
            key = await self.keys.find(id, algorithm)
            if key is None:
                raise KeyRefused(
                    "the access token is signed by none of its issuer's keys: get a new one from "
                    f"{self.options.issuer}"
                )
            claims: Mapping[str, Any] = self._jwt.decode(
                token, key.public, algorithms=list(key.algorithms), issuer=self.options.issuer,
                leeway=_SKEW_S, options={"require": _NEEDED, "verify_aud": False},
            )  # fmt: skip
            if not self.options.means(claims["aud"]):  # the library compares with a list
                raise self._jwt.InvalidAudienceError
        except (self._jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
            raise KeyRefused(self._refusal(error)) from error
        if "cnf" in claims:  # RFC 7800: only with a proof, which is not looked at here
            raise KeyRefused("the access token is bound to a key of its client's: send a plain one")
        return claims

    def issued(self, token: str) -> bool:
        """Whether a token says that it is of this issuer; it need not be."""
        if not looks_like(token):
            return False
        try:
            told = self._jwt.decode(token, options={"verify_signature": False})
        except (self._jwt.PyJWTError, ValueError, RecursionError):
            return False
        return bool(told.get("iss") == self.options.issuer)

    def _header(self, token: str) -> tuple[str, str | None]:
        header = self._jwt.get_unverified_header(token)
        type, algorithm = header.get("typ", "jwt"), header.get("alg")
        if not isinstance(type, str) or type.lower() not in _TYPES:
            raise KeyRefused("this is no access token but another kind of token: send one")
        if algorithm not in ALGORITHMS:
            raise KeyRefused(
                f"the access token is not signed by any of {', '.join(ALGORITHMS)}: have the "
                "issuer use one of these"
            )
        return algorithm, header.get("kid")

    def _refusal(self, error: Exception) -> str:
        names = [kind.__name__ for kind in type(error).__mro__]
        why = next((_WHY[name] for name in names if name in _WHY), "cannot be read: {error}")
        audience = " or ".join(self.options.audiences[:2])
        told = why.format(audience=audience, issuer=self.options.issuer, error=error)
        return f"the access token {told}"


def looks_like(token: str) -> bool:
    """Whether a caller's secret is a JSON Web Token rather than a key of ours."""
    return token.count(".") == 2 and token.isascii() and not token.startswith(PREFIX)
