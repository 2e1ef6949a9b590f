"""The upstream: one OpenAI-compatible API, its key, and what is passed on to it and back."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from mnemon.errors import InvalidInput, ServerError, UpstreamFailed
from mnemon.models.extras import require
from mnemon.server.settings import Settings

_CONNECT_S = 10.0
_CONNECTIONS, _KEPT = 1000, 100

_HOP = {
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
    b"transfer-encoding", b"upgrade", b"content-length",
}  # fmt: skip
# What is meant for this server, tells of the caller's machine, or is sent anew.
_OURS = {
    b"host", b"authorization", b"cookie", b"origin", b"referer", b"accept-encoding", b"expect",
    b"forwarded", b"x-real-ip",
}  # fmt: skip
_OURS_BEFORE = (b"mnemon-", b"x-forwarded-")
# Which part of an account pays is for whoever brings the key.
_ACCOUNT = {b"openai-organization", b"openai-project", b"api-key", b"x-api-key"}
# What speaks of the upstream's own address, or is said anew.
_THEIRS = {
    b"date", b"server", b"set-cookie", b"alt-svc", b"strict-transport-security",
    b"content-encoding",
}  # fmt: skip

Headers = list[tuple[bytes, bytes]]


class Upstream:
    """One address. Cookies are not kept: all callers share its connections."""

    def __init__(self, url: str, key: str | None, timeout: float) -> None:
        self._http = require("httpx2", "httpx2", "client")
        self.url = url.rstrip("/")
        self._key = key
        self._timeout = timeout
        self._client = self._http.AsyncClient(
            timeout=self._http.Timeout(timeout, connect=min(timeout, _CONNECT_S)),
            limits=self._http.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_KEPT),
            cookies=_no_cookies(),
            verify=not self.url.startswith("http://"),  # certificates take 60 ms to load
        )

    @property
    def has_key(self) -> bool:
        """Whether the server has a key of its own for it."""
        return self._key is not None

    async def close(self) -> None:
        """Let go of the upstream."""
        await self._client.aclose()

    async def send(
        self, method: str, path: str, query: str, headers: Iterable[tuple[bytes, bytes]],
        body: bytes, authorization: str | None,
    ) -> Any:  # fmt: skip
        """Its answer, of which only the head is there yet; `aclose` it.

        `authorization` is the caller's own for the upstream; None sends the server's key, if any.

        Raises:
            UpstreamFailed: no connection.
            ServerError: no head of an answer in time.
        """
        request = self._client.build_request(
            method,
            f"{self.url}{path}{f'?{query}' if query else ''}",
            headers=self._forwarded(headers, authorization),
            content=body,
        )
        try:
            return await self._client.send(request, stream=True)
        except self._http.TimeoutException as error:
            raise self._late() from error
        except (self._http.TransportError, self._http.InvalidURL) as error:
            raise self._broken(error) from error

    async def read(self, answer: Any) -> bytes:
        """The whole body of an answer.

        Raises:
            UpstreamFailed: it broke off.
            ServerError: the next byte did not come in time.
        """
        try:
            body: bytes = await answer.aread()
        except self._http.TimeoutException as error:
            raise self._late() from error
        except (self._http.TransportError, self._http.DecodingError) as error:
            raise self._broken(error) from error
        return body

    def _forwarded(
        self, headers: Iterable[tuple[bytes, bytes]], authorization: str | None
    ) -> Headers:
        dropped = _HOP | _OURS
        told = authorization
        if authorization is None and self._key is not None:
            told, dropped = f"Bearer {self._key}", dropped | _ACCOUNT
        kept = [
            (name, value)
            for name, value in headers
            if name.lower() not in dropped and not name.lower().startswith(_OURS_BEFORE)
        ]
        kept.append((b"accept-encoding", b"identity"))  # so that its bytes can be read on the way
        if told is not None:
            kept.append((b"authorization", told.encode("latin-1", "replace")))
        return kept

    def _late(self) -> ServerError:
        return ServerError(
            f"the upstream did not answer within {self._timeout:g} s; nothing was "
            "stored: ask again, or serve with a longer --upstream-timeout"
        )

    def _broken(self, error: Exception) -> UpstreamFailed:
        return UpstreamFailed(
            f"the upstream gave no whole answer ({type(error).__name__}: {error}); "
            "nothing was stored: see whether it runs, and whether --upstream is its address"
        )


def returned(answer: Any) -> Headers:
    """The headers of an answer that go back to the caller."""
    return [
        (name.lower(), value)
        for name, value in answer.headers.raw
        if name.lower() not in _HOP | _THEIRS
    ]


def check(settings: Settings) -> None:
    """Raise InvalidInput for an upstream that is no http(s) address, or whose key is not there."""
    url, name = settings.upstream, settings.upstream_key_env
    if url is None:
        if name is not None:
            raise InvalidInput(f"--upstream-key-env {name} needs --upstream: say whose key it is")
        return
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise InvalidInput(
            f"the upstream {url!r} is no address: give one such as https://api.openai.com/v1"
        )
    if parts.username is not None or parts.password is not None:
        raise InvalidInput(
            "the upstream's address has a name or password in it: put its key into an environment "
            "variable and name that with --upstream-key-env"
        )
    _key(name)


def connected(settings: Settings) -> Upstream | None:
    """The upstream of a server; None without one. It is first asked when a caller asks.

    Raises:
        InvalidInput: see `check`.
        MissingExtra: the HTTP library is not installed.
    """
    check(settings)
    if settings.upstream is None:
        return None
    key = _key(settings.upstream_key_env)
    return Upstream(settings.upstream, key, settings.upstream_timeout)


def _key(name: str | None) -> str | None:
    if name is None:
        return None
    key = os.environ.get(name, "").strip()
    if not key:
        raise InvalidInput(f"the environment variable {name} is not set: put the upstream's key in")
    return key


def _no_cookies() -> Any:
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))
