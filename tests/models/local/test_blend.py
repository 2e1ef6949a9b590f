from __future__ import annotations

import pytest
import torch

from mnemon.errors import InvalidInput
from mnemon.kv.tiers import CostModel, Tiers
from mnemon.memory import Memory
from mnemon.models.local import Runtime, load
from mnemon.models.template import opening

from .test_prefix import WORDS
from .test_runtime import ASK, NEW, OLD, fact


def facts(memory):
    values = {name: f"x{i:02x} x1{i} xa{i} xb{i}" for i, name in enumerate(WORDS)}
    return {name: memory.add(fact(value, name)) for name, value in values.items()}, values


def test_compiled_cubes_are_not_computed_again_but_for_some_of_their_tokens(talk, memory):
    cubes, values = facts(memory)
    runtime = talk(reuse="blend")
    assert memory.compile({}, runtime, to=runtime.shared.tiers).compiled == 6
    for name in WORDS[:3]:
        reply = runtime.session(name).answer(f"what is the code for {name} ?")
        trace = reply.trace
        assert reply.text == values[name]
        assert trace.reused["chunk"] + trace.recomputed == 60
        assert trace.computed + trace.reused["chunk"] == trace.prompt
        assert 0 < trace.recomputed <= 0.2 * 60
    assert cubes


def test_a_corrected_cube_is_read_and_its_chunk_is_not(talk, memory):
    cubes, _ = facts(memory)
    runtime = talk(reuse="blend")
    memory.compile({}, runtime, to=runtime.shared.tiers)
    memory.update(cubes["maiposhi"].id, fact(NEW))
    reply = runtime.chat(ASK)
    assert reply.text == NEW
    assert reply.trace.reused["chunk"] + reply.trace.recomputed == 50
    memory.forget(cubes["maiposhi"].id)
    assert len(runtime.shared.tiers.keys()) == 5


def test_a_conversation_goes_on_from_what_was_blended(talk, memory):
    _, values = facts(memory)
    runtime = talk(reuse="blend")
    memory.compile({}, runtime, to=runtime.shared.tiers)
    runtime.chat(ASK)
    reply = runtime.chat("what is the code for leze ?")
    assert reply.text == values["leze"]
    assert reply.trace.computed < 20 and set(reply.trace.reused) == {"live"}


def test_what_is_recalled_often_is_compiled_by_itself(talk, memory):
    facts(memory)
    runtime = talk(reuse="blend")
    notes = [runtime.session(str(i)).chat(ASK).trace for i in range(3)]
    assert [one.notes.get("compiled", 0) for one in notes] == [0, 6, 1]  # then the old question
    assert notes[0].recomputed == 0 and notes[2].recomputed > 0


def test_nothing_that_was_blended_becomes_a_beginning_of_other_prompts(talk, memory):
    for i in range(20):
        memory.add(fact(f"x{i:02x} x01 x02 x03", WORDS[i % 6]))
    runtime = talk(reuse="blend")
    assert runtime.chat(ASK).trace.notes["published"] == 1  # nothing was compiled: it is exact
    memory.compile({}, runtime, to=runtime.shared.tiers)
    runtime.shared.prefixes.forget(runtime.shared.tiers.keys() - _chunks(runtime))
    assert runtime.session("other").chat(ASK).trace.notes["published"] == 0


def _chunks(runtime):
    tiers = runtime.shared.tiers
    known = tiers.keys()
    return {key for key in known if tiers.get(key).header["form"] == "kv-chunk"}


def test_chunks_on_disk_serve_another_process(nano, tmp_path):
    path, folder = tmp_path / "memory.db", tmp_path / "kv"
    given = {"session": "s", "max_new_tokens": 8, "reuse": "blend"}
    with Memory(path) as memory:
        memory.add(fact())
        memory.compile({}, nano, to=folder)
    with Memory(path) as memory, Tiers(disk=folder, costs=CostModel(skips=False)) as tiers:
        runtime = Runtime(nano, memory, tiers=tiers, **given)
        found = runtime.shared.chunks.keys(runtime.wording.asked(memory.list(), ASK))
        assert tiers.keys() == set(found.values())
        assert runtime.chat(ASK).text == OLD


def test_a_chunk_of_another_text_is_not_used(talk, memory, caplog):
    memory.add(fact())
    runtime = talk(reuse="blend")
    memory.compile({}, runtime, to=runtime.shared.tiers)
    chunks = runtime.shared.chunks
    get = chunks.tiers.get

    def other(key):
        blob = get(key)
        tensors = {**blob.tensors, "tokens": blob.tensors["tokens"] + 1}
        return type(blob)(blob.key, blob.header, tensors)

    chunks.tiers.get = other
    reply = runtime.chat(ASK)
    assert reply.text == OLD and "chunk" not in reply.trace.reused
    assert "not of the text" in caplog.text


def test_blending_that_would_answer_otherwise_is_noticed(talk, memory):
    memory.add(fact())
    runtime = talk(reuse="blend", verify=1.0, method="naive")
    memory.compile({}, runtime, to=runtime.shared.tiers)
    chunks = runtime.shared.chunks
    read = chunks._read
    chunks._read = lambda key, tokens: _silenced(read(key, tokens))
    reply = runtime.chat(ASK)
    assert reply.text == OLD and reply.trace.fell_back
    assert runtime.shared.tiers.keys() == set()


def _silenced(block):
    values = tuple(torch.zeros_like(one) for one in block.values)
    return type(block)(block.tokens, block.keys, values, block.start)


def test_a_way_of_rendering_of_ones_own_is_compiled_so(talk, memory):
    memory.add(fact())
    runtime = talk(reuse="blend", render=lambda cube: f"note that {cube.content}")
    memory.compile({}, runtime, to=runtime.shared.tiers)
    reply = runtime.answer(ASK)
    assert reply.text == OLD and reply.trace.reused["chunk"] > 8


def test_texts_are_computed_behind_what_every_prompt_begins_with(nano, talk):
    assert opening(nano.tokenizer) == (nano.tokenizer.bos_token_id,) == talk().opening


def test_a_budget_for_the_cache_is_refused(talk):
    with pytest.raises(InvalidInput, match="kv_budget"):
        talk(reuse="blend", kv_budget=0.5)


@pytest.mark.parametrize("reuse", ["prefix", "blend"])
def test_the_larger_model_follows_what_is_so(memory, reuse):
    cubes, values = facts(memory)
    runtime = Runtime(
        load("recall-lm", device="cpu"), memory, session="s", reuse=reuse, max_new_tokens=8
    )
    memory.compile({}, runtime, to=runtime.shared.tiers or Tiers())
    asked = {name: f"what is the code for {name} ?" for name in ("maiposhi", "tizo")}
    assert [runtime.chat(one).text for one in asked.values()] == [values[one] for one in asked]
    memory.update(cubes["maiposhi"].id, fact(NEW))
    assert runtime.chat(asked["maiposhi"]).text == NEW
    memory.forget(cubes["tizo"].id)
    assert values["tizo"] not in runtime.chat(asked["tizo"]).text


def test_a_conversation_with_a_model_that_was_trained_meanwhile_begins_anew(memory):
    memory.add(fact())
    loaded = load("nano", device="cpu")
    for reuse in ("prefix", "blend"):
        runtime = Runtime(loaded, memory, session=reuse, reuse=reuse, max_new_tokens=8)
        runtime.chat(ASK)
        with torch.no_grad():
            loaded.model.lm_head.weight.add_(0.01)
        assert runtime.answer(ASK).trace.reused == {}
