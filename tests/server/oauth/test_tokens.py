"""Access tokens at a server: which ones open it, and what they open."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import warnings

import pytest
from jwt.algorithms import RSAAlgorithm

from mnemon import Memory
from mnemon.server.audit.file import beside as audited
from mnemon.server.keys import beside

from .conftest import WRITER, Signer

WHERE = 'resource_metadata="https://memory.example/.well-known/oauth-protected-resource/mcp"'


def encoded(told):
    raw = told if isinstance(told, bytes) else json.dumps(told).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
def test_a_token_opens_the_namespace_of_its_subject(opened, issuer, ask, path, algorithm):
    issuer.signers = [Signer(algorithm, "one")]
    url, token = opened(), issuer.token("ana")
    made = ask(url, "/v1/add", token, content="Ana moved to Lisbon.")
    assert made.json()["namespace"] == "people/ana"
    found = ask(url, "/v1/search", token, query="Lisbon").json()
    assert "Ana moved to Lisbon." in json.dumps(found)
    told = ask(url, "/v1/status", token).json()
    assert told["namespaces"] == ["people/ana"] and told["role"] == "writer"
    with Memory(path) as memory:
        assert [event.actor for event in memory.log(namespace="people/ana")] == [told["actor"]]
    assert told["actor"].startswith("oauth-") and "ana" not in told["actor"].lower()
    entries = [(one.who, one.verb, one.outcome) for _, one in audited(path).entries()]
    assert entries == [(told["actor"], "add", "done")]


def test_an_actor_is_the_same_for_every_token_of_a_subject_and_for_no_other(opened, issuer, ask):
    url = opened(namespaces=("team",))

    def actor(**claims):
        return ask(url, "/v1/status", issuer.token(**claims)).json()["actor"]

    assert actor(sub="ana", jti="1") == actor(sub="ana", jti="2") != actor(sub="ben")


def test_two_subjects_never_see_each_other(opened, issuer, ask, problem):
    url, ana, ben = opened(), issuer.token("ana"), issuer.token("ben")
    made = ask(url, "/v1/add", ana, content="The vault's code is 1234.").json()
    assert "1234" not in ask(url, "/v1/search", ben, query="vault code").text
    problem(ask(url, f"/v1/get/{made['id']}", ben), 404, "urn:mnemon:not-found")
    for call in ("/v1/list?namespace=people/ana", "/v1/list?namespace=people", "/v1/size"):
        answer = ask(url, call, ben)
        problem(answer, 403, "urn:mnemon:access-denied")
        assert "insufficient_scope" not in answer.headers.get("www-authenticate", "")


def refused(answer, problem):
    told = problem(answer, 401, "urn:mnemon:key-refused")
    challenge = answer.headers.get_list("www-authenticate")
    assert len(challenge) == 1 and challenge[0].startswith('Bearer error="invalid_token", ')
    assert WHERE in challenge[0]
    return told["detail"]


WRONG = [
    ({"exp": 1_000_000_000}, "expired"),
    ({"nbf": 32_503_680_000}, "not valid yet"),
    ({"aud": "https://other.example/mcp"}, "for somebody else"),
    ({"aud": ["a", "https://memory.example/mcpx"]}, "for somebody else"),
    ({"aud": "https://memory.example/mcp/teams/../.."}, "for somebody else"),
    ({"aud": "https://memory.example/mcp/%2e%2e/other"}, "for somebody else"),
    ({"aud": "https://memory.example/mcp//x"}, "for somebody else"),
    ({"aud": "https://memory.example/mcp/x?y"}, "for somebody else"),
    ({"aud": "https://memory.example/mcp/x#y"}, "for somebody else"),
    ({"aud": "https://memory.example.evil.example/mcp/x"}, "for somebody else"),
    ({"aud": "https://memory.example@evil.example/mcp/x"}, "for somebody else"),
    ({"aud": "http://memory.example/mcp/x"}, "for somebody else"),
    ({"aud": "/mcp/x"}, "for somebody else"),
    ({"aud": ["https://memory.example/mcp", 7]}, "for somebody else"),
    ({"aud": {"https://memory.example/mcp": 1}}, "for somebody else"),
    ({"aud": []}, "for somebody else"),
    ({"aud": None}, "aud"),
    ({"iss": "https://login.example"}, "another issuer"),
    ({"iss": None}, "iss"),
    ({"exp": None}, "exp"),
    ({"exp": 1e30}, "no time that can be read"),
    ({"sub": None}, "sub"),
    ({"sub": ""}, "sub"),
    ({"typ": "logout+jwt"}, "another kind"),
    ({"cnf": {"jkt": "x"}}, "bound to a key"),
]


@pytest.mark.parametrize(("wrong", "why"), WRONG, ids=[str(one) for one, _ in WRONG])
def test_a_token_that_is_not_in_order_is_refused_and_told_why(
    opened, issuer, ask, problem, wrong, why
):
    assert why in refused(ask(opened(), "/v1/list", issuer.token(**wrong)), problem)


def test_clocks_may_differ_a_little_and_audiences_be_several(opened, issuer, ask):
    url, now = opened(), int(time.time())
    for claims in (
        {"exp": now - 5}, {"nbf": now + 5}, {"aud": ["x", "https://memory.example/mcp"]},
        {"aud": "https://memory.example"}, {"typ": "JWT"}, {"scope": None, "scp": WRITER.split()},
        {"scope": None, "scp": WRITER},
    ):  # fmt: skip
        assert ask(url, "/v1/list", issuer.token(**claims)).status_code == 200, claims


def test_the_token_does_not_choose_its_algorithm(opened, issuer, ask, problem):
    signer = issuer.signers[0] = Signer("RS256", "first")
    url, good = opened(), issuer.token()
    payload = good.split(".")[1]
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = signer.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, json.dumps(signer.jwk).encode(), b""):
        head = encoded({"alg": "HS256", "typ": "JWT", "kid": "first"})
        signature = hmac.new(secret, f"{head}.{payload}".encode(), hashlib.sha256).digest()
        told = refused(ask(url, "/v1/list", f"{head}.{payload}.{encoded(signature)}"), problem)
        assert "not signed by any of" in told
    for name in ("none", "None", "NONE", "", None, 7, ["RS256"]):
        bare = f"{encoded({'alg': name, 'typ': 'JWT', 'kid': 'first'})}.{payload}."
        refused(ask(url, "/v1/list", bare), problem)
    head, payload, signature = good.split(".")
    crossed = encoded({"alg": "ES256", "typ": "JWT", "kid": "first"})
    critical = encoded({"alg": "RS256", "typ": "JWT", "kid": "first", "crit": ["x"], "x": 1})
    forged = encoded({**json.loads(base64.urlsafe_b64decode(payload + "==")), "sub": "ben"})
    for token in (
        f"{crossed}.{payload}.{signature}", f"{critical}.{payload}.{signature}",
        f"{head}.{forged}.{signature}", f"{head}.{payload}.", f"{head}..{signature}", "a.b.c", "..",
        f"{encoded(b'[' * 20_000)}.{payload}.{signature}", good[:-8],
        issuer.token(signer=Signer("RS256", "first")), issuer.token(signer=Signer("RS256", "x")),
    ):  # fmt: skip
        refused(ask(url, "/v1/list", token), problem)
    assert ask(url, "/v1/list", good).status_code == 200


def test_symmetric_short_and_foreign_keys_of_an_issuer_check_nothing(opened, issuer, ask, problem):
    secret = {"kty": "oct", "k": encoded(b"x" * 32), "kid": "mac", "alg": "HS256"}
    for_secrets = Signer("RS256", "enc")
    for_secrets.jwk["use"] = "enc"
    short, told, good = Signer("RS256", "s", 1024), Signer("RS256", "told"), issuer.signers[0]
    told.jwk |= RSAAlgorithm.to_jwk(told.private, as_dict=True) | {"key_ops": ["verify"]}
    others = [secret, for_secrets.jwk, short.jwk, told.jwk, {"kty": "what"}, {}, "x"]
    issuer.replaced["/jwks"] = {"keys": [*others, good.jwk]}
    url = opened()
    with warnings.catch_warnings(action="ignore"):  # of the one that is too short
        for one in (short, told):
            refused(ask(url, "/v1/list", issuer.token(signer=one)), problem)
    assert ask(url, "/v1/list", issuer.token(signer=good)).status_code == 200
    refused(ask(url, "/v1/list", issuer.token(signer=for_secrets)), problem)
    head = encoded({"alg": "HS256", "typ": "JWT", "kid": "mac"})
    payload = issuer.token(signer=good).split(".")[1]
    signature = hmac.new(b"x" * 32, f"{head}.{payload}".encode(), hashlib.sha256).digest()
    refused(ask(url, "/v1/list", f"{head}.{payload}.{encoded(signature)}"), problem)


@pytest.mark.parametrize(
    ("call", "body", "scope", "verb"),
    [("/v1/search", {"query": "x"}, "mnemon:write", "read"),
     ("/v1/add", {"content": "x"}, "mnemon:read", "write"),
     ("/v1/forget", {"ids": ["x"]}, WRITER, "forget"),
     ("/v1/export?namespace=people/ana", {}, WRITER, "admin"),
     ("/v1/list", {}, "openid mnemon:other", "read"), ("/v1/list", {}, None, "read")],
)  # fmt: skip
def test_a_missing_scope_is_named(opened, issuer, ask, problem, call, body, scope, verb):
    answer = ask(opened(), call, issuer.token(scope=scope), **body)
    told = problem(answer, 403, "urn:mnemon:access-denied")
    assert "mnemon:" in told["detail"]
    expected = f'Bearer error="insufficient_scope", scope="mnemon:{verb}", {WHERE}'
    assert answer.headers.get_list("www-authenticate") == [expected]


def test_a_role_is_for_tokens_without_scopes_of_ours(opened, issuer, ask, problem):
    url = opened(role="reader")
    assert ask(url, "/v1/status", issuer.token(scope=None)).json()["verbs"] == ["read"]
    assert ask(url, "/v1/status", issuer.token(scope="openid")).json()["verbs"] == ["read"]
    narrow = ask(url, "/v1/status", issuer.token(scope="mnemon:write"))
    assert narrow.json()["verbs"] == ["write"]
    answer = ask(url, "/v1/add", issuer.token(scope=None), content="x")
    problem(answer, 403, "urn:mnemon:access-denied")
    assert "scope" not in ask(url, "/v1/list", None).headers["www-authenticate"].split("Bearer")[1]


def test_no_token_reaches_the_whole_store(opened, issuer, ask, problem):
    every = " ".join(f"mnemon:{one}" for one in ("read", "write", "forget", "admin", "watch"))
    url, token = opened(), issuer.token(scope=every)
    assert ask(url, "/v1/status", token).json()["role"] == "admin"
    for call in ("/v1/size", "/metrics"):
        problem(ask(url, call, token), 403, "urn:mnemon:access-denied")


def test_a_claim_that_a_namespace_needs_and_is_not_there_is_named(opened, issuer, ask, problem):
    url = opened(namespaces=("{https://acme.example/tenant}/people/{sub}",))
    told = problem(ask(url, "/v1/list", issuer.token()), 403, "urn:mnemon:access-denied")
    assert "'https://acme.example/tenant'" in told["detail"]
    token = issuer.token(**{"https://acme.example/tenant": "Ac me/.."})
    status = ask(url, "/v1/status", token).json()
    assert status["namespaces"] == ["Ac~20me~2F../people/ana"]


def test_without_a_token_the_way_to_one_is_told_and_no_error(opened, ask, problem):
    answer = ask(opened(), "/v1/list", None)
    told = problem(answer, 401, "urn:mnemon:key-refused")
    assert "access token" in told["detail"]
    scope = 'scope="mnemon:read mnemon:write mnemon:forget"'
    assert answer.headers["www-authenticate"] == f"Bearer {WHERE}, {scope}"


def test_keys_go_on_beside_tokens(opened, issuer, ask, path, problem):
    token, _ = beside(path).add("cy", ["people/cy"], ["read"])
    url = opened()
    assert ask(url, "/v1/status", token).json()["actor"] == "cy"
    answer = ask(url, "/v1/add", token, content="x")
    problem(answer, 403, "urn:mnemon:access-denied")
    assert "www-authenticate" not in answer.headers  # a key has no scopes to ask for
    assert refused(ask(url, "/v1/list", "mnemon_wrong"), problem)


def test_rates_count_for_a_subject_and_for_a_namespace(opened, issuer, ask, path, problem):
    with Memory(path) as memory:
        memory._store.set_quota("people/ben", None, None, "1/h")
    url = opened(rate="2/h")
    assert ask(url, "/v1/list", issuer.token("ana", jti="1")).status_code == 200
    second = ask(url, "/v1/list", issuer.token("ana", jti="2"))
    assert second.headers["ratelimit"].startswith('"key";r=0;')
    third = ask(url, "/v1/list", issuer.token("ana", jti="3"))
    problem(third, 429, "urn:mnemon:rate-limited")
    assert ask(url, "/v1/list", issuer.token("ben")).status_code == 200
    problem(ask(url, "/v1/list", issuer.token("ben")), 429, "urn:mnemon:rate-limited")


def test_the_client_library_sends_tokens_as_it_sends_keys(opened, issuer):
    with Memory(opened(), namespace="people/ana", api_key=issuer.token("ana")) as memory:
        memory.add("We adopted a grey cat called Miso.")
        assert "Miso" in memory.recall("What is the cat called?").text
