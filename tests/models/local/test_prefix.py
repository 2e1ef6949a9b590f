from __future__ import annotations

import random
from itertools import pairwise

import pytest

from mnemon.errors import InvalidInput
from mnemon.kv.tiers import CostModel, Tiers
from mnemon.memory import Memory
from mnemon.models.local import Runtime

from .test_runtime import ASK, NEW, OLD, fact

WORDS = ["maiposhi", "leze", "tizo", "jairo", "foubiko", "lupiso"]


def test_computed_tokens_of_fifty_turns_stay_flat(talk, memory):
    draw = random.Random(0)
    for name in WORDS:
        memory.add(fact(" ".join(f"x{draw.randrange(256):02x}" for _ in range(4)), name))
    runtime = talk(context=2048, reuse="prefix", max_new_tokens=2)
    traces = [runtime.chat(f"what is the code for {WORDS[i % 6]} ?").trace for i in range(50)]
    new = [trace.prompt - before.prompt for before, trace in pairwise(traces)]
    assert traces[-1].prompt > 600
    # The question with its answer's end, and one token of the answer that was not fed.
    assert all(trace.computed <= grown + 2 for grown, trace in zip(new, traces[1:], strict=True))
    assert max(trace.computed for trace in traces[1:]) <= 2 * min(t.computed for t in traces[1:])


def test_answers_are_those_of_recomputation(talk, memory):
    cube = memory.add(fact())
    runtimes = [talk(reuse=reuse, session=reuse, verify=1.0) for reuse in ("none", "prefix")]
    for step in range(3):
        said = [runtime.answer(ASK) for runtime in runtimes]
        assert said[0].text == said[1].text
        assert said[1].trace.difference < 1e-3 and not said[1].trace.fell_back
        runtimes[1].chat(ASK)
        memory.update(cube.id, fact(NEW if step % 2 == 0 else OLD))


def test_other_conversations_begin_with_what_one_computed(talk, memory):
    draw = random.Random(0)
    for i in range(20):
        memory.add(fact(" ".join(f"x{draw.randrange(256):02x}" for _ in range(4)), WORDS[i % 6]))
    runtime = talk()
    first = runtime.chat("what is the code for leze ?").trace
    other = runtime.session("other").answer("what is the code for tizo ?").trace
    assert first.reused == {} and first.notes["published"] == 1
    assert other.reused == {"memory": 128}


def test_another_process_finds_it_on_disk_and_forgetting_takes_it_away(nano, tmp_path):
    path, folder = tmp_path / "memory.db", tmp_path / "kv"
    with Memory(path) as memory:
        cubes = [memory.add(fact(f"x{i:02x} x01 x02 x03", WORDS[i % 6])) for i in range(20)]
        with Tiers(disk=folder, costs=CostModel(skips=False)) as tiers:
            Runtime(nano, memory, session="s", max_new_tokens=4, tiers=tiers).chat(ASK)
    with Memory(path) as memory, Tiers(disk=folder, costs=CostModel(skips=False)) as tiers:
        runtime = Runtime(nano, memory, session="other", max_new_tokens=4, tiers=tiers)
        assert runtime.answer(ASK).trace.reused == {"disk": 128}
        assert list(folder.rglob("*.safetensors")) or any(p.is_file() for p in folder.rglob("*"))
        memory.forget(cubes[0].id)
        assert runtime.session("third").answer(ASK).trace.reused == {}
        assert tiers.keys() == set()


def test_wrong_keys_and_values_are_noticed_and_dropped(talk, memory):
    memory.add(fact())
    runtime = talk(verify=1.0)
    assert runtime.chat(ASK).trace.difference < 1e-3
    for layer in runtime.way.way._talk.cache.compressed:
        layer.keys, layer.values = layer.keys * 3, layer.values * 0
    reply = runtime.chat(ASK)
    assert reply.text == OLD and reply.trace.fell_back and reply.trace.difference > 1
    assert runtime.verifying.counts == {"looked": 2, "differed": 1}
    assert not runtime.chat(ASK).trace.fell_back


def test_half_of_the_turns_are_looked_at(talk, memory):
    memory.add(fact())
    runtime = talk(verify=0.5)
    looked = [runtime.answer(ASK).trace.difference is not None for _ in range(4)]
    assert looked == [False, True, False, True]


def test_a_cache_under_a_budget_goes_on_too(talk, memory):
    memory.add(fact())
    runtime = talk(policy="recency", kv_budget=0.9)
    traces = [runtime.chat(ASK).trace for _ in range(3)]
    assert traces[-1].computed < traces[-1].prompt


def test_what_rests_begins_again_with_kept_blocks(talk, memory):
    for i in range(20):
        memory.add(fact(f"x{i:02x} x01 x02 x03", WORDS[i % 6]))
    runtime = talk()
    runtime.chat(ASK)
    runtime.rest()
    assert runtime.chat(ASK).trace.reused == {"memory": 128}


def test_what_does_not_go_together_is_refused(talk, tmp_path):
    with (
        Tiers(disk=tmp_path, costs=CostModel(skips=False)) as tiers,
        pytest.raises(InvalidInput, match="reuse='none'"),
    ):
        talk(reuse="none", tiers=tiers)
    with pytest.raises(InvalidInput, match="kv_budget"):
        talk(verify=1.0, kv_budget=0.5)
