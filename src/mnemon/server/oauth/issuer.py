"""The issuer: its discovery document, and the keys that this names. Nobody else is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from mnemon.errors import IssuerFailed
from mnemon.models.extras import require
from mnemon.server.oauth import signing
from mnemon.server.oauth.options import safe
from mnemon.server.oauth.signing import SigningKey

_SECONDS = 5.0  # for one document
_MOST_BYTES = 2**20


class Issuer:
    """One of them. Redirects are not followed, nor are cookies of use."""

    def __init__(self, url: str) -> None:
        self._http = require("httpx2", "httpx2", "oauth")
        self.url = url
        self._client = self._http.AsyncClient(
            timeout=_SECONDS,
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            verify=not url.startswith("http://"),  # certificates take 60 ms to load
        )

    async def keys(self) -> tuple[SigningKey, ...]:
        """What it signs tokens with now.

        Raises:
            IssuerFailed: it cannot be reached, or gave no documents that can be used.
        """
        where = (await self._discovered()).get("jwks_uri")
        alike = isinstance(where, str) and urlsplit(where).scheme == urlsplit(self.url).scheme
        if not isinstance(where, str) or not safe(where) or not alike:
            raise self._failed("its discovery document names no jwks_uri with https")
        try:
            found = signing.read(await self._document(where))
        except ValueError as error:
            raise self._failed(f"{where} is no key set: {error}") from error
        if not found:
            raise self._failed(f"{where} has no key to check signatures by")
        return found

    async def close(self) -> None:
        """Let go of it."""
        await self._client.aclose()

    async def _discovered(self) -> Mapping[str, Any]:
        """Its metadata: by OpenID Connect Discovery (section 4), else by RFC 8414 (section 3)."""
        parts = urlsplit(self.url)
        path = parts.path.rstrip("/")
        origin = f"{parts.scheme}://{parts.netloc}"
        first = f"{origin}{path}/.well-known/openid-configuration"
        found = await self._asked(first)
        if found is None:
            found = await self._document(f"{origin}/.well-known/oauth-authorization-server{path}")
        if found.get("issuer") != self.url:  # RFC 8414, section 3.3
            raise self._failed(
                f"its discovery document is of the issuer {str(found.get('issuer'))[:200]!r}: give "
                "--oauth-issuer exactly that, to the last slash"
            )
        return found

    async def _document(self, url: str) -> Mapping[str, Any]:
        found = await self._asked(url)
        if found is None:
            raise self._failed(f"there is nothing at {url}")
        return found

    async def _asked(self, url: str) -> Mapping[str, Any] | None:
        """A document; None where there is none."""
        try:
            async with asyncio.timeout(_SECONDS):
                status, body = await self._read(url)
        except TimeoutError as error:
            raise self._failed(f"{url} was not there within {_SECONDS:g} s") from error
        except (self._http.TransportError, self._http.InvalidURL) as error:
            raise self._failed(f"{url} cannot be read: {type(error).__name__} {error}") from error
        if 400 <= status < 500 and status != 429:
            return None
        if status != 200:
            raise self._failed(f"{url} was answered with {status}")
        try:
            told = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise self._failed(f"{url} is no JSON") from error
        if not isinstance(told, dict):
            raise self._failed(f"{url} is no JSON object")
        return told

    async def _read(self, url: str) -> tuple[int, bytes]:
        body = bytearray()
        async with self._client.stream("GET", url) as answer:
            async for piece in answer.aiter_raw():
                body += piece
                if len(body) > _MOST_BYTES:
                    raise self._failed(f"{url} is over {_MOST_BYTES:,} bytes")
        return answer.status_code, bytes(body)

    def _failed(self, why: str) -> IssuerFailed:
        return IssuerFailed(
            f"the keys of the issuer {self.url} cannot be read ({why}): see whether it runs, and "
            "whether --oauth-issuer is its address"
        )
