"""A scripted authorization server: discovery, its keys, and the code flow with PKCE, over HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from mnemon.server.oauth import OAuth
from mnemon.server.settings import Settings

WRITER = "mnemon:read mnemon:write"


class Signer:
    """A private key, and how the issuer tells of its public one."""

    def __init__(self, algorithm: str, kid: str | None, bits: int = 2048) -> None:
        self.algorithm, self.kid = algorithm, kid
        if algorithm[:2] in ("RS", "PS"):
            self.private, kind = rsa.generate_private_key(65537, bits), RSAAlgorithm
        elif algorithm == "EdDSA":
            self.private, kind = ed25519.Ed25519PrivateKey.generate(), OKPAlgorithm
        else:
            curve = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1()}[algorithm]
            self.private, kind = ec.generate_private_key(curve), ECAlgorithm
        self.public = self.private.public_key()
        told = kind.to_jwk(self.public, as_dict=True)
        self.jwk = {**told, "use": "sig", **({} if kid is None else {"kid": kid})}


class _Server(ThreadingHTTPServer):
    issuer: Issuer
    allow_reuse_address = True
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        """Documents, and who wants to sign in."""
        self.server.issuer.asked.append(self.path)
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if path == "/authorize":
            self._authorize({name: told[0] for name, told in query.items()})
        elif path in (documents := self.server.issuer.documents()):
            self._tell(200, documents[path])
        else:
            self._tell(404, {})

    def do_POST(self) -> None:
        """Clients that register, or change a code for a token."""
        self.server.issuer.asked.append(self.path)
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/register":
            self._tell(201, {**json.loads(body), "client_id": "client-1"})
        else:
            form = {name: told[0] for name, told in parse_qs(body.decode()).items()}
            self._tell(*self.server.issuer.changed(form))

    def _authorize(self, asked: dict[str, str]) -> None:
        self.server.issuer.codes["code-1"] = asked
        back = urlencode({"code": "code-1", "state": asked["state"]})
        self.send_response(302)
        self.send_header("Location", f"{asked['redirect_uri']}?{back}")
        self.end_headers()

    def _tell(self, status: int, told: Any) -> None:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Issuer:
    """At `url` while it is up. `asked` are the paths that it was asked for."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.signers = [Signer("ES256", "first")]
        self.asked: list[str] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.subject = "ana"
        self.claims: dict[str, Any] = {}
        self.grants: Callable[[str], str] = lambda scope: scope
        self.replaced: dict[str, Any] = {}
        self.path = "/.well-known/openid-configuration"
        self._port = 0
        self._server: _Server | None = None
        self.up()

    @property
    def url(self) -> str:
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self._port}"

    def up(self) -> None:
        """Listen, where it did before."""
        self._server = _Server(("127.0.0.1", self._port), _Handler)
        self._server.issuer, self._port = self, self._server.server_address[1]
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def down(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def documents(self) -> dict[str, Any]:
        metadata = {
            "issuer": self.url, "jwks_uri": f"{self.url}/jwks",
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "registration_endpoint": f"{self.url}/register",
            "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
        }  # fmt: skip
        jwks = {"keys": [one.jwk for one in self.signers]}
        return {self.path: metadata, "/jwks": jwks, **self.replaced}

    def token(
        self, sub: str | None = "ana", scope: str | None = WRITER, signer: Signer | None = None,
        typ: str = "at+jwt", **claims: Any,
    ) -> str:  # fmt: skip
        """An access token; a claim of None is left out."""
        signer, now = signer or self.signers[-1], int(time.time())
        told = {
            "iss": self.url, "sub": sub, "aud": "https://memory.example/mcp", "iat": now,
            "exp": now + 600, "scope": scope, "client_id": "client-1", **claims,
        }  # fmt: skip
        left = {name: value for name, value in told.items() if value is not None}
        headers = {"typ": typ} | ({} if signer.kid is None else {"kid": signer.kid})
        return jwt.encode(left, signer.private, signer.algorithm, headers)

    def changed(self, form: dict[str, str]) -> tuple[int, Any]:
        """A code for a token, for whom has the verifier of its challenge."""
        asked = self.codes.pop(form["code"])
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenge != asked["code_challenge"] or form["resource"] != asked["resource"]:
            return 400, {"error": "invalid_grant"}
        scope = self.grants(asked.get("scope", ""))
        token = self.token(self.subject, scope, aud=form["resource"], **self.claims)
        return 200, {"access_token": token, "token_type": "Bearer", "scope": scope}


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    found = Issuer()
    yield found
    found.down()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def opened(
    server_running: Callable[[Settings], Any], path: Path, issuer: Issuer
) -> Iterator[Callable[..., str]]:
    """Starts a server that takes the issuer's tokens, and gives its address: what `OAuth` is told
    may be said, and beside it the server's `port` and other options."""
    with ExitStack() as stack:

        def start(options: dict[str, Any] | None = None, **told: Any) -> str:
            given = {
                "issuer": issuer.url, "namespaces": ("people/{sub}",),
                "public_url": "https://memory.example",
            }  # fmt: skip
            oauth = OAuth(**{**given, **told})
            settings = Settings(path, **{"port": 0, "oauth": oauth, **(options or {})})
            return str(stack.enter_context(server_running(settings)))

        yield start


@pytest.fixture
def ask() -> Callable[..., httpx2.Response]:
    """Asks a server for a call of `/v1`, with a token."""

    def send(url: str, call: str, token: str | None, **body: Any) -> httpx2.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        method = "POST" if body else "GET"
        return httpx2.request(
            method, f"{url}{call}", headers=headers, json=body or None, verify=False, timeout=30
        )

    return send
