"""Readers and writers: who is not named does not see, or may not change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mnemon import Draft, Policy
from mnemon.errors import AccessDenied, InvalidInput, InvalidTime, NotFound


@pytest.fixture
def secret(open_memory):
    """Ana's cube, which Ben may not read."""
    ana = open_memory(actor="ana")
    return ana.add(Draft("the secret platypus", policy=Policy(readers=("ana", "cy"))))


@pytest.fixture
def ben(secret, open_memory):
    memory = open_memory(actor="ben")
    memory.add("an open platypus")
    return memory


def test_a_hidden_cube_is_in_no_answer(ben, secret):
    assert [hit.cube.content for hit in ben.search("secret platypus")] == ["an open platypus"]
    assert "secret" not in ben.recall("secret platypus").text
    assert secret not in ben.list()
    assert ben.count() == 1


def test_a_hidden_cube_is_not_found_by_its_id(ben, secret):
    for ask in (ben.get, ben.history, ben.restore):
        with pytest.raises(NotFound):
            ask(secret.id)
    with pytest.raises(NotFound):
        ben.get(secret.id, version=1)
    with pytest.raises(NotFound):
        ben.update(secret.id, "mine now")
    assert ben.forget(secret.id, purge=True).cubes == 0


def test_a_hidden_cube_stays_hidden_in_the_past(ben, secret):
    assert ben.list(as_of=secret.recorded_at) == []
    assert ben.search("platypus", as_of=secret.recorded_at) == []


def test_named_readers_see_it(ben, secret, open_memory):
    assert open_memory(actor="cy").get(secret.id).content == secret.content


def test_an_export_is_the_owners_and_whole(ben, secret, tmp_path):
    assert ben.export(tmp_path / "all.jsonl")["cube"] == 2


@pytest.mark.parametrize("bad", ["ana", [3], ["a\x00"], ["\ud800"]])
def test_a_policy_names_people_in_a_tuple(memory, bad):
    with pytest.raises(InvalidInput):
        memory.add(Draft("x", policy=Policy(readers=bad)))
    assert memory.count() == 0


def test_a_retention_may_be_written_as_any_time(memory):
    cube = memory.add(Draft("x", policy=Policy(["user"], retain_until="2020-01-01")))
    kept = memory.get(cube.id).policy
    assert kept == Policy(("user",), retain_until=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(InvalidTime):
        memory.add(Draft("x", policy=Policy(retain_until="soon")))


def test_others_read_but_may_not_write(open_memory):
    ana, ben = open_memory(actor="ana"), open_memory(actor="ben")
    cube, other = ana.add([Draft("hers", policy=Policy(writers=("ana",))), "free"])
    for change in (
        lambda: ben.update(cube.id, "mine"),
        lambda: ben.forget(cube.id),
        lambda: ben.forget(kind="episode", purge=True),
        lambda: ben.link(cube.id, "about", other.id),
        lambda: ben.unlink(cube.id, "about", other.id),
        lambda: ben.restore(cube.id, 1),
    ):
        with pytest.raises(AccessDenied):
            change()
    assert ben.count() == 2
    assert ana.update(cube.id, "still hers").version == 2


def test_a_retention_that_ran_out_is_carried_out_by_reflect(memory):
    gone = memory.add(
        Draft("old news", policy=Policy(retain_until=datetime(2020, 1, 1, tzinfo=UTC)))
    )
    memory.add("kept")
    assert memory.reflect() == 1
    assert [cube.content for cube in memory.list()] == ["kept"]
    assert memory.history(gone.id)[0].retired_at is not None
