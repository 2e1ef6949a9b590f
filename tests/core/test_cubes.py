from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from mnemon import AsyncMemory, Memory
from mnemon.cube import Draft, Policy
from mnemon.cubes import compose, fuse, migrate
from mnemon.errors import AccessDenied, InvalidInput, NotFound

SPRING, SUMMER = datetime(2025, 4, 1, tzinfo=UTC), datetime(2025, 8, 1, tzinfo=UTC)


@pytest.fixture
def memory():
    with Memory(":memory:", namespace="ana") as opened:
        yield opened


def test_a_composed_cube_has_the_others_as_sources(memory) -> None:
    first = memory.add("We moved.", kind="fact", speaker="Ana", at=SPRING)
    second = memory.add("It is Porto.", kind="fact", speaker="Ana", at=SUMMER)
    one = compose(memory, [first.id, second.id])
    assert one.content == "We moved.\nIt is Porto." and one.kind == "fact" and one.speaker == "Ana"
    assert [(span.cube, span.version) for span in one.provenance.spans] == [
        (first.id, 1), (second.id, 1)
    ]  # fmt: skip
    assert one.valid_from == SUMMER and one.provenance.producer == "compose"
    assert memory.get(first.id).version == 1


def test_content_may_be_made_by_a_function(memory) -> None:
    ids = [cube.id for cube in memory.add(["a b", "c"])]
    one = compose(
        memory, ids, lambda cubes: f"{len(cubes)} cubes", kind="summary", metadata={"n": 2}
    )
    assert (one.content, one.kind, one.metadata) == ("2 cubes", "summary", {"n": 2})


def test_a_composed_cube_goes_when_a_source_is_purged(memory) -> None:
    ids = [cube.id for cube in memory.add(["a secret", "b"])]
    one = compose(memory, ids)
    memory.update(ids[1], "b again")
    assert memory.get(one.id).content == "a secret\nb"
    assert one.id in memory.forget(ids[0], purge=True).ids
    assert memory.count() == 1


def test_it_permits_what_all_of_them_permit(memory) -> None:
    policies = (
        Policy(readers=("user", "bob"), retain_until=SUMMER, compile=False),
        Policy(readers=("user", "eve"), writers=("user",), retain_until=SPRING),
    )
    ids = [cube.id for cube in memory.add([Draft("x", policy=one) for one in policies])]
    assert compose(memory, ids).policy == Policy(("user",), ("user",), SPRING, False)
    alone = memory.add(Draft("y", policy=Policy(writers=("bob",))))
    with pytest.raises(InvalidInput, match="nobody may write"):
        compose(memory, [ids[1], alone.id])


def test_what_cannot_be_composed_is_refused(memory) -> None:
    ended = memory.add(Draft("x", at=SPRING, valid_to=datetime(2025, 5, 1, tzinfo=UTC)))
    later = memory.add("y", at=SUMMER)
    with pytest.raises(InvalidInput, match="never all true"):
        compose(memory, [ended.id, later.id])
    assert compose(memory, [ended.id, later.id], at=SPRING).valid_from == SPRING
    for ids in ([later.id], [later.id, later.id], later.id):
        with pytest.raises(InvalidInput, match="not several"):
            compose(memory, ids)
    with pytest.raises(NotFound):
        compose(memory, [later.id, "nothing"])


def test_what_says_the_same_is_superseded(memory) -> None:
    old = memory.add("Ana lives in Lisbon, on the hill.", kind="fact", at=SPRING)
    new = memory.add("Ana lives in Lisbon.", kind="fact", at=SUMMER)
    one = fuse(memory, [old.id, new.id])
    assert one.content == new.content and one.kind == "fact"
    assert one.valid_from == SUMMER
    assert [hit.cube.id for hit in memory.search("Where does Ana live?")] == [one.id]
    assert [cube.id for cube in memory.list()] == [one.id]
    assert memory.history(old.id)[-1].retired_at is not None
    assert memory.restore(old.id).content == old.content
    assert {span.cube for span in one.provenance.spans} == {old.id, new.id}


def test_what_contradicts_is_linked_and_stays(memory) -> None:
    old = memory.add("Ana lives in Lisbon.", at=SPRING)
    new = memory.add("Ana lives in Porto.", at=SUMMER)
    with pytest.raises(InvalidInput, match="no common content"):
        fuse(memory, [old.id, new.id], contradict=True)
    one = fuse(
        memory, [old.id, new.id], "Ana lives in Lisbon or in Porto.", contradict=True,
        kind="insight",
    )  # fmt: skip
    found = {(link.src, link.type, link.dst) for link in memory.links(new.id)}
    assert found == {(new.id, "contradicts", old.id), (one.id, "about", new.id)}
    assert memory.get(old.id).version == memory.get(new.id).version == 1
    assert memory.get(old.id).valid_to is None and one.kind == "insight"


def test_nothing_is_fused_that_may_not_be_written(memory) -> None:
    mine = memory.add("x")
    other = memory.add(Draft("x", policy=Policy(writers=("bob",))))
    with pytest.raises(AccessDenied, match="bob"):
        fuse(memory, [mine.id, other.id])
    assert memory.count() == 2 and memory.links(mine.id) == []


def _fact(memory):
    cube = memory.add("Ana lives in Lisbon.", kind="fact", at=SPRING)
    cube = memory.update(cube.id, "Ana lives in Porto.")
    other = memory.add("It rains.")
    memory.link(cube.id, "about", other.id)
    made = memory.artifacts.derive("adapter", [cube], b"weights", method="method:x/y@1")
    memory.artifacts.derive("adapter", [cube, other], b"both", method="method:x/y@1")
    return cube, other, made


def test_a_migrated_cube_has_its_history_and_what_is_compiled_from_it(memory, tmp_path) -> None:
    cube, other, made = _fact(memory)
    with Memory(tmp_path / "other.db", namespace="ana") as there:
        done = migrate(memory, there, [cube.id])
        assert done.ids == (cube.id,) and done.report.added == 1 and done.forgotten == ()
        assert there.history(cube.id) == memory.history(cube.id)
        assert there.artifacts.open(made.key).payload == b"weights"
        assert done.report.artifacts == 1 and len(there.artifacts.list()) == 1
        assert there.links(cube.id) == [] and there.count() == 1 and there.fsck() == []
        rest = migrate(memory, there)
        assert (rest.report.added, rest.report.known, rest.report.links) == (1, 1, 1)
        assert len(there.artifacts.list()) == 2
        assert [hit.cube.id for hit in there.search("Where does Ana live?", 1)] == [cube.id]
        there.update(other.id, "The sun shines.")
        assert sum(one.fresh for one in there.artifacts.list()) == 1


def test_cubes_go_to_postgresql_and_back(memory, database, tmp_path) -> None:
    cube, _, made = _fact(memory)
    with (
        Memory(database(), namespace="ana") as there,
        Memory(tmp_path / "back.db", namespace="ana") as back,
    ):
        for left, right in ((memory, there), (there, back)):
            report = migrate(left, right).report
            assert (report.added, report.links, report.artifacts, report.malformed) == (2, 1, 2, [])
        assert back.history(cube.id) == memory.history(cube.id)
        assert back.artifacts.open(made.key).payload == b"weights"
        assert compose(there, [one.id for one in there.list()]).kind == "summary"


def test_a_moved_cube_is_forgotten_here_once_it_is_there(memory, tmp_path) -> None:
    cube, other, _ = _fact(memory)
    with Memory(tmp_path / "other.db", namespace="ana") as there:
        assert migrate(memory, there, [cube.id], move=True).forgotten == (cube.id,)
        assert there.get(cube.id).content == "Ana lives in Porto."
        assert [one.id for one in memory.list()] == [other.id]
        assert memory.history(cube.id)[-1].retired_at is not None


def test_what_cannot_be_migrated_is_refused(memory, tmp_path) -> None:
    with Memory(tmp_path / "a.db") as one, Memory(tmp_path / "a.db") as same:
        with pytest.raises(InvalidInput, match="to itself"):
            migrate(one, same)
        with pytest.raises(NotFound, match="nothing"):
            migrate(memory, one, ["nothing"])
        assert one.count() == 0


def test_cubes_of_a_memory_are_exported_and_migrated_with_their_links(memory, tmp_path) -> None:
    first, second, third = (memory.add(text).id for text in ("one", "two", "three"))
    memory.link(first, "about", second)
    memory.link(first, "about", third)
    chosen = memory.cube(first, second)
    counts = chosen.export(tmp_path / "some.jsonl.gz")
    assert (counts["cube"], counts["link"]) == (2, 1)
    with Memory(":memory:", namespace="ana") as other:
        other.import_(tmp_path / "some.jsonl.gz")
        assert [link.dst for link in other.links(first)] == [second] and other.count() == 2
        assert chosen.migrate(other, move=True).forgotten == (first, second)
    with pytest.raises(NotFound):
        memory.cube("nobody").export(tmp_path / "none.jsonl")
    assert not (tmp_path / "none.jsonl").exists()


def test_cubes_are_awaited_too() -> None:
    async def composed() -> str:
        async with AsyncMemory(":memory:") as memory:
            ids = [cube.id for cube in await memory.add(["a", "b"])]
            return (await memory.cube(*ids).compose()).content

    assert asyncio.run(composed()) == "a\nb"
