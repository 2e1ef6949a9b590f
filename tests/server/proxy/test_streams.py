"""Streams: through at once and untouched, remembered when they are whole, and only then."""

from __future__ import annotations

import asyncio
import json
import socket
import threading

import httpx2
import pytest

from mnemon import Memory

HELLO = {"messages": [{"role": "user", "content": "Tell me of Miso."}], "stream": True}


def contents(path):
    with Memory(path) as memory:
        return [cube.content for cube in memory.list()]


def test_a_stream_is_answered_and_remembered(chat, upstream, path):
    upstream.text = "Miso — a café cat 😀, grey."
    answer = chat("Tell me of Miso.", stream=True, stream_options={"include_usage": True})
    told = "".join(one.choices[0].delta.content or "" for one in answer.parse())
    assert told == upstream.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    # Whoever has seen the end finds it in memory.
    assert contents(path) == ["Tell me of Miso.", upstream.text]
    assert upstream.asked[-1].json["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_the_bytes_are_those_of_the_upstream(proxy, upstream, path, made, size, web):
    raw = b": a comment\r\n\r\n" + b"".join(made.chunks("é 😀 grey.")).replace(b"\n", b"\r\n")

    async def script(asked, send):
        await made.stream(send, [raw[at : at + size] for at in range(0, len(raw), size)])

    upstream.script = script
    with web.stream("POST", f"{proxy}/v1/chat/completions", json=HELLO) as answer:
        assert b"".join(answer.iter_raw()) == raw
    assert contents(path) == ["Tell me of Miso.", "é 😀 grey."]


def test_a_piece_is_passed_on_before_the_next_is_made(proxy, upstream, made, web):
    seen = threading.Event()

    async def script(asked, send):
        first, *rest = made.chunks("one two")
        await made.stream(send, [first], end=False)
        while not seen.is_set():
            await asyncio.sleep(0.001)
        for piece in (*rest, b""):
            more = bool(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": more})

    upstream.script = script
    with web.stream("POST", f"{proxy}/v1/chat/completions", json=HELLO, timeout=20) as answer:
        pieces = answer.iter_raw()
        assert b"assistant" in next(pieces)
        seen.set()
        assert b"[DONE]" in b"".join(pieces)


def test_tool_calls_in_a_stream_come_through_and_their_names_are_kept(chat, upstream, path, made):
    calls = [{"index": 0, "id": "c1", "function": {"name": "look", "arguments": ""}}]
    more = [{"index": 0, "function": {"arguments": '{"secret": 1}'}}]
    pieces = [
        made.chunk({"content": "Looking."}), made.chunk({"tool_calls": calls}),
        made.chunk({"tool_calls": more}), made.chunk({"content": "No!"}, "stop", index=1),
        made.chunk({}, "tool_calls"), made.DONE,
    ]  # fmt: skip
    upstream.script = lambda asked, send: made.stream(send, pieces)
    got = list(chat("Look.", stream=True, n=2).parse())
    assert got[2].choices[0].delta.tool_calls[0].function.arguments == '{"secret": 1}'
    with Memory(path) as memory:
        _, answer = memory.list()
    assert (answer.content, answer.metadata["tools"]) == ("Looking.", ["look"])


def broken(made, name):
    pieces = made.chunks("half an answer")
    error = b'data: {"error": {"message": "overloaded"}}\n\n'
    return {
        "no finish": [*pieces[:-2]],
        "no finish, but done": [*pieces[:-2], made.DONE],
        "filtered": [*pieces[:-2], made.chunk({}, "content_filter"), made.DONE],
        "error": [*pieces[:2], error, *pieces[2:]],
        "no JSON": [*pieces[:2], b"data: {oops\n\n", *pieces[2:]],
        "nothing": [],
    }[name]


@pytest.mark.parametrize(
    "name", ["no finish", "no finish, but done", "filtered", "error", "no JSON", "nothing"]
)
def test_of_a_stream_that_did_not_end_well_nothing_is_kept(proxy, upstream, path, made, name, web):
    pieces = broken(made, name)
    upstream.script = lambda asked, send: made.stream(send, pieces)
    with web.stream("POST", f"{proxy}/v1/chat/completions", json=HELLO) as answer:
        assert b"".join(answer.iter_raw()) == b"".join(pieces)
    assert contents(path) == []


def test_a_stream_without_its_last_line_is_whole_when_it_finished(proxy, upstream, path, made, web):
    upstream.script = lambda asked, send: made.stream(
        send, made.chunks("All of it.", "length")[:-1]
    )
    web.post(f"{proxy}/v1/chat/completions", json=HELLO)
    assert contents(path) == ["Tell me of Miso.", "All of it."]


def test_an_upstream_that_breaks_off_breaks_the_stream(proxy, upstream, path, made, web):
    async def script(asked, send):
        await made.stream(send, made.chunks("half an answer")[:-1], end=False)  # then nothing

    upstream.script = script
    with (
        pytest.raises(httpx2.RemoteProtocolError),
        web.stream("POST", f"{proxy}/v1/chat/completions", json=HELLO) as answer,
    ):
        assert answer.status_code == 200
        answer.read()
    assert contents(path) == []


@pytest.mark.parametrize("streams", [True, False])
def test_a_caller_who_hangs_up_stops_the_upstream(proxy, upstream, path, made, streams):
    async def script(asked, send):
        if streams:
            await made.stream(send, made.chunks("half")[:2], end=False)
        upstream.begun.set()
        await asyncio.sleep(60)

    upstream.script, upstream.begun = script, threading.Event()
    body = json.dumps(HELLO).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}"
    address = httpx2.URL(proxy)
    with socket.create_connection((address.host, address.port)) as caller:
        caller.sendall(head.encode() + b"\r\n\r\n" + body)
        assert upstream.begun.wait(30)
        if streams:
            assert caller.recv(100).startswith(b"HTTP/1.1 200")
    assert upstream.gone.wait(30)
    assert contents(path) == []


def test_a_long_stream_is_not_cut_by_the_servers_own_deadline(serve, upstream, made, path, web):
    url = serve(upstream=upstream.url, timeout=0.3)

    async def script(asked, send):
        await asyncio.sleep(0.5)
        await made.start(send, content_type="text/event-stream")
        for piece in made.chunks("slow but sure"):
            await asyncio.sleep(0.1)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    upstream.script = script
    answer = web.post(f"{url}/v1/chat/completions", json=HELLO, timeout=20)
    assert answer.status_code == 200 and answer.content.endswith(made.DONE)
    assert contents(path)[1] == "slow but sure"


def test_two_streams_at_once_do_not_mix(serve, upstream, made, path, web):
    url = serve(upstream=upstream.url)

    async def script(asked, send):
        word = asked.json["messages"][-1]["content"].partition("\n")[0].split()[-1]
        await made.start(send, content_type="text/event-stream")
        for piece in made.chunks(" ".join([word] * 20)):
            await asyncio.sleep(0)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    upstream.script = script

    def talk(word):
        body = {"messages": [{"role": "user", "content": f"Say {word}"}], "stream": True}
        web.post(f"{url}/v1/chat/completions", json=body, headers={"Mnemon-Session": word})

    threads = [threading.Thread(target=talk, args=(f"word{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Memory(path) as memory:
        for n in range(8):
            turns = [cube.content for cube in memory.list(session=f"word{n}")]
            assert turns == [f"Say word{n}", " ".join([f"word{n}"] * 20)]
    assert json.loads(upstream.asked[0].body)["stream"] is True
