"""The OpenAI-compatible embedder against a real HTTP server with a script."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mnemon.errors import DimensionMismatch, EmbedderError, InvalidInput
from mnemon.models.embed.openai import OpenAIEmbedder

pytest.importorskip("openai", reason="the extra 'openai' is not installed")


class Server(ThreadingHTTPServer):
    """Answers POST with `script(request)`: a status and a JSON body. Keeps what it was asked."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.keys, self.script = [], [], vectors
        self.url = f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(request)
        self.server.keys.append(self.headers["Authorization"])
        status, body = self.server.script(request)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

    def log_message(self, *args):
        pass


def vectors(request):
    """One vector [length of the text, 1, 0] each, in reverse order but with the right index."""
    texts = list(enumerate(request["input"]))
    data = [{"index": place, "embedding": [len(text), 1, 0]} for place, text in texts]
    return 200, {"object": "list", "model": request["model"], "data": data[::-1]}


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_rows_are_unit_and_in_the_order_of_the_texts(server):
    rows = OpenAIEmbedder(base_url=server.url).embed(["abc", "a"])
    assert rows[0] == pytest.approx([3 / 10**0.5, 1 / 10**0.5, 0])
    assert rows[1] == pytest.approx([1 / 2**0.5, 1 / 2**0.5, 0])


def test_texts_go_in_batches_and_blank_ones_stay_here(server):
    rows = OpenAIEmbedder(base_url=server.url, batch_size=2).embed(["a", "", "b", "c"])
    assert [request["input"] for request in server.asked] == [["a", "b"], ["c"]]
    assert (rows.shape, rows[1].any()) == ((4, 3), False)


def test_the_dimension_is_asked_once(server):
    embedder = OpenAIEmbedder(base_url=server.url)
    assert (embedder.dimension, embedder.dimension) == (3, 3)
    assert len(server.asked) == 1


def test_dimensions_are_sent_only_when_given(server):
    OpenAIEmbedder(base_url=server.url).embed_query("a")
    OpenAIEmbedder(base_url=server.url, dimensions=3).embed_query("a")
    assert [request.get("dimensions") for request in server.asked] == [None, 3]


def test_another_dimension_than_asked_for_raises(server):
    with pytest.raises(DimensionMismatch, match="4 dimensions, the vector has 3"):
        OpenAIEmbedder(base_url=server.url, dimensions=4).embed(["a"])


@pytest.mark.parametrize(
    "body",
    [
        {"data": []},
        {"data": None},
        {"error": "no such thing"},
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0]}]},
        {"data": [{"index": 5, "embedding": [1.0]}]},
        {"data": [{"index": "zero", "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": None}]},
        ["data"],
        b"<html>welcome</html>",
    ],
    ids=str,
)
def test_an_answer_that_is_no_embedding_raises(server, body):
    server.script = lambda request: (200, body)
    with pytest.raises(EmbedderError, match="text-embedding-3-small"):
        OpenAIEmbedder(base_url=server.url, max_retries=0).embed(["a"])


def test_an_error_of_the_server_says_where_and_why(server):
    server.script = lambda request: (400, {"error": {"message": "input is too long"}})
    with pytest.raises(EmbedderError, match="input is too long") as caught:
        OpenAIEmbedder(base_url=server.url, api_key="sk-secret").embed(["a"])
    assert server.url in str(caught.value)
    assert "sk-secret" not in str(caught.value)


def test_a_passing_failure_is_tried_again(server):
    def script(request):
        return (503, {}) if len(server.asked) == 1 else vectors(request)

    server.script = script
    assert OpenAIEmbedder(base_url=server.url, max_retries=1).embed(["a"]).shape == (1, 3)
    assert len(server.asked) == 2


def test_nobody_listening_raises():
    with pytest.raises(EmbedderError, match="failed to embed 1 texts"):
        OpenAIEmbedder(base_url="http://127.0.0.1:9/v1", max_retries=0).embed(["a"])


def test_the_key_is_sent_but_is_no_option(server, monkeypatch):
    monkeypatch.setenv("MY_KEY", "from-environment")
    given = OpenAIEmbedder(base_url=server.url, api_key="given")
    given.embed(["a"])
    OpenAIEmbedder(base_url=server.url, api_key_env="MY_KEY").embed(["a"])
    assert server.keys == ["Bearer given", "Bearer from-environment"]
    assert "given" not in repr(given) + repr(asdict(given))


def test_openai_without_a_key_says_what_to_set(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(EmbedderError, match="set the environment variable OPENAI_API_KEY"):
        OpenAIEmbedder().embed(["a"])


def test_batch_size_must_be_positive():
    with pytest.raises(InvalidInput, match="batch_size is 0"):
        OpenAIEmbedder(batch_size=0)
