"""Bringing keys and an audit log from files into a database, by the commands."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from mnemon.cli.app import mnemon
from mnemon.errors import InvalidInput
from mnemon.server import serving
from mnemon.server.audit.file import beside as audited
from mnemon.server.keys import beside
from mnemon.server.settings import Settings
from mnemon.store.address import beside as place


@pytest.fixture
def url(database, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return database()


@pytest.fixture
def run(url):
    def run(*args, expect=0, store=url):
        done = CliRunner().invoke(mnemon, ["--store", store, *args])
        assert done.exit_code == expect, done.output
        return done.output

    return run


def test_keys_and_log_of_a_file_go_on_in_a_database(run, tmp_path):
    old = tmp_path / "ana.db"
    token = run("key", "add", "ana", "--everywhere", store=str(old)).split()[-1]
    anchor = run("audit", "verify", store=str(old)).split()[-1]
    assert f"1 entry brought in; the log goes on after {anchor}" in run("audit", "import", str(old))
    assert "1 of 1 key brought in" in run("key", "import", str(old))
    assert "0 of 1 key brought in" in run("key", "import", str(old))
    assert beside(old).find(token).id in run("key", "list")
    assert "no problem" in run("audit", "verify", "--anchor", anchor)
    told = run("audit", "import", str(old))
    assert f"verify it with --anchor {anchor}" in " ".join(told.split())


def test_what_a_machine_had_for_the_database_is_found_by_itself(url, run):
    before = place(url)
    before.parent.mkdir(parents=True)
    beside(before).add("ana", None)
    audited(before).append("cli", "key-add", "done")
    with pytest.raises(InvalidInput, match="mnemon key import"):
        serving.check(Settings(url))
    assert "1 entry" in run("audit", "import") and "1 of 1" in run("key", "import")
    serving.check(Settings(url, host="0.0.0.0"))


def test_what_is_not_there_is_told(url, run, tmp_path):
    nothing = str(tmp_path / "none.db")
    assert "there are no keys at" in run("key", "import", nothing, expect=1)
    assert "there is no audit log at" in run("audit", "import", nothing, expect=2)
    with pytest.raises(InvalidInput, match="mnemon key add"):
        serving.check(Settings(url, host="0.0.0.0"))
    audited(tmp_path / "a.db").append("cli", "add", "done")
    assert "copy those" in run("audit", "import", str(tmp_path / "a.db"), expect=2,
                               store=str(tmp_path / "b.db"))  # fmt: skip
