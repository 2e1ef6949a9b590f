"""A server answers by the program that it is started with, or does not start."""

from __future__ import annotations

import httpx2
import pytest

from mnemon import Memory
from mnemon.errors import InvalidInput, MissingExtra, UnknownName
from mnemon.models import hub
from mnemon.server import serving
from mnemon.server.mcp.own import Own
from mnemon.server.settings import Settings

TURNS = ["We moved to Lisbon.", "How is the kitchen?", "There is a lemon tree in it."]


def test_searches_and_upkeep_are_the_programs_and_status_names_it(serve):
    url = serve(program="memgas")
    assert httpx2.get(f"{url}/v1/status").json()["program"] == "memgas"
    with Memory(url) as memory:
        memory.add([{"role": "Ana", "content": one} for one in TURNS], session="s")
        assert memory.reflect() == 2
        found = memory.search("Where is the lemon tree?", explain=True)
        assert {one.channel for one in found[0].why} == {"granularities"}
        assert memory.recall("lemon tree", budget=20).trace["program"] == "memgas"
        with pytest.raises(InvalidInput, match="mnemon serve --help"):
            Memory(url, program="fused")
    assert httpx2.get(f"{serve()}/v1/status").json()["program"] == "default"


def test_one_that_nobody_knows_is_refused(path):
    with pytest.raises(UnknownName, match="did you mean 'hema'"):
        serving.server(Settings(path, program="hemma"))


def test_several_processes_that_lack_something_say_so_once_and_serve_nobody(process, path):
    with Memory(path) as memory:
        memory.add("x")
    child, line = process("--program", "cross-encoded", "--workers", "2")
    assert "Error: the cross-encoder was fitted with the embedder 'minilm'" in line
    assert child.wait(timeout=20) == 2 and child.stderr.read() == ""


def test_an_extra_that_is_missing_is_told_at_start(path, monkeypatch):
    def require(module, package, extra):
        raise MissingExtra(package, extra)

    with Memory(path) as memory:
        memory.reindex("minilm")
    monkeypatch.setattr(hub, "require", require)
    with pytest.raises(MissingExtra, match="encoders"):
        serving.server(Settings(path, program="cross-encoded"))
    with Memory(path) as memory:  # which the refusal has let go
        assert memory.count() == 0


def test_an_agents_tools_search_by_it(path):
    own = Own(str(path), "acme", "fused")
    own.prepare()
    own.memory.add(TURNS)
    found = own.memory.search("lemon tree", explain=True)
    assert "listnet" not in {one.channel for one in found[0].why}
    own.close()
