"""The connector does what vLLM's interface asks, over a stand-in that calls it as vLLM does."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mnemon.errors import InvalidInput, UnknownName
from mnemon.kv.tiers import Speed

from .engine import Engine, config
from .published import KVConnectorBase_V1, Request

Start = Callable[..., Engine]
_numbers = itertools.count()
PROMPT = [(7 * place + place * place) % 97 for place in range(30)]  # 3 whole blocks of 8, and 6


def blobs(folder: Path) -> list[Path]:
    return sorted(one for one in folder.rglob("*") if one.is_file() and one.stat().st_size > 2000)


def asked(tokens: list[int], **more: Any) -> Request:
    return Request(f"asked {next(_numbers)}", tokens, list(tokens), **more)


def test_what_one_instance_stored_another_loads_to_the_byte(started: Start) -> None:
    first = started()
    stored = first.run(PROMPT)
    second = started()
    found = second.run(PROMPT)
    assert (stored.loaded, stored.computed) == (0, 30)
    assert (found.loaded, found.computed) == (24, 6)
    assert first.is_right(stored) and second.is_right(found)


@pytest.mark.parametrize("one", ["two first", "pages first", "one view"])
@pytest.mark.parametrize("other", ["two first", "one view"])
def test_layouts_of_pages_share_blocks(started: Start, one: str, other: str) -> None:
    started(one).run(PROMPT)
    engine = started(other)
    found = engine.run(PROMPT)
    assert found.loaded == 24 and engine.is_right(found)


def test_a_prompt_that_goes_on_another_way_loads_the_common_blocks(started: Start) -> None:
    started().run(PROMPT)
    engine = started()
    found = engine.run([*PROMPT[:19], 1, 2, 3, *PROMPT[19:]])
    assert found.loaded == 16 and engine.is_right(found)


def test_the_last_token_is_always_computed(started: Start) -> None:
    started().run(PROMPT)
    assert started().matched(asked(PROMPT[:16])) == 8
    assert started().matched(asked(PROMPT[:17])) == 16


def test_chunked_prefill_and_generated_tokens_are_kept_too(started: Start) -> None:
    first = started()
    ran = first.run(PROMPT, chunk=5, generate=20)
    second = started()
    assert first.is_right(ran) and len(ran.tokens) == 50
    found = second.run([*ran.tokens, 1, 2])
    assert found.loaded == 48 and second.is_right(found)


def test_what_vllm_has_itself_is_not_loaded_again(started: Start) -> None:
    started().run(PROMPT)
    engine = started()
    before = engine.run(PROMPT[:14], generate=0)
    found = engine.run(PROMPT, computed=12, before=before)
    assert (found.loaded, found.computed) == (12, 6) and engine.is_right(found)


def test_a_preempted_request_is_loaded_into_its_new_pages(started: Start) -> None:
    engine = started()
    ran = engine.run(PROMPT, chunk=20, preempt=True)
    assert ran.loaded == 16 and ran.computed == 20 + 14 and engine.is_right(ran)


def test_ranks_keep_their_own_shares(started: Start) -> None:
    started(tp=2).run(PROMPT)
    engine = started(tp=2)
    found = engine.run(PROMPT)
    assert found.loaded == 24 and engine.is_right(found)


def test_a_share_that_is_missing_counts_for_all_ranks(started: Start, disk: Path) -> None:
    started(tp=2).run(PROMPT[:9])
    (one, _) = blobs(disk)
    one.unlink()
    assert started(tp=2).matched(asked(PROMPT)) == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"extra": {"weights": "w2"}},
        {"extra": {"salt": "another tenant"}},
        {"dtype": "bfloat16"},
        {"cache_dtype": "bfloat16"},
        {"hf": {"model_type": "toy", "rope_theta": 5e5}},
        {"tp": 2},
    ],
    ids=lambda one: next(iter(one)),
)
def test_another_model_dtype_tenant_or_rank_finds_nothing(
    started: Start, changed: dict[str, Any]
) -> None:
    started().run(PROMPT)
    assert started().matched(asked(PROMPT)) == 24
    assert started(**changed).matched(asked(PROMPT)) == 0


def test_requests_that_tokens_do_not_decide_are_left_alone(started: Start, disk: Path) -> None:
    engine = started()
    for more in ({"lora_request": object()}, {"mm_features": [object()]}):
        engine.run(PROMPT, **more)
    assert blobs(disk) == []
    engine.run(PROMPT)
    assert engine.matched(asked(PROMPT)) == 24
    assert engine.matched(asked(PROMPT, cache_salt="ana")) == 0
    assert engine.matched(asked(PROMPT, lora_request=object())) == 0


def test_what_is_slower_to_load_than_to_compute_is_computed(started: Start) -> None:
    engine = started(extra={"skips": True})
    ran = engine.run(PROMPT)  # a step of this model takes next to nothing
    costs = engine.scheduler._scheduling.tiers.costs
    costs.learns = False  # what this machine's disk takes is no matter here
    costs.learn("disk", Speed(latency=60.0, rate=1e9))
    assert engine.matched(asked(PROMPT)) == 0
    costs.learn("disk", Speed(latency=0.0, rate=1e15))
    assert engine.matched(asked(PROMPT)) == 24 and engine.is_right(ran)


@pytest.mark.parametrize("harm", ["half", "flipped", "another's", "empty"])
def test_damage_is_never_loaded(started: Start, disk: Path, harm: str) -> None:
    started().run(PROMPT[:9])
    (one,) = blobs(disk)
    data = one.read_bytes()
    if harm == "another's":
        started().run([96, *PROMPT[1:9]])
        data = next(other for other in blobs(disk) if other != one).read_bytes()
    elif harm == "flipped":
        data = data[:900] + bytes([data[900] ^ 1]) + data[901:]
    one.write_bytes({"half": data[: len(data) // 2], "empty": b""}.get(harm, data))
    engine = started()
    assert engine.matched(asked(PROMPT)) == 0
    found = engine.run(PROMPT)
    assert found.loaded == 0 and engine.is_right(found)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_damage_after_the_lookup_is_computed_again_and_poisons_nothing(
    started: Start, disk: Path, place: int
) -> None:
    started().run(PROMPT)
    engine = started()
    step = engine.workers[0].step
    keys = blobs(disk)

    def harmed(meta: Any, work: Any) -> set[int]:
        if meta.loads:
            damaged = meta.loads[0].pieces[place].keys[0]
            (file,) = [one for one in keys if damaged in str(one)]
            file.write_bytes(b"?" * file.stat().st_size)
        return step(meta, work)

    engine.workers[0].step = harmed  # type: ignore[method-assign]
    found = engine.run([*PROMPT, 5, 6, 7])
    assert engine.is_right(found)
    again = started()
    other = again.run([*PROMPT, 5, 6, 7, 8])
    assert other.loaded == 32 and again.is_right(other)


def test_a_call_sequence_as_recorded(connector: Any, disk: Path) -> None:
    """The calls of two requests, one after the other, with what is told in each."""
    assert issubclass(connector, KVConnectorBase_V1)
    engine = Engine(connector, config({"disk": str(disk)}))
    told: list[tuple[Any, Any, int]] = []
    real = engine.scheduler.build_connector_meta

    def build(output: Any) -> Any:
        meta = real(output)
        assert pickle.loads(pickle.dumps(meta)) == meta
        loads = [(one.begin, [piece.start for piece in one.pieces]) for one in meta.loads]
        saves = [[piece.start for piece in one.pieces] for one in meta.saves]
        told.append((loads, saves, meta.tokens))
        return meta

    engine.scheduler.build_connector_meta = build
    engine.run(PROMPT, chunk=20)
    engine.run(PROMPT, chunk=20, generate=4)
    engine.close()
    first = [([], [[0, 8]], 20), ([], [[16]], 10)]
    second = [([(0, [0, 8, 16])], [], 6), ([], [], 1), ([], [[24]], 1), ([], [], 1), ([], [], 1)]
    assert told == first + second
    assert engine.scheduler.request_finished(asked(PROMPT), []) == (False, None)


@pytest.mark.parametrize(
    ("extra", "told", "match"),
    [
        ({"disk": None}, {}, "no place"),
        ({"size": 10}, {}, "multiple"),
        ({}, {"pp": 2}, "pipeline"),
        ({}, {"cache_dtype": "fp8"}, "scales"),
    ],
)
def test_what_cannot_be_kept_is_refused_at_the_start(
    started: Start, extra: dict[str, Any], told: dict[str, Any], match: str
) -> None:
    with pytest.raises(InvalidInput, match=match):
        started(extra=extra, **told)


def test_an_unknown_option_is_refused(started: Start) -> None:
    with pytest.raises(UnknownName, match=r"'dsk'.*disk"):
        started(extra={"dsk": "/tmp"})


def test_hybrid_models_are_refused(connector: Any, disk: Path) -> None:
    from .published import KVConnectorRole

    groups = SimpleNamespace(kv_cache_groups=[1, 2])
    with pytest.raises(InvalidInput, match="full attention"):
        connector(config({"disk": str(disk)}), KVConnectorRole.SCHEDULER, groups)
