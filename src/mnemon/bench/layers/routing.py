"""Whether a question fetches the blocks that the documents of its fact were trained with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mnemon.bench.layers.world import World
    from mnemon.weights.layer import Bank

_DOCUMENTS = 4096


@torch.no_grad()
def reached(bank: Bank | None, world: World, right: NDArray[np.bool_], seed: int) -> dict[str, Any]:
    """Shares, or None where the text does not decide what is fetched (see `cells.Row`).

    Args:
        right: which facts are answered, `[F]`.
    """
    names = ("reached", "reached_right", "missed_right")
    if bank is None or bank.by != "text":
        return dict.fromkeys(names)
    drawn = world.drawn(np.random.default_rng([seed, 6]), _DOCUMENTS)
    same = _path(bank, world.texts(drawn))[:, None] == _path(bank, world.questions())[drawn]
    same = same.all(-1)  # [documents, TOLD]
    told = np.bincount(drawn.reshape(-1), minlength=len(right))
    met = np.bincount(drawn.reshape(-1), same.reshape(-1), minlength=len(right))
    mostly = met > told / 2
    parts = (right[(told > 0) & mostly], right[(told > 0) & ~mostly])
    shares = [float(np.mean(one)) if len(one) else None for one in parts]
    return dict(zip(names, (float(same.mean()), *shares), strict=True))


def _path(bank: Bank, texts: Any) -> NDArray[np.int64]:
    """The rows of all tables that texts fetch `[B, rows]`."""
    rows = bank.address(torch.from_numpy(texts))
    found: NDArray[np.int64] = torch.cat([rows[name] for name in sorted(rows)], 1).numpy()
    return found
