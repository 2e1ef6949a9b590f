"""A team's server behind the tools: each agent brings its key, and gets as far as that reaches."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from tests.server.mcp.conftest import connected, parameters

from mnemon import Memory
from mnemon.cli.app import mnemon
from mnemon.server.keys import beside
from mnemon.server.mcp.own import Own
from mnemon.server.mcp.serving import call
from mnemon.server.settings import Settings


@pytest.fixture
def token(path):
    with Memory(path) as memory:
        memory.add("The vault's code is 1234.", namespace="acme/bob")
    return beside(path).add("ana", ["acme/ana"], ("read", "write", "forget"))[0]


@pytest.fixture
def url(path, token, server_running):
    with server_running(Settings(path, port=0)) as url:
        yield url


def told(url, scope, key, tool, **arguments):
    own = Own(url, scope, api_key=key)
    try:
        answer = call(own.desk, tool, arguments)
        return answer.is_error, answer.content[0].text
    finally:
        own.close()


def test_tools_work_over_a_server_as_far_as_the_key_reaches(url, path, token):
    wrong, _ = told(url, "acme/ana", token, "add_memory", content="Our server is called Heron.")
    assert not wrong
    with Memory(path) as memory:
        (cube,) = memory.list(namespace="acme/ana")
        assert cube.content == "Our server is called Heron."
        assert [event.actor for event in memory.log(namespace="acme/ana", cube=cube.id)] == ["ana"]
    assert "Heron" in told(url, "acme/ana", token, "recall", query="server")[1]
    wrong, text = told(url, "acme/bob", token, "recall", query="vault")
    assert wrong and "does not reach namespace 'acme/bob'" in text and "1234" not in text


def test_without_its_key_an_agent_is_told_whom_to_ask(url):
    wrong, text = told(url, "acme/ana", None, "recall", query="vault")
    assert wrong and "give `mnemon mcp` a key" in text and "1234" not in text


def test_an_agent_reads_its_key_from_the_file_that_its_entry_names(url, token, tmp_path):
    file = tmp_path / "key"
    file.write_text(f"{token}\n")
    words = ["--store", url, "--api-key-file", str(file), "-n", "acme/ana"]
    entry = CliRunner().invoke(mnemon, ["install", "cursor", *words, "--print"]).output
    assert f'"{url}"' in entry and f'"{file}"' in entry and token not in entry
    options = ("--store", url, "--api-key-file", str(file), "--namespace", "acme/ana")
    with connected(parameters(tmp_path / "unused.db", *options)) as wire:
        wire.ask("add_memory", content="Our server is called Heron.")
        assert "Heron" in str(wire.ask("recall", query="server"))
    assert not (tmp_path / "unused.db").exists()
