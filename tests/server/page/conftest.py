"""The page as a browser without scripts sees it: requests over HTTP, forms from its own origin."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mnemon import Memory
from mnemon.server.keys import beside

Open = Callable[..., httpx2.Client]


@pytest.fixture
def browser(serve: Callable[..., str]) -> Iterator[Open]:
    """Clients of one server over `path`; with `key`, signed in."""
    clients: list[httpx2.Client] = []
    urls: list[str] = []

    def start(key: str | None = None, **options: Any) -> httpx2.Client:
        if not urls:
            urls.append(serve(**options))
        client = httpx2.Client(
            base_url=urls[0],
            headers={"Origin": urls[0]},
            follow_redirects=True,
            verify=False,
            timeout=60,
        )
        clients.append(client)
        if key is not None:
            assert client.post("/login", data={"key": key}).status_code == 200
        return client

    yield start
    for client in clients:
        client.close()


@pytest.fixture
def keyed(path: Path) -> Callable[..., str]:
    """Makes a key for the store; its token."""

    def make(name: str, namespaces: list[str] | None, *verbs: str) -> str:
        given = (verbs,) if verbs else ()
        return beside(path).add(name, namespaces, *given)[0]

    return make


@pytest.fixture
def memory(path: Path) -> Iterator[Memory]:
    """The store beside the server."""
    with Memory(path) as memory:
        yield memory


@pytest.fixture(scope="session")
def seen() -> Callable[[httpx2.Response], str]:
    """What a page shows: its text without tags."""

    def read(answer: httpx2.Response) -> str:
        body = re.sub(r"<(head|svg)\b.*?</\1>", " ", answer.text, flags=re.S)
        inline = r"</?(?:a|b|bdi|code|del|ins|kbd|mark|small|span|time)\b[^>]*>"
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", re.sub(inline, "", body))).split())

    return read
