"""A real upstream with a script: what it was asked is kept, what it answers is up to the test."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
import uvicorn

openai = pytest.importorskip("openai", reason="the extra 'openai' is not installed")


@dataclass
class Asked:
    """One request that came to the upstream."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def last(self) -> str:
        """The text of its last user message."""
        given = self.json.get("messages") or self.json["input"]
        if isinstance(given, str):
            return given
        content = [one["content"] for one in given if one.get("role") == "user"][-1]
        if isinstance(content, str):
            return content
        return "\n".join(part.get("text", "") for part in content)


class Upstream:
    """An ASGI app. `script(asked, send)` answers; by default it says `text`."""

    url = ""

    def begin(self) -> None:
        self.asked: list[Asked] = []
        self.text = "Of course."
        self.script = self.says
        self.gone = threading.Event()

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        asked = Asked(scope["method"], scope["path"], headers, body)
        self.asked.append(asked)
        work = asyncio.ensure_future(self.script(asked, send))
        leaving = asyncio.ensure_future(receive())
        await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if leaving.done() and not work.done():
            self.gone.set()
            work.cancel()
        leaving.cancel()
        await work

    async def says(self, asked, send):
        """What OpenAI would, in either dialect, whole or as a stream."""
        if asked.path.endswith("/responses"):
            events = response_events(self.text) if asked.json.get("stream") else None
            await (stream(send, events) if events else whole(send, response(self.text)))
        elif asked.path.endswith("/chat/completions"):
            pieces = chunks(self.text) if asked.json.get("stream") else None
            await (stream(send, pieces) if pieces else whole(send, completion(self.text)))
        else:
            await whole(send, {"object": "list", "data": [], "path": asked.path})


def answers(status: int, body: Any, **headers: str):
    """A script that gives this answer: bytes, or JSON."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def script(asked, send):
        await start(send, status, **{"content_type": "application/json", **headers})
        await send({"type": "http.response.body", "body": body})

    return script


async def start(send, status=200, **headers):
    told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": told})


async def whole(send, told):
    await start(send, content_type="application/json")
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})


async def stream(send, events, end=True):
    await start(send, content_type="text/event-stream; charset=utf-8")
    for event in events:
        await send({"type": "http.response.body", "body": event, "more_body": True})
    if end:
        await send({"type": "http.response.body", "body": b""})


def completion(text, finish="stop", **message):
    said = {"role": "assistant", "content": text, **message}
    choice = {"index": 0, "message": said, "finish_reason": finish, "logprobs": None}
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "scripted",
        "choices": [choice], "usage": {"prompt_tokens": 1, "completion_tokens": 1,
                                       "total_tokens": 2}, "of_the_upstream": 1.50,
    }  # fmt: skip


def chunk(delta, finish=None, index=0):
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    told = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
            "model": "scripted", "choices": [choice]}  # fmt: skip
    return f"data: {json.dumps(told, ensure_ascii=False)}\n\n".encode()


DONE = b"data: [DONE]\n\n"


def chunks(text, finish="stop"):
    deltas = [chunk({"role": "assistant", "content": ""})]
    deltas += [chunk({"content": part}) for part in text.split(" ") for part in (part, " ")][:-1]
    return [*deltas, chunk({}, finish), DONE]


def response(text, status="completed", **more):
    part = {"type": "output_text", "text": text, "annotations": []}
    said = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
            "content": [part]}  # fmt: skip
    return {
        "id": "resp_1", "object": "response", "created_at": 1, "model": "scripted",
        "status": status, "output": [said] if text else [], "parallel_tool_calls": True,
        "tools": [], "tool_choice": "auto", **more,
    }  # fmt: skip


def event(type, **told):
    return f"event: {type}\ndata: {json.dumps({'type': type, **told})}\n\n".encode()


def response_events(text, status="completed"):
    begun = event("response.created", response=response("", "in_progress"), sequence_number=0)
    deltas = [
        event("response.output_text.delta", delta=word, item_id="msg_1", output_index=0,
              content_index=0, sequence_number=1, logprobs=[])
        for word in text.split()
    ]  # fmt: skip
    end = event(f"response.{status}", response=response(text, status), sequence_number=2)
    return [begun, *deltas, end]


@pytest.fixture(scope="session")
def made():
    """What an upstream's script is made of."""
    return SimpleNamespace(
        answers=answers, start=start, stream=stream, completion=completion, chunk=chunk,
        chunks=chunks, DONE=DONE, response=response, response_events=response_events, event=event,
    )  # fmt: skip


@pytest.fixture(scope="session")
def upstream_server():
    app = Upstream()
    config = uvicorn.Config(
        app, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    app.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
    yield app
    server.should_exit = True
    thread.join()


@pytest.fixture
def upstream(upstream_server):
    """The upstream, which has been asked nothing yet and says "Of course."."""
    upstream_server.begin()
    return upstream_server


@pytest.fixture(scope="session")
def web():
    """Plain requests, as curl would make them."""
    with httpx2.Client(timeout=30, verify=False) as found:
        yield found


@pytest.fixture
def proxy(serve, upstream) -> str:
    """The address of a server in front of the upstream."""
    return serve(upstream=upstream.url)


@pytest.fixture
def client():
    """OpenAI's own client, as anybody would make it."""
    made = []

    def make(url, key="sk-theirs", **headers):
        told = {f"Mnemon-{name.replace('_', '-')}": value for name, value in headers.items()}
        library = httpx2.Client(verify=False)
        found = openai.OpenAI(
            base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=20,
            default_headers=told, http_client=library,
        )  # fmt: skip
        made.append(found)
        return found

    yield make
    for one in made:
        one.close()


@pytest.fixture
def chat(proxy, client):
    """Says something in a fresh conversation; gives the answer with its headers."""
    talking = client(proxy)

    def say(*said, **more):
        headers = {f"Mnemon-{name}": value for name, value in more.pop("headers", {}).items()}
        messages = [
            {"role": "user", "content": one} if isinstance(one, str) else one for one in said
        ]
        return talking.chat.completions.with_raw_response.create(
            model="scripted", messages=messages, extra_headers=headers, **more
        )

    return say
