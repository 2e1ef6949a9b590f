"""The search behind `kvtuner`: which widths each layer's keys and values can bear.

Layer by layer, each pair of widths is tried on keys and values of calibration text, and the change
of the layer's attention output measured. Pairs that another one beats in both bits and error go;
layers that are alike form groups; groups step by step get the widths that take most error away for
their bits. The settings on that path nearest to the wanted bits run through the model, and the one
whose logits change least is taken.

How it differs from the paper: the multi-objective search is that greedy path instead of an
evolutionary one, and looks at the logits' error, not at a task's accuracy.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.kv.attention import attend
from mnemon.kv.cache import KVCache
from mnemon.kv.compress.kivi import KIVI
from mnemon.kv.compress.kvtuner import KVTuner
from mnemon.kv.policy import Policy
from mnemon.kv.profile import fingerprint
from mnemon.kv.score.snapkv import SnapKV
from mnemon.kv.view import LayerView

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from mnemon.kv.layer import KVLayer

Pair = tuple[int, int]
Setting = tuple[Pair, ...]
WIDTHS = (2, 4, 8)
PAIRS: list[Pair] = [(key, value) for key in WIDTHS for value in WIDTHS]
_ALL = 0.9999  # everything is coded, nothing dropped


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    Attributes:
        fingerprint: of the model, as for its head profile.
        pairs: key bits and value bits of each layer.
        bits: their mean. error: mean squared change of the logits, over the logits' variance.
        evaluated: settings that ran through the model; possible: all there are.
    """

    fingerprint: str
    pairs: tuple[Pair, ...]
    bits: float
    error: float
    evaluated: int
    possible: int

    def save(self, folder: str | Path) -> Path:
        """Write `<folder>/<fingerprint>.json`, for `kvtuner(saved=…)`; its path."""
        path = Path(folder) / f"{self.fingerprint}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")
        return path


def tuned_for(model: PreTrainedModel, folder: str | Path) -> KVTuner:
    """The saved widths of this very model.

    Raises:
        InvalidInput: none were saved for it in that folder.
    """
    return KVTuner(saved=str(Path(folder) / f"{fingerprint(model)}.json"))


@torch.no_grad()
def search(
    model: PreTrainedModel,
    tokens: Tensor,
    bits: float = 4.0,
    evaluations: int = 8,
    alike: float = 0.25,
    group_size: int = 32,
) -> Tuned:
    """Find widths whose mean is at most `bits`.

    Args:
        model: any model that a `KVCache` takes. tokens: `[B, T]` calibration text, no padding.
        evaluations: settings that run through the model at most.
        alike: layers whose logarithms of errors differ by no more than this in the mean form one
            group, if they keep the same pairs.

    Raises:
        InvalidInput: fewer bits than the narrowest widths, or too short a text.
    """
    if bits < WIDTHS[0] or tokens.shape[1] < 2 * group_size:
        raise InvalidInput(
            f"search(bits={bits}) on {tokens.shape[1]} tokens: give at least {WIDTHS[0]} bits and"
            f" {2 * group_size} tokens"
        )
    length = tokens.shape[1]
    watching = Policy(score=SnapKV(window_size=length))  # every query is remembered
    cache = KVCache(model, watching, length + 1)
    whole = seam.forward(model, tokens, cache)
    errors = [sensitivity(cache, layer, group_size) for layer in cache.compressed]
    settings = _nearest(_path(errors, grouped_layers(errors, alike)), len(errors), bits)
    tried = settings[:evaluations]
    error, best = min((_error(model, tokens, whole, one, group_size), one) for one in tried)
    possible = len(errors[0]) ** len(errors)
    return Tuned(fingerprint(model), best, _mean_bits(best), error, len(tried), possible)


def sensitivity(cache: KVCache, layer: KVLayer, group_size: int = 32) -> dict[Pair, float]:
    """How much a layer's attention output changes at each pair of widths, relative, squared.

    Args:
        cache: an uncompressed one that remembers the queries of all its tokens.
    """
    assert layer.keys is not None and layer.values is not None and layer.queries is not None
    count = layer.tail // group_size * group_size
    keys, values = layer.keys[:, :, :count], layer.values[:, :, :count]
    asked, scaling = layer.queries[:, :, :count], cache.scaling(layer.index)
    view = LayerView(layer.index, 1, 0, keys, values, 0, 0, count, scaling)
    everything = torch.ones(keys.shape[:3], dtype=torch.bool, device=keys.device)
    told = _output(asked, keys, values, scaling)
    found = {}
    for pair in PAIRS:
        codec = KIVI(pair[0], value_bits=pair[1], group_size=group_size)
        rows = codec.compress(view, everything)[0].read()
        again = _output(asked, rows.keys.view_as(keys), rows.values.view_as(values), scaling)
        found[pair] = float((again - told).square().sum() / told.square().sum())
    return found


def pruned(errors: dict[Pair, float]) -> list[Pair]:
    """The pairs that no other beats in bits and in error, cheapest first."""
    left: list[Pair] = []
    for pair in sorted(errors, key=lambda one: (sum(one), errors[one])):
        if not left or errors[pair] < errors[left[-1]]:
            left.append(pair)
    return left


def grouped_layers(errors: Sequence[dict[Pair, float]], alike: float = 0.25) -> list[list[int]]:
    """Layers with the same pairs left and nearly the same errors, as groups of their numbers."""
    groups: list[list[int]] = []
    for place, own in enumerate(errors):
        for group in groups:
            first = errors[group[0]]
            if pruned(own) == pruned(first) and _distance(own, first) <= alike:
                group.append(place)
                break
        else:
            groups.append([place])
    return groups


def _distance(one: dict[Pair, float], other: dict[Pair, float]) -> float:
    gaps = [abs(math.log((one[pair] + 1e-12) / (other[pair] + 1e-12))) for pair in one]
    return sum(gaps) / len(gaps)


def _path(errors: Sequence[dict[Pair, float]], groups: list[list[int]]) -> list[Setting]:
    """Settings from the cheapest to the dearest, each step the best use of its bits."""
    choices = [pruned(errors[group[0]]) for group in groups]
    held = [0] * len(groups)
    path = [_spread(groups, choices, held)]
    while True:
        steps = []
        for place, group in enumerate(groups):
            now = choices[place][held[place]]
            for level in range(held[place] + 1, len(choices[place])):
                then = choices[place][level]
                gain = sum(errors[one][now] - errors[one][then] for one in group) / len(group)
                steps.append((gain / (sum(then) - sum(now)), -level, place))
        if not steps:
            return path
        _, level, place = max(steps)
        held[place] = -level
        path.append(_spread(groups, choices, held))


def _spread(groups: list[list[int]], choices: list[list[Pair]], held: list[int]) -> Setting:
    by_layer = {
        layer: choices[place][held[place]] for place, group in enumerate(groups) for layer in group
    }
    return tuple(by_layer[layer] for layer in sorted(by_layer))


def _nearest(path: list[Setting], layers: int, bits: float) -> list[Setting]:
    """What fits, nearest to the wanted bits first; the same widths everywhere compete too."""
    uniform = [(pair,) * layers for pair in PAIRS]
    fitting = [one for one in (*path, *uniform) if _mean_bits(one) <= bits + 1e-9]
    return sorted(dict.fromkeys(fitting), key=_mean_bits, reverse=True)


def _mean_bits(setting: Setting) -> float:
    return sum(sum(pair) for pair in setting) / (2 * len(setting))


def _output(asked: Tensor, keys: Tensor, values: Tensor, scaling: float) -> Tensor:
    groups = asked.shape[1] // keys.shape[1]
    keys, values = (one.repeat_interleave(groups, 1) for one in (keys, values))
    count = asked.shape[2]
    later = torch.ones(count, count, dtype=torch.bool, device=asked.device).triu(1)
    mask = torch.zeros_like(later, dtype=asked.dtype).masked_fill(later, float("-inf"))
    return attend(asked, keys, values, mask, scaling, None).float()


def _error(
    model: PreTrainedModel, tokens: Tensor, whole: Tensor, pairs: Setting, group_size: int
) -> float:
    """How much the logits of the second half change when the first half is coded."""
    tuner = KVTuner(pairs=pairs, group_size=group_size)
    cache = KVCache(model, Policy(compress=tuner, window=1, sinks=0), _ALL)
    half = tokens.shape[1] // 2
    seam.forward(model, tokens[:, :half], cache)
    told = whole[:, half:].float()
    found = seam.forward(model, tokens[:, half:], cache).float()
    return float((found - told).square().mean() / told.var())
