"""Verifying: look at every form for what was forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mnemon.cube import Receipt
from mnemon.errors import InvalidInput
from mnemon.forgotten.looking import look
from mnemon.forgotten.report import Report
from mnemon.models.extras import require

if TYPE_CHECKING:
    from mnemon.forgotten.questions import Question
    from mnemon.memory import Memory

LIKELY = -1.0


def verify(
    memory: Memory, receipt: Receipt, asked: Sequence[Question] = (), model: Any = None,
    tokenizer: Any = None, *, ask: str | None = None, likely: float = LIKELY,
) -> Report:  # fmt: skip
    """Whether what a receipt says was forgotten is gone from every form of a memory's namespace.

    Looks at versions, at what searches find, at what other cubes say, at artifacts of every form,
    at places, at the store's own promises and, after a purge, at the bytes of its files. With a
    model, asks it: from what is recalled, by the gate, and with each adapter that is left.

    Args:
        asked: what `questions` gave before the forgetting. Without it only ids are looked for.
        model: a causal language model of transformers, or a name for `load`.
        tokenizer: the model's; by default the one that lies beside its weights.
        ask: how the bare model is asked (see `mnemon.weights.ask`); by default by its chat
            template, if it has one. Each adapter is asked as it was taught.
        likely: nats a token above which an adapter has the answer, though it does not say it; one
            token in e is right by chance at -1.

    Raises:
        InvalidInput: a dry run's receipt, or a memory behind a server.
        MissingExtra: the extra `[weights]`, with a model.
    """
    if receipt.dry_run:
        raise InvalidInput("this receipt is of a dry run: nothing was forgotten yet")
    if not hasattr(memory, "_store"):
        raise InvalidInput(
            f"what was forgotten is verified beside the store, and this memory is at {memory.path}"
        )
    known = [one for one in asked if one.cube in receipt.ids]
    looks = list(look(memory, receipt.ids, receipt.purged, known, memory.namespace))
    lessons = list({one.lesson: None for one in known if one.lesson is not None})
    if model is not None:
        for package in ("torch", "transformers", "safetensors", "peft"):
            require(package, package, "weights")
        from mnemon.forgotten.asking import Asking
        from mnemon.models.local.loading import both

        looks += Asking(memory, *both(model, tokenizer), ask).looks(lessons, likely)
    told = {one.cube for one in known if one.lesson is not None}
    unasked = tuple(id for id in receipt.ids if id not in told)
    return Report(
        receipt.ids, receipt.purged, tuple(looks), 0 if model is None else len(lessons), unasked
    )
