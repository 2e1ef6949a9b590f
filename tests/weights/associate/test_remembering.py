from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.weights.facts import LONGER as FACTS
from tests.weights.facts import STRANGER, asked, draft, told

from mnemon import Memory
from mnemon.cube import Draft, Policy
from mnemon.errors import NotFound, StaleArtifact
from mnemon.weights import LatentReader, erase, remember

SMALL = {"slots": 32, "tokens": 32}


@pytest.fixture
def memory() -> Iterator[Memory]:
    with Memory(":memory:", namespace="ana") as opened:
        told(opened, FACTS)
        yield opened


def _ids(memory) -> dict[str, str]:
    return {one.content.split()[4 - 1]: one.id for one in memory.list() if "for" in one.content}


def _known(memory, loaded) -> set[str]:
    reader = LatentReader(memory, *loaded)
    return {name for name, code in FACTS.items() if reader.answer(asked(name)).text == code}


def test_what_is_remembered_is_answered_without_context(memory, loaded) -> None:
    done = remember(memory, *loaded, **SMALL)
    assert done.added == len(FACTS) and not done.crowded and not done.unfit
    assert len(done.state.sources) == len(FACTS)
    assert _known(memory, loaded) == set(FACTS)
    said = LatentReader(memory, *loaded).answer(asked(STRANGER))
    assert said.state is None and "knows nothing" in said.why
    assert remember(memory, *loaded, **SMALL).state.key == done.state.key


def test_erased_then_forgotten_it_is_as_if_it_had_never_been_told(memory, loaded) -> None:
    remember(memory, *loaded, **SMALL)
    gone = next(iter(FACTS))
    (left,) = erase(memory, *loaded, [_ids(memory)[gone]])
    assert (left.added, left.erased) == (0, 1)
    memory.forget(_ids(memory)[gone], purge=True)
    assert [one.key for one in memory.artifacts.list("latent")] == [left.state.key]
    assert _known(memory, loaded) == set(FACTS) - {gone}
    with Memory(":memory:", namespace="ana") as never:
        told(never, {name: code for name, code in FACTS.items() if name != gone})
        innocent = remember(never, *loaded, **SMALL).state
        assert innocent.payload == memory.artifacts.open(left.state.key).payload


def test_forgotten_without_erasing_the_state_goes_and_is_written_anew(memory, loaded) -> None:
    remember(memory, *loaded, **SMALL)
    reader, gone = LatentReader(memory, *loaded), next(iter(FACTS))
    reader.answer(asked(gone))
    memory.forget(_ids(memory)[gone])
    with pytest.raises(NotFound):
        reader.answer(asked(gone))
    assert remember(memory, *loaded, **SMALL).added == len(FACTS) - 1
    assert _known(memory, loaded) == set(FACTS) - {gone}


def test_what_changed_is_refused_then_written_in_its_place(memory, loaded) -> None:
    remember(memory, *loaded, **SMALL)
    reader, name = LatentReader(memory, *loaded), next(iter(FACTS))
    memory.update(_ids(memory)[name], draft(name, "x05 x06 x07 x08").content)
    with pytest.raises(StaleArtifact):
        reader.answer(asked(name))
    remember(memory, *loaded, **SMALL)
    assert LatentReader(memory, *loaded).answer(asked(name)).text == "x05 x06 x07 x08"


def test_what_is_new_joins_its_subject_and_nothing_else_is_read_again(memory, loaded) -> None:
    remember(memory, *loaded, **SMALL)
    name = next(iter(FACTS))
    memory.add(f"{name} 's city is shuga dojai .", kind="fact")
    memory.add(draft(STRANGER, "x05 x06 x07 x08").content, kind="fact")
    done = remember(memory, *loaded, **SMALL)
    assert (done.added, done.erased, len(done.state.sources)) == (2, 1, len(FACTS) + 2)
    reader = LatentReader(memory, *loaded)
    assert reader.answer(asked(name)).text == FACTS[name]
    assert reader.answer(f"Q : what is {name} 's city now ? A :").text == "shuga dojai"
    assert reader.answer(asked(STRANGER)).text == "x05 x06 x07 x08"


def test_what_may_not_be_compiled_never_is_and_what_is_too_long_is_told(memory, loaded) -> None:
    kept = memory.add([
        Draft("the code for shuga is x01 .", kind="fact", policy=Policy(compile=False)),
        Draft("the code for dojai is x01 .", kind="fact", policy=Policy(readers=(memory.actor,))),
        Draft(f"{STRANGER} 's city is shuga .", kind="fact", valid_to="2099-01-01"),
        Draft("shuga " * 40, kind="fact"),
    ])  # fmt: skip
    done = remember(memory, *loaded, **SMALL)
    assert set(done.withheld) == {one.id for one in kept[:3]} and done.unfit == (kept[3].id,)
    assert not {one.id for one in kept} & {source for source, _ in done.state.sources}


def test_a_text_without_a_subject_is_filed_under_its_first_words(memory, loaded) -> None:
    memory.add("shuga dojai fako : the code is x01 x02 .", kind="note")
    done = remember(memory, *loaded, kind="note", **SMALL)
    assert len(done.state.sources) == 1
    reader = LatentReader(memory, *loaded)
    assert reader.recalled("Q : what is shuga dojai fako ? A :") is not None
    assert reader.recalled("Q : what is fako ? A :") is None


def test_more_than_it_keeps_apart_is_told(memory, loaded) -> None:
    assert remember(memory, *loaded, slots=4, tokens=32).crowded


def test_trained_states_are_written_anew(memory, loaded) -> None:
    told = {"method": "ntk-attention", "steps": 2}
    first = remember(memory, *loaded, **told)
    assert LatentReader(memory, *loaded, method="ntk-attention").answer(asked(STRANGER)).score == 1
    (left,) = erase(memory, *loaded, [_ids(memory)[next(iter(FACTS))]])
    assert (left.added, left.erased) == (len(FACTS) - 1, 0)
    assert len(left.state.sources) == len(first.state.sources) - 1


def test_without_a_state_and_without_the_cube_it_says_so(memory, loaded) -> None:
    with pytest.raises(NotFound, match="remember first"):
        LatentReader(memory, *loaded)
    with pytest.raises(NotFound, match="remember again"):
        erase(memory, *loaded, ["0" * 32])


def test_only_the_state_that_the_newest_was_written_on_stays_beside_it(memory, loaded) -> None:
    one, two, three = (f"x0{n} x0{n} x0{n} x0{n}" for n in range(3))
    first = remember(memory, *loaded, **SMALL).state
    beside = remember(memory, *loaded, slots=16).state.key
    keys = []
    for code in (one, two, three):
        memory.add(draft(f"{STRANGER} {code[:3]}", code))
        keys.append(remember(memory, *loaded, **SMALL).state.key)
    assert {made.key for made in memory.artifacts.list("latent")} == {beside, *keys[1:]}
    with pytest.raises(NotFound):
        memory.artifacts.open(first.key)
    memory.forget(memory.list()[-1].id, purge=True)
    assert LatentReader(memory, *loaded).key == keys[1]
    done = remember(memory, *loaded, **SMALL)
    assert (done.state.key, done.added) == (keys[1], 0)
