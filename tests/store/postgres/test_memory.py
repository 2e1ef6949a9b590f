"""A memory over PostgreSQL is the memory that it is over a file: same answers, same commands."""

from __future__ import annotations

import json
import sys
import threading
from contextlib import ExitStack

import httpx2
import pytest
from click.testing import CliRunner

from mnemon import Memory, sample
from mnemon.cli.app import mnemon
from mnemon.errors import InvalidInput, MissingExtra, StoreError
from mnemon.store.address import beside, is_database, shown

from ...server.conftest import running


@pytest.fixture
def both(tmp_path, url):
    """The bundled conversation in either store, the same cubes."""
    file = tmp_path / "all.jsonl"
    with ExitStack() as stack:
        embedded, shared = (stack.enter_context(Memory(at)) for at in (":memory:", url))
        embedded.import_(sample.CONVERSATION)
        embedded.export(file)
        shared.import_(file)
        yield embedded, shared


def test_searches_answer_the_same_as_in_the_embedded_store(both):
    embedded, shared = both
    assert shared.count() == embedded.count() > 400
    for asked in sample.questions()[::6]:
        mine, theirs = (
            [(hit.cube, hit.score, hit.why) for hit in one.search(asked["question"], explain=True)]
            for one in both
        )
        assert [cube.content for cube, *_ in mine] == [cube.content for cube, *_ in theirs]
        assert mine == theirs
    (first,) = shared.search("Where do I find the lemon tree?", k=1, speaker="Ines")
    for one in both:
        one.forget(first.cube.id)
    mine, theirs = (one.recall("Where do I find the lemon tree?", 300).text for one in both)
    assert mine == theirs


@pytest.fixture
def run(url, monkeypatch):
    for name in ("MNEMON_STORE", "MNEMON_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)

    def run(*args, expect=0, **environment):
        done = CliRunner().invoke(mnemon, args, env=environment)
        assert done.exit_code == expect, done.output
        return done

    return run


def test_commands_take_the_address_as_option_and_from_the_environment(run, url):
    run("--store", url, "add", "Ana moved to Lisbon.", "--speaker", "Ana")
    assert "Lisbon" in run("search", "Where is Ana?", MNEMON_STORE=url).stdout
    assert json.loads(run("ls", "--store", url, "--json").stdout)[0]["speaker"] == "Ana"
    run("forget", "--speaker", "Ana", "--purge", "--yes", "--store", url)
    run("fsck", "--store", url)
    run("ls", "--store", url, expect=1)


def test_no_command_shows_a_password(run, url, monkeypatch):
    secret = url.replace("mnemon@", "mnemon:hunter2@")
    for command in (["doctor"], ["ls"], ["search", "x"], ["fsck"], ["key", "list"]):
        for environment in ({"MNEMON_STORE": secret}, {}):
            option = [] if environment else ["--store", secret]
            done = CliRunner().invoke(mnemon, [*option, *command], env=environment)
            assert "hunter2" not in done.output
            assert done.exit_code in (0, 1)
    done = run("install", "claude-code", "--print", "--store", secret, expect=2)
    assert "~/.pgpass" in done.output and "hunter2" not in done.output
    assert f'"{url}"' in run("install", "claude-code", "--print", "--store", url).output


def test_two_servers_over_one_database_are_one_memory(url, monkeypatch, tmp_path):
    from mnemon.server.settings import Settings

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with running(Settings(url, port=0)) as one, running(Settings(url, port=0)) as two:
        with Memory(one) as writer, Memory(two) as reader:
            cube = writer.add("Ana moved to Lisbon.", speaker="Ana", key="k")
            assert reader.add("Ana moved to Lisbon.", speaker="Ana", key="k") == cube
            (hit,) = reader.search("Where does Ana live?")
            assert hit.cube.id == cube.id
            start, errors = threading.Barrier(2), []

            def update(memory, content):
                start.wait()
                try:
                    memory.update(cube.id, content, version=1)
                except Exception as error:  # noqa: BLE001 - looked at below
                    errors.append(type(error).__name__)

            threads = [
                threading.Thread(target=update, args=(memory, f"version of {memory.path}"))
                for memory in (writer, reader)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert errors == ["VersionConflict"]
            assert reader.forget(cube.id, purge=True).versions == 2
            assert writer.search("Where does Ana live?") == []
        assert httpx2.get(f"{two}/readyz").status_code == 200


@pytest.mark.parametrize(
    ("address", "printed"),
    [
        ("postgresql://ana:s3cret@db.example:5433/memory", "postgresql://ana@db.example:5433/memory"),
        ("postgresql://ana:p%40ss:w@db/m?sslmode=require", "postgresql://ana@db/m?sslmode=require"),
        ("postgres:///m?host=/tmp&user=ana&password=s3cret", "postgres:///m?host=/tmp&user=ana"),
        ("postgresql://ana:s3cret@one,two:5433/m", "postgresql://ana@one,two:5433/m"),
        ("postgresql://ana:s#cr?et@db/m", "postgresql://ana@db/m"),
        ("postgresql://ana:s3cret@[::1]:5433?password=s3cret", "postgresql://ana@[::1]:5433"),
        ("postgresql://", "postgresql://"),
        ("ana.db", "ana.db"),
    ],
)  # fmt: skip
def test_an_address_is_printed_without_its_password(address, printed):
    assert shown(address) == printed
    assert shown(printed) == printed


def test_without_the_driver_the_pip_line_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"pip install 'mnemon\[postgres\]'"):
        Memory("postgresql://mnemon@localhost/mnemon")


@pytest.mark.parametrize("password", ["s3cr@et", "s3/cr@et", "s3cr/et"])
def test_an_address_whose_password_cannot_be_told_is_refused_unprinted(password):
    with pytest.raises((InvalidInput, StoreError)) as caught:
        Memory(f"postgresql://ana:{password}@db.invalid/m")
    assert not any(part in str(caught.value) for part in ("s3", "cr", "et@"))


def test_files_beside_a_database_are_in_the_users_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    address = "postgresql://ana:secret@db/memory"
    place = beside(address)
    assert is_database(address) and place.parent == tmp_path / "mnemon"
    assert place == beside("postgresql://ben@db/memory") != beside("postgresql://ana@db/other")
    assert "secret" not in str(place) and str(beside("x/ana.db")) == "x/ana.db"


def test_an_api_key_is_for_a_server(url):
    with pytest.raises(InvalidInput):
        Memory(url, api_key="k")


def test_the_bench_measures_a_database_beside_a_file_and_leaves_nothing(url, monkeypatch, run):
    for name, value in (("_SINGLE", 6), ("_QUERIES", 2), ("_WARM", 2)):
        monkeypatch.setattr(f"mnemon.bench.beside.{name}", value)
    with Memory(url) as memory:
        memory.add("mine")
    done = run("bench", "speed", "--store", url, "--sizes", "20", "--json")
    names = {value["name"] for value in json.loads(done.stdout)["values"]}
    for call in ("add one, durable, p50", "search, k 10, p50", "recall, 1000 tokens, p95"):
        assert {f"embedded: {call}", f"database: {call}"} <= names
    with Memory(url) as memory:
        assert memory.namespaces() == [("default", 1)]
    run("bench", "speed", "--store", "ana.db", expect=2)
