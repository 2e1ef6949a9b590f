"""Streamable HTTP: the same tools, for this machine only."""

import http.client
import json

import anyio
import pytest
from click.testing import CliRunner
from mcp.client.client import Client
from tests.server.mcp.conftest import connected, http_server
from tests.server.mcp.test_greeting import initialize

from mnemon.cli.app import mnemon


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with http_server(tmp_path_factory.mktemp("http") / "memory.db", "--namespace", "acme") as found:
        yield found


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_tools_work(port, mode):
    with connected(f"http://127.0.0.1:{port}/mcp", mode) as wire:
        added = wire.ask("add_memory", content=f"Dora plays the tuba, says {mode}.")
        found = wire.ask("search_memory", query="Who plays the tuba?")["memories"]
        assert added["id"] in [hit["id"] for hit in found]
        assert "tuba" in wire.ask("recall", query="tuba")["text"]
        refused = wire.call("add_memory", content="x", namespace="../else")
        assert refused.is_error


def test_many_clients_at_once(port):
    async def one(answers, n):
        async with Client(f"http://127.0.0.1:{port}/mcp") as client:
            await client.call_tool("add_memory", {"content": f"Client {n} was here."})
            answers.append(await client.call_tool("recall", {"query": f"client {n}"}))

    async def many():
        answers = []
        async with anyio.create_task_group() as tasks:
            for n in range(6):
                tasks.start_soon(one, answers, n)
        return answers

    answers = anyio.run(many)
    assert len(answers) == 6 and not any(answer.is_error for answer in answers)


def posted(port, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    kinds = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    connection.request("POST", "/mcp", json.dumps(initialize()), kinds | headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_page_in_a_browser_cannot_reach_it(port):
    assert posted(port) == 200
    assert posted(port, Host="evil.example") == 421
    assert posted(port, Host=f"evil.example:{port}") == 421
    assert posted(port, Origin="https://evil.example") == 403
    assert posted(port, Origin=f"http://127.0.0.1:{port}") == 200


def test_other_machines_are_refused_at_the_start(tmp_path):
    told = ["--store", str(tmp_path / "memory.db"), "mcp", "--http", "--host", "0.0.0.0"]
    done = CliRunner().invoke(mnemon, told)
    assert done.exit_code == 2 and "this machine only" in done.stderr
    assert "Traceback" not in done.stderr and done.stdout == ""
