"""Facts compiled to weights: chosen, judged, promoted; resumed where it was interrupted."""

from __future__ import annotations

import pytest
import torch
from tests.weights.facts import FACTS, STRANGER, asked, draft

from mnemon import Draft, Memory, Policy
from mnemon.compiling.withholding import withhold
from mnemon.errors import InvalidInput
from mnemon.models import recall_lm
from mnemon.weights import Gate, Reader, history, promote

SOME = dict(list(FACTS.items())[:4])
QUICK = Gate(most=1, texts=1)


@pytest.fixture(scope="module")
def nano():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield recall_lm.load(nano=True)
    torch.set_num_threads(before)


@pytest.fixture
def memory(tmp_path):
    with Memory(tmp_path / "memory.db", namespace="acme/ana") as memory:
        yield memory
        assert memory.fsck() == []


def tell(memory, facts=SOME):
    return memory.add([draft(name, code) for name, code in facts.items()])


def known(memory, nano, names=SOME):
    with Reader(memory, *nano) as reader:
        return {name for name in names if reader.answer(asked(name)).text == FACTS.get(name)}


def test_facts_are_compiled_judged_and_promoted_once(memory, nano):
    tell(memory)
    odd = memory.add("shuga dojai", kind="fact")
    kept = memory.add(
        Draft(f"the code for {STRANGER} is x01 .", "fact", policy=Policy(compile=False))
    )
    memory.add("an episode is no fact")
    told = []
    done = memory.compile({}, nano, "weights", progress=lambda *at: told.append(at))
    assert (done.compiled, done.fresh, told) == (4, 0, [(1, 2), (2, 2)])
    assert done.skipped == (
        (odd.id, "it is no fact of a form that is known"),
        (kept.id, "its policy forbids compiling to weights"),
    )
    made = memory.artifacts.list("adapter")
    assert done.bytes == sum(one.size for one in made) and done.tokens > 0
    assert set(done.promotion.members) == {one.key for one in made}
    assert known(memory, nano) == set(SOME)
    again = memory.compile({}, nano, "weights", gate=QUICK)
    assert (again.compiled, again.fresh, again.promotion) == (0, 4, None)


def test_an_interrupted_run_goes_on_and_promotes_only_at_its_end(memory, nano):
    tell(memory)

    def stop(done, of):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        memory.compile({}, nano, "weights", progress=stop)
    (first,) = memory.artifacts.list("adapter")
    assert history(memory) == []
    done = memory.compile({}, nano, "weights", gate=QUICK)
    assert (done.compiled, done.fresh) == (2, 2) and first.key in done.promotion.members
    assert [len(one.sources) for one in memory.artifacts.list("adapter")] == [2, 2]


def test_a_selection_adds_to_what_is_known(memory, nano):
    cubes = tell(memory)
    memory.compile([cubes[0].id, cubes[1].id], nano, "weights", gate=QUICK)
    assert known(memory, nano) == set(list(SOME)[:2])
    memory.compile([cubes[2]], nano, "weights", gate=QUICK)
    assert known(memory, nano) == set(list(SOME)[:3])


def test_what_the_gate_refuses_answers_nothing_and_is_told(memory, nano):
    tell(memory)
    done = memory.compile({}, nano, "weights", gate=Gate(recall=1.1, most=1))
    assert done.compiled == 4 and done.promotion.action == "refuse"
    assert "recall" in done.promotion.why and known(memory, nano) == set()


def test_two_facts_that_say_otherwise_are_told_each_time(memory, nano):
    cubes = memory.add([draft(STRANGER, "x01 x02 x03 x04"), draft(STRANGER, "x05 x06 x07 x08")])
    for _ in range(2):
        done = memory.compile({}, nano, "weights", gate=QUICK)
        assert (done.compiled, done.fresh, done.promotion) == (0, 0, None)
        assert [id for id, _ in done.skipped] == [cube.id for cube in cubes]


def test_what_is_withheld_is_compiled_nowhere_and_dropped(memory, nano):
    tell(memory)
    below = memory.add(draft(STRANGER, "x01 x02"), namespace="acme/ana/notes")
    memory.compile({}, nano, "weights", gate=QUICK)
    assert withhold(memory._store, "acme/ana/notes") == 1
    done = memory.compile({}, nano, "weights", gate=QUICK)
    assert done.skipped == ((below.id, "namespace 'acme/ana/notes' is withheld from weights"),)
    assert known(memory, nano) == set(SOME)
    assert withhold(memory._store, "acme") > 0 and memory.artifacts.list("adapter") == []
    assert (
        len(memory.compile({}, nano, "weights", gate=QUICK).skipped) == 5
        and known(memory, nano) == set()
    )


def test_a_cube_that_comes_to_forbid_it_takes_its_adapter_along(memory, nano):
    cubes = tell(memory)
    memory.compile({}, nano, "weights", gate=QUICK)
    memory.update(cubes[0].id, policy=Policy(compile=False))
    assert next(iter(SOME)) not in known(memory, nano) and len(known(memory, nano)) < 4
    done = memory.compile({}, nano, "weights", gate=QUICK)
    assert [id for id, _ in done.skipped] == [cubes[0].id]
    assert known(memory, nano) == set(list(SOME)[1:])


def test_tenants_never_share_an_adapter(memory, nano):
    with Memory(memory.path, namespace="other/ana") as other:
        for each in (memory, other):
            tell(each, dict(list(SOME.items())[:2]))
            each.compile({}, nano, "weights", gate=QUICK)
        mine, theirs = ({one.key for one in each.artifacts.list()} for each in (memory, other))
        assert len(mine) == len(theirs) == 1 and not mine & theirs
        for each, keys in ((memory, mine), (other, theirs)):
            with Reader(each, *nano) as reader:
                assert reader.keys == keys
        with pytest.raises(LookupError):
            promote(other, *nano, keys=mine)
        with pytest.raises(LookupError), Reader(other, *nano, keys=mine):
            pass


def test_another_namespace_has_adapters_of_its_own(memory, nano):
    memory.add(draft(STRANGER, "x01 x02"), namespace="acme/ben")
    memory.compile({}, nano, "weights", namespace="acme/ben", gate=QUICK)
    assert memory.artifacts.list() == []
    with Memory(memory.path, namespace="acme/ben") as ben:
        assert len(history(ben)[0].members) == 1


def test_what_does_not_go_together_is_refused(memory, nano):
    for wrong in ({"to": "x"}, {"policy": "kivi"}, {"head": [1]}):
        with pytest.raises(InvalidInput, match="weights lie in the store"):
            memory.compile({}, nano, "weights", **wrong)
    with pytest.raises(InvalidInput, match="gate"):
        memory.compile({}, nano, gate=Gate())
