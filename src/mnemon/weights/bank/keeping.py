"""Keeping a bank in a memory: an artifact of the cubes that it was trained on.

So it is fresh or refused as every artifact is, and goes with each of its cubes. A bank that a model
has attached already is out of the store's reach: open it anew, and detach the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import safetensors.torch

from mnemon import methods
from mnemon.errors import AccessDenied, InvalidInput, NotFound
from mnemon.weights import governance
from mnemon.weights.bank.saving import SLOT, filled, packed, shaped
from mnemon.weights.consolidation import bases

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

    from mnemon.artifacts import Artifact
    from mnemon.cube import MemCube
    from mnemon.memory import Memory
    from mnemon.weights.layer import Bank, Layer

FORM = "bank"


def keep(
    memory: Memory, cubes: Sequence[MemCube], bank: Bank, method: Layer, model: PreTrainedModel,
    tokenizer: Any, figures: Mapping[str, float] | None = None,
) -> Artifact:  # fmt: skip
    """Keep a trained bank as an artifact of the form `bank`.

    Args:
        cubes: all that it was trained on, as they were read. Nothing can tell that one was left
            out, and a forgotten one would stay in the bank.
        method: that built it. model: the frozen base.
        figures: of the training, for the header.

    Raises:
        StaleArtifact: a cube has changed since it was read: train again.
        AccessDenied: a cube may not be compiled to weights (see `governance.withheld`).
        InvalidInput: no cubes, a bank that is attached, or tables that are elsewhere.
    """
    for id, why in governance.withheld(memory, cubes).items():
        raise AccessDenied(f"cube {id} may not be compiled to weights, {why}: leave it out")
    payload, manifest = packed(bank, method, model, tokenizer, figures)
    return memory.artifacts.derive(
        FORM, cubes, payload, method=methods.producer(method), model=manifest["base"]["model"],
        # Training may differ where options do not.
        options={**manifest["method"]["options"], "sha256": manifest["sha256"]},
        header={"bank": manifest},
    )  # fmt: skip


def kept(
    memory: Memory, model: PreTrainedModel, tokenizer: Any, key: str | None = None
) -> Bank:  # fmt: skip
    """A bank that `keep` kept, to be attached: the newest fresh one for this model, or by its key.

    Raises:
        NotFound: there is none, or its cube was forgotten. StaleArtifact: one of its cubes changed.
        InvalidInput: it was trained for another model or tokenizer, or the model has a memory now.
    """
    base = bases(model, tokenizer)["model"]
    found = memory.artifacts.open(key if key is not None else _newest(memory, base))
    if found.model != base or not found.method.startswith(f"method:{SLOT}/"):
        raise InvalidInput(f"artifact {found.key[:16]} is no bank of this model and tokenizer")
    bank = shaped(found.header["bank"], model)
    filled(cast("nn.Module", bank), safetensors.torch.load(found.payload or b""))
    return bank


def _newest(memory: Memory, base: str) -> str:
    fresh = [one for one in memory.artifacts.list(FORM) if one.fresh and one.model == base]
    if not fresh:
        raise NotFound(f"namespace {memory.namespace!r} has no fresh bank for this model: keep one")
    return fresh[-1].key
