"""`mnemon bench reuse`: everything about kept keys and values that a CPU can show, in one run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mnemon.bench import provenance
from mnemon.models import recall_lm
from mnemon.models.extras import require

if TYPE_CHECKING:
    from mnemon.bench.reuse.chat import Chat
    from mnemon.bench.reuse.first_token import FirstToken
    from mnemon.bench.reuse.greedy import Greedy
    from mnemon.bench.reuse.plan import Bench, Plan


@dataclass(frozen=True)
class ReuseRecord:
    """One run: what each part found, and where it comes from."""

    plan: Plan
    threads: int
    first_token: FirstToken
    greedy: tuple[Greedy, ...]
    chat: Chat
    blend: tuple[Blended, ...]
    blend_figures: dict[str, float]
    episodes: tuple[Held, ...]
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
    from mnemon.bench.reuse.chat import chat
    from mnemon.bench.reuse.first_token import first_token
    from mnemon.bench.reuse.greedy import identical
    from mnemon.bench.reuse.plan import Bench, Plan

    plan = plan or Plan()
    began = datetime.now(UTC).isoformat(timespec="seconds")
    origin = provenance.Origin(
        {}, provenance.code(), command, provenance.machine(), began, plan.seed
    )
    with _threads(threads) as used, tempfile.TemporaryDirectory(prefix="mnemon-reuse-") as folder:
        loaded = recall_lm.load(nano=plan.model == "nano")
        bench = Bench(loaded.model, loaded.tokenizer, plan, Path(folder), _steps(plan, progress))
        return ReuseRecord(
            plan, used,
            first_token(_in(bench, "ttft")),
            tuple(identical(bench, dtype) for dtype in ("float32", "bfloat16")),
            chat(_in(bench, "chat")),
            origin,
        )  # fmt: skip


def _steps(plan: Plan, progress: Callable[[int, int], None] | None) -> Callable[[], None]:
    total = plan.samples * (3 * plan.repeats + 2) + 2 * plan.turns
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
