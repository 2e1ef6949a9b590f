"""What each section shows of the small model, with few facts."""

from __future__ import annotations

import pytest

from mnemon.bench.weights.conflict import conflict
from mnemon.bench.weights.edits import edits
from mnemon.bench.weights.retention import retention
from mnemon.bench.weights.settings import SETTINGS, settings
from mnemon.errors import InvalidInput


def test_weights_and_context_answer_and_nothing_or_another_fact_does_not(small) -> None:
    found = small.figures["settings"]
    answered = {name: each["recall"] for name, each in found["answered"].items()}
    assert answered.keys() == SETTINGS.keys() and found["retrieved"] == 1
    assert answered["parametric"] == answered["in_context"] == 1
    assert answered["base"] == answered["wrong_document"] == 0
    assert answered["both"] == answered["retrieval"] > 0  # text goes before weights
    assert found["strangers_given_a_stored_value"]["parametric"] == 0


def test_an_edit_is_answered_and_only_its_shard_is_trained(small) -> None:
    found = small.figures["edits"]
    sharded, one = found["sharded"], found["one_adapter"]
    assert sharded["edit_success"] == sharded["locality_others"] == 1
    assert sharded["old_value_answered"] == one["old_value_answered"] == 0
    assert sharded["old_nll_before"] < 0.1 < sharded["old_nll"]
    assert (sharded["retrained_shards"], sharded["kept_shards"]) == (1, 2)
    assert sharded["neighbours"] + sharded["others"] == 5
    assert one["edit_success"] == 1 and one["locality_others"] < 1


def test_shards_keep_what_one_adapter_loses(small) -> None:
    found = small.figures["retention"]
    one, sharded = found["one_adapter"], found["sharded"]
    assert one["exposures"][0]["recall"] == 0 and one["exposures"][-1]["recall"] == 1
    assert len(one["exposures"]) == one["updates"][0] + 1
    assert one["retention"][0] == {"updates": 0, **one["exposures"][-1]}
    assert one["retention"][-1]["updates"] <= one["updates"][1]
    assert one["retention"][-1]["recall"] < 1 and one["min_acc"] < 1
    assert one["exposures_to_recognition_value"] <= one["exposures_to_recall"]
    assert [each["recall"] for each in sharded["retention"]] == [1, 1]
    assert one["general"] < one["general_base"]


def test_heads_are_ranked_by_what_they_promote_and_random_ones_stand_beside(small) -> None:
    found = small.figures["conflict"]
    scores = [score for *_, score in found["heads"]]
    assert scores == sorted(scores, reverse=True) and len(scores) == 8
    kinds = [(one["kind"], one["heads"]) for one in found["zeroed"]]
    assert kinds[:4] == [("none", 0), ("memory", 1), ("context", 1), ("random", 1)]
    assert kinds.count(("random", 4)) == 2
    assert all(one["context"] + one["weights"] <= 1 for one in found["zeroed"])


@pytest.mark.parametrize(
    ("section", "sizes"),
    [(settings, (1,)), (edits, (3, 3, 1)), (retention, (1, 4, 1)), (conflict, (1, 1))],
)
def test_what_is_too_small_is_refused(bench, section, sizes) -> None:
    with pytest.raises(InvalidInput):
        section(bench, *sizes)
