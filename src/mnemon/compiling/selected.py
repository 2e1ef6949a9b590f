"""`Memory.compile`: what is chosen, by which model, to where."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon.compiling import FORMS
from mnemon.compiling.ledger import MemoryLedger
from mnemon.compiling.report import CompileReport
from mnemon.compiling.selecting import Selection, pages, total
from mnemon.compiling.weights import compile_weights
from mnemon.errors import InvalidInput, UnknownName
from mnemon.models.extras import require
from mnemon.store.address import is_database

if TYPE_CHECKING:
    from mnemon.cube import MemCube
    from mnemon.kv.policy import Policy
    from mnemon.kv.tiers import Tiers
    from mnemon.memory import Memory
    from mnemon.weights.promotion.gate import Gate


def compile_selected(
    memory: Memory,
    selection: Selection,
    model: Any,
    form: str,
    *,
    tokenizer: Any,
    policy: Policy | str | None,
    to: Tiers | Path | str | None,
    namespace: str | None,
    head: Sequence[int] | None,
    progress: Callable[[int, int], None] | None,
    alias: str,
    gate: Gate | None,
    ask: str | None,
) -> CompileReport:
    """See `Memory.compile`."""
    if form not in FORMS:
        raise UnknownName(f"cubes cannot be compiled to {form!r}: there is {', '.join(FORMS)}")
    if form == "weights":
        if policy is not None or to is not None or head is not None:
            raise InvalidInput("weights lie in the store as they are: no policy, place or head")
        by = prepared(model, tokenizer, extra="weights")
        return compile_weights(
            memory, selection, by.model, by.tokenizer, namespace=namespace, alias=alias, gate=gate,
            progress=progress, ask=ask,
        )  # fmt: skip
    if gate is not None or ask is not None:
        raise InvalidInput("gate= and ask= are of weights: keys and values need none")
    start = time.perf_counter()
    by = prepared(model, tokenizer, head)
    from mnemon.compiling.chunks import Chunks, Tally

    tally = Tally()
    with _tiers(memory, to) as tiers:
        ledger = MemoryLedger(memory, namespace, tiers=tiers)
        making = Chunks(by.model, by.tokenizer, tiers, ledger, policy, by.head, by.render)
        of = total(memory, selection, namespace) if progress is not None else 0
        for page in pages(memory, selection, namespace):
            for _ in making.compile(page, tally):
                if progress is not None:
                    progress(tally.done, max(of, tally.done))
        if progress is not None:
            progress(tally.done, tally.done)
        place = ", ".join(tiers.addresses)
    return CompileReport(
        form, tally.compiled, tally.fresh, tuple(tally.skipped), tally.tokens, tally.bytes,
        time.perf_counter() - start, tally.computing, place or "this process",
    )  # fmt: skip


@dataclass(frozen=True)
class Prepared:
    """A model to compile by, its tokenizer, what every prompt begins with, and how a cube stands
    in one (None: as suits the tokenizer)."""

    model: Any
    tokenizer: Any
    head: Sequence[int]
    render: Callable[[MemCube], str] | None


def prepared(
    model: Any, tokenizer: Any = None, head: Sequence[int] | None = None, extra: str = "kv"
) -> Prepared:
    """Whatever names a model, as `Memory.compile` takes it.

    Raises:
        InvalidInput: there is no such model. MissingExtra: torch or transformers is not installed.
    """
    for package in ("torch", "transformers", *(["peft"] if extra == "weights" else [])):
        require(package, package, extra)
    from mnemon.models.local.loading import both
    from mnemon.models.template import opening

    render = model.wording.render if hasattr(model, "wording") else None
    head = model.opening if head is None and hasattr(model, "opening") else head
    if hasattr(model, "wording"):  # a Runtime
        model, tokenizer = model.model, tokenizer or model.tokenizer
    model, tokenizer = both(model, tokenizer)
    return Prepared(model, tokenizer, opening(tokenizer) if head is None else head, render)


@contextmanager
def _tiers(memory: Memory, to: Tiers | Path | str | None) -> Iterator[Tiers]:
    """The tiers that were given, or ones of a single place, which are closed afterwards."""
    from mnemon.kv.tiers import Tiers

    if isinstance(to, Tiers):
        yield to
        return
    if to is None:
        if memory.path == ":memory:" or is_database(memory.path):
            raise InvalidInput("say where the blobs shall lie, to=: this store has no folder")
        to = f"{memory.path}-kv"
    remote = "://" in str(to) and not str(to).startswith("file://")
    where = {"remote": str(to)} if remote else {"disk": to}
    with Tiers(host=0, **where) as tiers:
        yield tiers
