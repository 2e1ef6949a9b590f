"""The page with tokens: signed in by one, for as long as that lasts."""

from __future__ import annotations

import time

import httpx2
import pytest

from mnemon.server.keys import beside
from mnemon.server.oauth import OAuth
from mnemon.server.oauth.rules import Rules
from mnemon.server.sessions.file import SessionFile


@pytest.fixture
def browser():
    clients = []

    def start(url):
        client = httpx2.Client(
            base_url=url, headers={"Origin": url}, follow_redirects=True, verify=False, timeout=60
        )
        clients.append(client)
        return client

    yield start
    for one in clients:
        one.close()


def test_a_token_signs_in_to_its_own_namespace(opened, issuer, ask, browser):
    url = opened()
    for name in ("ana", "ben"):
        ask(url, "/v1/add", issuer.token(name), content=f"This is what {name} said.")
    page = browser(url)
    assert "access token" in page.get("/login").text
    assert page.post("/login", data={"key": issuer.token("ana")}).status_code == 200
    shown = page.get("/search", params={"q": "what was said"}).text
    assert "what ana said" in page.get("/timeline").text + shown
    assert "ben" not in shown
    assert page.get("/timeline", params={"namespace": "people/ben"}).status_code == 403


def test_a_token_that_opens_nothing_does_not_sign_in(opened, issuer, browser):
    page = browser(opened())
    for token in (
        issuer.token(exp=1),
        issuer.token(scope="openid"),
        issuer.token(aud="x"),
        "a.b.c",
    ):
        answer = page.post("/login", data={"key": token})
        assert answer.status_code == 401 and "opens nothing here" in answer.text


def test_keys_still_sign_in(opened, browser, path):
    token, _ = beside(path).add("cy", ["people/cy"])
    assert "Sign in" not in browser(opened()).post("/login", data={"key": token}).text


def test_a_session_ends_with_its_token_and_with_the_issuer(opened, serve, issuer, browser, path):
    url = opened()
    page = browser(url)
    page.post("/login", data={"key": issuer.token(exp=int(time.time()) + 600)})
    (cookie,) = page.cookies.jar
    assert page.get("/timeline").url.path == "/timeline"
    beside(path).add("cy", None)  # so that a server without an issuer asks for keys
    without = browser(serve())
    without.cookies.set(cookie.name, cookie.value)
    assert without.get("/timeline").url.path == "/login"
    kept = (path.with_name(f"{path.name}-sessions")).read_bytes()
    assert b"people/" not in kept and issuer.token("ana").split(".")[1][:20].encode() not in kept


def test_what_a_session_keeps_gives_a_key_until_the_token_ends():
    rules = Rules(OAuth("https://a.example", ("{sub}",), public_url="https://m.example"))
    claims = {"iss": "https://a.example", "sub": "ana", "scope": "mnemon:read", "email": "a@b.c"}
    note = rules.noted({**claims, "exp": time.time() + 60})
    assert "email" not in note
    assert rules.revived(note).namespaces == ("ana",)
    assert rules.revived(rules.noted({**claims, "exp": time.time() - 60})) is None
    other = Rules(OAuth("https://b.example", ("{sub}",), public_url="https://m.example"))
    assert other.revived(note) is None


def test_a_session_of_a_token_is_no_session_of_a_key(path):
    shelf = SessionFile(path)
    shelf.put("digest", '{"iss": "x"}', 60)
    assert beside(path).living(shelf.key("digest")) is None
