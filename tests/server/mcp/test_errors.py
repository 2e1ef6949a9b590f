"""Errors: told to the model as a tool's, with what to do, and nothing was written."""

import pytest

from mnemon.errors import InvalidInput
from mnemon.server.mcp.http import serve_http
from mnemon.server.mcp.own import Own
from mnemon.server.mcp.serving import call

LONG = "01900000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("add_memory", {}, "content: Field required"),
        ("add_memory", {"content": "x", "colour": "red"}, "colour: Extra inputs"),
        ("add_memory", {"content": "   "}, "empty"),
        ("add_memory", {"content": "x", "at": "someday"}, "ISO"),
        ("add_memory", {"content": "x", "namespace": "../else"}, "counted from this server's own"),
        ("search_memory", {"query": "x", "k": 0}, "k: Input should be greater"),
        ("search_memory", {"query": "x", "budget": 5}, "budget: Input should be greater"),
        ("recall", {"query": ""}, "query: String should have at least 1"),
        ("update_memory", {"id": LONG, "version": 1}, "nothing to change"),
        ("update_memory", {"id": LONG, "content": "x"}, "version: Field required"),
        ("update_memory", {"id": LONG, "version": 1, "content": "x"}, "search_memory gives"),
        ("update_memory", {"id": "ab", "version": 1, "content": "x"}, "too short"),
        ("forget_memory", {"ids": []}, "ids: List should have at least 1"),
        ("forget_memory", {"ids": ["abcdefgh"]}, "search_memory gives"),
        ("add_memmory", {"content": "x"}, "'add_memory'"),
    ],
)
def test_mistakes_come_back_with_what_to_do(use, tool, arguments, told):
    answer = use(tool, **arguments)
    assert answer.is_error and told in answer.content[0].text
    assert "Traceback" not in answer.content[0].text
    assert use("memory_status").structured_content["memories"] == 0


def test_an_update_needs_the_version_it_saw(use):
    id = use("add_memory", content="The meeting is on Monday.").structured_content["id"]
    assert not use("update_memory", id=id, version=1, content="It is on Tuesday.").is_error
    late = use("update_memory", id=id, version=1, content="It is on Friday.")
    assert late.is_error and "version=2" in late.content[0].text
    assert "Tuesday" in use("recall", query="meeting").structured_content["text"]


def test_one_unknown_id_forgets_nothing(use):
    id = use("add_memory", content="Keep me.").structured_content["id"]
    assert use("forget_memory", ids=[id, "ffffffff"], purge=True).is_error
    assert use("memory_status").structured_content["memories"] == 1


def test_purge_leaves_no_byte(use, tmp_path):
    id = use("add_memory", content="zanzibarquark").structured_content["id"]
    use("forget_memory", ids=[id])
    assert any(b"zanzibarquark" in file.read_bytes() for file in tmp_path.iterdir())
    use("forget_memory", ids=[id], purge=True)
    assert not any(b"zanzibarquark" in file.read_bytes() for file in tmp_path.iterdir())


def test_a_damaged_store_is_told_not_raised(tmp_path):
    (tmp_path / "memory.db").write_bytes(b"no store at all" * 1000)
    own = Own(str(tmp_path / "memory.db"), "default")
    answer = call(own.desk, "search_memory", {"query": "x"})
    assert answer.is_error and "mnemon doctor" in answer.content[0].text


def test_only_this_machine_is_served(desk):
    with pytest.raises(InvalidInput, match=r"0\.0\.0\.0.*mnemon serve"):
        serve_http(desk, "0.0.0.0", 8078)
