"""The issuer: found, asked seldom, its keys changed, and away."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import httpcore2
import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mnemon.errors import IssuerFailed
from mnemon.server.keys import beside
from mnemon.server.oauth import issuer as issuers
from mnemon.server.oauth import keyset
from mnemon.server.oauth.issuer import Issuer
from mnemon.server.oauth.keyset import KeySet
from mnemon.server.oauth.signing import SigningKey

from .conftest import Issuer as Issued
from .conftest import Signer


def read(url):
    async def once():
        found = Issuer(url)
        try:
            return await found.keys()
        finally:
            await found.close()

    return asyncio.run(once())


def test_keys_are_found_by_either_discovery_and_under_a_path(issuer):
    assert [one.id for one in read(issuer.url)] == ["first"]
    issuer.path = "/.well-known/oauth-authorization-server"
    assert [one.id for one in read(issuer.url)] == ["first"]
    realm, jwks = f"{issuer.url}/realms/acme", f"{issuer.url}/jwks"
    for path in (
        "/realms/acme/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/realms/acme",
    ):
        issuer.replaced = {path: {"issuer": realm, "jwks_uri": jwks}}
        assert [one.id for one in read(realm)] == ["first"]


@pytest.fixture
def certificate(tmp_path):
    """One for this machine that nobody has heard of: the file, and what a server needs."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(private.public_key()).serial_number(7)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(private, hashes.SHA256())
    )  # fmt: skip
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (public := tmp_path / "issuer.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (both := tmp_path / "both.pem").write_bytes(
        private.private_bytes(*form) + made.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return public, context


def test_a_certificate_must_be_known(certificate, monkeypatch):
    monkeypatch.setattr(httpcore2, "default_ssl_context", httpcore2.default_ssl_context.__wrapped__)
    public, context = certificate
    issuer = Issued(context)
    try:
        with pytest.raises(IssuerFailed, match="CERTIFICATE_VERIFY_FAILED"):
            read(issuer.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(public))
        assert [one.id for one in read(issuer.url)] == ["first"]
        plain = {"issuer": issuer.url, "jwks_uri": issuer.url.replace("https", "http") + "/jwks"}
        issuer.replaced = {issuer.path: plain}
        with pytest.raises(IssuerFailed, match="no jwks_uri with https"):
            read(issuer.url)
    finally:
        issuer.down()


def documents(url, signer):
    told = {"issuer": url, "jwks_uri": f"{url}/jwks"}
    return {
        "nothing at": {},
        "no JSON object": {"/d": b"[1]"},
        "is no JSON": {"/d": b"[" * 100_000},
        "exactly that": {"/d": told | {"issuer": f"{url}/"}},
        "no jwks_uri with https": {"/d": told | {"jwks_uri": "http://10.0.0.1/jwks"}},
        "no list `keys`": {"/d": told, "/jwks": {"keys": 1}},
        "no key to check": {"/d": told, "/jwks": {"keys": [{"kty": "oct", "k": "eA"}]}},
        "over 1,048,576 bytes": {"/d": told, "/jwks": b" " * (2**20 + 1)},
    }


@pytest.mark.parametrize("why", list(documents("", None)))
def test_documents_that_are_of_no_use_are_told(issuer, why):
    told = documents(issuer.url, issuer.signers[0])[why]
    issuer.path = "/elsewhere"
    issuer.replaced = {
        path.replace("/d", "/.well-known/openid-configuration"): body for path, body in told.items()
    }
    with pytest.raises(IssuerFailed, match=why) as raised:
        read(issuer.url)
    assert issuer.url in str(raised.value)


def test_an_issuer_that_says_nothing_is_given_up(issuer, monkeypatch):
    monkeypatch.setattr(issuers, "_SECONDS", 0.2)
    monkeypatch.setattr(issuer, "documents", lambda: time.sleep(2) or {})
    with pytest.raises(IssuerFailed, match="was not there within"):
        read(issuer.url)


def test_a_new_key_of_the_issuers_is_found(opened, issuer, ask, monkeypatch):
    monkeypatch.setattr(keyset, "AGAIN_S", 0.0)
    url, old = opened(), issuer.token()
    assert ask(url, "/v1/list", old).status_code == 200
    issuer.signers.append(Signer("RS256", "second"))
    assert ask(url, "/v1/list", issuer.token()).status_code == 200
    assert ask(url, "/v1/list", old).status_code == 200
    del issuer.signers[0]
    assert ask(url, "/v1/list", issuer.token()).status_code == 200


def test_unknown_keys_do_not_flood_the_issuer(opened, issuer, ask):
    url = opened()
    assert ask(url, "/v1/list", issuer.token()).status_code == 200
    asked = len(issuer.asked)
    stranger = Signer("ES256", "x")
    for n in range(30):
        stranger.kid = f"unknown-{n}"
        assert ask(url, "/v1/list", issuer.token(signer=stranger)).status_code == 401
    assert len(issuer.asked) - asked <= 4


def test_who_waits_for_the_issuer_keeps_nobody_else_waiting(opened, issuer, ask, path, monkeypatch):
    key, _ = beside(path).add("cy", ["people/cy"])
    monkeypatch.setattr(issuers, "_SECONDS", 60.0)
    monkeypatch.setattr(keyset, "AGAIN_S", 0.0)
    url, token = opened(), issuer.token()
    assert ask(url, "/v1/list", token).status_code == 200
    asked, answers = threading.Event(), threading.Event()
    told = issuer.documents

    def slow():
        asked.set()
        answers.wait(30)
        return told()

    monkeypatch.setattr(issuer, "documents", slow)
    new = Signer("RS256", "new")
    issuer.signers.append(new)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(ask, url, "/v1/list", issuer.token(signer=new))
        asked.wait(30)
        for known in (token, key):
            assert ask(url, "/v1/list", known).status_code == 200
        assert not waiting.done()
        answers.set()
        assert waiting.result().status_code == 200


def test_while_the_issuer_is_away_its_tokens_work(opened, issuer, ask, monkeypatch):
    url, token = opened(), issuer.token()
    assert ask(url, "/v1/list", token).status_code == 200
    issuer.down()
    monkeypatch.setattr(keyset, "FRESH_S", 0.0)
    monkeypatch.setattr(keyset, "AGAIN_S", 0.0)
    for _ in range(3):
        assert ask(url, "/v1/list", token).status_code == 200
    unknown = issuer.token(signer=Signer("ES256", "x"))
    assert ask(url, "/v1/list", unknown).status_code == 401


def test_a_server_starts_without_the_issuer_and_is_not_ready(
    opened, issuer, ask, path, problem, monkeypatch, caplog
):
    monkeypatch.setattr(keyset, "AGAIN_S", 0.0)
    token, key = issuer.token(), beside(path).add("cy", ["people/cy"])[0]
    issuer.down()
    with caplog.at_level("WARNING", "mnemon.server"):
        url = opened()
        answer = ask(url, "/v1/list", token)
    told = problem(answer, 503, "urn:mnemon:issuer-failed")
    assert issuer.url in told["detail"] and answer.headers["retry-after"]
    warned = [json.loads(one.message) for one in caplog.records if one.levelname == "WARNING"]
    assert warned and all(one["work"] == "oauth" and issuer.url in one["error"] for one in warned)
    assert httpx2.get(f"{url}/readyz").status_code == 503
    assert httpx2.get(f"{url}/healthz").status_code == 200
    assert ask(url, "/v1/list", key).status_code == 200  # keys need no issuer
    issuer.up()
    while httpx2.get(f"{url}/readyz").status_code != 200:
        time.sleep(0.01)
    assert ask(url, "/v1/list", token).status_code == 200


ONE = (SigningKey("one", ("ES256",), None),)
TWO = (SigningKey("two", ("ES256",), None),)


class Clocked:
    """A key set with a clock to be set, whose issuer answers what the test says."""

    def __init__(self, keys=ONE):
        self.now, self.keys, self.readings = 1000.0, keys, 0
        self.set = KeySet(self.read, lambda: self.now)

    async def read(self):
        self.readings += 1
        await asyncio.sleep(0)
        if self.keys is None:
            raise IssuerFailed("away")
        return self.keys

    async def id(self, id="one"):
        found = await self.set.find(id, "ES256")
        return found and found.id


def test_keys_are_kept_read_again_and_dropped_in_the_end():
    async def story():
        one = Clocked()
        assert [await one.id() for _ in range(3)] == ["one"] * 3 and one.readings == 1
        one.keys, one.now = TWO, one.now + keyset.FRESH_S  # read again beside the answer
        assert await one.id() == "one"
        await asyncio.sleep(0.01)
        assert await one.id() is None and await one.id("two") == "two" and one.readings == 2
        one.keys, one.now = None, one.now + 2 * keyset.FRESH_S  # what is so old is waited for
        assert await one.id("two") == "two" and one.readings == 3
        one.now += keyset.KEPT_S
        for _ in range(3):
            with pytest.raises(IssuerFailed, match="away"):
                await one.id("two")
        assert one.readings == 4
        one.keys, one.now = ONE, one.now + keyset.AGAIN_S
        assert await one.id() == "one"

    asyncio.run(story())


def test_many_who_ask_at_once_are_one_reading_and_one_may_leave():
    async def story():
        one = Clocked()
        first = asyncio.create_task(one.id())
        await asyncio.sleep(0)
        first.cancel()
        assert await asyncio.gather(*(one.id() for _ in range(20))) == ["one"] * 20
        assert one.readings == 1

    asyncio.run(story())


def test_a_token_without_a_kid_must_leave_no_choice():
    async def story():
        assert await Clocked(ONE).id(None) == "one"
        assert await Clocked((*ONE, *TWO)).id(None) is None

    asyncio.run(story())
