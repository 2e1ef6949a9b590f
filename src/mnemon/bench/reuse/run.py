"""`mnemon bench reuse`: everything about kept keys and values that a CPU can show, in one run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon.bench import provenance
from mnemon.models import recall_lm
from mnemon.models.extras import require

if TYPE_CHECKING:
    from mnemon.bench.reuse.blend import Row as Blended
    from mnemon.bench.reuse.chat import Chat
    from mnemon.bench.reuse.episodes import Row as Episodes
    from mnemon.bench.reuse.explicit import Row as Explicit
    from mnemon.bench.reuse.first_token import FirstToken
    from mnemon.bench.reuse.greedy import Greedy
    from mnemon.bench.reuse.plan import Bench, Plan
    from mnemon.bench.reuse.talk import Talk

_BLENDED = 1024
_FEW = 6
"""Samples of each task of chunks below which only a few methods of the last parts are asked."""


@dataclass(frozen=True)
class ReuseRecord:
    """One run: what each part found, and where it comes from."""

    plan: Plan
    threads: int
    first_token: FirstToken
    greedy: tuple[Greedy, ...]
    chat: Chat
    talk: Talk
    blend: tuple[Blended, ...]
    blend_figures: dict[str, float]
    episodes: tuple[Episodes, ...]
    explicit: tuple[Explicit, ...]
    origin: provenance.Origin


def run_reuse(
    plan: Plan | None = None, *, threads: int | None = None, command: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> ReuseRecord:  # fmt: skip
    """Measure.

    Args:
        threads: of torch; what it takes by itself if None.
        progress: called with (steps done, in all).

    Raises:
        MissingExtra: torch or transformers is not installed.
    """
    for name in ("torch", "transformers", "safetensors"):
        require(name, name, "kv")
    from mnemon.bench.reuse.plan import Bench, Plan

    plan = plan or Plan()
    began = datetime.now(UTC).isoformat(timespec="seconds")
    origin = provenance.Origin(
        {}, provenance.code(), command, provenance.machine(), began, plan.seed
    )
    with _threads(threads) as used, tempfile.TemporaryDirectory(prefix="mnemon-reuse-") as folder:
        loaded = recall_lm.load(nano=plan.model == "nano")
        step = _steps(plan, progress)
        bench = Bench(loaded.model, loaded.tokenizer, plan, Path(folder), step)
        return ReuseRecord(plan, used, origin=origin, **_parts(bench))


def _parts(bench: Bench) -> dict[str, Any]:
    from mnemon.bench.reuse import blend, episodes, explicit
    from mnemon.bench.reuse.chat import chat
    from mnemon.bench.reuse.first_token import first_token
    from mnemon.bench.reuse.greedy import identical
    from mnemon.bench.reuse.talk import talk
    from mnemon.models.embed.static import StaticEmbedder

    model, tokenizer, plan = bench.model, bench.tokenizer, bench.plan
    told: dict[str, Any] = {
        "first_token": first_token(_in(bench, "first")),
        "greedy": tuple(identical(bench, dtype) for dtype in ("float32", "bfloat16")),
        "chat": chat(_in(bench, "chat")),
        "talk": talk(_in(bench, "talk")),
    }
    rows = blend.measure_blend(
        model, tokens=min(plan.tokens, _BLENDED), samples=plan.asked, seed=plan.seed
    )
    bench.step()
    embed = StaticEmbedder().embed
    seeds = range(plan.seed, plan.seed + max(1, plan.asked // 6))
    few = plan.asked < _FEW
    methods = (episodes.FULL, episodes.EPICACHE) if few else episodes.METHODS
    held = episodes.measure(model, tokenizer, embed=embed, seeds=seeds, methods=methods)
    bench.step()
    ways, count = (explicit.WAYS[:1], 4) if few else (explicit.WAYS, 12)
    remembered = explicit.measure(
        model, tokenizer, embed=embed, seeds=seeds[:4], ways=ways, count=count
    )
    bench.step()
    return told | {
        "blend": tuple(rows), "blend_figures": blend.figures(rows),
        "episodes": tuple(held), "explicit": tuple(remembered),
    }  # fmt: skip


def _steps(plan: Plan, progress: Callable[[int, int], None] | None) -> Callable[[], None]:
    total = plan.samples * (3 * plan.repeats + 2) + 3 * plan.turns + 3
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    return step


def _in(bench: Bench, name: str) -> Bench:
    folder = bench.folder / name
    folder.mkdir()
    return replace(bench, folder=folder)


@contextmanager
def _threads(wanted: int | None) -> Iterator[int]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(wanted or before)
    try:
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)
