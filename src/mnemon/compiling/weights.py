"""Compiling to weights: chosen facts to adapters, judged by a gate, promoted by an alias."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mnemon.compiling.report import CompileReport
from mnemon.compiling.selecting import Selection, pages
from mnemon.compiling.within import within

if TYPE_CHECKING:
    from mnemon.artifacts import Artifact
    from mnemon.cube import MemCube
    from mnemon.memory import Memory
    from mnemon.store.rows import Promotion
    from mnemon.weights.consolidation import Consolidated
    from mnemon.weights.promotion.gate import Gate


def compile_weights(
    memory: Memory, selection: Selection, model: Any, tokenizer: Any, *, namespace: str | None,
    alias: str, gate: Gate | None, ask: str | None,
    progress: Callable[[int, int], None] | None,
) -> CompileReport:  # fmt: skip
    """See `Memory.compile`. Each shard is kept as it is done; the alias is moved at the end."""
    from mnemon.weights.consolidation import bases, consolidate
    from mnemon.weights.promotion.wearable import learnt

    start = time.perf_counter()
    told = selection.get("namespace") if isinstance(selection, Mapping) else None
    memory = within(memory, told or namespace)
    chosen = [cube for page in pages(memory, _facts(selection), None) for cube in page]
    done = consolidate(memory, model, tokenizer, cubes=chosen, ask=ask, progress=progress)
    computing = time.perf_counter() - start
    known = learnt(memory, bases(model, tokenizer)["model"])
    line = _promoted(memory, model, tokenizer, done, known, alias, gate)
    made, kept = _ids(known, [one.key for one in done.trained]), _ids(known, done.kept)
    new = [cube for cube in chosen if cube.id in made]
    return CompileReport(
        form="weights",
        compiled=len(new),
        fresh=sum(cube.id in kept - made for cube in chosen),
        skipped=_skipped(memory, chosen, done, made | kept),
        tokens=sum(len(tokenizer(one.content).input_ids) for one in new),
        bytes=sum(one.size for one in done.trained if one.key not in done.unlearnt),
        seconds=time.perf_counter() - start,
        computing=computing,
        place=memory.path,
        promotion=line,
    )


def _facts(selection: Selection) -> Selection:
    """What is selected by no kind and no question is facts: only they are stable."""
    if isinstance(selection, Mapping) and not {"kind", "query"} & selection.keys():
        return {**selection, "kind": "fact"}
    return selection


def _promoted(
    memory: Memory, model: Any, tokenizer: Any, done: Consolidated, known: Sequence[Artifact],
    alias: str, gate: Gate | None,
) -> Promotion | None:  # fmt: skip
    """The line by which the alias moved, or stayed; None where there was nothing to move."""
    from mnemon.weights.consolidation import bases
    from mnemon.weights.promotion.alias import history, standing
    from mnemon.weights.promotion.promoting import promote
    from mnemon.weights.promotion.wearable import routes

    line = standing(history(memory, alias, bases(model, tokenizer)["model"]))
    members = set(line.members) if line is not None else set()
    ours = {*members, *done.kept, *(one.key for one in done.trained)}
    keys = set(routes([one for one in known if one.key in ours]).values())
    if not keys or keys == members:
        return None
    return promote(
        memory, model, tokenizer, keys, alias=alias, gate=gate, why="compiled to weights"
    ).line


def _ids(known: Iterable[Artifact], keys: Sequence[str]) -> set[str]:
    """The cubes in some adapters that learnt."""
    return {id for one in known if one.key in keys for id, _ in one.sources}


def _skipped(
    memory: Memory, chosen: Sequence[MemCube], done: Consolidated, learnt: set[str]
) -> tuple[tuple[str, str], ...]:
    from mnemon.weights.governance import withheld

    why = withheld(memory, chosen)
    why |= dict.fromkeys(done.unread, "it is no fact of a form that is known")
    for cube in chosen:
        if cube.id not in learnt:
            why.setdefault(cube.id, "it was not learnt: another fact may say otherwise")
    return tuple((cube.id, why[cube.id]) for cube in chosen if cube.id in why)
