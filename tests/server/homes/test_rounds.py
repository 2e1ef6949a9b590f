"""What comes round by itself, among several who serve one database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mnemon import Memory, removal
from mnemon.instant import now_micros
from mnemon.server import retention
from mnemon.server.homes.opening import opened
from mnemon.store import open_store
from mnemon.store.rows import Rule

from ...compiling.held import Book, lying

LATER = int(timedelta(days=2).total_seconds() * 1e6)


@pytest.fixture
def url(database, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return database()


def test_one_of_them_carries_out_the_rules_and_tells_it_once(url):
    with Memory(url, namespace="acme") as memory:
        memory.add("old")
        memory._store.set_rule(Rule("acme", 86_400, True))
    now = now_micros() + LATER
    with opened(url) as one, opened(url) as two:
        ran = [
            retention.run(url, now=now, turn=lambda home=home: home.rounds.begin("r", 3600))
            for home in (one, two)
        ]
        assert [len(each) for each in ran] == [1, 0]
        assert [entry.verb for _, entry in two.log.entries()] == ["retention"]


def test_who_has_no_turn_still_removes_what_only_he_can_reach(url, tmp_path, monkeypatch):
    folder = tmp_path / "kv"
    with Memory(url) as memory:
        cube = memory.add("ana")
        made = Book(memory, folder).publish("ana", cube)
        (folder / ".mnemon-place").unlink()
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr("socket.gethostname", lambda: "other")
            assert memory.forget(cube.id).pending
    assert lying(folder) == {made}
    monkeypatch.setattr(removal, "_AGAIN_US", -1)
    assert retention.run(url, turn=lambda: False) == []
    assert lying(folder) == set()
    store = open_store(url)
    assert store.waiting() == []
    store.close()
