"""A file and a server to ask, and servers that answer as they are told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mnemon.server import serving
from mnemon.server.settings import Settings


@contextmanager
def _served(path: Path) -> Iterator[str]:
    server = serving.server(Settings(path, port=0))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        threading.Event().wait(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(params=["a file", "over HTTP"])
def address(request, tmp_path):
    path = tmp_path / "memory.db"
    if request.param == "a file":
        yield str(path)
    else:
        with _served(path) as url:
            yield url


@contextmanager
def _answering(answer) -> Iterator[tuple[str, list[str]]]:
    """A server whose answer to each request is `answer(number)`: (status, body), or None to hang
    up; and what it was asked."""
    asked: list[str] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with lock:
                asked.append(self.path.removeprefix("/v1/").partition("?")[0])
                number = len(asked)
            found = answer(number)
            if found is None:
                self.close_connection = True
                return
            self.send_response(found[0])
            self.send_header("Content-Length", str(len(found[1])))
            self.end_headers()
            self.wfile.write(found[1])

        do_GET = do_POST = reply  # noqa: N815 - http.server's own names

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 100

        def handle_error(self, *_: object) -> None:
            pass  # a client that went away is what some tests are about

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


Answering = Callable[..., AbstractContextManager[tuple[str, list[str]]]]


@pytest.fixture
def answering() -> Answering:
    """Starts a server that gives made-up answers."""
    return _answering


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of a real server."""
    with _served(tmp_path / "memory.db") as url:
        yield url
