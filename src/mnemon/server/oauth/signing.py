"""The keys that an issuer signs with: a JSON Web Key Set (RFC 7517) → keys, each with the
algorithms that it is for.

The key decides which algorithms there are, never the token (RFC 8725, section 3.1): so neither
`none` nor an HMAC keyed with a public key is ever tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mnemon.models.extras import require

_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
ALGORITHMS = (*_RSA, *(name for names in _CURVES.values() for name in names))
"""Those that tokens may be signed by."""

_SMALLEST_RSA = 2048  # bits (RFC 7518, section 3.3)
_MOST = 100  # keys of an issuer


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One of them; `id` is its `kid`."""

    id: str | None
    algorithms: tuple[str, ...]
    public: Any


def read(document: Mapping[str, Any]) -> tuple[SigningKey, ...]:
    """The keys of a set that tokens can be checked by; others are left out, as RFC 7517 (section 5)
    says.

    Raises:
        ValueError: it is no such set.
    """
    told = document.get("keys")
    if not isinstance(told, list):
        raise ValueError("it has no list `keys`")
    found = (_key(one) for one in told[:_MOST] if isinstance(one, dict))
    return tuple(one for one in found if one is not None)


def _key(told: Mapping[str, Any]) -> SigningKey | None:
    algorithms = _algorithms(told)
    if not algorithms or told.get("use", "sig") != "sig":
        return None
    jwt = require("jwt", "pyjwt", "oauth")
    try:
        public = jwt.PyJWK.from_dict(told, algorithms[0]).key
    except (jwt.PyJWTError, TypeError, ValueError):
        return None
    if hasattr(public, "private_bytes"):  # a secret that was published is nobody's any more
        return None
    if told["kty"] == "RSA" and public.key_size < _SMALLEST_RSA:
        return None
    id = told.get("kid")
    return SigningKey(id if isinstance(id, str) else None, algorithms, public)


def _algorithms(told: Mapping[str, Any]) -> tuple[str, ...]:
    kind, curve = told.get("kty"), told.get("crv")
    known: tuple[str, ...]
    known = _RSA if kind == "RSA" else _CURVES.get((str(kind), str(curve)), ())
    only = told.get("alg")
    return known if only is None else tuple(name for name in known if name == only)
