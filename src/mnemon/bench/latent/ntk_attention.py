"""`ntk-attention`: what a prefix loses as (Z, k), against as many bytes of it; and trained on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mnemon.bench.latent import asking
from mnemon.bench.latent.section import Row, Setting
from mnemon.bench.recall import sample
from mnemon.bench.weights.facts import Fact, facts
from mnemon.kv import seam
from mnemon.kv.attending import attending
from mnemon.weights.associate.ntk_attention import NTKAttention

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.weights.associate import State
    from mnemon.weights.linear_prefix import Beside, Prefix

_LENGTHS = (128, 512, 1024)
_SEGMENTS = (8, 32, 64)
_TOKENS = 20
_TASKS = ("niah_multikey", "fact", "kv")
_OTHERS = 6
_FIT_STEPS, _FIT_RATE = 60, 0.2
_STEPS = (50, 150)


def rows(setting: Setting) -> Iterator[Row]:
    """Errors by the prefix's length, as one text and as segments, then the loss of questions."""
    for length in (128,) if setting.brief else _LENGTHS:
        yield _errors("a text before the question", length, _texts(setting, length))
    for count in (4,) if setting.brief else _SEGMENTS:
        yield _errors("segments read alone", count * (_TOKENS - 1), [_apart(setting, count)])
    yield from _facts(setting)


class _Layer(NamedTuple):
    """One layer's queries `[1, Hq, T, D]`, keys and values `[1, Hkv, T, D]`, and the scaling."""

    module: Any
    query: Tensor
    key: Tensor
    value: Tensor
    scaling: float | None


class _Case(NamedTuple):
    """Where a prefix stands, what layers attend with at a question behind it, and at others."""

    prefix: range
    asked: list[_Layer]
    others: list[_Layer]


def _errors(layout: str, tokens: int, cases: Iterable[_Case]) -> Row:
    """Relative errors of attention outputs at a question's tokens, means over layers and heads.

    The first token is exact for all; what stands between it and the question is the prefix.
    """
    found: dict[str, list[float]] = {}
    sizes: dict[str, int] = {}
    for prefix, asked, others in cases:
        for layer, seen in zip(asked, others, strict=True):
            sizes, errors = _of_layer(layer, prefix, _fitted(seen, prefix))
            for name, error in errors.items():
                found.setdefault(name, []).extend(error)
    figures = {
        **{f"{name}_error": float(np.mean(errors)) for name, errors in found.items()},
        **{f"{name}_bytes_a_head": size for name, size in sizes.items()},
    }
    return Row("a prefix as (Z, k)", {"prefix": layout, "tokens": tokens}, figures)


def _texts(setting: Setting, length: int) -> Iterator[_Case]:
    for task in _TASKS[:1] if setting.brief else _TASKS:
        one = sample(task, length, setting.seed)
        drawn = range(setting.seed + 1, setting.seed + 1 + _OTHERS)
        others = _even([sample(task, 256, seed).question for seed in drawn])
        asked, seen = (
            _run(setting.model, [one.context + rest for rest in texts])
            for texts in ([one.question], others)
        )
        yield _Case(range(1, len(one.context)), asked, seen)


def _apart(setting: Setting, count: int) -> _Case:
    """Facts, each read alone from the first place on, and questions behind the longest."""
    import torch

    from mnemon.weights import latents

    told, _ = facts(count + _OTHERS, setting.seed)
    read = [
        latents.encoded(setting.model, (*one.opening, *one.ids))
        for one in asking.segments(told[:count], _TOKENS, setting.seed)
    ]
    keys, values = (
        [
            torch.cat([part[0][:, :1], *(one[:, 1:] for one in part)], 1)[None]
            for part in zip(*(one[which] for one in read), strict=True)
        ]
        for which in (0, 1)
    )
    prefix = range(1, 1 + count * (_TOKENS - 1))
    asked, others = (
        _run(setting.model, texts, latents.filled(setting.model, keys, values))
        for texts in (
            [asking.question(told[0]).prompt[1:]],
            _even([asking.question(one).prompt[1:] for one in told[-_OTHERS:]]),
        )
    )
    return _Case(prefix, asked, others)


def _even(texts: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    width = min(len(text) for text in texts)
    return [text[:width] for text in texts]


def _run(model: Any, texts: Sequence[Sequence[int]], cache: Any = None) -> list[_Layer]:
    """What each layer attends with, in a pass over texts of one length; behind `_TOKENS` places if
    there is a cache before them."""
    import torch

    layers: list[_Layer] = []

    def seen(
        module: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor,
        scaling: float | None,
    ) -> Tensor:
        layers.append(_Layer(module, query, key, value, scaling))
        return _attended(layers[-1], mask).transpose(1, 2)

    ids = torch.tensor([list(text) for text in texts])
    with torch.no_grad(), attending(model, seen):
        if cache is None:
            model(ids, use_cache=False)
        else:
            cache.batch_repeat_interleave(len(texts))
            places = torch.arange(_TOKENS, _TOKENS + ids.shape[1])[None]
            seam.forward(model, ids, cache, position_ids=places)
    return layers


def _of_layer(
    layer: _Layer, prefix: range, fitted: Prefix
) -> tuple[dict[str, int], dict[str, list[float]]]:
    """Bytes of a key-value head in float32, and the error of each query head."""
    from mnemon.weights.linear_prefix import Beside

    width = layer.key.shape[3]
    kept = (width + 2) // 2  # Z and k are a little more than so many keys and values, rounded up
    exact = _with(layer, prefix, prefix)
    made = {
        "zk": _beside(layer, prefix, Beside([layer.module], _summed(layer, prefix))),
        "fitted": _beside(layer, prefix, Beside([layer.module], fitted)),
        "first": _with(layer, prefix, prefix[:kept]),
        "last": _with(layer, prefix, prefix[-kept:]),
        "dropped": _with(layer, prefix, prefix[:0]),
    }
    norm = exact[0].flatten(1).norm(dim=1)
    errors = {
        name: ((one - exact)[0].flatten(1).norm(dim=1) / norm).tolist()
        for name, one in made.items()
    }
    return {"zk": 4 * (width * width + width), "truncated": 4 * 2 * width * kept}, errors


def _summed(layer: _Layer, prefix: range) -> Prefix:
    from mnemon.weights.latents import Latent
    from mnemon.weights.linear_prefix import summed

    told = list(prefix)
    return summed(Latent((layer.key[0][:, told],), (layer.value[0][:, told],)), 0)


def _fitted(layer: _Layer, prefix: range) -> Prefix:
    """(Z, k) from the sums on, by Adam, to the exact outputs at other questions."""
    import torch

    from mnemon.weights.linear_prefix import Beside, of_means

    with torch.no_grad():
        exact = _with(layer, prefix, prefix)
    scale = exact.pow(2).mean((0, 2, 3), keepdim=True)
    start = _summed(layer, prefix)
    mean = (start.z[0] / start.k[0][..., None]).float().requires_grad_()
    log_k = start.k[0].log().float().requires_grad_()
    optimizer = torch.optim.Adam([mean, log_k], lr=_FIT_RATE)
    for step in range(_FIT_STEPS):
        optimizer.param_groups[0]["lr"] = _FIT_RATE * (1 - step / _FIT_STEPS)
        now = of_means([mean], [log_k])
        loss = ((_beside(layer, prefix, Beside([layer.module], now)) - exact) ** 2 / scale).mean()
        mean.grad, log_k.grad = torch.autograd.grad(loss, [mean, log_k])
        optimizer.step()
    return of_means([mean.detach()], [log_k.detach()])


def _with(layer: _Layer, prefix: range, kept: range) -> Tensor:
    """Attention of what comes after a prefix, `[B, Hq, Q, D]`, with some of the prefix only."""
    import torch

    total = layer.key.shape[2]
    places = torch.tensor([0, *kept, *range(prefix.stop, total)])
    seen = torch.ones(total, total, dtype=torch.bool).tril()[prefix.stop :, places]
    return _attended(_at(layer, prefix, places), seen)


def _beside(layer: _Layer, prefix: range, beside: Beside) -> Tensor:
    """As `_with`, all of the prefix being beside."""
    import torch

    total = layer.key.shape[2]
    places = torch.tensor([0, *range(prefix.stop, total)])
    seen = torch.ones(total, total, dtype=torch.bool).tril()[prefix.stop :, places]
    near = _at(layer, prefix, places)
    return beside(near.module, near.query, near.key, near.value, seen, near.scaling).transpose(1, 2)


def _at(layer: _Layer, prefix: range, places: Tensor) -> _Layer:
    """Queries after a prefix, keys and values at some places."""
    return layer._replace(
        query=layer.query[:, :, prefix.stop - layer.key.shape[2] :], key=layer.key[:, :, places],
        value=layer.value[:, :, places],
    )  # fmt: skip


def _attended(layer: _Layer, seen: Tensor) -> Tensor:
    """Plain attention, `[1, Hq, Q, D]`."""
    groups = layer.query.shape[1] // layer.key.shape[1]
    key, value = (one.repeat_interleave(groups, 1) for one in (layer.key, layer.value))
    logits = (layer.query @ key.mT) * (layer.scaling or layer.query.shape[-1] ** -0.5)
    return logits.masked_fill(~seen, -float("inf")).softmax(-1) @ value


def _facts(setting: Setting) -> Iterator[Row]:
    """A few facts as one prefix: their questions' loss as sums, and trained on."""
    told, _ = facts(4 if setting.brief else 16, setting.seed)
    segments = asking.segments(told, _TOKENS, setting.seed)
    yield _loss(setting, NTKAttention(tokens=_TOKENS), {}, "the model alone", told, 0.0)
    for steps in (0, 4) if setting.brief else (0, *_STEPS):
        method = NTKAttention(tokens=_TOKENS, steps=steps)
        began = time.process_time()
        state = method.write(setting.model, {}, segments)
        spent = time.process_time() - began
        yield _loss(setting, method, state, f"{steps} steps", told, spent)


def _loss(
    setting: Setting, method: NTKAttention, state: State, what: str, told: Sequence[Fact],
    spent: float,
) -> Row:  # fmt: skip
    import torch

    asked = [asking.question(one) for one in told]
    others = [asking.question(one, one.paraphrase) for one in told]
    with torch.no_grad():
        nats, other = (float(method.loss(setting.model, state, p)) for p in (asked, others))
    read = method.read(setting.model, state, ())
    figures = {
        "nats": nats, "nats_in_other_words": other,
        "recall": float(np.mean([asking.judged(setting, one, read).exact for one in told])),
        "state_bytes": sum(one.nbytes for one in state.values()), "cpu_seconds": spent,
    }  # fmt: skip
    return Row(f"{len(told)} facts as one prefix", {"what": what}, figures)
