"""By: the model that compiles and is trained, and what its forms take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mnemon import methods
from mnemon.errors import MissingExtra
from mnemon.schedule.costs import Costs
from mnemon.schedule.live import notes
from mnemon.schedule.live.adapters import Shards

if TYPE_CHECKING:
    from mnemon.compiling.chunks import Keyed
    from mnemon.compiling.selected import Prepared
    from mnemon.memory import Memory

WRITER = "lora"
"""Of the slot `weights.write`."""


@dataclass(frozen=True)
class By:
    """A model at hand.

    Attributes:
        name: by which its costs are kept: of this model, on this device.
        keyed: cubes as texts and keys.
        shards: None: no adapters can be trained here, and `why`.
    """

    name: str
    prepared: Prepared
    keyed: Keyed
    shards: Shards | None
    why: str = ""


def at_hand(memory: Memory, model: Any, tokenizer: Any = None) -> By:
    """A model as `Memory.compile` takes it, made ready.

    Raises:
        InvalidInput: there is no such model, or none that can be reused.
        MissingExtra: torch or transformers is not installed.
    """
    from mnemon.compiling.selected import prepared

    ready = prepared(model, tokenizer)
    from mnemon.compiling.chunks import Keyed
    from mnemon.kv.reuse.fingerprint import fingerprint

    salt = memory.namespace.partition("/")[0]
    keyed = Keyed(ready.model, ready.tokenizer, salt, "", ready.head, ready.render)
    told = str(getattr(ready.model, "name_or_path", "") or type(ready.model).__name__)
    # Two models may have one name: the two in the package do.
    name = f"{told} {fingerprint(ready.model, ready.tokenizer).digest[:12]} {ready.model.device}"
    try:
        return By(name, ready, keyed, _shards(ready))
    except MissingExtra as error:
        return By(name, ready, keyed, None, str(error))


def _shards(by: Prepared) -> Shards:
    from mnemon.models.extras import require

    for package in ("safetensors", "peft"):
        require(package, package, "weights")
    import torch

    from mnemon.weights import layout
    from mnemon.weights.consolidation import bases

    writer = methods.load("weights.write", WRITER)
    base = bases(by.model, by.tokenizer)
    config = writer.config(by.model, base["name"])
    modules = dict(by.model.named_modules())
    shapes = {name: modules[name].weight.shape for name in layout.layers(config, modules)}
    zeros = {
        name: (torch.zeros(config["r"], columns), torch.zeros(rows, config["r"]))
        for name, (rows, columns) in shapes.items()
    }
    size = len(layout.to_bytes(layout.named(zeros)))
    return Shards(base["model"], size, writer.subjects)


def costs_of(by: By | None, given: Costs | None) -> Costs:
    """What was given, or measured here, or else the defaults; what a model's forms hold is always
    its own."""
    costs = given or notes.known_costs(None if by is None else by.name) or Costs()
    if by is None:
        return costs
    from mnemon.schedule.measuring import token_bytes

    costs = replace(costs, token_bytes=token_bytes(by.prepared.model))
    return costs if by.shards is None else replace(costs, adapter_bytes=by.shards.bytes)


def measure(by: By, remote: str | None = None) -> Costs:
    """Measure all that can be measured here, and keep it.

    Args:
        remote: a place's URL; what was measured of one before is kept if None.
    """
    from mnemon.schedule import measuring

    costs = measuring.with_embedding(measuring.measured(by.prepared.model))
    if by.shards is not None:
        costs = measuring.with_weights(costs, by.prepared.model, by.prepared.tokenizer)
    known = notes.known_costs(by.name)
    if remote is not None:
        costs = measuring.with_remote(costs, by.prepared.model, remote)
    elif known is not None and "remote" in known.measured:
        costs = replace(costs, remote=known.remote, measured=(*costs.measured, "remote"))
    notes.keep_costs(by.name, costs)
    return costs
