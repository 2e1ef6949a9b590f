"""Clients that let things hang, and what they must not stop: everyone else."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import ExitStack

import httpx2
import pytest

from mnemon import Memory
from mnemon.server import connections

HEAD = b"POST /v1/add HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.fixture
def brief(monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(connections, "READER_SECONDS", 0.3)


def opened(url, stack):
    place = httpx2.URL(url)
    return stack.enter_context(socket.create_connection((place.host, place.port), timeout=20))


def ended(made):
    """Whether the server let go of it; waits for that."""
    try:
        while made.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


def works(url):
    return httpx2.post(f"{url}/v1/add", json={"content": "x"}, timeout=20).status_code == 200


def test_a_head_that_does_not_come_ends_its_connection(serve, brief):
    url = serve()
    with ExitStack() as stack:
        silent, slow, second = (opened(url, stack) for _ in range(3))
        slow.sendall(HEAD)
        second.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b" 200 " in second.recv(999)
        second.sendall(b"GET /heal")
        assert works(url)
        assert ended(silent) and ended(slow) and ended(second)


def test_a_head_without_end_is_refused(serve):
    url = serve()
    with ExitStack() as stack:
        made = opened(url, stack)
        made.sendall(HEAD)
        with pytest.raises((ConnectionError, AssertionError)):
            for n in range(100):
                made.sendall(f"X-{n}: {'x' * 8000}\r\n".encode())
                made.settimeout(0.05 if n < 99 else 20)
                try:
                    assert b" 400 " not in made.recv(999)
                except TimeoutError:
                    continue
    assert works(url)


def test_many_idle_connections_and_slow_bodies_stop_nobody(serve):
    url = serve(threads=2)
    with ExitStack() as stack:
        for n in range(150):
            made = opened(url, stack)
            if n % 3:
                made.sendall(HEAD + b"Content-Length: 5000000\r\n\r\n{")
        assert all(works(url) for _ in range(5))


def test_who_does_not_read_his_answer_is_left(serve, brief, monkeypatch):
    lost, real = [], connections.Connection.connection_lost

    def connection_lost(connection, error):
        lost.append(connection.client)
        real(connection, error)

    monkeypatch.setattr(connections.Connection, "connection_lost", connection_lost)
    url = serve()
    with Memory(url) as memory:
        memory.add([f"{n} {'x' * 200_000}" for n in range(20)])
    with ExitStack() as stack:
        waiting = set()
        for address in (b"/v1/list", b"/v1/export"):
            deaf = opened(url, stack)
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.sendall(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % address)
            waiting.add(deaf.getsockname())
        until = time.monotonic() + 20
        while not waiting <= set(lost):  # though the clients are still there
            assert works(url) and time.monotonic() < until
            time.sleep(0.05)


def test_requests_in_one_piece_are_answered_in_order(serve):
    url = serve()
    with ExitStack() as stack:
        made = opened(url, stack)
        body = b'{"content": "one"}'
        one = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
        last = b"GET /v1/count HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        made.sendall(one * 20 + last)
        made.shutdown(socket.SHUT_WR)
        said = b""
        while piece := made.recv(65536):
            said += piece
    assert said.count(b"HTTP/1.1 200 ") == 21
    assert said.endswith(b'{"count":20}')


def test_large_bodies_have_a_bound_in_all(serve, problem):
    url = serve(max_body=200_000)
    large = json.dumps({"content": "x" * 150_000}).encode()
    with ExitStack() as stack:
        for _ in range(12):
            made = opened(url, stack)
            made.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(large) + large[:-1])
        time.sleep(0.5)
        told = httpx2.post(f"{url}/v1/add", content=large, timeout=20)
        problem(told, 503, "about:blank")
        assert told.headers["retry-after"] and works(url)
    until = time.monotonic() + 20
    while httpx2.post(f"{url}/v1/add", content=large, timeout=20).status_code == 503:
        assert time.monotonic() < until  # they went away, and so does what they held
    assert works(url)


def test_overdue_calls_leave_threads_to_others_up_to_a_bound(serve, problem, monkeypatch):
    url = serve(threads=2, timeout=0.3)
    slow = threading.Event()
    real = Memory.count
    monkeypatch.setattr(
        Memory, "count", lambda *given, **more: slow.wait(30) and real(*given, **more)
    )
    problem(httpx2.get(f"{url}/v1/count"), 504, "urn:mnemon:server-error")
    assert works(url) and httpx2.get(f"{url}/v1/list").status_code == 200
    problem(httpx2.get(f"{url}/v1/count"), 504, "urn:mnemon:server-error")
    problem(httpx2.get(f"{url}/v1/list"), 503, "about:blank")
    assert httpx2.get(f"{url}/readyz").status_code == 503
    assert httpx2.get(f"{url}/healthz").status_code == 200
    slow.set()
    until = time.monotonic() + 20
    while httpx2.get(f"{url}/v1/list").status_code == 503:
        assert time.monotonic() < until
    assert works(url)


def test_what_waits_too_long_for_its_turn_is_never_done(serve, problem, monkeypatch):
    url = serve(threads=1, timeout=0.4)
    slow, begun = threading.Event(), []
    real = Memory.search

    def search(memory, query, *given, **more):
        begun.append(query)
        slow.wait(30)
        return real(memory, query, *given, **more)

    monkeypatch.setattr(Memory, "search", search)

    def ask(query):
        httpx2.post(f"{url}/v1/search", json={"query": query}, timeout=20)

    threads = [threading.Thread(target=ask, args=(f"q{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
        time.sleep(0.02)
    for thread in threads:
        thread.join()
    slow.set()
    assert 1 <= len(begun) <= 2  # the rest were cancelled in the queue
