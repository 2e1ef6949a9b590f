"""A local model whose memory is behind a server, with and without a key."""

from __future__ import annotations

import threading
import time

import pytest

from mnemon.errors import InvalidInput, VersionConflict
from mnemon.kv.tiers import CostModel, Tiers
from mnemon.memory import Memory
from mnemon.models.local import Runtime
from mnemon.server import serving
from mnemon.server.keys import beside
from mnemon.server.settings import Settings

from .test_runtime import ASK, NEW, OLD, fact


@pytest.fixture(params=["open", "keyed"])
def remote(request, tmp_path):
    path = tmp_path / "served.db"
    Memory(path).close()
    key = None
    if request.param == "keyed":
        key, _ = beside(path).add("me", namespaces=["default"])
    server = serving.server(Settings(path, port=0))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    with Memory(f"http://127.0.0.1:{port}", api_key=key) as memory:
        yield memory
    server.should_exit = True
    thread.join()


def test_it_recalls_stores_and_follows_what_is_so(nano, remote):
    cube = remote.add(fact())
    runtime = Runtime(nano, remote, session="s", max_new_tokens=8)
    assert [runtime.chat(ASK).text for _ in range(2)] == [OLD, OLD]
    assert runtime.chat(ASK).trace.turns == 2
    remote.update(cube.id, fact(NEW))
    reply = runtime.chat(ASK)
    assert (reply.text, reply.trace.turns) == (NEW, 0)
    stream = runtime.stream(ASK)
    next(stream)
    remote.forget(cube.id)
    with pytest.raises((VersionConflict, LookupError)):
        list(stream)


def test_tiers_need_the_store_itself(nano, remote, tmp_path):
    with (
        Tiers(disk=tmp_path / "kv", costs=CostModel(skips=False)) as tiers,
        pytest.raises(InvalidInput, match="the store itself"),
    ):
        Runtime(nano, remote, tiers=tiers)
