"""`/mcp` with tokens, by the SDK's own client: told of the issuer, signed in, and at work."""

from __future__ import annotations

from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from anyio.from_thread import start_blocking_portal
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.oauth2 import AuthorizationCodeResult
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata, ProtectedResourceMetadata
from tests.server.mcp.conftest import Wire
from tests.server.mcp.test_team import agent, posted, tool

from mnemon import Memory
from mnemon.server.audit.file import beside as audited

from .conftest import free_port

METADATA = "/.well-known/oauth-protected-resource"


class Kept:
    """What the client has between two requests."""

    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class SigningIn:
    """Somebody at a browser: goes where the client sends him, and is sent back with a code."""

    def __init__(self):
        self.asked = []
        self.back = {}

    async def goes(self, url):
        self.asked.append(parse_qs(urlsplit(url).query))
        async with httpx2.AsyncClient(verify=False) as browser:
            answer = await browser.get(url)
        self.back = parse_qs(urlsplit(answer.headers["location"]).query)

    async def comes(self):
        return AuthorizationCodeResult(code=self.back["code"][0], state=self.back["state"][0])


@contextmanager
def signing_in(url, person):
    """The SDK's client that knows nothing but the address."""
    about = OAuthClientMetadata(
        redirect_uris=["http://127.0.0.1:1/back"], token_endpoint_auth_method="none"
    )
    with start_blocking_portal() as portal:
        auth = OAuthClientProvider(url, about, Kept(), person.goes, person.comes)
        http = httpx2.AsyncClient(auth=auth, timeout=30, verify=False)
        client = Client(streamable_http_client(url, http_client=http), mode="legacy")
        held, opened = (portal.wrap_async_context_manager(one) for one in (http, client))
        with held, opened:
            yield Wire(portal, client)


@pytest.fixture
def reached(opened):
    """A server that clients reach where it is."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    def start(**told):
        return opened({"port": port}, **{"public_url": url, **told})

    return start


def test_a_client_that_knows_only_the_address_signs_in_and_works(reached, issuer, path):
    url, person = f"{reached()}/mcp", SigningIn()
    with signing_in(url, person) as wire:
        assert len(wire.portal.call(wire.client.list_tools).tools) == 6
        wire.ask("add_memory", content="Our server is called Heron.")
        assert "Heron" in str(wire.ask("recall", query="What is our server called?"))
    (asked,) = person.asked
    assert asked["resource"] == [url]
    assert asked["scope"] == ["mnemon:read mnemon:write mnemon:forget"]
    with Memory(path) as memory:
        assert memory.count(namespace="people/ana") == 1


def test_a_client_whose_token_lacks_a_scope_asks_for_it_and_goes_on(reached, issuer, path):
    issuer.grants = lambda scope: "mnemon:read"
    url, person = f"{reached()}/mcp", SigningIn()
    with signing_in(url, person) as wire:
        wire.ask("memory_status")
        issuer.grants = lambda scope: scope
        wire.ask("add_memory", content="Our server is called Heron.")
    assert len(person.asked) == 2 and "mnemon:write" in person.asked[1]["scope"][0].split()
    entries = [(one.verb, one.outcome) for _, one in audited(path).entries()]
    assert entries[-2:] == [("add", "denied"), ("add", "done")]


def test_the_metadata_are_what_the_sdk_reads(opened, issuer, ask):
    url = opened()
    for path in ("", "/mcp"):
        answer = ask(url, METADATA + path, None)
        told = ProtectedResourceMetadata.model_validate_json(answer.content)
        assert str(told.resource) == f"https://memory.example{path}"
        assert [str(one) for one in told.authorization_servers] == [issuer.url]
        scopes = ["mnemon:read", "mnemon:write", "mnemon:forget", "mnemon:admin"]
        assert told.scopes_supported == scopes
    assert ask(url, f"{METADATA}/other", None).status_code == 404


def test_where_a_role_stands_for_scopes_none_are_asked_for(opened, ask):
    told = ask(opened(role="writer"), f"{METADATA}/mcp", None).json()
    assert "scopes_supported" not in told


def test_without_an_issuer_there_are_no_metadata(serve, problem):
    url = serve()
    for path in (METADATA, f"{METADATA}/mcp", "/.well-known/nothing"):
        told = problem(httpx2.get(f"{url}{path}"), 404, "about:blank")
        assert told["detail"] == "there is nothing at this address: see /docs for the routes"


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_a_token_of_elsewhere_lists_tools_and_works(opened, issuer, mode):
    every = "mnemon:read mnemon:write mnemon:forget"
    with agent(opened(), issuer.token("ana", every), mode) as wire:
        assert len(wire.portal.call(wire.client.list_tools).tools) == 6
        made = wire.ask("add_memory", content="Our server is called Heron.")
        assert "Heron" in str(wire.ask("search_memory", query="Heron"))
        wire.ask("forget_memory", ids=[made["id"]])


def test_a_tool_that_a_token_may_not_use_is_403_and_says_which_scope(opened, issuer):
    url, token = opened(), issuer.token("ana", "mnemon:read")
    message = tool("add_memory", content="The secret zebra.")
    answer = posted(url, message, Authorization=f"Bearer {token}")
    assert answer.status_code == 403
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer error="insufficient_scope", scope="mnemon:write", ')
    told = answer.json()
    assert told["id"] == 1 and "ask for the scope mnemon:write" in told["error"]["message"]
    status = posted(url, tool("memory_status"), Authorization=f"Bearer {token}")
    assert status.json()["result"]["structuredContent"] == {"memories": 0, "parts": []}


def test_tokens_that_are_not_in_order_are_401_at_mcp(opened, issuer, problem):
    url = opened()
    for token in (issuer.token(exp=1), issuer.token(aud="https://other.example"), "a.b.c"):
        answer = posted(url, tool("memory_status"), Authorization=f"Bearer {token}")
        problem(answer, 401, "urn:mnemon:key-refused")
        assert f"https://memory.example{METADATA}/mcp" in answer.headers["www-authenticate"]
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
