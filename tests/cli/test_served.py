"""The command line on a server: the same commands, as far as the key reaches."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from mnemon.cli.app import mnemon
from mnemon.server.keys import beside


@pytest.fixture
def on(store, served, monkeypatch):
    """Runs a command on a server that asks for keys, in the namespace of one that may edit it."""
    token, _ = beside(store).add("ana", ["acme/ana"], ("read", "write", "forget"))
    with served(store) as url:
        monkeypatch.setenv("MNEMON_API_KEY", token)

        def call(*args, expect=0, **options):
            given = ["--store", url, "-n", "acme/ana", *args]
            done = CliRunner().invoke(mnemon, given, **options)
            assert done.exit_code == expect, done.output
            return done.output

        yield call


def test_what_works_on_a_file_works_on_a_server(on):
    id = on("add", "Ana has a red boat.", "--speaker", "Ana").strip()
    assert "Ana has a red boat." in on("search", "Which boat?")
    assert "1 Ana: Ana has a red boat." in on("recall", "boat")
    on("update", id[-8:], "Ana sold the boat.")
    assert [one["version"] for one in json.loads(on("history", id, "--json"))] == [1, 2]
    on("restore", id[-8:], "--version", "1")
    assert "Ana has a red boat." in on("ls")
    on("forget", id[-8:], "--yes")
    assert "Ana" not in on("ls", expect=1)


def test_without_its_key_a_server_is_told_how_to_be_given_one(on):
    told = on("ls", expect=1, env={"MNEMON_API_KEY": ""})
    assert "needs an API key" in told and "MNEMON_API_KEY" in told


@pytest.mark.parametrize(
    "command",
    ["key list", "audit verify", "quota list", "retention list", "backup x.tar", "serve",
     "schedule", "weights list", "chat --model recall-lm"],
)  # fmt: skip
def test_what_is_done_on_the_store_itself_is_not_done_on_a_server(
    on, command, tmp_path_factory, monkeypatch
):
    folder = tmp_path_factory.mktemp("empty")
    monkeypatch.chdir(folder)
    told = on(*command.split(), expect=2)
    assert "is a server, and this is done on the store itself" in told
    assert not any(folder.iterdir())  # nothing is called http:


def test_doctor_asks_the_server(on):
    on("add", "Ana has a red boat.")
    assert "answers; cubes that can be reached: 1" in on("doctor")
