"""What goes wrong upstream, in memory, or in the request: said as it is, nothing kept by half."""

from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path

import openai
import pytest
from click.testing import CliRunner

from mnemon import Memory
from mnemon.cli.app import mnemon
from mnemon.errors import InvalidInput, StoreBusy, StoreFull
from mnemon.server import serving
from mnemon.server.proxy.wishes import Wishes
from mnemon.server.settings import Settings

HELLO = {"messages": [{"role": "user", "content": "Hello."}], "model": "scripted"}


def count(path):
    with Memory(path) as memory:
        return memory.count()


@pytest.mark.parametrize("status", [400, 401, 404, 418, 429, 500, 503, 302])
def test_a_refusal_comes_back_as_it_was(proxy, upstream, path, made, status, web):
    raw = b'{"error": {"message": "no\\u0021" , "code": 1.0}}'
    upstream.script = made.answers(status, raw, retry_after="7", x_request_id="r1")
    answer = web.post(f"{proxy}/v1/chat/completions", json=HELLO)
    assert (answer.status_code, answer.content) == (status, raw)
    assert answer.headers["retry-after"] == "7" and answer.headers["x-request-id"] == "r1"
    assert count(path) == 0


@pytest.mark.parametrize(
    "raw", [b"", b"<html>welcome</html>", b"[1]", b'{"choices": []}', b'{"choices": [{"x": 1}]}',
            b'{"choices": 7, "output": {}}', b"\xff\xfe", b"[" * 9000],
)  # fmt: skip
@pytest.mark.parametrize("route", ["chat/completions", "responses"])
def test_what_is_no_answer_comes_back_as_it_was(proxy, upstream, path, made, raw, route, web):
    upstream.script = made.answers(200, raw)
    answer = web.post(f"{proxy}/v1/{route}", json={**HELLO, "input": "Hello."})
    assert (answer.status_code, answer.content) == (200, raw)
    assert "mnemon-stored" not in answer.headers and count(path) == 0


def test_nobody_listening_is_said_in_both_ways(serve, client, problem, path, web):
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    url = serve(upstream=f"http://127.0.0.1:{port}/v1")
    answer = web.post(f"{url}/v1/chat/completions", json=HELLO)
    told = problem(answer, 502, "urn:mnemon:upstream-failed")
    assert told["error"]["message"] == told["detail"] and told["error"]["code"] == "upstream-failed"
    with pytest.raises(openai.InternalServerError, match="gave no whole answer"):
        client(url).chat.completions.create(**HELLO)
    assert count(path) == 0


def test_an_upstream_that_is_too_slow_is_said(serve, upstream, path, problem, made, web):
    url = serve(upstream=upstream.url, upstream_timeout=0.3)

    async def silent(asked, send):
        await asyncio.sleep(60)

    async def halting(asked, send):
        await made.start(send, content_type="application/json", content_length="99")
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        await asyncio.sleep(60)

    for script in (silent, halting):
        upstream.script = script
        answer = web.post(f"{url}/v1/chat/completions", json=HELLO)
        problem(answer, 504, "urn:mnemon:server-error")
        assert upstream.gone.wait(10)
        upstream.gone.clear()
    assert count(path) == 0


def test_an_answer_that_breaks_off_is_said(proxy, upstream, path, problem, made, web):
    async def script(asked, send):
        await made.start(send, content_type="application/json", content_length="99")
        await send({"type": "http.response.body", "body": b'{"choices"', "more_body": True})

    upstream.script = script
    answer = web.post(f"{proxy}/v1/chat/completions", json=HELLO)
    problem(answer, 502, "urn:mnemon:upstream-failed")
    assert count(path) == 0


@pytest.mark.parametrize(
    "body", [b"", b"hello", b"[]", b"{}", b'{"messages": 7}', b'{"messages": [1, {"role": 2}]}',
             b'{"messages": [{"role": "user"}, {"role": "user", "content": null}]}', b"\xff",
             b'{"messages": [{"role": "user", "content": [{"type": "text"}]}], "input": {}}'],
)  # fmt: skip
@pytest.mark.parametrize("route", ["chat/completions", "responses"])
def test_a_request_that_is_none_is_left_to_the_upstream(
    proxy, upstream, made, body, route, path, web
):
    with Memory(path) as memory:
        memory.add("Our cat is called Miso.")
    upstream.script = made.answers(400, b'{"error": {"message": "what?"}}')
    answer = web.post(f"{proxy}/v1/{route}", content=body)
    assert (answer.status_code, upstream.asked[-1].body) == (400, body)


def test_failed_recall_fails_the_request_unless_memory_is_optional(
    chat, upstream, problem, monkeypatch, proxy, web
):
    def fail(*_, **__):
        raise StoreBusy("another process holds the store: try again")

    monkeypatch.setattr(Memory, "recall", fail)
    answer = web.post(f"{proxy}/v1/chat/completions", json=HELLO)
    told = problem(answer, 503, "urn:mnemon:store-busy")
    assert told["error"]["message"].startswith("another process") and not upstream.asked
    assert answer.headers["retry-after"] == "1"
    answer = chat("Hello.", headers={"Memory-Optional": "yes"})
    assert answer.headers["mnemon-recall"] == "failed; StoreBusy" and len(upstream.asked) == 1


def test_an_answer_that_could_not_be_stored_is_given_and_said(chat, monkeypatch, caplog):
    def fail(*_, **__):
        raise StoreFull("the disk is full of secrets")

    monkeypatch.setattr(Memory, "add", fail)
    with caplog.at_level(logging.ERROR, "mnemon.server"):
        answer = chat("Hello.")
        streamed = chat("Hello.", stream=True)
        assert "".join(c.choices[0].delta.content or "" for c in streamed.parse()) == "Of course."
    assert answer.parse().choices[0].message.content == "Of course."
    assert answer.headers["mnemon-stored"] == "failed; StoreFull"
    assert caplog.text.count("a chat was not stored") == 2 and "secrets" not in caplog.text


@pytest.mark.parametrize(
    "headers", [{"Mnemon-Namespce": "x"}, {"Mnemon-Budget": "many"}, {"Mnemon-Memory": "maybe"},
                {"Mnemon-Session": ""}, {"Mnemon-Session": "%00"}, {"Mnemon-Namespace": "a/../b"},
                {"Mnemon-Min-Score": "2"}, {"Mnemon-Speaker": "x" * 300}],
    ids=str,
)  # fmt: skip
def test_a_header_that_is_wrong_is_refused(proxy, upstream, headers, web):
    answer = web.post(f"{proxy}/v1/chat/completions", json=HELLO, headers=headers)
    assert answer.status_code == 422 and answer.json()["detail"] and not upstream.asked


def test_without_an_upstream_the_routes_say_so(url, problem, web):
    for route in ("chat/completions", "responses", "embeddings"):
        told = problem(web.post(f"{url}/v1/{route}", json=HELLO), 404, "urn:mnemon:not-found")
        assert "--upstream" in told["error"]["message"]
    problem(web.get(f"{url}/v1/models"), 404, "urn:mnemon:not-found")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"upstream": "api.openai.com/v1"}, "is no address"),
        ({"upstream": "https://me:secret@example.org/v1"}, "--upstream-key-env"),
        ({"upstream": "https://example.org/v1", "upstream_key_env": "NO_SUCH"}, "NO_SUCH is not"),
        ({"upstream_key_env": "X"}, "needs --upstream"),
    ],
)
def test_an_upstream_that_cannot_be_is_refused_at_the_start(path, options, match):
    with pytest.raises(InvalidInput, match=match) as caught:
        serving.serve(Settings(path, port=0, **options), ready=print)
    assert "secret" not in str(caught.value) and not path.exists()


def test_the_command_line_takes_an_upstream_and_refuses_what_is_none(path):
    done = CliRunner().invoke(mnemon, ["--store", str(path), "serve", "--upstream", "nowhere"])
    assert done.exit_code == 2 and "is no address" in done.output and not path.exists()


def test_the_documents_name_every_header(proxy, web):
    page = (Path(__file__).parents[3] / "docs" / "proxy.md").read_text("utf-8")
    answer = web.post(f"{proxy}/v1/chat/completions", json=HELLO)
    wished = [name.replace("_", "-") for name in Wishes.model_fields]
    told = [name for name in answer.headers if name.startswith("mnemon-")]
    assert [name for name in wished + told if f"`{name.title()}`" not in page] == []


def test_only_what_no_tenant_owns_is_passed_on(proxy, upstream, web):
    assert web.get(f"{proxy}/v1/models").json()["path"] == "/v1/models"
    assert web.get(f"{proxy}/v1/models/org/m%20x").json()["path"] == "/v1/models/org/m x"
    assert web.post(f"{proxy}/v1/embeddings", json={"input": "x"}).status_code == 200
    seen = len(upstream.asked)
    for path in ("files", "responses/resp_1", "models/..%2Ffiles", "models/%2e%2e/files",
                 "models/a/%2e%2e/%2e%2e/files", "threads"):  # fmt: skip
        assert web.get(f"{proxy}/v1/{path}").status_code in (404, 405), path
    assert len(upstream.asked) == seen
