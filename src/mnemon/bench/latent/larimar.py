"""`larimar`: needles recalled against segments written, and what erasing leaves behind."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mnemon.bench.latent import asking
from mnemon.bench.latent.section import Row, Setting
from mnemon.bench.recall import BOS
from mnemon.bench.weights.facts import Fact, facts
from mnemon.weights.associate.larimar import Larimar

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.weights.associate import Segment, State

_TOKENS = 20
_LOADS = (0.25, 0.5, 0.75, 0.9, 1.0, 1.125, 1.25, 1.5, 2.0)
_ASKED = 32


def rows(setting: Setting) -> Iterator[Row]:
    """Needles by how full the memory is, then erasing at half of it."""
    slots = 16 if setting.brief else 256
    method = Larimar(slots=slots, tokens=_TOKENS)
    loads = (0.5, 2.0) if setting.brief else _LOADS
    told, strangers = facts(int(slots * loads[-1]), setting.seed)
    made = asking.segments(told, _TOKENS, setting.seed)
    yield from _needles(setting, method, loads, told, strangers, made)
    half = slots // 2
    for count in (1, half // 2) if setting.brief else (1, half // 8, half // 2):
        yield _erased(setting, method, told[:half], made[:half], count)


def _needles(
    setting: Setting, method: Larimar, loads: Sequence[float], told: Sequence[Fact],
    strangers: Sequence[Fact], made: Sequence[Segment],
) -> Iterator[Row]:  # fmt: skip
    window: int = setting.model.config.max_position_embeddings
    state: State = {}
    before = 0
    for load in loads:
        count = int(load * method.slots)
        began = time.process_time()
        state = method.write(setting.model, state, made[before:count])
        spent = (time.process_time() - began) / (count - before)
        before = count
        drawn = np.random.default_rng([setting.seed, count]).choice(
            count, min(count, _ASKED), False
        )
        chosen = [told[i] for i in sorted(drawn)]
        context = [token for one in made[:count] for token in one.ids]
        short = asking.after(setting, [BOS, *context[-(window - 64) :]])
        yield Row(
            f"needles ({method.slots} slots, segments of {_TOKENS} tokens, a window of {window})",
            {"segments": count, "tokens": count * (_TOKENS - 1)},
            {
                "recall": _recall(setting, method, state, chosen),
                "truncated_recall": _share(
                    asking.judged(setting, one, short).exact for one in chosen
                ),
                "strangers_known": _share(
                    asking.recalled(setting, method, state, one) is not None for one in strangers
                ),
                "state_bytes": sum(one.nbytes for one in state.values()),
                "write_cpu_ms_each": 1000 * spent,
            },
        )


def _erased(
    setting: Setting, method: Larimar, told: Sequence[Fact], made: Sequence[Segment], count: int
) -> Row:
    whole = method.write(setting.model, {}, made)
    doomed = np.random.default_rng([setting.seed, count]).choice(len(made), count, False).tolist()
    gone, kept = [told[i] for i in doomed], [told[i] for i in range(len(told)) if i not in doomed]
    began = time.process_time()
    left = method.erase(setting.model, whole, [made[i] for i in doomed])
    erasing, began = time.process_time() - began, time.process_time()
    never = method.write(setting.model, {}, [one for i, one in enumerate(made) if i not in doomed])
    anew = time.process_time() - began
    figures = {
        "bytes_that_differ": _differing(left, never),
        "by_the_paper_update": _residue(method, made, doomed, setting),
        "kept_recall": _recall(setting, method, left, kept[:_ASKED]),
        "gone_recall": _recall(setting, method, left, gone),
        "gone_known": _share(
            asking.recalled(setting, method, left, one) is not None for one in gone
        ),
        "gone_nats_before": _nats(setting, method, whole, gone),
        "gone_nats": _nats(setting, method, left, gone),
        "never_saw_nats": _nats(setting, method, never, gone),
        "erase_cpu_seconds": erasing, "rebuild_cpu_seconds": anew,
    }  # fmt: skip
    return Row("erasing", {"written": len(made), "erased": count}, figures)


def _recall(setting: Setting, method: Larimar, state: State, chosen: Sequence[Fact]) -> float:
    reads = ((one, asking.recalled(setting, method, state, one)) for one in chosen)
    return _share(asking.judged(setting, one, read).exact for one, read in reads)


def _nats(setting: Setting, method: Larimar, state: State, chosen: Sequence[Fact]) -> float:
    reads = ((one, asking.recalled(setting, method, state, one)) for one in chosen)
    return float(np.mean([asking.judged(setting, one, read).nll for one, read in reads]))


def _differing(one: State, other: State) -> int:
    return sum(
        int(np.sum(a != b))
        for name in one
        for a, b in [[x[name].numpy().view(np.uint8) for x in (one, other)]]
    )


def _residue(
    method: Larimar, made: Sequence[Segment], doomed: Sequence[int], setting: Setting
) -> float:
    """By the paper's own update in float32, with a minus sign: the largest difference of M from
    that of a memory that never had them, over the largest number in it."""
    import torch

    from mnemon.weights import addresses, latents

    at = addresses.signs([one.address for one in made], method.slots).float()
    latent = torch.stack([
        latents.flat(latents.encoded(setting.model, (*one.opening, *one.ids)), method.tokens)
        for one in made
    ])  # fmt: skip
    written = [(i, 1.0) for i in range(len(made))]
    left = updated(at, latent, [*written, *((i, -1.0) for i in doomed)], method.ridge)
    never = updated(at, latent, [step for step in written if step[0] not in doomed], method.ridge)
    return float((left - never).abs().max() / never.abs().max())


def updated(
    at: Tensor, latent: Tensor, steps: Sequence[tuple[int, float]], ridge: float
) -> Tensor:  # fmt: skip
    """Larimar's sequential update as it is written: M `[K, C]` after steps (row, 1 or -1).

    C += s w'w; M += s inv(C) w'(z - w M), for rows w of addresses `[N, K]` and z of latents.
    """
    import torch

    covariance = ridge * torch.eye(at.shape[1], dtype=at.dtype)
    memory = torch.zeros(at.shape[1], latent.shape[1], dtype=at.dtype)
    for row, sign in steps:
        w, z = at[row : row + 1], latent[row : row + 1]
        covariance = covariance + sign * (w.T @ w)
        memory = memory + sign * torch.linalg.solve(covariance, w.T) @ (z - w @ memory)
    return memory


def _share(right: Iterable[bool]) -> float:
    return float(np.mean([bool(one) for one in right]))
