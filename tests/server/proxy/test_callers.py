"""Whose memory, whose key: what a client must send, what goes upstream, and that tenants never
cross."""

from __future__ import annotations

import itertools
import time

import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnemon import Memory
from mnemon.server.keys import beside

HELLO = {"messages": [{"role": "user", "content": "Hello."}], "model": "scripted"}


@pytest.fixture
def ours(monkeypatch):
    monkeypatch.setenv("UPSTREAM_KEY", "sk-ours")
    return {"upstream_key_env": "UPSTREAM_KEY"}


def sent(upstream) -> str | None:
    return upstream.asked[-1].headers.get("authorization")


def test_without_keys_the_clients_key_goes_upstream(proxy, client, upstream):
    client(proxy, "sk-theirs").chat.completions.create(**HELLO)
    assert sent(upstream) == "Bearer sk-theirs"
    client(proxy, "mnemon_lost").chat.completions.create(**HELLO)
    assert sent(upstream) is None
    assert not any(name.startswith("mnemon") for name in upstream.asked[-1].headers)


def test_the_servers_own_key_takes_its_place(serve, client, upstream, ours, web):
    url = serve(upstream=upstream.url, **ours)
    account = {"OpenAI-Organization": "org", "X-Forwarded-For": "10.0.0.1", "Cookie": "a=b"}
    web.post(f"{url}/v1/chat/completions", json=HELLO,
                headers={"Authorization": "Bearer unused", **account})  # fmt: skip
    assert sent(upstream) == "Bearer sk-ours"
    assert not {name.lower() for name in account} & upstream.asked[-1].headers.keys()


@pytest.mark.parametrize("with_ours", [True, False])
def test_with_keys_a_plain_client_sends_only_its_mnemon_key(
    serve, client, upstream, path, ours, with_ours
):
    token, _ = beside(path).add("ana", ["acme/ana"])
    url = serve(upstream=upstream.url, **(ours if with_ours else {}))
    client(url, token).chat.completions.create(**HELLO)
    assert sent(upstream) == ("Bearer sk-ours" if with_ours else None)
    with Memory(path) as memory:
        assert [c.content for c in memory.list(namespace="acme/ana")] == ["Hello.", "Of course."]
        assert {event.actor for event in memory.log(namespace="acme/ana")} == {"ana"}
    for key in ("wrong", "mnemon_wrong"):
        with pytest.raises(openai.AuthenticationError, match="unknown, expired or revoked"):
            client(url, key).chat.completions.create(**HELLO)
    assert len(upstream.asked) == 1


def test_both_keys_can_be_brought(serve, client, upstream, path, ours):
    token, _ = beside(path).add("ana", ["ana"])
    url = serve(upstream=upstream.url, **ours)
    client(url, "sk-theirs", Key=token).chat.completions.create(**HELLO)
    assert sent(upstream) == "Bearer sk-theirs"
    client(url, token, Key=token).chat.completions.create(**HELLO)
    assert sent(upstream) == "Bearer sk-ours"


def test_memory_does_what_the_key_may(serve, client, upstream, path):
    keys = beside(path)
    url = serve(upstream=upstream.url)
    with Memory(path) as memory:
        memory.add("The cat is called Miso.", namespace="ana")
    for verbs, mode in ((["read"], "read"), (["write"], "write"), (["read", "write"], "on")):
        token, _ = keys.add("ana", ["ana"], verbs)
        answer = client(url, token).chat.completions.with_raw_response.create(**HELLO)
        assert answer.headers["mnemon-memory"] == mode
        assert ("Miso" in upstream.asked[-1].last) == (mode != "write")
        for other in {"read", "write", "on"} - {mode, *(verbs if mode == "on" else ())}:
            with pytest.raises(openai.PermissionDeniedError):
                client(url, token, Memory=other).chat.completions.create(**HELLO)
    token, _ = keys.add("ana", ["ana"], ["forget"])
    for headers in ({}, {"Memory": "off"}):
        with pytest.raises(openai.PermissionDeniedError, match="neither read nor write"):
            client(url, token, **headers).chat.completions.create(**HELLO)
    with pytest.raises(openai.PermissionDeniedError, match="neither read nor write"):
        client(url, token).models.list()


def test_a_namespace_is_named_below_the_keys_own(serve, client, upstream, path):
    token, _ = beside(path).add("ana", ["acme/ana"])
    several, _ = beside(path).add("boss", ["acme/ana", "acme/ben"])
    url = serve(upstream=upstream.url)
    answer = client(url, token, Namespace="acme/ana/caf%C3%A9").chat.completions
    told = answer.with_raw_response.create(**HELLO)
    assert told.headers["mnemon-namespace"] == "acme/ana/caf%C3%A9"
    with pytest.raises(openai.PermissionDeniedError, match="does not reach namespace 'acme/ben'"):
        client(url, token, Namespace="acme/ben").chat.completions.create(**HELLO)
    with pytest.raises(openai.UnprocessableEntityError, match="say namespace="):
        client(url, several).chat.completions.create(**HELLO)
    with Memory(path) as memory:
        assert memory.namespaces() == [("acme/ana/café", 2)]


def test_a_web_page_is_kept_out(proxy, upstream, web):
    answer = web.post(
        f"{proxy}/v1/chat/completions", json=HELLO, headers={"Origin": "http://evil.example"}
    )
    assert answer.status_code == 403 and not upstream.asked


def test_keys_and_content_are_in_no_log_and_no_file(serve, client, upstream, path, ours, caplog):
    token, _ = beside(path).add("ana", ["ana"])
    url = serve(upstream=upstream.url, **ours)
    with caplog.at_level("DEBUG", "mnemon"):
        client(url, "sk-theirs", Key=token).chat.completions.create(**HELLO)
        end = time.monotonic() + 30
        while "/v1/chat/completions" not in caplog.text and time.monotonic() < end:
            time.sleep(0.01)  # the line is written after the answer
    assert "/v1/chat/completions" in caplog.text
    assert not any(secret in caplog.text for secret in ("sk-", token, "Hello"))
    kept = b"".join(file.read_bytes() for file in path.parent.iterdir() if file.is_file())
    assert not any(secret in kept for secret in (b"sk-ours", b"sk-theirs", token.encode()))


NAMES = st.sampled_from(["an", "ana", "ana0", "ana-x", "Ana", "acme/ana", "acme/an"])
counter = itertools.count()
SHARED = [HealthCheck.function_scoped_fixture]  # each example has names of its own


@settings(max_examples=8, database=None, suppress_health_check=SHARED)
@given(st.tuples(NAMES, NAMES).filter(lambda pair: pair[0] != pair[1]), st.data())
def test_tenants_never_cross(tenants, web, pair, data):
    """Two talk in turn, in the same words and sessions, in either dialect, streamed or not."""
    url, upstream, path = tenants
    root = f"run{next(counter)}"
    scopes = [f"{root}/{name}" for name in pair]
    tokens = [beside(path).add(scope, [scope])[0] for scope in scopes]
    for turn in range(4):
        who = data.draw(st.integers(0, 1))
        said = f"My word is secret{who}x{turn}. What is my word?"
        upstream.text = f"Your word is answer{who}."
        chat = data.draw(st.booleans())
        body = {"messages": [{"role": "user", "content": said}]} if chat else {"input": said}
        body |= {"stream": data.draw(st.booleans()), "model": "x"}
        if not chat and data.draw(st.booleans()):
            body["previous_response_id"] = "resp_1"
        headers = {"Authorization": f"Bearer {tokens[who]}", "Mnemon-Budget": "5000"}
        if data.draw(st.booleans()):
            headers["Mnemon-Session"] = "the same"
        route = "chat/completions" if chat else "responses"
        answer = web.post(f"{url}/v1/{route}", json=body, headers=headers)
        assert answer.status_code == 200 and f"answer{who}" in answer.text
        other = 1 - who
        assert f"secret{other}" not in (arrived := upstream.asked[-1].body.decode())
        assert f"answer{other}" not in arrived and tokens[who] not in arrived
        headers["Mnemon-Namespace"] = scopes[other]
        seen = len(upstream.asked)
        denied = web.post(f"{url}/v1/{route}", json=body, headers=headers)
        assert denied.status_code == 403 and len(upstream.asked) == seen
    with Memory(path) as memory:
        for who, scope in enumerate(scopes):
            kept = [cube.content for cube in memory.list(namespace=scope, limit=-1)]
            assert not any(f"secret{1 - who}" in one or f"answer{1 - who}" in one for one in kept)


@pytest.fixture
def tenants(serve, upstream, path):
    beside(path).add("first", ["nobody"])
    return serve(upstream=upstream.url), upstream, path
